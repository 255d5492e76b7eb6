# SPDX-License-Identifier: Apache-2.0
"""Scenarios that are no session from its beginning to its end.

Each returns what did not come as it was to.
"""

import datetime
import time
import uuid

import requests

from fenix.sandbox import administrator
from tests.cloud import stage as stages

JSON = {'Content-Type': 'application/json', 'Accept': 'application/json'}
#: Seconds that a token is good for that is to run out.
SHORT = 5

#: Who calls: the administrator, a user of the VNF's project, one of another
#: project, the user of Fenix, one with the role "service" alone, one whose
#: token has run out, and one without any.
CALLERS = ('admin', 'own', 'other', 'fenix', 'service', 'expired', 'nobody')
CALLS = (
    ('GET', '/maintenance', None, '200 403 403 200 403 401 401'),
    ('POST', '/maintenance', 'session', '409 403 403 409 403 401 401'),
    ('GET', '/maintenance/{session}', None, '200 403 403 200 403 401 401'),
    ('GET', '/maintenance/{session}/detail', None,
     '200 403 403 200 403 401 401'),
    ('GET', '/maintenance/{session}/events', None,
     '200 403 403 200 403 401 401'),
    ('GET', '/maintenance/{session}/{project}', None,
     '200 200 403 200 403 401 401'),
    ('PUT', '/maintenance/{session}/{project}', 'reply',
     '200 200 403 200 403 401 401'),
    ('PUT', '/maintenance/{session}/{project}/{instance}', 'reply',
     '200 200 403 200 403 401 401'),
    ('PUT', '/instance/{instance}', 'constraint',
     '200 200 403 200 403 401 401'),
    ('GET', '/instance/{instance}', None, '200 200 403 200 403 401 401'),
    ('DELETE', '/instance/{instance}', None, '200 200 403 200 403 401 401'),
    ('PUT', '/instance_group/{group}', 'constraint',
     '200 200 403 200 403 401 401'),
    ('GET', '/instance_group/{group}', None, '200 200 403 200 403 401 401'),
    ('DELETE', '/instance_group/{group}', None,
     '200 200 403 200 403 401 401'),
    ('GET', '/maintenance/{session}/plan', None,
     '200 403 403 200 403 401 401'),
    ('POST', '/plan', 'session', '200 403 403 200 403 401 401'),
    # It has not failed, and has no such run.
    ('PUT', '/maintenance/{session}', 'continue',
     '409 403 403 409 403 401 401'),
    ('PUT', '/maintenance/{session}/actions/{group}', 'report',
     '404 403 403 404 403 401 401'),
    ('DELETE', '/maintenance/{session}', None, '- 403 403 - 403 401 401'),
)
#: Seconds within which an engine has read a reply.
TAKEN_UP = 2.0
#: A reply that answers nothing that is asked.
REPLY = {'state': 'ACK_INSTANCE_ACTION_DONE'}


def deleted(play) -> list[str]:
    """Delete a session while its first host is emptied."""
    state = play.follow(['PLANNED_MAINTENANCE', *administrator.FINAL])
    if state != 'PLANNED_MAINTENANCE':
        return [f'it was {state} before it could be deleted']
    stages.wait('a server moves', lambda: any(
        each['status'] != 'ACTIVE'
        for each in play.stage.cloud.servers().values()))
    play.delete()
    return []


def tokens(play) -> list[str]:
    """Have everybody try everything."""
    wrong = []
    here = _asked(play)
    site = play.stage.here.site
    callers = _callers(play)
    for method, path, body, codes in CALLS:
        for caller, expected in zip(CALLERS, codes.split(), strict=True):
            if expected == '-':
                continue
            if path.startswith('/instance'):
                # It belongs to whoever put it first; one that is not there
                # anybody may delete.
                _own(play).call('PUT', site.fenix_url
                                + path.format(**here), json={})
            code = requests.request(
                method, site.fenix_url + path.format(**here), timeout=60,
                headers={**JSON, **callers[caller]},
                json=_body(body, play)).status_code
            if str(code) != expected:
                wrong.append(f'{caller}: {method} {path}: {code}, not '
                             f'{expected}')
    return wrong


