# SPDX-License-Identifier: Apache-2.0
"""What Fenix counts about itself, for Prometheus: all of it, in one place.

What happens is counted where it happens. What stands (sessions, queues, the
lease) is read when somebody asks, and costs nothing until then. Labels have
few values, all of them known before: never the id of anything.

With ``PROMETHEUS_MULTIPROC_DIR`` in the environment the processes of one WSGI
server add up what they count in files there, and each of them answers for
all.
"""

import dataclasses
import os

import prometheus_client
from prometheus_client import core
from prometheus_client import multiprocess

MULTIPROCESS = 'PROMETHEUS_MULTIPROC_DIR' in os.environ
CONTENT_TYPE = prometheus_client.CONTENT_TYPE_LATEST

# When each series was made: twice as many of them, and nobody asks.
prometheus_client.disable_created_metrics()
_REGISTRY = prometheus_client.CollectorRegistry()
if not MULTIPROCESS:
    prometheus_client.ProcessCollector(registry=_REGISTRY)

#: Seconds, for what takes no longer than a request.
_QUICK = (.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10)
#: Seconds, for what crosses a cloud.
_SLOW = (.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120)


def _counter(name, text, *labels):
    return prometheus_client.Counter(
        f'fenix_{name}', text, labels, registry=_REGISTRY)


def _seconds(name, text, *labels, buckets=_QUICK):
    return prometheus_client.Histogram(
        f'fenix_{name}_seconds', text, labels, buckets=buckets,
        registry=_REGISTRY)


# -- the API ------------------------------------------------------------------

REQUESTS = _seconds(
    'api_request', 'Time from a request to its answer', 'method', 'route',
    'status')

# -- the engine ---------------------------------------------------------------

RENEWALS = _counter(
    'lease_renewals', 'Tries to renew the lease: renewed; lost, as it had '
    'run out; withheld, as turns were stuck; failed, with the database',
    'outcome')
TAKEN = _counter('sessions_taken', 'Sessions taken, takeovers among them')
TAKEOVERS = _counter(
    'takeovers', 'Sessions taken from an engine whose lease had run out')
PURGED = _counter(
    'sessions_purged', 'Sessions deleted as their retention had passed')
TURNS = _seconds('turn', 'Time of a turn: steps, and their transaction')
FAILED_TURNS = _counter(
    'turn_failures', 'Turns that failed: by the database; fenced, as another '
    'engine owns the session; internal, a mistake of ours', 'cause')
CALLS = _seconds(
    'call', 'Time of a call of the cloud, of a plug-in or of the message '
    'bus. Outcome: ok, refused, unknown (no answer, or none that makes sense, '
    'as 5xx), failed (the bus did not take it)', 'call',
    'outcome', buckets=_SLOW)
DECISIONS = _seconds(
    'reply_decision', 'Time from the arrival of a reply to the commit that '
    'acts on it', buckets=_SLOW)
PUBLISHED = _counter(
    'notifications_published', 'Notifications that went out', 'event_type')
DELAYS = _seconds(
    'notification_delay', 'Time from a notification\'s commit to its '
    'publication', buckets=_SLOW)


@dataclasses.dataclass(frozen=True)
class Gauge:
    """Something that stands, and is read when it is asked for."""

    name: str
    text: str
    labels: tuple[str, ...] = ()

    def family(self, *values):
        """Return it with values: a number, or (label, …, number) of each."""
        found = core.GaugeMetricFamily(f'fenix_{self.name}', self.text,
                                       labels=self.labels)
        for value in values:
            *labels, number = value if self.labels else (value,)
            found.add_metric([str(label) for label in labels], number)
        return found


#: Of the whole installation: each process that is asked says the same.
DATABASE_UP = Gauge('database_up', '1 if the database answered, else 0')
SESSIONS = Gauge('sessions', 'Sessions by state', ('state',))
UNOWNED = Gauge('sessions_unowned',
                'Sessions that need an engine and have none')
ASKS = Gauge('asks_open', 'Questions that wait for an answer')
MOVES = Gauge('moves_in_flight', 'Moves of instances that have not ended')
UNREAD = Gauge('inbox_unread',
               'Replies and requests that no engine has acted on')
OUTBOX = Gauge('outbox_depth', 'Notifications that are not out')
OUTBOX_AGE = Gauge('outbox_age_seconds',
                   'How long the oldest of them has waited')
ENGINES = Gauge('engines', 'Engines with a valid lease')

#: Of one engine.
OWNED = Gauge('engine_sessions', 'Sessions that this engine owns')
LEASE = Gauge('engine_lease_seconds', 'What is left of its lease')
BUS = Gauge('engine_bus_up', 'Of the message bus, by its parts: bell, 1 once '
            'the engine has reached it, also when it goes away later; '
            'notifications, 1 unless the last try to publish failed',
            ('part',))
QUEUE = Gauge('engine_queue', 'What waits for a thread: turns, cloud (calls '
              'of cloud and plug-ins), reserved (those of them of sessions '
              'that end), surveys (sessions that want one), outbox '
              '(publications)', ('pool',))
BUSY = Gauge('engine_threads_busy', 'Threads at work', ('pool',))
THREADS = Gauge('engine_threads', 'Threads of the pool', ('pool',))

GAUGES = tuple(value for value in list(vars().values())
               if isinstance(value, Gauge))
COUNTED = tuple(value for value in list(vars().values()) if isinstance(
    value, prometheus_client.Counter | prometheus_client.Histogram))


def table():
    """Return (name, type, labels, text) of each metric, for documentation."""
    rows = [(f'fenix_{gauge.name}', 'gauge', gauge.labels, gauge.text)
            for gauge in GAUGES]
    for metric in COUNTED:
        (family,) = metric.describe()
        name = family.name + ('_total' if family.type == 'counter' else '')
        rows.append((name, family.type, metric._labelnames,
                     family.documentation))
    return sorted(rows)


def of_figures(figures):
    """Return the families of ``fenix.db.figures``.

    :param figures: None if the database does not answer
    """
    if figures is None:
        return [DATABASE_UP.family(0)]
    return [
        DATABASE_UP.family(1), SESSIONS.family(*figures.sessions.items()),
        UNOWNED.family(figures.unowned), ASKS.family(figures.asks_open),
        MOVES.family(figures.moves_in_flight),
        UNREAD.family(figures.unread), OUTBOX.family(figures.outbox),
        OUTBOX_AGE.family(figures.outbox_age),
        ENGINES.family(len(figures.engines))]


def expose(families):
    """Return everything in Prometheus' text format, as bytes.

    :param families: what was read just now
    """
    counted = _REGISTRY
    if MULTIPROCESS:
        counted = prometheus_client.CollectorRegistry()
        multiprocess.MultiProcessCollector(counted)
    return (prometheus_client.generate_latest(counted)
            + prometheus_client.generate_latest(_Found(families)))


class _Found:
    """Families, as a registry that has them."""

    def __init__(self, families):
        self._families = families

    def collect(self):
        return self._families
