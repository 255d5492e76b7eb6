# SPDX-License-Identifier: Apache-2.0
"""A small cloud that speaks Keystone, Nova, Placement and AODH over HTTP.

``model`` is the cloud itself, pure and on an injected clock; the other
modules let real client libraries see it. ``cloud.Cloud`` assembles all.
"""
