# SPDX-License-Identifier: Apache-2.0
"""The group [database] is oslo.db's own; only two defaults are ours.

oslo.db would hold the first request for 100 seconds while the database is
away. The engine looks again by itself, and a client of the API had rather
know.
"""

from oslo_db import options


def register(conf):
    options.set_defaults(conf)
    conf.set_default('max_retries', 1, group='database')
    conf.set_default('retry_interval', 1, group='database')


def list_opts():
    return options.list_opts()
