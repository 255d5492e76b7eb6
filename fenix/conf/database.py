# SPDX-License-Identifier: Apache-2.0
"""The group [database] is oslo.db's own; only the default is ours."""

from oslo_db import options


def register(conf):
    options.set_defaults(conf)


def list_opts():
    return options.list_opts()
