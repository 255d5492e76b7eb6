# SPDX-License-Identifier: Apache-2.0
"""The driver as the engine sees it: each half does its part."""

from fenix.clouds import base
from fenix.clouds.openstack import aodh
from fenix.clouds.openstack import effects
from fenix.clouds.openstack import nova as nova_api
from fenix.clouds.openstack import reads
from fenix.clouds.openstack import session

#: Seconds that Keystone and Nova have for an answer when a process starts.
CHECK = 3.0


class OpenStackCloud(base.Cloud):
    """An OpenStack cloud, from Queens on.

    Made without a request to the cloud; one object serves all threads of a
    process.

    :raises: CloudError if Fenix has no credentials
    """

    def __init__(self, conf):
        self._conf = conf
        sessions = session.Sessions(conf)
        nova = nova_api.Nova(sessions)
        self._reads = reads.Reads(nova, sessions.reader('placement'))
        self._effects = effects.Effects(nova, sessions.sender('compute'))
        self._alarms = aodh.Alarms(sessions)

    def check(self):
        quick = session.Sessions(self._conf, patience=CHECK)
        return nova_api.Nova(quick).check()

    def survey(self):
        return self._reads.survey()

    def services(self):
        return self._reads.services()

    def look_at_host(self, host):
        return self._reads.look_at_host(host)

    def look_at_server(self, instance_id):
        return self._reads.look_at_server(instance_id)

    def service(self, host):
        return self._reads.service(host)

    def subscriptions(self, event_type):
        return self._alarms.subscriptions(event_type)

    def disable(self, host, reason):
        return self._effects.disable(host, reason)

    def enable(self, host, mark):
        return self._effects.enable(host, mark)

    def set_reason(self, host, reason, mark):
        return self._effects.set_reason(host, reason, mark)

    def migrate(self, instance_id, target):
        return self._effects.migrate(instance_id, target)

    def live_migrate(self, instance_id, target):
        return self._effects.live_migrate(instance_id, target)

    def confirm(self, instance_id):
        return self._effects.confirm(instance_id)
