# SPDX-License-Identifier: Apache-2.0
"""A cloud to try Fenix on, sample VNF managers, an inspector, a verifier."""
