# SPDX-License-Identifier: Apache-2.0
"""The software of the cloud: two servers of Debian, OpenStack from PyPI."""

import contextlib
import hashlib
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys

from tools.cloud import errors
from tools.cloud import services
from tools.cloud import site as sites

REQUIREMENTS = pathlib.Path(__file__).with_name('requirements.txt')
#: Programs that must be there, and the packages of Debian that have them.
PACKAGES = {'mariadbd': 'mariadb-server',
            'mariadb-install-db': 'mariadb-server',
            'rabbitmq-server': 'rabbitmq-server',
            'epmd': 'erlang-base'}
#: Asked by Debian's packages before they start a server; 101 is "no".
POLICY = pathlib.Path('/usr/sbin/policy-rc.d')


def install(site: sites.Site, say):
    """Install what is missing.

    :param say: called with what is done, if anything is
    :raises errors.CloudError: it cannot be, with what would help
    """
    if importlib.util.find_spec('pyuwsgi') is None:
        raise errors.CloudError(
            f'fenix-api needs pyuwsgi under {sys.executable}: "make cloud" '
            f'installs it, or "pip install pyuwsgi"')
    missing = missing_packages()
    if missing:
        say(f'apt-get installs {", ".join(missing)}')
        _install_packages(missing)
    if not _is_installed(site):
        say(f'pip installs OpenStack in {site.venv}')
        _install_openstack(site)


def missing_packages() -> list[str]:
    """Return the packages of Debian of which a program is not there."""
    path = f'{os.environ.get("PATH", "")}:{services.SERVERS_PATH}'
    return sorted({package for program, package in PACKAGES.items()
                   if shutil.which(program, path=path) is None})


def _install_packages(names):
    words = ' '.join(names)
    if shutil.which('apt-get') is None:
        raise errors.CloudError(
            f'the cloud needs {" and ".join(names)} (so they are called by '
            f'Debian and Ubuntu): install them, this can be done here only '
            f'with apt-get')
    if os.geteuid() != 0:
        raise errors.CloudError(
            f'the cloud needs Debian packages that only root can install: '
            f'"apt-get install --no-install-recommends {words}". Their '
            f'servers need not run: the cloud starts its own')
    command = ['apt-get', 'install', '-y', '-q', '--no-install-recommends',
               *names]
    with _no_servers_started():
        done = _apt(command)
        if done.returncode != 0:
            # The list of packages may be too old, or none.
            _apt(['apt-get', 'update', '-q'])
            done = _apt(command)
    if done.returncode != 0:
        raise errors.CloudError(
            f'"{" ".join(command)}" failed:\n{_tail(done.stdout)}')


def _apt(command):
    return subprocess.run(  # noqa: S603 - our own command
        command, env={**os.environ, 'DEBIAN_FRONTEND': 'noninteractive'},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors='replace', check=False)


@contextlib.contextmanager
def _no_servers_started():
    """Have packages leave the servers that they bring alone."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text('#!/bin/sh\nexit 101\n')
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def _is_installed(site):
    try:
        return (site.venv / 'installed').read_text() == fingerprint()
    except FileNotFoundError:
        return False


def fingerprint() -> str:
    """Return what is different for each set of versions."""
    return hashlib.sha256(
        sys.version.encode() + REQUIREMENTS.read_bytes()).hexdigest()


def _install_openstack(site):
    # What is there may be of another Python, or half done.
    shutil.rmtree(site.venv, ignore_errors=True)
    log = site.directory / 'install.log'
    python = site.program('python')
    wanted = ('-r', str(REQUIREMENTS))
    with log.open('wb') as stream:
        def run(*command):
            return subprocess.run(  # noqa: S603 - our own commands
                command, stdin=subprocess.DEVNULL, stdout=stream,
                stderr=stream, check=False).returncode == 0

        done = run(sys.executable, '-m', 'venv', str(site.venv)) and (
            run(python, '-m', 'pip', 'install', '-q', 'uv',
                '-c', str(REQUIREMENTS))
            and run(site.program('uv'), 'pip', 'install', '--no-cache',
                    '--compile-bytecode', '--python', python, *wanted)
            # Slower, but it knows proxies and mirrors that are set up for it.
            or run(python, '-m', 'pip', 'install', *wanted))
    if not done:
        raise errors.CloudError(
            f'OpenStack could not be installed, see {log}:\n'
            f'{_tail(log.read_text(errors="replace"))}')
    (site.venv / 'installed').write_text(fingerprint())


def _tail(text):
    return '\n'.join(text.splitlines()[-15:])
