# SPDX-License-Identifier: Apache-2.0
"""Why no host can be emptied, and how much room is missing."""

import collections

from fenix.size import Size
from fenix.workflow.planner import fitting
from fenix.workflow.planner import model

#: Instances that a reason names one by one.
NAMED = 5

#: Hosts that are looked at closely: those with the least to move. Nearly the
#: same room is open to all hosts, so the one that lacks least is among them.
LOOKED_AT = 10


def weight(size, most):
    """Return a size as one number: its largest share of ``most``."""
    return max(size.vcpus / most[0], size.ram_mb / most[1],
               size.disk_gb / most[2])


def closest(view, hosts, targets):
    """Tell which of some hosts lacks least, and what.

    :param hosts: hosts whose instances do not fit, the cheapest first
    :param targets: the hosts that may receive instances, the best first
    :returns: :class:`NeedRoom`
    """
    most = [max([getattr(host.total, r) for host in view.hosts.values()]
                + [1]) for r in ('vcpus', 'ram_mb', 'disk_gb')]
    found = []
    hosts = sorted(hosts, key=lambda host: (
        any(not instance.movable for instance in view.on(host)),
        weight(sum((i.size for i in view.on(host)), Size()), most),
    ))[:LOOKED_AT]
    for n, host in enumerate(hosts):
        missing, whys, by_rules = _lack(
            view, host, [name for name in targets if name != host], most)
        found.append((by_rules, weight(missing, most), n, missing, whys))
    _by_rules, _weight, n, missing, whys = min(found, key=lambda f: f[:3])
    more = [f'and {len(whys) - NAMED} more'] if len(whys) > NAMED else []
    reason = '; '.join([
        f'host {hosts[n]} cannot be emptied', *whys[:NAMED], *more])
    if missing != Size():
        reason += f'; missing in all: {missing}'
    return model.NeedRoom(hosts[n], missing, reason)


def _lack(view, host, targets, most):
    """Place what fits and look at what is left.

    :returns: the missing room, a sentence for each instance that has no
        place, and whether something else than room stands in the way
    """
    units = fitting.units_of(view, [i.instance_id for i in view.on(host)])
    room = fitting.Room(view, units, targets)
    missing = Size()
    whys = []
    by_rules = False
    for unit in units:
        able = room.able(unit)
        fixed = [i for i in unit.instances if not i.movable]
        if fixed:
            by_rules = True
            whys.extend(f'{i.instance_id} {i.fixed}' for i in fixed)
        elif able:
            room.put(unit, able[0])
        elif not room.names:
            missing += Size(*unit.need)
            whys.append(f'{_what(unit)}: there is no host that may take it')
        else:
            short = _shortfall(unit, room, most)
            if short is None:
                by_rules = True
                whys.append(_rule(view, unit, room))
            else:
                i, size = short
                missing += size
                whys.append(f'{_what(unit)} finds no room, the nearest is '
                            f'{room.names[i]} with {size} missing')
                room.put(unit, i)
    return missing, whys, by_rules


def _shortfall(unit, room, most):
    """Return the allowed target that lacks least, and what it lacks."""
    found = []
    for i in range(len(room.names)):
        if room.allows(unit, i):
            size = Size(*[max(0, need - max(free, 0)) for need, free
                          in zip(unit.need, room.free[i], strict=True)])
            found.append((weight(size, most), i, size))
    return min(found, key=lambda f: f[:2])[1:] if found else None


def _rule(view, unit, room):
    """Say what keeps a unit off all targets: its bonds and its groups."""
    groups = {group.group_id: group for instance in unit.instances
              for group in view.groups_of(instance) if not group.soft}
    rules = list(_bonds(view, unit, room))
    for group_id in sorted(groups):
        group = groups[group_id]
        hosts = sorted({member.host for member in view.members(group_id)
                        if member.host is not None
                        and member not in unit.instances})
        if group.affinity or group.limit:
            where = (f'its other members are on {_names(hosts)}' if hosts
                     else 'it has no other members')
            rules.append(f'group {group_id} wants {group.rule}, and {where}')
    return (f'{_what(unit)} may go to none of {len(room.names)} hosts: '
            + ' and '.join(rules))


def _bonds(view, unit, room):
    """Say to which hosts instances are bound, if that leaves any out."""
    for only in {instance.only: None for instance in unit.instances
                 if instance.only is not None}:
        if only.issuperset(room.names):
            continue
        others = sorted(only - unit.sources)
        where = f'only {_names(others)}' if others else 'no other host'
        yield f'{_binder(view, only)} leaves it {where}'


def _binder(view, only):
    """Return what binds an instance to some hosts, as far as can be told."""
    by_zone = collections.defaultdict(set)
    for host in view.hosts.values():
        by_zone[host.zone].add(host.name)
    zone = next((zone for zone, names in by_zone.items() if names == only),
                None)
    if zone:
        return f'availability zone {zone}'
    return ('its flavor or its cell of Nova' if any(by_zone)
            else 'its availability zone, flavor or cell of Nova')


def _what(unit):
    ids = [instance.instance_id for instance in unit.instances]
    word = 'instance' if len(ids) == 1 else 'instances'
    return f'{word} {_names(ids)} ({Size(*unit.need)})'


def _names(names):
    more = f' and {len(names) - NAMED} more' if len(names) > NAMED else ''
    return ', '.join(names[:NAMED]) + more
