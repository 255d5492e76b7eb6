# SPDX-License-Identifier: Apache-2.0
"""The commands of fenix-sandbox: run, up and chaos."""

import json
import signal
import sys
import threading

from fenix.sandbox import display as displays
from fenix.sandbox import options as command_line
from fenix.sandbox import run
from fenix.sandbox import summary
from fenix.sandbox.chaos import chaos

#: Exit codes besides 0: not done or a rule broken; could not be tried.
FAILED = 1
BROKEN = 2
INTERRUPTED = 130

UP = """
Fenix          {api}/maintenance
cloud          {control} (handles), {compute} (Nova)
configuration  {directory}

export OS_AUTH_URL={auth} OS_IDENTITY_API_VERSION=3
export OS_USERNAME=admin OS_PASSWORD=sandbox OS_PROJECT_NAME=admin
export OS_USER_DOMAIN_NAME=Default OS_PROJECT_DOMAIN_NAME=Default

The VNF is the project "doctor", its user has that name and the same
password. Ctrl-C ends it all.
"""


def main(argv: list[str]) -> int:
    """Run a command and return its exit code."""
    def run_command(argv):
        options = command_line.parse(argv)
        return COMMANDS[options.command](options)

    return in_order(run_command, argv)


def in_order(call, argv: list[str]) -> int:
    """Call with arguments; return its exit code, or another if it breaks.

    Whatever happens, no process and no file is left behind.
    """
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        return call(argv)
    except run.ERRORS as error:
        print(f'fenix-sandbox: {error}', file=sys.stderr)
        return BROKEN
    except KeyboardInterrupt:
        print('fenix-sandbox: interrupted', file=sys.stderr)
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(signum, frame):
    raise KeyboardInterrupt


def run_session(options) -> int:
    """Take a cloud through a session; show it, and sum up."""
    # Standard output is for the figures alone if a program reads them.
    stream = sys.stderr if options.json else sys.stdout
    with displays.make(stream) as display:
        with run.Sandbox(options, display) as sandbox:
            session = sandbox.run_session()
        figures = summary.sum_up(options, session, sandbox.timeline.lines)
    print(summary.text(figures), file=stream)
    if options.json:
        print(json.dumps(figures))
    return 0 if summary.good(figures) else FAILED


def up(options) -> int:
    """Leave everything running until somebody ends it."""
    with displays.Plain(sys.stdout) as display:
        with run.Sandbox(options, display) as sandbox:
            print(UP.format(api=sandbox.fenix.api,
                            directory=sandbox.directory, **sandbox.urls),
                  flush=True)
            while not threading.Event().wait(1.0):
                sandbox.fenix.check()
    return 0


COMMANDS = {'run': run_session, 'up': up, 'chaos': chaos.main}
