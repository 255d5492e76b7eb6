# SPDX-License-Identifier: Apache-2.0
"""Who acts around an engine on a virtual clock: VNF managers, host work."""

import datetime

from fenix import errors
from fenix import words
from fenix.db import inbox
from fenix.db import sessions
from fenix.workflow.actions import base as actions


class Clock:
    """A clock that is set by hand."""

    def __init__(self, time=None):
        self.time = time or datetime.datetime.now(datetime.UTC)

    def now(self):
        return self.time

    def seconds(self):
        return self.time.timestamp()


class Work(actions.Action):
    """An action that takes a while on the virtual clock.

    :ivar fail: the hosts on which it fails; None for pre and post
    :ivar started: (type, host, when) of each start
    """

    seconds = 5

    def __init__(self, harness):
        self.harness = harness
        self.rerunnable = True
        self.until = {}
        self.fail = set()
        self.started = []
        self.cancelled = []
        self.endless = False

    def start(self, run):
        clock = self.harness.clock
        self.started.append((run.type, run.host, clock.now()))
        if run.type == 'host':
            self.harness.record('host.work.start', host=run.host,
                                session=run.session_id)
        self.until[run.run_id] = clock.now() + datetime.timedelta(
            seconds=self.seconds)
        return self.status(run)

    def status(self, run):
        if run.run_id not in self.until:
            return actions.RunStatus(actions.LOST)
        if self.endless or self.harness.clock.now() < self.until[run.run_id]:
            return actions.RunStatus(actions.RUNNING, 'still at it')
        ok = run.host not in self.fail
        if run.type == 'host':
            self.harness.record('host.work.end', host=run.host, ok=ok,
                                session=run.session_id)
        if not ok:
            return actions.RunStatus(actions.FAILED, 'no', 'it broke')
        return actions.RunStatus(actions.DONE, 'ok')

    def cancel(self, run):
        self.cancelled.append(run.run_id)
        self.until.pop(run.run_id, None)


class Project:
    """A VNFM: hears notifications, answers at once or as it is told.

    :ivar heard: (question, payload) of all that it heard
    :ivar silent: questions that it does not answer
    :ivar refused: questions that it refuses
    :ivar action: what it chooses for its instances
    :ivar scale_in: how many instances it removes when asked
    :ivar delay: seconds after which it answers
    :ivar before_answer: called with a question before it answers
    """

    def __init__(self, harness, project_id):
        self.harness = harness
        self.project_id = project_id
        self.heard = []
        self.silent = set()
        self.refused = set()
        self.action = 'MIGRATE'
        self.scale_in = 2
        self.delay = 0
        self.before_answer = lambda question: None
        self._messages = {}

    def hear(self, notification):
        payload = notification.payload
        question = words.read_reply('ACK_' + payload['state'])[0]
        self.heard.append((question or words.INSTANCE_ACTION_DONE, payload))
        self._messages[id(payload)] = notification.message_id
        if question is None or question in self.silent:
            return
        if self.delay:
            self.harness.after(self.delay, self.answer, question, payload)
        else:
            self.answer(question, payload)

    def answer(self, question, payload):
        """Answer as set up."""
        self.before_answer(question)
        agree = question not in self.refused
        if question == words.SCALE_IN and agree:
            self.remove(self.scale_in)
        self.reply(payload, ('ACK_' if agree else 'NACK_')
                   + payload['state'], self.action)

    def remove(self, count):
        """Delete some instances that are in no group."""
        model = self.harness.model
        mine = [server for server in model.servers.values()
                if server.project == self.project_id
                and not server.deleted and server.group is None]
        for server in mine[:count]:
            model.delete(server.id)
        if mine[:count]:
            self.harness.record('vnf.scale', project=self.project_id,
                                direction='in', servers=[
                                    server.id for server in mine[:count]])

    def reply(self, payload, state, action=None, actions=None, instance=None):
        """Send a reply to where the payload says.

        It may be about a session that is gone: then it is answered 404.
        """
        try:
            self._reply(payload, state, action, actions, instance)
        except errors.SessionNotFound:
            self.harness.record(
                'reply', session=payload['session_id'],
                project=self.project_id, instance=instance, state=state,
                body={'instance_action': action}, code=404)

    def _reply(self, payload, state, action, actions, instance):
        if isinstance(payload['instance_ids'], list):
            instance = payload['reply_url'].split('/')[-1]
        # What its URL would list now.
        listed = None if instance else sorted(
            key for ask in sessions.open_asks(
                payload['session_id'], self.project_id)
            if ask.instance_id is None for key in ask.instance_ids)
        inbox.add_reply(payload['session_id'], self.project_id, state,
                        action=action, actions=actions, instance_id=instance)
        body = {'instance_action': action}
        if actions:
            body['instance_actions'] = actions
        self.harness.record(
            'reply', session=payload['session_id'], project=self.project_id,
            instance=instance, state=state, body=body, code=200,
            message_id=self._messages.get(id(payload)), instances=listed)
        self.harness.ring()

    def asked(self, question):
        """Return the payloads of a question that it heard."""
        return [payload for heard, payload in self.heard
                if heard == question]
