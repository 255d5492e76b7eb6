# SPDX-License-Identifier: Apache-2.0
"""Shows a run: a live table on a terminal, else a line for each event."""

import collections
import threading
import time
import typing

from rich import console as consoles
from rich import live as lives
from rich import table as tables
from rich import text as texts

from fenix.sandbox import messages
from fenix.sandbox.verifier import story
from fenix.sandbox.verifier import world

#: Messages that stay on the screen.
MESSAGES = 14
#: How often a second the screen is drawn anew.
FRAMES = 8

_STYLES = {'ACTIVE': 'green', 'RESIZE': 'yellow', 'MIGRATING': 'yellow',
           'VERIFY_RESIZE': 'cyan', 'BUILD': 'blue', 'ERROR': 'bold red',
           'IN_MAINTENANCE': 'bold magenta', 'MAINTENANCE_COMPLETE': 'green'}


class Plain:
    """One line of text for each event.

    :param stream: where to
    """

    def __init__(self, stream: typing.TextIO):
        self._stream = stream
        self._lock = threading.Lock()
        self._start = time.time()
        self.narrator = messages.Narrator()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def line(self, line: dict):
        """Show a line of the timeline."""
        with self._lock:
            text = self.narrator.tell(line)
            if text is not None:
                self._write(line['t'], text)

    def say(self, text: str):
        """Show what the sandbox itself does."""
        with self._lock:
            self._write(time.time(), text)

    def _write(self, t, text):
        print(f'{t - self._start:7.2f} {text}', file=self._stream,
              flush=True)


class Live:
    """Hosts and instances as a table, and the newest messages under it."""

    def __init__(self, stream: typing.TextIO):
        self._lock = threading.Lock()
        self._start = time.time()
        self._messages = collections.deque(maxlen=MESSAGES)
        self._world = world.World(story.Story([]))
        self._states: dict[str, str] = {}
        self._working: set[str] = set()
        self._active: set[str] = set()
        self._session = ''
        self.narrator = messages.Narrator()
        self._live = lives.Live(
            console=consoles.Console(file=stream), refresh_per_second=FRAMES,
            get_renderable=self._draw)

    def __enter__(self):
        self._live.start()
        return self

    def __exit__(self, *error):
        self._live.stop()

    def line(self, line: dict):
        """Show a line of the timeline."""
        with self._lock:
            self._world.apply(line)
            self._note(line)
            text = self.narrator.tell(line)
            if text is not None:
                self._messages.append((line['t'], text))

    def say(self, text: str):
        """Show what the sandbox itself does."""
        with self._lock:
            self._messages.append((time.time(), text))

    def _note(self, line):
        match line['what']:
            case 'notify' if line['event_type'] == 'maintenance.host':
                payload = line['payload']
                self._states[payload['host']] = payload['state']
            case 'host.work.start':
                self._working.add(line['host'])
            case 'host.work.end':
                self._working.discard(line['host'])
            case 'vnf.active':
                self._active = {line['server']}
            case 'vnf.switch.end':
                self._active = {line['active']}
            case 'session' if line.get('state'):
                self._session = line['state']

    def _draw(self):
        with self._lock:
            grid = tables.Table.grid(expand=True)
            grid.add_row(self._hosts())
            grid.add_row(self._text())
            return grid

    def _hosts(self):
        table = tables.Table(
            title=f'{time.time() - self._start:5.0f} s   {self._session}',
            expand=True)
        for name in ('host', 'nova-compute', 'maintenance', 'instances'):
            table.add_column(name)
        for host in self._world.hosts.values():
            service = texts.Text('enabled', 'green')
            if not host.compute:
                service = texts.Text('-')
            elif not host.enabled:
                service = texts.Text('disabled', 'red')
            state = self._states.get(host.name, '')
            if host.name in self._working:
                state += ' (work)'
            table.add_row(host.name, service, texts.Text(
                state, _STYLES.get(state.partition(' ')[0], '')),
                self._servers(host.name))
        return table

    def _servers(self, host):
        text = texts.Text()
        for server in self._world.servers_on(host):
            star = '*' if server.id in self._active else ''
            text.append(f'{self.narrator.server(server.id)}{star}',
                        _STYLES.get(server.state, 'red'))
            move = self._world.moves.get(server.id)
            if move is not None and host == move.source:
                text.append(f' to {move.target}', 'yellow')
            text.append('  ')
        return text

    def _text(self):
        text = texts.Text()
        text.append('* the active instance\n\n', 'dim')
        for t, message in self._messages:
            text.append(f'{t - self._start:7.2f} ', 'dim')
            text.append(f'{message}\n')
        return text


def make(stream: typing.TextIO) -> Plain | Live:
    """Return the display that suits a stream."""
    return Live(stream) if stream.isatty() else Plain(stream)
