# SPDX-License-Identifier: Apache-2.0
"""Starts nova-compute for several hosts, and ends.

    python -m tools.cloud.hypervisor.launcher DIRECTORY-OF-THE-CLOUD HOST...

Each is a child that goes on by itself. Nova is imported once for all of them,
which saves most of their time and memory. This runs with the Python of
OpenStack, which knows nothing of Fenix.
"""

import importlib
import os
import pathlib
import sys
import time
import traceback

# Before anything else: it chooses Nova's kind of threads.
from nova.cmd import compute

# isort: split
import nova.conf
import nova.virt

from tools.cloud import bus
from tools.cloud import configuration
from tools.cloud import processes
from tools.cloud import site as sites

HERE = pathlib.Path(__file__).resolve().parent
#: What is imported for the children.
NEEDED = ('nova.compute.manager', 'nova.network.neutron', 'nova.virt.fake',
          'oslo_messaging._drivers.impl_rabbit')
#: Seconds within which a conductor must be there.
PATIENCE = 180.0
LOOK = 0.3


def wait_for_conductor(transport_url: str):
    """Wait until a conductor takes calls.

    A nova-compute that calls before that loses ten seconds in a timeout.
    """
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if bus.consumers(transport_url, 'conductor'):
                return
        except OSError:
            pass    # The bus is not there yet either.
        time.sleep(LOOK)
    raise SystemExit(f'no nova-conductor within {PATIENCE:g} s')


def options(site: sites.Site, host: sites.Host) -> list[str]:
    """Return the command line of the nova-compute of a host."""
    return [word for name in (
        'nova.conf', f'{host.service}.conf',
        configuration.NOVA_OVERRIDES['nova-compute'])
        for word in ('--config-file', str(site.conf / name))]


def load(site: sites.Site, host: sites.Host):
    """Import Nova, for all hosts, with the configuration of one of them.

    Nova takes the intervals of its periodic tasks from the configuration
    while it is imported: they are the same for all hosts. Each child reads
    its own configuration when it begins.
    """
    nova.conf.CONF(options(site, host), project='nova')
    for name in NEEDED:
        importlib.import_module(name)
    # Options of the command line can be added only while nothing is parsed.
    nova.conf.CONF.clear()


def run(site: sites.Site, host: sites.Host):
    """Be the nova-compute of a host, to the end."""
    os.setsid()
    log = os.open(site.log / f'{host.service}.log',
                  os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())
    sys.argv = ['nova-compute', *options(site, host)]
    code = 1
    try:
        compute.main()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def main(directory: str, *names: str):
    """Start the nova-compute of hosts, which are given by their names."""
    site = sites.Site.load(pathlib.Path(directory))
    hosts = [host for host in site.hosts if host.name in names]
    # Nova looks for drivers in this package only.
    nova.virt.__path__.append(str(HERE))
    load(site, hosts[0])
    for cell in {host.cell for host in hosts}:
        wait_for_conductor(site.transport_url_of(cell))
    for host in hosts:
        child = os.fork()
        if child == 0:
            run(site, host)
        processes.note(site.run, host.service, child)


if __name__ == '__main__':
    main(*sys.argv[1:])
