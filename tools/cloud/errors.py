# SPDX-License-Identifier: Apache-2.0


class CloudError(Exception):
    """The cloud cannot do that; the text says why and what helps."""
