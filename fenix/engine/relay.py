# SPDX-License-Identifier: Apache-2.0
"""The outbox: notifications of one session, out in order.

``sending`` is committed before the send, and the window of a question
starts when it is out. What is found half sent after a crash is sent again
with the same message id, but for what today's clients act on every time.
"""

from fenix.notify import payloads
from fenix.notify.publishers import base as publishers
from fenix.workflow import ending
from fenix.workflow.turn import Reading
from fenix.workflow.verbs import asking
from fenix.workflow.verbs import telling

OUTBOX = ('publish', 'outbox')


def send(turn, most):
    """Start to publish what waits; the next batch follows its end.

    :param most: how many notifications go out between two commits
    """
    outbox = turn.picture.outbox
    reading = turn.memory.readings.setdefault(OUTBOX, Reading())
    while outbox and _needs_no_sending(turn, outbox[0]):
        _pass_over(turn, outbox.popleft())
    if not outbox or turn.in_flight(*OUTBOX):
        return
    turn.subject = 'outbox'
    if reading.not_before and not turn.passed(reading.not_before):
        return
    batch = []
    for event in outbox:
        if batch and (event.once or len(batch) == most):
            break
        _sending(turn, event)
        batch.append(event)
        if event.once:
            break
    turn.effect(*OUTBOX, args=tuple(
        publishers.Notification(
            message_id=event.message_id, event_type=event.event_type,
            payload=event.payload, created=event.created_at)
        for event in batch))


def _needs_no_sending(turn, event):
    """Tell whether an event counts as sent, or is no longer wanted."""
    if event.sending_at is not None and not turn.in_flight(*OUTBOX):
        return event.once
    ask = turn.picture.asks.get(event.ask_id)
    return (ask is not None and event.sending_at is None
            and ask.state == 'withdrawn')


def _pass_over(turn, event):
    """Take an event for sent, and have its window watched."""
    if event.sending_at is None:
        turn.change(event, message_id=None)     # Nobody is to be told.
        return
    ask = _published(turn, event)
    if ask is not None:
        turn.change(ask, unsure=True)
        turn.subject = ask.host
        turn.wake(turn.now)


def _sending(turn, event):
    ask = turn.picture.asks.get(event.ask_id)
    payload = event.payload
    if ask is not None and ask.reply_by is None:
        if _says_enough(turn, event, ask):
            return
        end = asking.end_of_window(turn, ask, turn.now)
        payload = payloads.with_times(payload, reply_at=end, actions_at=end)
        if ask.state == 'waiting':
            turn.change(ask, state='open')
    turn.change(event, sending_at=turn.now, payload=payload)


def _says_enough(turn, event, ask):
    """Tell whether an event may be repeated as it is.

    It names the end of a window; that may be a bit earlier than the end
    that counts, which follows from the publication.
    """
    return event.sending_at is not None and turn.now < turn.later(
        ask.window / 2, event.sending_at)


def _published(turn, event):
    turn.change(event, published_at=turn.now)
    ask = turn.picture.asks.get(event.ask_id)
    if ask is None:
        return None
    if ask.published_at is None:
        turn.change(ask, published_at=turn.now, reply_by=asking.end_of_window(
            turn, ask, turn.now))
        if ask.state == 'waiting':
            turn.change(ask, state='open')
    return ask


def _not_sent(turn, outbox, uncertain):
    """Note what a failed publication surely did not send.

    :param uncertain: how many of the rest, from the first, may be out
    """
    for place, event in enumerate(outbox):
        if event.sending_at is None:
            return
        if place >= uncertain:
            turn.change(event, sending_at=None)


def published(turn, sent, error):
    """Note how a batch went out.

    :param sent: the notifications that surely did
    :returns: names of the hosts that this concerns; None for the phase
    """
    outbox = turn.picture.outbox
    reading = turn.memory.readings.setdefault(OUTBOX, Reading())
    subjects = set()
    ids = {notification.message_id for notification in sent}
    while outbox and outbox[0].message_id in ids:
        event = outbox.popleft()
        ask = _published(turn, event)
        if ask is not None:
            subjects.add(ask.host)
        elif event.event_type == telling.HOST_EVENT:
            subjects.add(event.payload['host'])
    if error is None:
        reading.succeed(None, turn.now, turn.now)
    else:
        reading.fail(turn.now, error, turn.conf.notify.retry_interval)
        _not_sent(turn, outbox, getattr(error, 'uncertain', True))
        limit = turn.later(turn.conf.notify.max_delay, reading.failing_since)
        if turn.now >= limit and turn.session.reason is None:
            ending.fail(turn, 'notifications could not be published since '
                              f'{reading.failing_since:%Y-%m-%d %H:%M:%S}: '
                              f'{error}')
        elif reading.failures == 1:
            telling.warn(turn, f'notifications wait: {error}')
    return subjects
