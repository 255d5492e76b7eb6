# SPDX-License-Identifier: Apache-2.0
"""A small OpenStack of real services, as processes on 127.0.0.1.

    python -m tools.cloud up

Keystone, Placement, Glance, Neutron (its API), Nova, ceilometer and aodh on
a MariaDB and a RabbitMQ of their own; hosts with a hypervisor that only
pretends; and Fenix, in their catalogue. Who reads this begins with
``cloud.py``, which brings it up, and ``services.py``, which says what runs.
"""
