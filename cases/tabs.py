"""The tabs of the queue: which cases each lists, and how many these are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from cases.queries import SNOOZED, UNADDRESSED, CaseFilter

if TYPE_CHECKING:
    from collections.abc import Mapping


class Tab(NamedTuple):
    """A tab of the queue."""

    name: str
    states: list[str]
    shows: str
    """What it lists, as the empty tab says."""
    snoozed: list[bool] | None = None
    """Only snoozed cases; False: only others."""
    due: str | None = None
    """Only what stands so to its due time: one of `cases.queries.DUE`."""


TABS: Final = {
    "open": Tab("Open", ["open"], "Exceptions waiting for someone.", snoozed=[False]),
    "unaddressed": Tab(
        "Unaddressed",
        ["open"],
        "Exceptions that nobody has taken up by the time that their triage was due.",
        snoozed=[False],
        due=UNADDRESSED,
    ),
    "approvals": Tab("Awaiting approval", ["awaiting_approval"], "Approvals that an automation waits for."),
    "mine": Tab("Mine", ["claimed", "retrying", "verifying"], "Exceptions that you have claimed."),
    "claimed": Tab("Claimed", ["claimed"], "Exceptions claimed by someone."),
    "snoozed": Tab(
        "Snoozed",
        ["open"],
        "Open exceptions that come back at a time, or when they fail more often.",
        snoozed=[True],
    ),
    "running": Tab(
        "Retrying",
        ["retrying", "verifying"],
        "Exceptions being retried, or waiting for the success signal of their unit.",
    ),
    "recovered": Tab("Recovered", ["recovered"], "Exceptions whose unit succeeded later."),
    "resolved": Tab(
        "Resolved",
        ["resolved"],
        "Exceptions closed by a person or by their own script.",
    ),
    "expired": Tab(
        "Expired", ["expired"], "Exceptions that did not occur again and whose recovery no signal proved."
    ),
}
"""In their order. Every state is in one."""
OPEN: Final = "open"
MINE: Final = "mine"


def within_tab(chosen: CaseFilter, tab: str, me: str) -> CaseFilter:
    """Return the filter narrowed to what a tab lists for a person."""
    shown = TABS[tab]
    mine = [me] if tab == MINE else None
    # A tab about due times wins over the filter: both of them would be one too many.
    due = [shown.due] if shown.due else chosen.due
    narrowed = chosen.within(CaseFilter(state=shown.states, holder=mine, snoozed=shown.snoozed))
    return replace(narrowed, due=due)


def count_of(tab: str, counts: Mapping[str, int]) -> int:
    """Return how many cases a tab lists, of the counts by state of `queries.counts`."""
    if tab == MINE:
        return counts["mine"]
    if TABS[tab].due:
        return counts.get(UNADDRESSED, 0)
    if TABS[tab].snoozed == [True]:
        return counts.get(SNOOZED, 0)
    return sum(counts.get(state, 0) for state in TABS[tab].states)