def api(play) -> list[str]:
    """Use the API as clients do (points 1 to 4, 7, 14 and 17)."""
    here = _asked(play)
    user = _own(play)
    root = play.stage.client('admin')
    wrong = []

    def ask(client, method, path, body=None, check=None):
        for slash in ('', '/'):
            answer = client.call(
                method, play.stage.here.site.fenix_url
                + path.format(**here) + slash,
                **({} if body is None else {'json': body}))
            if answer.status_code != 200 or not isinstance(
                    answer.json(), dict):
                wrong.append(f'{method} {path}{slash}: '
                             f'{answer.status_code} {answer.text}')
            elif check is not None and not check(answer.json()):
                wrong.append(f'{method} {path}{slash}: {answer.json()}')

    ask(root, 'GET', '/maintenance', check=lambda found: (
        here['session'] in found['sessions'] and found['session_id']
        == found['sessions']))
    ask(root, 'GET', '/maintenance/{session}',
        check=lambda found: found['state'] == 'MAINTENANCE')
    ask(user, 'GET', '/maintenance/{session}/{project}', check=lambda found: (
        set(found['instance_ids']) == {
            server for server, host in play.before.items()
            if host in play.hosts}))
    before = _answered(play)
    reply = {'state': 'ACK_MAINTENANCE', 'session_id': here['session'],
             'instance_ids': play.vnfs[0].servers, 'vendor': {'x': [1]}}
    for body in (reply, reply, REPLY, {'state': 'NACK_SCALE_IN'}):
        ask(user, 'PUT', '/maintenance/{session}/{project}', body)
        ask(user, 'PUT', '/maintenance/{session}/{project}/{instance}', body)
    time.sleep(TAKEN_UP)
    after = _answered(play)
    if after != before:
        wrong.append(f'replies without effect: {before}, then {after}')
    constraint = {'project_id': 'stacks', 'recovery_time': '60,',
                  'lead_time': '120,', 'resource_mitigation': 'True,',
                  'group_id': str(uuid.uuid4()), 'max_interruption_time': 1}
    for kind in ('instance', 'instance_group'):
        ask(user, 'DELETE', f'/{kind}/{uuid.uuid4()}')
    # An instance before its group, and its group gone before it.
    ask(user, 'PUT', '/instance/{instance}', constraint)
    group = f'/instance_group/{constraint["group_id"]}'
    ask(user, 'PUT', group, constraint, lambda found: True)
    ask(user, 'GET', group, check=lambda found: (
        found['recovery_time'] == 60
        and found['resource_mitigation'] is True))
    ask(user, 'GET', '/instance/{instance}', check=lambda found: (
        found['lead_time'] == 120
        and found['project_id'] == here['project']))
    ask(user, 'DELETE', group)
    ask(user, 'DELETE', '/instance/{instance}')
    wrong += _catalogue(play) + _second(play, root)
    answer = root.call('DELETE', play.url('/'))
    if answer.status_code != 200 or not isinstance(answer.json(), dict):
        wrong.append(f'DELETE of the session: {answer.status_code} '
                     f'{answer.text}')
    play.timeline.record('session', method='DELETE', body=None, state=None,
                         session=here['session'], code=answer.status_code)
    play.follow([administrator.GONE], 120.0)
    return wrong


def _answered(play) -> tuple:
    """Return how a session stands, once its first question is answered."""
    stages.wait('the answer counts', lambda: any(
        each['answered_at'] for each in play.read_detail()['asks']), 30.0)
    detail = play.read_detail()
    return detail['state'], [
        tuple(each[name] for name in ('question', 'state', 'actions'))
        for each in detail['asks']]


