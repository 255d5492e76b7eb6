# SPDX-License-Identifier: Apache-2.0
"""The driver for OpenStack: Nova, Placement and Aodh.

The one place that knows them. ``session`` holds the identity and the two
ways to speak, ``nova`` the version of Nova's API, ``views`` turns what Nova
says into Fenix's words, ``reads`` and ``effects`` are the two halves of the
interface, ``placement`` and ``aodh`` the other two services.
"""

from fenix.clouds.openstack.driver import OpenStackCloud

__all__ = ['OpenStackCloud']
