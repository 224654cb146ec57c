"""What the records of one trace say together: failures, and signals of how units ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from traces.tree import Unit

RULE: Final = "2"
"""Version of these rules: a case that was closed under an earlier one keeps its state."""

SUCCESS, PROGRESS, ENDED, PARTIAL = "success", "progress", "ended", "partial"
WITH_ERRORS, UNPROVEN, FAILED = "completed_with_errors", "completed_unproven", "failed"
WENT_ON, NEEDS_A_LOOK = "the script went on after this error", "needs a look"
LOST_CONTACT: Final = "lost contact: the process ended without an end record of this unit"
SILENT: Final = "lost contact: this unit sent no heartbeat and no end record, or its process is gone"


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that went wrong for one unit, however many records describe it.

    `time` is in microseconds; `speaker` is the record whose text the case shows; `affected` lists flow,
    step and service of what failed because of it; `settles` means that it waits for its unit root.
    """

    anchor: int
    unit: Unit
    step: str
    time: int
    attempts: int
    affected: tuple[tuple[str, str, str], ...]
    part: str | None
    clock: str | None
    seq: int | None
    speaker: int
    note: str | None = None
    settles: bool = False
    retry: str | None = None


@dataclass(frozen=True, slots=True)
class Signal:
    """What a record says about how a unit, or a part of it, ended. `time` is in microseconds."""

    rid: int
    unit: Unit
    time: int
    outcome: str
    part: str | None
    final: bool
    retry: str | None
    clock: str | None
    seq: int | None
    continues: bool = False
    """Did the call say that a later part completes the unit?"""


@dataclass(slots=True)
class Resolution:
    """What the records of one trace say together."""

    failures: list[Failure] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)
    holds: dict[int, Failure] = field(default_factory=dict)
    """For each record that describes a failure, that failure."""
    attempts: set[int] = field(default_factory=set)
    """Anchors of failures that were handled, made good, or closed by their own script."""
