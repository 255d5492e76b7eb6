# SPDX-License-Identifier: Apache-2.0
"""The command: a site, sessions on it, a storm, and the verdict."""

import argparse
import json
import sys
import time

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
    stream = sys.stderr if options.json else sys.stdout

    def say(text):
        print(f'{time.strftime("%H:%M:%S")} {text}', file=stream, flush=True)
    with sites.Site(options, say) as site:
        for text in report.left_out(site):
            say(text)
        figures = _run(site, say)
    print(report.text(figures), file=stream)
    if options.json:
        print(json.dumps(figures))
    return 0 if judge.good(figures) else 1


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
    _settle(storm, slots, sizes, options.patience)
    lines = list(site.timeline.lines)
    report.keep(site)
    figures = judge.judge(
        lines, [outcome for slot in slots for outcome in slot.outcomes],
        site.ledger.takeovers, options.lease)
    return report.figures(site, tally, stormy, time.monotonic() - began,
                          {**figures, 'engine': sizes.figures()})


def _settle(storm, slots, sizes, patience):
    """Let the sessions that run end, with nothing in their way."""
    storm.calm()
    for slot in slots:
        slot.close()
    deadline = time.monotonic() + patience
    while any(slot.running for slot in slots) and (
            time.monotonic() < deadline):
        storm.tick()
        sizes.look(storm.pids)
        time.sleep(storms.LOOK)
    for slot in slots:
        slot.end()
