# SPDX-License-Identifier: Apache-2.0
"""``fenix-sandbox chaos``: everything dies, and every session goes on."""
