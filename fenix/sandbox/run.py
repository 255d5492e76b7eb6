# SPDX-License-Identifier: Apache-2.0
"""Puts the sandbox together, and runs a session in it."""

import argparse
import logging
import time

import requests

from fenix.sandbox import administrator
from fenix.sandbox import assembly
from fenix.sandbox import client as clients
from fenix.sandbox import constraints
from fenix.sandbox import database
from fenix.sandbox import inspector
from fenix.sandbox import installation
from fenix.sandbox import options as command_line
from fenix.sandbox import processes
from fenix.sandbox import vnf
from fenix.sandbox import vnfm
from fenix.sandbox.cloud import cloud
from fenix.sandbox.cloud import config
from fenix.sandbox.cloud import timeline

LOG = logging.getLogger(__name__)

PASSWORD = 'sandbox'  # noqa: S105 - everybody may know it
ADMIN = 'admin'
TENANT = 'doctor'
#: What an instance takes of its host; the flavor's id is its VCPU.
VCPUS = 2
RAM_MB = 1024
FLAVOR = str(VCPUS)
#: Seconds between two looks at the session.
LOOK = 0.2
#: Seconds that the deletion of a session may take.
DELETE_TIME = 120.0

#: What went wrong, in words that a person can act on.
ERRORS = (processes.ProcessError, database.DatabaseError, vnf.VnfError,
          administrator.AdminError, requests.RequestException, OSError)


class Sandbox(assembly.Assembly):
    """Cloud, VNF, manager, inspector and Fenix.

    :param options: of the command line
    :param display: told of what happens
    :raises Exception: one of ERRORS, when something does not start
    """

    def __init__(self, options: argparse.Namespace, display):
        super().__init__()
        self.options = options
        self.display = display
        self.manager: vnfm.Vnfm | None = None

    # Start, in the order that each part needs

    def _start(self):
        options = self.options
        self.directory = self._make_directory(
            options.directory, 'fenix-sandbox-')
        self._start_log(self.directory / 'sandbox.log')
        self.fenix = installation.Installation(
            self.directory, installation.free_port(), options.database,
            options.transport, options.engines, options.vocabulary,
            options.debug)
        self._start_cloud()
        self.tenant = self._client(TENANT)
        self.display.narrator.name_project(self.tenant.project_id, 'VNFM')
        self.display.say('Fenix starts')
        self._stack.callback(self.fenix.stop)
        self.fenix.start(self.urls, self.tenant.project_id)
        self._boot_vnf()
        self.fenix.wait()
        self.display.say(f'Fenix answers at {self.fenix.api}')
        self._start_listeners()
        self.admin = administrator.Administrator(
            self._client(ADMIN), self.timeline, self.fenix.api)

    def _start_cloud(self):
        self.display.say('the cloud starts')
        self.timeline = timeline.Timeline(self.options.timeline)
        self._stack.callback(self.timeline.close)
        self.timeline.subscribe(self.display.line)
        self.cloud = cloud.Cloud(self._cloud_config(), self.timeline)
        self.urls = self.cloud.start()
        self._stack.callback(self.cloud.stop)

    def _cloud_config(self):
        options = self.options
        hosts = [self._compute(number)
                 for number in range(1, options.hosts + 1)]
        hosts += [config.HostConfig(f'controller-{number}', compute=False,
                                    controller=True)
                  for number in range(1, options.controllers + 1)]
        return config.CloudConfig(
            hosts=hosts, seed=options.seed, maintenance_url=self.fenix.api,
            transport_url=options.transport, topic=self.fenix.topic,
            times=config.Times(
                migration=options.migration_time, host=options.host_time))

    def _compute(self, number):
        full = self.options.instances_per_host
        return config.HostConfig(f'compute-{number}', vcpus=VCPUS * full,
                                 ram_mb=RAM_MB * full)

    def _client(self, name):
        client = clients.Client(self.urls['auth'], name, PASSWORD, name)
        self._stack.callback(client.close)
        return client

    def _boot_vnf(self):
        options = self.options
        self.vnf = vnf.Vnf(
            'vnf', self.tenant, self.timeline,
            vnf.Size(options.hosts * options.instances_per_host, FLAVOR),
            options.switch_time, self.urls['control'])
        self.display.say('the VNF boots')
        self.vnf.boot()
        # Only now, so that they are empty.
        first = options.hosts + 1
        for number in range(first, first + options.spare):
            self.cloud.model.add_host(self._compute(number))

    def _start_listeners(self):
        options = self.options
        watcher = inspector.Inspector(self._client(ADMIN), self.timeline)
        self._stack.callback(watcher.stop)
        watcher.start()
        if options.vnfm == command_line.NONE:
            return
        self.vnf.announce()
        limits = None
        if options.constraints:
            limits = constraints.Limits(
                lead_time=options.lead_time,
                recovery_time=options.recovery_time,
                pair_recovery_time=2 * options.recovery_time)
        self.manager = vnfm.Vnfm(self.vnf, self.tenant, self.timeline,
                                 vnfm.Manners(options.vnfm, options.action,
                                              limits))
        self._stack.callback(self.manager.stop)
        self.manager.start()

    # A session

    def run_session(self) -> dict:
        """Take the cloud through a session and delete it.

        :returns: ``state`` and ``reason`` of the session, and what the
            engines took: ``engine_cpu_s`` and ``engine_rss_mb``
        """
        options = self.options
        self.admin.create(options.notice, options.workflow,
                          **self._request())
        state = self._follow(administrator.FINAL, options.timeout)
        result = {'state': state, 'reason': self.admin.reason,
                  **self._engine_figures()}
        if state not in administrator.FINAL:
            result['reason'] = (f'given up after {options.timeout:g} s: '
                                f'{self.admin.reason}')
        self.admin.delete()
        if self._follow((administrator.GONE,),
                        DELETE_TIME) != administrator.GONE:
            raise administrator.AdminError('the session does not go')
        if self.manager is not None:
            self.manager.withdraw()
        return result

    def _request(self):
        options = self.options
        request = {
            'actions': [{'plugin': 'command', 'type': 'host',
                         'metadata': {'command': installation.WORK}}],
            'settings': {'min_notice': min(10.0, options.notice),
                         'scale_in_window': options.window,
                         'reply_window': options.window,
                         'complete_window': options.window,
                         **dict(options.setting)}}
        for name in ('on_no_reply', 'on_refusal', 'on_unsubscribed'):
            if getattr(options, name) is not None:
                request[name] = getattr(options, name)
        return request

    def _follow(self, states, timeout) -> str | None:
        """Wait for one of these states; return the last one seen."""
        deadline = time.monotonic() + timeout
        last = None
        while last not in states and time.monotonic() < deadline:
            time.sleep(LOOK)
            self.fenix.check()
            last = self.admin.state() or last
        return last

    def _engine_figures(self):
        pids = [process.pid for process in self.fenix.engines]
        cpu = [processes.cpu_seconds(pid) for pid in pids]
        memory = [processes.memory_mb(pid) for pid in pids]
        return {'engine_cpu_s': None if None in cpu else round(sum(cpu), 2),
                'engine_rss_mb': (None if None in memory
                                  else round(sum(memory), 1))}
