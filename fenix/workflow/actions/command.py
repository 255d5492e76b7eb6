# SPDX-License-Identifier: Apache-2.0
"""A command that the operator of Fenix allows, run on the engine's host."""

import collections
import math
import os
import re
import shlex
import threading

from oslo_config import cfg

from fenix.workflow.actions import base
from fenix.workflow.actions import child

#: Of the engine's environment a command sees that much and no more.
PASSED_ON = {'PATH': os.defpath, 'LANG': 'C.UTF-8', 'HOME': '/'}

#: Keys of the metadata that are meant for the plug-in itself.
OWN_KEYS = ('command', 'timeout')

#: Ended runs that are remembered, should the engine ask once more.
REMEMBERED = 200


class Command(base.Action):
    """Runs one of ``[actions] commands``, without a shell.

    Metadata: ``command`` is its name in that option, ``timeout`` seconds
    that it may take, if that is less than ``[actions] command_timeout``. It
    runs in ``/`` with ``PATH``, ``LANG`` and ``HOME`` of the engine and with

    - ``FENIX_HOST``, ``FENIX_SESSION_ID``, ``FENIX_RUN_ID`` and
      ``FENIX_ACTION_TYPE``;
    - ``FENIX_METADATA_<KEY>`` for the rest of the action's metadata and
      ``FENIX_SESSION_METADATA_<KEY>`` for the session's, the keys in upper
      case and with ``_`` for all that is no letter or digit. Only strings,
      numbers and truth values (``true``, ``false``) are passed on.

    A run is executed once, however often it is started. To cancel it ends
    the command, and so does the end of the engine; the run is lost then.
    """

    def __init__(self, conf, changed):
        super().__init__(conf, changed)
        self._lock = threading.Lock()
        self._running = {}
        self._ended = collections.OrderedDict()
        self._cancelled = set()

    def may_rerun(self, run):
        return (run.metadata.get('command')
                in self.conf.actions.rerunnable_commands)

    def start(self, run):
        try:
            name, argv, timeout = self._what(run.metadata)
        except ValueError as error:
            return base.RunStatus(base.FAILED, reason=str(error))
        with self._lock:
            if run.run_id not in self._running and (
                    run.run_id not in self._ended):
                try:
                    self._running[run.run_id] = child.Child(
                        f'command "{name}"', argv, environment(run), timeout,
                        self.conf.actions.output_limit,
                        lambda: self._on_end(run.run_id))
                except (OSError, ValueError) as error:
                    return base.RunStatus(base.FAILED, reason=(
                        f'command "{name}" could not be started: {error}'))
        return self.status(run)

    def status(self, run):
        with self._lock:
            known = self._running.get(run.run_id)
            if known is None:
                return self._ended.get(run.run_id,
                                       base.RunStatus(base.LOST))
        return known.status()

    def cancel(self, run):
        with self._lock:
            known = self._running.get(run.run_id)
            if known is not None:
                self._cancelled.add(run.run_id)
        if known is not None:
            known.end('it was cancelled')

    def leave(self, run):
        self.cancel(run)

    def _on_end(self, run_id):
        with self._lock:
            status = self._running.pop(run_id).status()
            if run_id in self._cancelled:
                self._cancelled.remove(run_id)
            else:
                self._ended[run_id] = status
            if len(self._ended) > REMEMBERED:
                self._ended.popitem(last=False)
        self.changed(run_id)

    def _what(self, metadata):
        """Return name, words and timeout of the command to run.

        :raises ValueError: the metadata or the configuration are no good
        """
        name = metadata.get('command')
        try:
            commands = self.conf.actions.commands
        except cfg.Error as error:
            raise ValueError(f'[actions] commands cannot be read (a "$" has '
                             f'to be written as "$$"): {error}') from error
        if not isinstance(name, str) or name not in commands:
            raise ValueError(
                f'command {name!r} is not one of [actions] commands; the '
                'metadata of the action have to name one in "command"')
        try:
            argv = shlex.split(commands[name])
        except ValueError as error:
            raise ValueError(
                f'[actions] commands: the line of "{name}" cannot be read: '
                f'{error}') from error
        if not argv:
            raise ValueError(f'[actions] commands: "{name}" is empty')
        return name, argv, self._timeout(metadata)

    def _timeout(self, metadata):
        most = self.conf.actions.command_timeout
        timeout = metadata.get('timeout')
        if timeout is None:
            return most
        try:
            timeout = float(timeout)
        except (TypeError, ValueError):
            timeout = math.nan
        if not timeout > 0:
            raise ValueError('"timeout" in the metadata of the action has to '
                             'be a number of seconds above 0')
        return min(timeout, most)


def environment(run):
    """Return the whole environment of a run's command."""
    env = {name: os.environ.get(name, default)
           for name, default in PASSED_ON.items()}
    env.update(_variables('FENIX_SESSION_METADATA_', run.session_metadata))
    env.update(_variables('FENIX_METADATA_', {
        key: value for key, value in run.metadata.items()
        if key not in OWN_KEYS}))
    env.update(FENIX_HOST=run.host or '', FENIX_SESSION_ID=run.session_id,
               FENIX_RUN_ID=run.run_id, FENIX_ACTION_TYPE=run.type)
    return env


def _variables(prefix, metadata):
    return {prefix + re.sub('[^A-Z0-9]', '_', key.upper()): _text(value)
            for key, value in sorted(metadata.items())
            if isinstance(value, (str, int, float))}


def _text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)
