# SPDX-License-Identifier: Apache-2.0
"""Runs of action plug-ins, for administrators."""

from oslo_log import log as logging

from fenix import errors
from fenix.db import inbox
from fenix.db import sessions

LOG = logging.getLogger(__name__)

#: What may be said of a run in each of its states.
FITTING = {'running': ('DONE', 'FAILED', 'SKIP'),
           'failed': ('DONE', 'RETRY', 'SKIP')}


def report(call):
    """Report how a run ended, or have it done again or skipped."""
    session_id, run_id = call.path['session'], call.path['run']
    run = next((run for run in sessions.details(session_id).runs
                if run.id == run_id), None)
    if run is None:
        raise errors.RunNotFound()
    fitting = FITTING.get(run.state, ())
    if call.body['state'] not in fitting:
        raise errors.WrongState(
            f'The run is {run.state}: '
            + (f'it takes {", ".join(fitting)}.' if fitting
               else 'nothing is left to report.'), field='state')
    inbox.add_request(session_id, 'report', {'run': run_id, **call.body})
    call.ring(session_id)
    LOG.info('Run %s of session %s was reported %s', run_id, session_id,
             call.body['state'])
    return {'run': run_id, 'state': call.body['state']}
