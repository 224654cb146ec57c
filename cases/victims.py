"""Victims: exceptions that come from those of another group, as a service that they called failed.

`traces.causes` says which failure comes from which, by their trace alone. What is stored is the record of the
failure that it comes from; the lines here are read from both when they are asked for, within one scope.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cases import lifecycle
from data.nouns import noun

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from data.store import Reading


@dataclass(frozen=True, slots=True)
class Evidence:
    """What shows that an exception comes from another one."""

    caller: str | None
    """The service that failed with the other."""
    service: str | None
    """The service that it called, which failed first."""
    error_type: str | None
    message: str
    trace_id: str | None
    """Of the trace that holds both failures."""
    case_id: str
    """The exception of the service that was called."""
    title: str | None = None
    """Of that exception."""

    @property
    def words(self) -> str:
        """The evidence as a sentence without its full stop, cut to 200 characters of the message."""
        what = ": ".join(part for part in (self.error_type, self.message[:200]) if part)
        called = f"called {self.service or 'another service'}, which failed with {what}, in the same trace"
        return f"{self.caller} {called}" if self.caller else called


@dataclass(frozen=True, slots=True)
class Related:
    """A group beside another one, of which exceptions come from the other or the other way round."""

    id: str
    title: str
    error_class: str
    cases: int
    """How many live exceptions come from the other group, or from this one."""
    evidence: Evidence
    """Of the one of them that failed last."""


@dataclass(frozen=True, slots=True)
class Relations:
    """For each group, the groups of its victims, and the groups that its own exceptions come from."""

    victims: Mapping[str, list[Related]]
    roots: Mapping[str, list[Related]]


@dataclass(frozen=True, slots=True)
class _Pair:
    root_group: str
    group_id: str
    root_is_live: bool
    cases: int
    title: str
    error_class: str
    root_title: str
    root_class: str
    evidence: Mapping[str, Any]

    @property
    def victims(self) -> Related:
        """The group of the victims, as a line of the group that they come from."""
        return Related(self.group_id, self.title, self.error_class, self.cases, _evidence(self.evidence))

    @property
    def root(self) -> Related:
        """The group that they come from, as a line of theirs."""
        return Related(
            self.root_group, self.root_title, self.root_class, self.cases, _evidence(self.evidence)
        )


_evidence = noun(Evidence)


def of_groups(reading: Reading, groups: Sequence[str]) -> Relations:
    """Return what is known of the victims and the roots of groups, within the scope."""
    asked = {"groups": list(groups), "live": sorted(lifecycle.LIVE)}
    victims: dict[str, list[Related]] = {}
    roots: dict[str, list[Related]] = {}
    for pair in reading.query("cases/group_victims", asked, into=noun(_Pair)):
        roots.setdefault(pair.group_id, []).append(pair.root)
        # What comes from an exception that is closed, or comes from a third one, is a line of its own.
        if pair.root_is_live:
            victims.setdefault(pair.root_group, []).append(pair.victims)
    return Relations(victims, roots)


def of_case(reading: Reading, case_id: str) -> Evidence | None:
    """Return what the last failure of a case comes from; None where nothing within the scope shows it."""
    return next(iter(reading.query("cases/case_cause", {"id": case_id}, into=_evidence)), None)
