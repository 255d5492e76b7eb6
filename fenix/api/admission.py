# SPDX-License-Identifier: Apache-2.0
"""What a new session must satisfy beyond the form of its request."""

import dataclasses
import datetime
import re

from fenix import errors
from fenix.api import plugins
from fenix.api.schemas import sessions as schemas
from fenix.conf import planner
from fenix.conf import workflow as workflow_options
from fenix.db import clock
from fenix.notify import payloads

_TIME = re.compile(
    r'\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d([.,]\d{1,6})?)?'
    r' ?(Z|[+-]\d\d(:?\d\d)?)?', re.ASCII)

#: Deadlines are counted from the start, and must be dates too.
_LAST_YEAR = 9998


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A session as its administrator wants it."""

    workflow: str
    start: datetime.datetime
    hosts: list
    other_hosts: list
    actions: list
    settings: dict


def admit(body, conf):
    """Read the body of a new session.

    :param conf: the configuration
    :returns: :class:`Wanted`
    :raises errors.Invalid: naming the field that is wrong
    """
    wanted = Wanted(
        workflow=body.get('workflow', 'default'),
        start=read_time(body['maintenance_at']),
        hosts=body.get('hosts', []), other_hosts=body.get('other_hosts', []),
        actions=body.get('actions', []), settings=settings(body))
    check_limits(wanted.workflow, wanted.settings)
    check_margins(wanted.settings, conf)
    check_download(body)
    check_plugins(wanted.workflow, wanted.actions)
    check_metadata(body['metadata'])
    check_hosts(wanted.hosts, wanted.other_hosts)
    check_future(wanted.start, clock.now())
    return wanted


def read_time(text):
    """Return the aware UTC time that a text means; without a zone: UTC.

    :raises errors.BadTime: it means none
    """
    try:
        if not _TIME.fullmatch(text):
            raise ValueError
        moment = datetime.datetime.fromisoformat(text.replace(' Z', 'Z'))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.UTC)
        moment = moment.astimezone(datetime.UTC)
        if moment.year > _LAST_YEAR:
            raise ValueError
    except (ValueError, OverflowError):
        raise errors.BadTime(
            'maintenance_at is no time; write YYYY-MM-DD HH:MM:SS, in UTC.',
            field='maintenance_at') from None
    return moment


def check_future(moment, now):
    """Refuse a start that has passed.

    :param now: the time by the database's clock
    :raises errors.BadTime: it has
    """
    if moment < now:
        raise errors.BadTime(
            f'maintenance_at has passed: it is {now:%Y-%m-%d %H:%M:%S} UTC.',
            field='maintenance_at')


def check_plugins(workflow, actions):
    """Refuse plug-ins that are not installed.

    :raises errors.UnknownWorkflow, errors.UnknownAction: naming those
        that are
    """
    known = plugins.names(plugins.WORKFLOWS)
    if workflow not in known:
        raise errors.UnknownWorkflow(
            f'There is no workflow {workflow[:60]!r}; there are '
            f'{", ".join(known)}.', field='workflow')
    known = plugins.names(plugins.ACTIONS)
    for place, action in enumerate(actions):
        if action['plugin'] not in known:
            raise errors.UnknownAction(
                f'There is no action plug-in {action["plugin"][:60]!r}; '
                f'there are {", ".join(known)}.',
                field=f'actions[{place}].plugin')


def check_metadata(meta):
    """Refuse metadata that would not reach every VNF manager unharmed.

    It travels as the text of a Python literal, which some read as Python
    and some as YAML (CONTRACT.md 2.5).

    :raises errors.BadMetadata: naming what is wrong
    """
    for key, value in meta.items():
        problem = _metadata_problem(key) or _metadata_problem(value)
        if problem:
            raise errors.BadMetadata(
                f'metadata.{key[:60]}: {problem}.', field='metadata')
    problem = payloads.trait_problem(meta)
    if problem:
        raise errors.BadMetadata(f'metadata {problem}.', field='metadata')


def _metadata_problem(value):
    if value is None:
        return 'null is read as a text by some managers, leave it out'
    if isinstance(value, list | dict):
        return 'only texts, numbers, true and false can be carried'
    if isinstance(value, str):
        if value.startswith(('[', '{')):
            return 'a text that starts with [ or { is taken for a list or ' \
                   'an object'
        if '\\' in repr(value):
            return 'a text must be printable, without backslashes, and ' \
                   'not have both kinds of quotes'
    return None


def check_hosts(hosts, other_hosts):
    """Refuse names that notifications cannot carry.

    :raises errors.Invalid: naming the field
    """
    for field, names in (('hosts', hosts), ('other_hosts', other_hosts)):
        for place, name in enumerate(names):
            problem = payloads.trait_problem(name)
            if problem or name.strip() != name:
                raise errors.Invalid(
                    f'{field}[{place}] '
                    f'{problem or "has space around it"}.',
                    field=f'{field}[{place}]')


def check_download(body):
    """Refuse to fetch plug-ins.

    :raises errors.DownloadRefused: there is something to fetch
    """
    if body.get('download'):
        raise errors.DownloadRefused(
            'Fenix does not run code that a request makes it download; '
            'install the plug-in where the engine runs.', field='download')


def check_limits(workflow, found):
    """Refuse limits that a session would not keep.

    :raises errors.Invalid: there is one
    """
    for name in planner.VNF_ALONE:
        if workflow == 'default' and found.get(name):
            raise errors.Invalid(
                f'The workflow default does not keep the limit {name}; '
                'leave it out, or take the workflow vnf, with hosts_at_once '
                '1 for one host at a time.', field=f'settings.{name}')


def check_margins(found, conf):
    """Refuse times that do not fit those of the configuration.

    The options themselves are held to the same by ``engine.margins``.

    :raises errors.Invalid: there is one
    """
    window = conf.nova.unknown_window
    for name in workflow_options.LOOKED_FOR_WITHIN:
        if name in found and found[name] <= window:
            raise errors.Invalid(
                f'settings.{name} ({found[name]:g} s) must be longer than '
                f'[nova] unknown_window ({window:g} s): a request without '
                'an answer could not be looked for, and sent anew, in '
                'time. Make it longer, or leave it out: it is '
                f'{conf.workflow[name]:g} s then.', field=f'settings.{name}')


def settings(body):
    """Return the options that a session sets itself.

    :raises errors.Invalid: one is set twice, and not alike
    """
    found = dict(body.get('settings', {}))
    for name in schemas.POLICIES:
        if name in body and found.setdefault(name, body[name]) != body[name]:
            raise errors.Invalid(f'{name} is set twice, and not alike.',
                                 field=name)
    return found