def _second(play, root) -> list[str]:
    """Start a session on an empty host, with a slash, and delete it."""
    play.also_maintain_another()
    body = {**_body('session', play), 'hosts': [play.hosts.pop()]}
    url = play.stage.here.site.fenix_url + '/maintenance'
    answer = root.call('POST', f'{url}/', json=body)
    if answer.status_code != 200 or 'session_id' not in answer.json():
        return [f'POST /maintenance/: {answer.status_code} {answer.text}']
    session = answer.json()['session_id']
    answer = root.call('DELETE', f'{url}/{session}')
    if answer.status_code != 200 or not isinstance(answer.json(), dict):
        return [f'DELETE: {answer.status_code} {answer.text}']
    stages.wait('the second session is gone', lambda: root.call(
        'GET', f'{url}/{session}').status_code == 404, 120.0)
    return []


def _catalogue(play):
    identity = play.stage.root
    services = identity.json(
        'GET', 'identity', '/services?type=maintenance')['services']
    if [each['name'] for each in services] != ['fenix']:
        return [f'services of type maintenance: {services}']
    endpoints = identity.json(
        'GET', 'identity', '/endpoints?interface=public&service_id='
        + services[0]['id'])['endpoints']
    return [f'public URL {each["url"]}' for each in endpoints
            if not each['url'].endswith('/v1')]


def _own(play):
    return play.stage.client(play.managers[0].user_name)


def _asked(play) -> dict:
    """Wait until the project is asked; return what fills the paths."""
    project = play.managers[0].project
    stages.wait('the project is asked', lambda: any(
        line['what'] == 'reply' and line['project'] == project
        for line in play.timeline.lines))
    return {'session': play.admin.session, 'project': project,
            'instance': play.vnfs[0].servers[0], 'group': str(uuid.uuid4())}


def _body(kind, play):
    at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    session = {'maintenance_at': at.strftime('%Y-%m-%d %H:%M:%S'),
               'metadata': {}, 'hosts': play.hosts}
    return {None: None, 'reply': REPLY, 'constraint': {'lead_time': 5},
            'continue': {}, 'report': {'state': 'DONE'},
            'session': session}[kind]


def _callers(play) -> dict[str, dict]:
    """Return the headers of each caller."""
    stage = play.stage
    own = play.managers[0].user_name
    other = next(name for names in stages.USERS.values() for name in names
                 if name != own)
    return {name: {'X-Auth-Token': token} for name, token in {
        'admin': stage.client('admin').token,
        'own': stage.client(own).token,
        'other': stage.client(other).token,
        'fenix': stage.plain('fenix').token,
        'service': stage.client(stage.service_user(), 'service').token,
        'expired': _expired(stage, own)}.items()} | {'nobody': {}}


def _expired(stage, user) -> str:
    """Return a token that was good and has run out."""
    client = stage.client(user)
    ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(
        seconds=SHORT)
    made = client.json(
        'POST', 'identity', f'/users/{client.user_id}/'
        'application_credentials', json={'application_credential': {
            'name': f'short-{time.time()}',
            'expires_at': ends.strftime('%Y-%m-%dT%H:%M:%S.000000Z')}})
    made = made['application_credential']
    answer = requests.post(
        f'{stage.here.site.auth_url}/auth/tokens', timeout=60, json={
            'auth': {'identity': {
                'methods': ['application_credential'],
                'application_credential': {
                    'id': made['id'], 'secret': made['secret']}}}})
    answer.raise_for_status()
    token = answer.headers['X-Subject-Token']
    # It is known to be good; then it is not any more.
    code = requests.get(f'{stage.here.site.fenix_url}/instance', timeout=60,
                        headers={'X-Auth-Token': token}).status_code
    if code != 200:
        raise RuntimeError(f'a token that has not run out gets {code}')
    while datetime.datetime.now(datetime.UTC) < ends:
        time.sleep(0.2)
    time.sleep(1.0)
    return token


SCRIPTS = {'deleted': deleted, 'tokens': tokens, 'api': api}
