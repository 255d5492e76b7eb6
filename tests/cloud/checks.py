# SPDX-License-Identifier: Apache-2.0
"""What is looked at when a scenario is over."""

import ast
import statistics
import time

import yaml

from fenix.sandbox import verifier
from fenix.sandbox.verifier import measures
from fenix.sandbox.verifier import reaction
from fenix.sandbox.verifier import story as stories
from fenix.sandbox.verifier import words
from tests.cloud import audit
from tests.cloud import stage as stages
from tests.cloud import together
from tests.cloud.scenarios import model
from tools.cloud import processes

#: Characters of a trait that ceilometer keeps.
TRAIT = 255
#: Seconds of notice that are enough for the round of MAINTENANCE (contract,
#: section 8, 10).
ENOUGH = 30.0
#: Seconds within which the last alarm is with the inspector.
ALARM = 20.0
LOOK = 0.5
#: Seconds after a window within which the session must go on; a takeover, a
#: slow machine and Nova's own time are in it.
SLACK = 90.0


def check(play):
    """Fill in the figures of a play and what should not be."""
    lines = play.timeline.lines
    scenario = play.scenario
    figures = measures.measure(lines)
    result = play.result
    result.makespan_s = figures['makespan_s']
    result.interruption_s = figures['service_interruption_s']
    result.moves = audit.moves(play.stage.cloud, play.since)
    result.together = together.most(lines, play.before.values())
    reactions = list(reaction.seconds(stories.Story(lines)))
    result.reaction_ms = round(max(reactions) * 1000) if reactions else None
    hosts = _maintained(play)
    spoilt = play.fault.spoils
    found = audit.audit(
        play.stage.cloud, play.since, [vnf.pair for vnf in play.vnfs],
        _to_be_moved(play, hosts), play.absent, spoilt)
    found |= {
        'rules that never bend': [
            f'rule {breach.rule}: {breach.subject}: {breach.what}'
            for breach in verifier.verify(lines, SLACK)],
        'hosts empty when they go out': play.inspector.found,
        'each host out and back once': _told(play, hosts),
        'hosts at once': _at_once(scenario, result),
        'zones are kept': audit.outside(play.stage.cloud, [
            (vnf.servers, _hosts_of(play, spec.zone)) for vnf, spec
            in zip(play.vnfs, scenario.vnfs, strict=True) if spec.zone]),
        'service goes on': _interrupted(play, result),
        'moved as chosen': audit.other_ways(
            play.stage.cloud, play.since, play.ways),
        'as many servers as before': [
            f'{vnf.name}: {len(vnf.servers)}, not {spec.instances}'
            for vnf, spec in zip(play.vnfs, scenario.vnfs, strict=True)
            if len(vnf.servers) != spec.instances],
        'the servers of the managers': audit.unknown(
            play.stage.cloud, [server for vnf in play.vnfs
                               for server in vnf.servers]),
        'the inspector was told': _inspected(play, hosts),
        'work starts when it was to': _started(play),
        'clients understand': [problem for manager in play.managers
                               for problem in manager.problems],
        'notifications': notifications(lines)}
    if scenario.crowd:
        found |= _crowd(play)
    result.found |= {name: what for name, what in found.items() if what}


def _crowd(play) -> dict[str, list[str]]:
    """Look at the servers of others, and what they cost."""
    # Only after an empty page one is known to be whole.
    lists = [each for each in play.stage.proxy.lists if each[-1][1] == 0]
    count = play.scenario.crowd
    if not lists:
        return {'all servers are listed': ['no list came to its end']}
    play.result.figures |= {
        'lists of all servers': len(lists),
        'pages of a list': max(map(len, lists)),
        'seconds of a list': statistics.median(
            sum(took for took, _ in each) for each in lists),
        'seconds of the slowest page': max(
            took for each in lists for took, _ in each),
        **{f'MB of {name}': processes.memory_mb(play.stage.here.pid(name))
           for name in stages.ENGINES}}
    return {
        'the crowd is left alone': play.stage.crowd.touched(),
        'all servers are listed': [
            f'{there} of {count} on {len(each)} pages' for each in lists
            if (there := sum(number for _, number in each)) < count]}


