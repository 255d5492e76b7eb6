# SPDX-License-Identifier: Apache-2.0
"""What a scenario is: data that says what to build and what to expect."""

import dataclasses
from typing import Any

#: A session on one host: the one that the first worker of the first VNF is
#: on.
WORKER = 'the host of a worker'
#: The same, for the standby server of its pair.
STANDBY = 'the host of the standby'

#: How a session ends.
DONE, FAILED = 'MAINTENANCE_DONE', 'MAINTENANCE_FAILED'
#: It fails, the fault is mended, an administrator continues it, it is done.
CONTINUED = 'failed, continued, done'
#: It is done, whether it had to be continued or not.
OVERCOME = 'done, continued or not'

#: Kinds of managers (section 0 of the contract with existing clients).
URL, INSTANCE, TACKER = 'url', 'instance', 'tacker'
MANNERS = (URL, INSTANCE, TACKER)

#: Modes of managers.
COOPERATIVE, SILENT, REFUSING = 'cooperative', 'silent', 'refusing'
CONTRADICTING = 'contradicting'
LATE, TWICE, FOREIGN, IDLE = 'late', 'twice', 'foreign', 'idle'

#: What alarms are on.
SCHEDULED, ANY = 'maintenance.scheduled', '*'

#: Shorter windows than usual; a manager has to wait for the move of the one
#: half of a pair before it can let the other one go. The work starts when the
#: least notice is over, however long the cloud took until all were told.
SETTINGS = {'min_notice': 6.0, 'scale_in_window': 120.0,
            'reply_window': 300.0, 'complete_window': 120.0,
            'settle_time': 5.0}


@dataclasses.dataclass(frozen=True)
class Vnf:
    """A VNF and its manager.

    :ivar manner: which client of the contract manages it
    :ivar instances: how many, the anti-affinity pair included
    :ivar action: what its manager chooses
    :ivar mode: cooperative; silent (does not answer), refusing,
        contradicting (refuses when another manager of the project has
        agreed), late (answers when the window is over), twice, foreign
        (another project answers in its place), idle (agrees to scale in and
        does not)
    :ivar asked: the questions for which the mode holds; empty: all
    :ivar alarms: event types of its alarms
    :ivar vocabulary: the words that its project is told
    :ivar lead_time: seconds; 0: as its manner has it
    :ivar zone: the availability zone that its servers are created for
    """

    manner: str = URL
    instances: int = 3
    action: str = 'MIGRATE'
    mode: str = COOPERATIVE
    asked: tuple[str, ...] = ()
    alarms: tuple[str, ...] = (SCHEDULED,)
    vocabulary: str = 'doctor'
    lead_time: int = 0
    zone: str | None = None


@dataclasses.dataclass(frozen=True)
class Scenario:
    """A session and what comes of it.

    :ivar hosts: how many there are, all of them maintained; or WORKER or
        STANDBY
    :ivar spare: hosts that are empty at the beginning
    :ivar vnfs: who is on the hosts
    :ivar cells: that the cloud has to have
    :ivar tells_cells: an administrator says which host is in which
    :ivar zones: availability zone: its hosts, by their numbers
    :ivar aggregates: the same of aggregates that are no zones
    :ivar crowd: servers of others that fill the hosts that are not used
    :ivar shared: all of the VNFs belong to one project
    :ivar ends: DONE, FAILED, CONTINUED or OVERCOME
    :ivar reason: a regular expression that the reason of the failure fits
    :ivar fault: a name in ``faults.FAULTS`` or ``states.FAULTS``, or None
    :ivar script: a name in ``scripts.SCRIPTS`` that plays another part than
        a session from its beginning to its end
    :ivar settings: of the session, besides SETTINGS
    :ivar policies: on_no_reply, on_refusal, on_unsubscribed
    :ivar notice: seconds until the work starts
    :ivar patience: seconds that the session may take
    :ivar work: what is done to a host, a name in ``stage.WORKS``
    :ivar at_once: as many hosts with servers have to be out at the same time
    :ivar points: of section 8 of the contract, which this one shows
    """

    name: str
    vnfs: tuple[Vnf, ...] = (Vnf(),)
    hosts: int | str = WORKER
    spare: int = 0
    cells: int = 1
    tells_cells: bool = False
    zones: dict[str, tuple[int, ...]] = dataclasses.field(
        default_factory=dict)
    aggregates: dict[str, tuple[int, ...]] = dataclasses.field(
        default_factory=dict)
    crowd: int = 0
    shared: bool = False
    workflow: str = 'default'
    ends: str = DONE
    reason: str = ''
    fault: str | None = None
    script: str | None = None
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    policies: dict[str, str] = dataclasses.field(default_factory=dict)
    notice: float = 5.0
    patience: float = 900.0
    work: str = 'work'
    at_once: int = 0
    points: tuple[int, ...] = ()
