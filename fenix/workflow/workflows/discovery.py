# SPDX-License-Identifier: Apache-2.0
"""Which hosts a session is about."""

from fenix.db import claims
from fenix.db import models
from fenix.workflow import base
from fenix.workflow.verbs import booking
from fenix.workflow.verbs import viewing
from fenix.workflow.verbs import ways


class Discovery:
    """Finds the hosts of a session at its start."""

    def discover(self):
        """Take the hosts asked for, or all that the cloud has.

        :returns: whether the session has its hosts
        :raises Failed: Nova does not know a host, or there is none
        """
        if self.picture.hosts:
            return True
        survey = self.survey(self.session.created_at)
        if survey is None:
            return False
        known = {name: host for name, host in survey.hosts.items()
                 if host.is_compute or host.is_controller}
        wanted = self.session.wanted_hosts or sorted(known)
        unknown = [name for name in wanted if name not in known
                   and name not in self.session.other_hosts]
        if unknown:
            raise base.Failed(
                'Nova knows no host named ' + ', '.join(unknown)
                + ': correct "hosts", or list them in "other_hosts" too if '
                'only actions are to run on them')
        if not wanted:
            raise base.Failed('Nova has no hosts')
        if not self.session.wanted_hosts:
            # The API claims what a request names; these it did not know.
            self.turn.claims.append(claims.HostClaims(wanted))
        for position, name in enumerate(wanted):
            service = known.get(name)
            self.turn.add(models.Host(
                name=name, position=position, step='pending', round=0,
                is_compute=bool(service and service.is_compute),
                is_controller=bool(service and service.is_controller),
                announced=False))
            if service and not service.up:
                self.warn(f'host {name} does not report up', host=name)
        booking.hosts(self.turn.bookings, self.picture)
        for server in survey.servers.values():
            self.note_server(server)
        for server, why in viewing.stuck(self.turn, survey):
            self.warn(f'{ways.who(server)} on {server.host} {why}',
                      host=server.host, instance_id=server.instance_id)
        return True
