# SPDX-License-Identifier: Apache-2.0
"""Who or what a session, a host and an instance wait for, in words.

From the rows alone. What only a planner knows, as room that is missing or
the turn of a host, its engine has written into them.
"""

import collections

from fenix import words
from fenix.api.spelling import time
from fenix.api.spelling import wire_state
from fenix.db import models

#: What Nova and Placement have to show of a host in a step.
_SHOWN = {'ask': 'to be looked at', 'leave': 'to be enabled',
          'empty': 'to let its instances go: their groups may need time',
          'maintain': 'to be disabled and empty, and after its actions to '
                      'have its services up',
          'give_back': 'to be enabled'}


def of_session(conf, rows, deleting, asked):
    """Tell in words what would bring a session on.

    :param deleting: whether it is on its way out
    :param asked: kinds of requests that the engine has not taken up
    """
    row = rows.session
    if deleting:
        waits = ['an engine to give the hosts back']
    elif row.state == words.MAINTENANCE_FAILED:
        waits = ['an engine to take up the continuation'
                 if 'continue' in asked else
                 'the administrator: mend what the reason names, then PUT '
                 'continues the session; DELETE ends it']
    elif row.state == words.MAINTENANCE_DONE:
        return ['the administrator: nothing is left to do; DELETE removes '
                'the session']
    elif row.owner is None:
        waits = ['an engine: none owns the session']
    elif row.phase == 'announce':
        waits = ['the start of the work, not before '
                 + time(row.maintenance_at)]
    else:
        waits = []
    waits += [*[_ask_waits(conf, item) for item in rows.asks
                if item.state in models.UNANSWERED],
              *[_move_waits(item) for item in rows.moves
                if item.state in models.MOVING],
              *_run_waits(rows)]
    return waits or _cloud_waits(rows)


def _ask_waits(conf, row):
    question = wire_state(conf, row.question)
    about = (f' about instance {row.instance_id}' if row.instance_id
             else f' about host {row.host}' if row.host else '')
    if row.published_at is None:
        return (f'{question}{about} to be published to project '
                f'{row.project_id}')
    return (f'project {row.project_id} to answer {question}{about} by '
            f'{time(row.reply_by)}')


def _move_waits(row):
    to = f' for {row.target}' if row.target else ''
    return (f'instance {row.instance_id} to leave {row.source}{to} '
            f'({row.action}, {row.state}) by {time(row.deadline)}')


def _run_waits(rows):
    return [text for text, _ in _run_waits_by_run(rows)]


def _run_waits_by_run(rows):
    latest = {(row.action_id, row.host): row for row in rows.runs}
    for row in latest.values():
        where = f' on {row.host}' if row.host else ''
        if row.state == 'running':
            yield f'action {row.plugin}{where} to end (run {row.id})', row
        elif row.state == 'failed':
            yield (f'the administrator to have action {row.plugin}{where} '
                   f'retried or skipped (run {row.id})'), row


def _cloud_waits(rows):
    """Tell what the cloud has to show when nobody else has to act."""
    if rows.session.phase == 'make_room':
        return ['the cloud to show the room that was made']
    return [f'host {row.name}: {_held(row)}' if _held(row)
            else f'host {row.name} {_SHOWN[row.step]}' for row in rows.hosts
            if row.step in _SHOWN] or ['the engine to go on']


def _held(row):
    """Return what holds a host that should be empty, or None."""
    return row.waits_why if row.step == 'maintain' else None


#: Steps of hosts that are in hand.
_IN_HAND = ('empty', 'maintain', 'give_back', 'leave')


def _names(hosts, steps):
    return ', '.join(row.name for row in hosts if row.step in steps)


class Waits:
    """What the hosts and instances of a session wait for.

    :param rows: ``fenix.db.pictures.Rows``
    """

    def __init__(self, conf, rows):
        self._still = (rows.session.deleting
                       or rows.session.state == words.MAINTENANCE_FAILED)
        self._session = rows.session
        self._of_host = collections.defaultdict(list)
        self._of_instance = collections.defaultdict(list)
        for row in rows.asks:
            if row.state in models.UNANSWERED:
                text = _ask_waits(conf, row)
                if row.host is not None:
                    self._of_host[row.host].append(text)
                for key in row.instance_ids:
                    self._of_instance[key].append(text)
        for row in rows.moves:
            if row.state in models.MOVING:
                text = _move_waits(row)
                self._of_host[row.source].append(text)
                self._of_instance[row.instance_id].append(text)
        for text, row in _run_waits_by_run(rows):
            if row.host is not None:
                self._of_host[row.host].append(text)
        self._hosts = {row.name: row for row in rows.hosts}
        self._in_hand = _names(rows.hosts, _IN_HAND)
        self._on_their_way = _names(rows.hosts, ('ask', *_IN_HAND))
        self._scale_in = ', '.join(sorted({
            row.project_id for row in rows.asks
            if row.question == words.SCALE_IN
            and row.state in models.UNANSWERED}))
        self._told = collections.defaultdict(list)
        for row in rows.instances:
            if row.waits_why is not None and not row.gone and (
                    row.instance_id not in self._of_instance):
                self._told[row.host].append(
                    f'instance {row.instance_id}: {self._why(row)}')

    def of_host(self, row):
        """Return what a host waits for; empty: nothing."""
        if row.reason is not None:
            return ['the administrator: it has failed']
        if row.name in self._of_host or row.step in ('done', 'skipped'):
            return self._of_host.get(row.name, [])
        if self._still:
            return ['the session to be continued or deleted']
        if row.step == 'pending':
            return [self._of_pending(row)]
        if row.step in ('ask', 'maintain') and row.waits_why is not None:
            return [self._why(row)]
        if row.step == 'empty' and row.name in self._told:
            return self._told[row.name]
        return [_SHOWN[row.step]]

    def _of_pending(self, row):
        """Tell what a host waits for whose turn has not come."""
        if self._session.phase == 'announce':
            return ('the start of the work, not before '
                    + time(self._session.maintenance_at))
        if self._session.phase == 'make_room':
            return ('room: projects are asked to scale in: '
                    + (self._scale_in or 'all have answered'))
        if row.waits_why is not None:
            return self._why(row)
        return (f'its turn, after {self._on_their_way}'
                if self._on_their_way
                else 'the engine to choose the next host')

    def _why(self, row):
        """Tell what the engine wrote of a host or an instance."""
        whom = row.waits_for
        if whom == words.HOSTS_IN_HAND:
            whom = f'{whom} ({self._in_hand or "none by now"})'
        # Mostly the reason has the name anyway.
        return (row.waits_why if whom in row.waits_why
                else f'{whom}: {row.waits_why}')

    def of_instance(self, row):
        """Return what an instance waits for; empty: nothing."""
        known = self._of_instance.get(row.instance_id)
        if known or row.gone:
            return known or []
        host = self._hosts.get(row.host)
        step = host and host.step
        if step == 'empty' and not self._still:
            return [self._why(row) if row.waits_why is not None
                    else 'the engine to move it']
        if step in ('pending', 'ask') and not self._still:
            return [f'the turn of host {row.host}, which waits for '
                    + '; '.join(self.of_host(host))]
        return []
