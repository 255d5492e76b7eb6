# SPDX-License-Identifier: Apache-2.0
"""Which ways of moving an instance Nova accepts in which of its states.

As the decorators of ``nova.compute.api`` say: a cold migration of what is
active or stopped, a live one of what is active or paused, and neither while
a task is going on. A migration that is confirmed leaves a stopped instance
stopped, a live one a paused instance paused.
"""

from fenix import words

#: By Nova's status, the ways that it accepts, the first being taken where
#: the one that was chosen is not among them. An owner may do anything.
WAYS = {'ACTIVE': (words.MIGRATE, words.LIVE_MIGRATE),
        'SHUTOFF': (words.MIGRATE,),
        'PAUSED': (words.LIVE_MIGRATE,)}

#: States without a way which do not pass by themselves, and who can help.
REMEDIES = {
    'ERROR': 'an administrator may reset its state once it is well, or '
             'delete it',
    'RESCUE': 'its owner may unrescue it',
    'SHELVED': 'its owner may unshelve it, or an administrator offload it '
               'from its host',
    'SOFT_DELETED': 'an administrator may delete it for good',
    'SUSPENDED': 'its owner may resume it',
}
#: States that may last, as somebody has to end them.
LASTING = {'VERIFY_RESIZE': 'its owner may confirm or revert the resize'}

#: States in which an instance stays until somebody does something.
STEADY = frozenset([*WAYS, 'SUSPENDED'])
#: States of an instance that is of no more use to its project on its host.
#: One that is deleted softly still has its place there.
OFF_HOST = frozenset(['SHELVED_OFFLOADED', 'DELETED', 'SOFT_DELETED'])


def way(status, action):
    """Return the action by which an instance can be moved in its state.

    :param action: the one that was chosen
    :returns: that one, or another one that Nova accepts; None: none now
    """
    if action == words.OWN_ACTION:
        return action
    ways = WAYS.get(status, ())
    return action if action in ways else ways[0] if ways else None


def settled(server):
    """Tell whether an instance stays as it is until somebody does something.

    :param server: a ``clouds.base.Server``, or an instance of the picture
    """
    return server.status in STEADY and server.task_state is None


def stands_in_the_way(server, action=words.MIGRATE):
    """Return why an instance cannot be moved in its state, or None.

    :param server: a ``clouds.base.Server``, or an instance of the picture
    :returns: words that go on after its id
    """
    if action == words.OWN_ACTION or server.status not in REMEDIES:
        return None
    return f'is {server.status} and cannot be moved: ' + REMEDIES[
        server.status]


def who(server):
    """Return the words for an instance in a sentence for humans."""
    return f'instance {server.instance_id} of project {server.project_id}'
