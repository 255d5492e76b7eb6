# SPDX-License-Identifier: Apache-2.0
"""The command: a site, sessions on it, a storm, and the verdict."""

import argparse
import json
import sys
import time
import typing

from fenix.sandbox.chaos import judge
from fenix.sandbox.chaos import report
from fenix.sandbox.chaos import site as sites
from fenix.sandbox.chaos import sizes as all_sizes
from fenix.sandbox.chaos import storm as storms

#: Seconds between two words about how far it is.
WORD = 15.0
#: Seconds until the first kill: the sessions have begun.
START = 3.0


def main(options: argparse.Namespace) -> int:
    """Run sessions, kill what runs them, judge.

    :returns: 0 if everything was as it has to be
    """
    figures = run(options, sys.stderr if options.json else sys.stdout)
    if options.json:
        print(json.dumps(figures))
    return 0 if judge.good(figures) else 1


def run(options: argparse.Namespace, stream: typing.TextIO) -> dict:
    """Run sessions, kill what runs them, and return the figures.

    :param stream: where it is told what is going on
    """
    def say(text):
        print(f'{time.strftime("%H:%M:%S")} {text}', file=stream, flush=True)
    with sites.Site(options, say) as site:
        for text in report.left_out(site):
            say(text)
        figures = _run(site, say)
    print(report.text(figures), file=stream)
    return figures


def _run(site, say) -> dict:
    options = site.options
    tally = storms.Tally()
    storm = storms.Storm(site, tally)
    sizes = all_sizes.Sizes(sites.HOSTS * options.sessions)
    slots = site.make_slots()
    began = time.monotonic()
    for slot in slots:
        slot.start()
    last_word = began
    told = 0
    while time.monotonic() < began + options.seconds and (
            tally.kills < options.kills):
        storm.killing = time.monotonic() > began + START
        storm.tick()
        sizes.look(storm.pids)
        if time.monotonic() > last_word + WORD:
            last_word = time.monotonic()
            say(report.progress(tally, slots, site.ledger))
            for each in tally.unexpected[told:]:
                say(each)
            told = len(tally.unexpected)
        time.sleep(storms.LOOK)
    stormy = time.monotonic() - began
    say('the storm is over; sessions come to their ends')
    _settle(site, storm, tally, slots, sizes, say)
    # To judge takes the sandbox a while, too.
    seconds, cpu = time.monotonic() - began, site.cpu(storm.pids)
    lines = list(site.timeline.lines)
    report.keep(site)
    figures = judge.judge(
        lines, [outcome for slot in slots for outcome in slot.outcomes],
        site.ledger.takeovers, options.lease)
    return report.figures(site, tally, stormy, seconds, {
        **figures, 'engine': sizes.figures(), 'cpu_s': cpu})


def _settle(site, storm, tally, slots, sizes, say):
    """Let the sessions that run end, with nothing in their way."""
    storm.calm()
    for slot in slots:
        slot.close()
    last_word = time.monotonic()
    deadline = last_word + site.options.patience
    while any(slot.running for slot in slots) and (
            time.monotonic() < deadline):
        storm.tick()
        sizes.look(storm.pids)
        if time.monotonic() > last_word + WORD:
            last_word = time.monotonic()
            say(report.progress(tally, slots, site.ledger))
        time.sleep(storms.LOOK)
    for slot in slots:
        slot.end()
