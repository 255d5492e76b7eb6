# SPDX-License-Identifier: Apache-2.0
"""Nova over HTTP, microversions 2.1 to 2.96."""
