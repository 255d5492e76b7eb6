# SPDX-License-Identifier: Apache-2.0
"""Answers who wants to know how a session would go, or goes on.

Nothing is written but the answer: a plan is made on a picture of the session
that is thrown away.
"""

import threading

from oslo_log import log as logging

from fenix import errors
from fenix.db import core
from fenix.db import pictures
from fenix.db import plans
from fenix.engine import reading
from fenix.workflow import foresight
from fenix.workflow import picture as picturing
from fenix.workflow import turn as turns

LOG = logging.getLogger(__name__)


class Planning:
    """Makes plans in a thread of its own, one after the other.

    :param conf: the configuration
    :param clock: tells the database's time
    :param workflows: finds a workflow class by its name
    """

    def __init__(self, conf, clock, workflows):
        self.conf = conf
        self.clock = clock
        self.workflows = workflows
        self.cloud = None
        self._engine_id = None
        self._work = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(
            target=self._keep_planning, name='fenix-planning', daemon=True)

    def start(self, cloud):
        """Start to make plans.

        :param cloud: ``fenix.clouds.base.Cloud``
        """
        self.cloud = cloud
        self._thread.start()

    def stop(self):
        """Begin no other plan."""
        self._stopped = True
        self._work.set()

    def look(self, engine_id):
        """Look for requests that nobody works on.

        :param engine_id: under which they are taken
        """
        self._engine_id = engine_id
        self._work.set()

    def _keep_planning(self):
        while not self._stopped:
            self._work.wait()
            self._work.clear()
            try:
                while not self._stopped and self.answer_one(self._engine_id):
                    pass
            except core.ERRORS as error:
                LOG.warning('could not look for plans to make: %s', error)
            except Exception:
                LOG.exception('a plan could not be made')

    def answer_one(self, engine_id):
        """Answer one request; false when none waits."""
        request = plans.take(engine_id)
        if request is None:
            return False
        try:
            found = self._plan(request)
        except errors.FenixError as error:
            found = {'problem': str(error)}
        except Exception as error:
            LOG.exception('plan %s failed', request.id)
            found = {'problem': f'internal error: {error!r}'}
        try:
            plans.answer(request.id, engine_id, found)
        except Exception as error:
            # If this fails as well, the plan is made anew at the next look.
            plans.answer(request.id, engine_id, {
                'problem': f'it could not be stored: {error}'})
        return True

    def _plan(self, request):
        now = self.clock.now()
        # What is written after this is not in the survey either.
        rows = (pictures.load(request.session_id) if request.session_id
                else foresight.imagine(request.body, now))
        memory = turns.Memory()
        survey = self.cloud.survey()
        memory.readings['survey', None] = turns.Reading(
            value=survey, at=now, came=now)
        turn = turns.Turn(
            picturing.Picture(rows), memory, now, self.conf,
            reading.constraints_of)
        workflow = self.workflows(rows.session.workflow)(turn)
        return foresight.foresee(workflow, survey)