def _hosts_of(play, zone):
    return [play.used[number - 1]
            for number in play.scenario.zones[zone]]


def _maintained(play):
    """Return the hosts that Fenix says are done."""
    if play.detail is None:
        return []
    return sorted(host['name'] for host in play.detail['hosts']
                  if host['state'] == 'MAINTENANCE_COMPLETE')


def _to_be_moved(play, hosts):
    if play.result.state != model.DONE:
        return {}
    return {server: host for server, host in play.before.items()
            if host in hosts}


def _told(play, hosts):
    """Compare what everybody was told of hosts with what is done."""
    if play.detail is None or play.result.state != model.DONE:
        return []
    told = {'IN_MAINTENANCE': [], 'MAINTENANCE_COMPLETE': []}
    for line in play.timeline.lines:
        if (line['what'] == 'notify'
                and line['event_type'] == 'maintenance.host'):
            told[line['payload']['state']].append(line['payload']['host'])
    wrong = [f'{state}: {names}, not {hosts}'
             for state, names in told.items() if sorted(names) != hosts]
    skipping = 'skip' in play.scenario.policies.values()
    if not skipping and not set(play.hosts) <= set(hosts):
        wrong.append(f'done are only {hosts}')
    return wrong


def _inspected(play, hosts):
    """Compare what aodh told the inspector with the hosts that are done."""
    if play.detail is None or play.result.state != model.DONE or (
            play.fault.spoils):
        return []
    deadline = time.monotonic() + ALARM
    while True:
        wrong = []
        for state in ('IN_MAINTENANCE', 'MAINTENANCE_COMPLETE'):
            told = sorted(line['host'] for line in list(play.timeline.lines)
                          if line['what'] == 'inspector'
                          and line['state'] == state)
            if told != hosts:
                wrong.append(f'{state}: {told}, not {hosts}')
        if not wrong or time.monotonic() > deadline:
            return wrong
        time.sleep(LOOK)


def _started(play):
    """Return whose notice was moved although there was enough of it."""
    if play.scenario.notice < ENOUGH:
        return []
    wanted = stories.Story(play.timeline.lines).starts_at(
        play.admin.session)
    return [f'at {line["payload"]["actions_at"]}'
            for line in play.timeline.lines if line['what'] == 'notify'
            and line['event_type'] == 'maintenance.scheduled'
            and line['payload']['state'] == 'MAINTENANCE'
            and words.moment(line['payload']['actions_at']) != wanted]


def _at_once(scenario, result):
    count = len(result.together)
    if count >= scenario.at_once:
        return []
    return [f'{count} with servers were out, not {scenario.at_once}']


def _interrupted(play, result):
    """Nobody switches over who does not know of anything."""
    deaf = any(not spec.alarms or spec.mode == model.SILENT
               for spec in play.scenario.vnfs)
    if deaf or not result.interruption_s:
        return []
    return [f'{result.interruption_s} s without']


def notifications(lines: list[dict]) -> list[str]:
    """Return what is against sections 2.1 and 2.5 of the contract."""
    wrong = []
    for line in lines:
        if line['what'] != 'notify':
            continue
        if line.get('context_project') is not None:
            wrong.append(f'{line["event_type"]} has a project of its own')
        for name, value in line['payload'].items():
            problem = _trait_problem(value)
            if problem:
                wrong.append(f'{line["event_type"]} {name}: {problem}')
    return wrong


def _trait_problem(value):
    text = str(value)
    if len(text) > TRAIT:
        return f'{len(text)} characters'
    if isinstance(value, list | dict):
        # Some managers take it for Python, others for YAML.
        if ast.literal_eval(text) != value or yaml.safe_load(text) != value:
            return f'{text} is not read as it was meant'
    elif text.startswith(('[', '{')):
        return f'{text} looks like a list'
    return None
