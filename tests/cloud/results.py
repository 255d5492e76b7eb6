# SPDX-License-Identifier: Apache-2.0
"""What comes of a scenario."""

import dataclasses


@dataclasses.dataclass
class Result:
    """What came of a scenario.

    :ivar together: hosts that had servers, of the moment at which the most
        of these were out
    :ivar figures: what else was measured, by its name
    :ivar found: what should not be, by the name of the check
    """

    name: str
    state: str | None = None
    reason: str | None = None
    continued: bool = False
    makespan_s: float | None = None
    moves: int = 0
    reaction_ms: float | None = None
    interruption_s: float | None = None
    seconds: float = 0.0
    together: list[str] = dataclasses.field(default_factory=list)
    figures: dict[str, float] = dataclasses.field(default_factory=dict)
    found: dict[str, list[str]] = dataclasses.field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether nothing was found."""
        return not self.found
