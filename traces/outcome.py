"""What the records of one trace say together: failures, and signals of how units ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from traces.runs import Account
    from traces.tree import Unit

RULE: Final = "2"
"""Version of these rules: a case that was closed under an earlier one keeps its state."""

SUCCESS, PROGRESS, ENDED, PARTIAL = "success", "progress", "ended", "partial"
WITH_ERRORS, UNPROVEN, FAILED = "completed_with_errors", "completed_unproven", "failed"
OK, UNDECIDED, RUN_OK = "ok", "undecided", "run_ok"
"""Verdicts: how the script, or an orchestrator, says that it ended. An undecided task is tried again.

A run that succeeded states nothing about its tasks: it may be configured to go on without some of them.
"""
WENT_ON, NEEDS_A_LOOK = "the script went on after this error", "needs a look"
CLOSED_BY_SCRIPT: Final = "closed by the script"
"""The block called `unit.ok()` after this error: it is an attempt, kept to be seen, and in no figure."""
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
    index: str | None = None
    """Which of several tasks of the step failed."""
    total: int | None = None
    account: Account | None = None
    """The description of a run's failure; None for other units."""
    cause: int | None = None
    """The anchor of the failure of another service that it comes from (`traces.causes`)."""

    @property
    def is_closed(self) -> bool:
        """Did its own block say afterwards that all went well?"""
        return self.note == CLOSED_BY_SCRIPT


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
    step: str | None = None
    """The one step that it speaks for; None: it speaks for the part."""
    index: str | None = None
    """The one task of `step` that it speaks for."""
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
    """Anchors of failures that were handled or made good."""
