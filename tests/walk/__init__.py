# SPDX-License-Identifier: Apache-2.0
"""A walk through every point at which an engine may die.

The engine's own code runs in one process, on a virtual clock, with the
sandbox's cloud model: ``world``. At each point that a session passes the
process forks, and in the child something goes wrong there (``faults``): the
engine dies or stands still, or a request is lost, refused or late. What came
of it is judged by the sandbox's side of the story (``judge``). ``shapes`` are
the sessions, ``walk`` goes through them. ``python -m tests.walk`` prints how
it went.
"""
