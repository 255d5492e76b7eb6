# SPDX-License-Identifier: Apache-2.0
"""Nova's server groups, and which of them a server is in."""

from fenix.clouds import base
from fenix.clouds.openstack import views

#: Groups in a page: they have no marker, only an offset.
PAGE = 1000


class Groups:
    """The server groups of all projects.

    A server is in the group, or in none, that it was created in. So the
    groups of servers that were seen before are remembered, and all groups
    are listed again only for servers that are new.

    :param nova: ``nova.Nova``
    """

    def __init__(self, nova):
        self._nova = nova
        #: Group of every server that was asked for, or None.
        self._group_of = {}

    def of(self, instance_ids) -> dict[str, str | None]:
        """Return the group, or None, of each of these servers."""
        group_of = self._group_of
        if not all(each in group_of for each in instance_ids):
            group_of = self.list([*group_of, *instance_ids])[1]
        return group_of

    def list(self, instance_ids) -> tuple[dict[str, base.Group],
                                          dict[str, str | None]]:
        """Return all groups, and which one each of these servers is in.

        :param instance_ids: listed before: the groups have to be newer
        """
        fetch = self._nova.client.server_groups.list
        found = page = fetch(all_projects=True, limit=PAGE)
        while page:
            page = fetch(all_projects=True, limit=PAGE, offset=len(found))
            found.extend(page)
        groups = {each.id: views.group(each) for each in found}
        group_of = dict.fromkeys(instance_ids)
        group_of.update((member, group.group_id)
                        for group in groups.values()
                        for member in group.members)
        self._group_of = group_of
        return groups, group_of
