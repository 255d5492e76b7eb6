# SPDX-License-Identifier: Apache-2.0
"""The questions that were published, and how they were answered."""

import dataclasses

from fenix.sandbox.verifier import words


@dataclasses.dataclass(frozen=True)
class Answer:
    """A reply that decided something."""

    t: float
    agreed: bool
    body: dict

    def suits(self, instances, server_id=None) -> bool:
        """Tell whether it may be about these instances.

        A reply that names only others belongs to an earlier question.

        :param instances: what the question is about, or None
        :param server_id: one of them, if that is all that is known
        """
        named = self.body.get('instance_actions')
        if not named or not isinstance(named, dict):
            return True
        if instances is not None:
            return not instances.isdisjoint(named)
        return server_id is None or server_id in named

    def action(self, server_id) -> str | None:
        """Return the action that it chose for an instance."""
        chosen = self.body.get('instance_actions')
        if isinstance(chosen, dict) and server_id in chosen:
            return chosen[server_id]
        return self.body.get('instance_action')


@dataclasses.dataclass
class Ask:
    """A question to a project, or about single instances.

    :ivar instances: the instances it concerns, or None while nobody told
    :ivar by_url: it was put in the form for a whole project
    :ivar host: the host that it is about, once a move showed it
    :ivar whole: replies for all of it, the first one decides
    :ivar single: answers for single instances of it
    """

    message_id: str
    session: str
    project: str
    question: str
    by_url: bool
    instances: frozenset[str] | None
    t: float
    deadline: float | None
    line: dict
    host: str | None = None
    whole: list[Answer] = dataclasses.field(default_factory=list)
    single: dict[str, Answer] = dataclasses.field(default_factory=dict)

    @property
    def answer(self) -> Answer | None:
        """The answer for all of it."""
        return next((answer for answer in self.whole
                     if answer.suits(self.instances)), None)

    @property
    def answered(self) -> bool:
        return self.answer is not None or bool(self.single)

    @property
    def answered_t(self) -> float:
        """When the first answer came."""
        every = [answer.t for answer in self.single.values()]
        if self.answer is not None:
            every.append(self.answer.t)
        return min(every)

    def answer_for(self, server_id) -> Answer | None:
        """Return the answer that counts for an instance."""
        if server_id in self.single:
            return self.single[server_id]
        whole = next((answer for answer in self.whole
                      if answer.suits(self.instances, server_id)), None)
        # Who refuses for one instance refuses the question, which is about
        # all of them together.
        return whole or next((answer for answer in self.single.values()
                              if not answer.agreed), None)

    def concerns(self, server_id) -> bool | None:
        """Tell whether it is about an instance; None: nobody told."""
        if self.instances is None:
            return None
        return server_id in self.instances


def _read(line) -> Ask:
    payload = line['payload']
    question = words.state(payload.get('state'))
    about = payload.get('instance_ids')
    by_url = not isinstance(about, list)
    ends = [words.moment(payload.get('reply_at'))]
    if question == 'MAINTENANCE':
        # Answers are collected until the work begins.
        ends.append(words.moment(payload.get('actions_at')))
    ends = [end for end in ends if end is not None]
    return Ask(line['message_id'], payload.get('session_id'),
               payload.get('project_id'), question, by_url,
               None if by_url else frozenset(about), line['t'],
               max(ends) if ends else None, line)


class Book:
    """All questions, found by what they are about."""

    def __init__(self):
        self.all: list[Ask] = []
        self._by_id: dict[str, Ask] = {}
        self._by_project: dict[str, list[Ask]] = {}
        self._by_session: dict[str, list[Ask]] = {}

    def published(self, line):
        """Note a notification; one that comes again opens nothing new."""
        if words.state(line['payload'].get('state')) not in words.QUESTIONS:
            return
        if line['message_id'] in self._by_id:
            return
        ask = _read(line)
        self.all.append(ask)
        self._by_id[ask.message_id] = ask
        self._by_project.setdefault(ask.project, []).append(ask)
        self._by_session.setdefault(ask.session, []).append(ask)

    def by_message(self, message_id) -> Ask | None:
        """Return the question with this message id."""
        return self._by_id.get(message_id)

    def of_session(self, session) -> list[Ask]:
        """Return what was asked for a session, oldest first."""
        return self._by_session.get(session, [])

    def of_project(self, project) -> list[Ask]:
        """Return what a project was asked, newest first."""
        return self._by_project.get(project, [])[::-1]

    def answered(self, line, question, agreed):
        """Match a reply to the open questions that it suits.

        As Fenix must, by what it says and by its path: a reply names no
        question.
        """
        t = min(line.get('sent_t') or line['t'], line['t'])
        answer = Answer(t, agreed, line.get('body') or {})
        told = line.get('instances')
        asked = self._by_id.get(line.get('message_id'))
        if asked is not None and asked.instances is None and told:
            asked.instances = frozenset(told)
        instance = line.get('instance')
        for ask in self.of_project(line['project']):
            if ask.session == line['session'] and ask.question == question:
                _settle(ask, instance, answer)


def _settle(ask, instance, answer):
    if instance is None or ask.instances == frozenset([instance]):
        ask.whole.append(answer)
    elif ask.concerns(instance) is not False:
        ask.single.setdefault(instance, answer)
