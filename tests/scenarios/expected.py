"""The words in which a row of the table states what must be seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.scenarios.capture import Recording
    from tests.scenarios.world import World

TRACE: Final = "a trace"
"""The unit's key is the ID of one of the recorded traces."""
RUN: Final = "a run"
"""The unit's key is the ID of an orchestrator's or wrapper's run."""
NO_UNIT: Final = "no unit"
ANY: Final = "anything"
"""semantics.md does not say."""
SOME: Final = frozenset({"something"})
"""At least one."""


@dataclass(frozen=True, order=True)
class Unit:
    """A unit in one flow, and how it ended."""

    key: str
    flow: str
    outcome: str
    tenant: str = ""


@dataclass(frozen=True)
class Case:
    """A case. What is `ANY` is not compared."""

    unit: str
    flow: str
    step: str = ANY
    state: str = "open"
    occurrences: int = 1
    affected: frozenset[str] | str = frozenset()
    """The services that failed because of it."""
    tenant: str = ""
    says: str = ""
    """Part of the title or message, in whatever case."""
    severity: str = ANY
    value: str | None = ANY
    """`129.90 EUR`; None: no value at risk."""


@dataclass(frozen=True)
class Rate:
    """A rate in percent over `n` units."""

    value: float | None
    n: int


NOTHING: Final = Rate(None, 0)


@dataclass(frozen=True)
class Row:
    """One scenario: what runs, and what must be seen, whatever the order of arrival."""

    name: str
    section: str
    """Where semantics.md states it."""
    play: Callable[[World], Recording]
    units: tuple[Unit, ...]
    cases: tuple[Case, ...] = ()
    k1: Rate = NOTHING
    k19: Rate = NOTHING
    k9: str = "0"
    """Value recovered."""
    groups: int | None = None
    """Into how many groups the cases fall; None: not compared."""
    found: tuple[str, ...] = ()
    """Known IDs; a look-up of each returns every record that carries it."""
    unknown: tuple[str, ...] = ()
    """IDs that no record carries: their look-up answers 404."""
    config: str = ""
    """The server's config file: mappings, sources. Empty unless the row is about one."""
    live: bool = False
    """Its programs also send to Unsnag itself."""
    now: bool = False
    """Times are moved so that the records are as old at their arrival as they were when recorded."""
