"""Groups: exceptions with one cause as one line, and what is known of the cause. Times are aware.

What a group is called, how often it fails and what became of its cases is read from the cases; a group has no
row of its own.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from cases import group_notes, lifecycle, victims
from cases.case import Money
from cases.change import GroupClaim
from cases.errors import GroupNotFoundError
from cases.group_claims import overlap
from cases.queries import CaseFilter
from data.clock import stored
from data.nouns import Page, noun

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from cases.group_notes import GroupNote
    from cases.victims import Related
    from data.store import Reading

NEW, ONGOING, ESCALATING, REGRESSED, CLOSED = "new", "ongoing", "escalating", "regressed", "closed"
HOURS: Final = 24
DAYS: Final = 14
MAX_ROWS: Final = 200
_NEW_FOR: Final = timedelta(days=7)
_QUIET: Final = timedelta(days=1)
"""How long a group was without a failure, all of it closed, before it counts as back."""
_RISES: Final = 2
"""Escalating: in the last day this many times as many failures as on the mean day before."""
_MANY: Final = 10
"""Fewer failures than this in a day are no escalation."""
_MOST: Final = 10_000_000
"""More exceptions than a group can have."""
_FINISHED: Final = ["succeeded", "failed"]


@dataclass(frozen=True, slots=True)
class Fix:
    """What ended cases of the group last: `retry`, `automatic`, `person` or a resolution code."""

    how: str
    worked: int
    """Cases that ended so."""
    tried: int | None
    """For a retry: cases for which one was finished, well or not."""
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Merged:
    """A group that is part of another one."""

    id: str
    target: str
    """The group that it was merged into, which may be a part itself."""
    root: str
    reason: str
    actor: str
    merged_at: datetime
    cases: int
    """How many cases it brought, of those that the reader may see."""
    title: str | None
    """Of the one of them that failed last."""


@dataclass(frozen=True, slots=True)
class Group:
    """The exceptions with one cause, within what the reader may see."""

    id: str
    title: str
    error_class: str
    """Of the case that failed last, as the title is."""
    live_cases: int
    all_cases: int
    flows: list[str]
    holders: list[str]
    """Who holds any of its live cases."""
    oldest: datetime | None
    """When the oldest live case was opened."""
    first_seen: datetime
    last_seen: datetime
    ended_last_seen: datetime | None
    """The last failure of those of its cases that are closed."""
    value: list[Money] = field(default_factory=list)
    """Money at risk, by currency; amounts of different currencies are never added."""
    hours: list[int] = field(default_factory=list)
    """Failures in each of the last 24 hours, the oldest first."""
    days: list[int] = field(default_factory=list)
    """Failures in each of the last 14 days of 24 hours, the oldest first."""
    last_fix: Fix | None = None
    state: str = ONGOING
    claim: GroupClaim | None = None
    """Who has claimed the group, so that what arrives joins the claim."""
    note: GroupNote | None = None
    merged: list[Merged] = field(default_factory=list)
    """The groups that are part of it, the oldest merge first."""
    victims: list[Related] = field(default_factory=list)
    """The groups whose live exceptions come from its own, those with the most first."""
    value_with_victims: list[Money] = field(default_factory=list)
    """Money at risk of its own exceptions and of those that come from them, each unit once."""
    caused_by: list[Related] = field(default_factory=list)
    """The groups that its own exceptions come from."""

    @property
    def victim_cases(self) -> int:
        """How many live exceptions of other groups come from its own."""
        return sum(group.cases for group in self.victims)


class After(NamedTuple):
    """The place in the list behind which a page begins: what the list is ordered by."""

    live: int
    seen: datetime
    id: str

    @property
    def text(self) -> str:
        """The place as one word, for an address."""
        plain = f"{self.live} {self.id} {self.seen.isoformat()}"
        return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")

    @classmethod
    def of(cls, text: str) -> After:
        """Return the place that a word names.

        Raises:
            ValueError: it names none.
        """
        padded = text + "=" * (-len(text) % 4)
        live, group_id, seen = base64.urlsafe_b64decode(padded.encode("ascii")).decode("ascii").split(" ")
        place = cls(int(live), datetime.fromisoformat(seen).replace(tzinfo=None), group_id)
        if not 0 <= place.live <= _MOST:
            raise ValueError(text)
        return place


def after(group: Group) -> After:
    """Return the place of a group in the list."""
    return After(group.live_cases, stored(group.last_seen), group.id)


def listed(
    reading: Reading,
    chosen: CaseFilter,
    now: datetime,
    *,
    is_open: bool | None = True,
    place: After | None = None,
    limit: int = 50,
) -> Page[Group]:
    """Return the groups of the cases that pass the filter, those with the most live cases first.

    Args:
        reading: What may be read.
        chosen: Which cases; its state counts for nothing, since a group is shown with all of its cases.
        now: Aware; the end of the last hour.
        is_open: Only groups with live cases; False: only those without; None: all.
        place: Where the page begins; None: at the beginning.
        limit: How many groups at most.
    """
    asked = {
        "is_open": is_open,
        "after_live": place and place.live,
        "after_seen": place and place.seen,
        "after_id": place and place.id,
        "limit": min(limit, MAX_ROWS),
        "live": sorted(lifecycle.LIVE),
    }
    rows = reading.query("cases/groups", {**chosen.params(), **asked})
    found = Page.of(rows, noun(Group))
    known = _Known(reading, [group.id for group in found.items], now)
    return replace(found, items=[known.of(group, now) for group in found.items])


def one(reading: Reading, group_id: str, now: datetime) -> Group:
    """Return a group; of one that was merged, the group that it is part of.

    Raises:
        GroupNotFoundError: there is none within the scope.
    """
    found = listed(reading, CaseFilter(group=[group_id]), now, is_open=None, limit=1).items
    if not found:
        raise GroupNotFoundError(group_id)
    return found[0]


class _Known:
    """What is read of the groups of one page beside their cases."""

    def __init__(self, reading: Reading, groups: Sequence[str], now: datetime) -> None:
        asked = {"groups": list(groups)}
        live = sorted(lifecycle.LIVE)
        self.times: dict[str, list[int]] = {}
        moment = {"now": stored(now), "days": DAYS}
        for row in reading.query("cases/group_times", {**asked, **moment}, into=noun(_Failures)):
            self.times.setdefault(row.id, [0] * (HOURS + DAYS - 1))[row.place] = row.failures
        self.value: dict[str, list[Money]] = {}
        self.with_victims: dict[str, list[Money]] = {}
        for sum_ in reading.query("cases/group_money", {**asked, "live": live}, into=noun(_Sum)):
            self.with_victims.setdefault(sum_.id, []).append(Money(sum_.amount, sum_.currency))
            if sum_.own is not None:
                self.value.setdefault(sum_.id, []).append(Money(sum_.own, sum_.currency))
        self.fix: dict[str, Fix] = {}
        repaired = {"repaired": list(lifecycle.VERIFIABLE), "finished": _FINISHED}
        for fix in reading.query("cases/group_fixes", {**asked, **repaired}, into=noun(_Ended)):
            tried = fix.tried if fix.how == "retry" else None
            self.fix.setdefault(fix.id, Fix(fix.how, fix.worked, tried, fix.last_at))
        self.note = group_notes.of_groups(reading, groups)
        self.relations = victims.of_groups(reading, groups)
        self.merged: dict[str, list[Merged]] = {}
        for part in reading.query("cases/merged_groups", asked, into=noun(Merged)):
            self.merged.setdefault(part.root, []).append(part)
        claims = reading.query("cases/live_group_claims", into=noun(GroupClaim))
        reached = [one for one in claims if one.lease_until > now and overlap(one.scope, reading.scope)]
        self.claim = {one.fingerprint: one for one in reversed(reached)}

    def of(self, group: Group, now: datetime) -> Group:
        """Return a group with what is known of it."""
        places = self.times.get(group.id, [0] * (HOURS + DAYS - 1))
        hours, earlier = places[:HOURS], places[HOURS:]
        group = replace(
            group,
            value=self.value.get(group.id, []),
            hours=hours[::-1],
            days=[*earlier[::-1], sum(hours)],
            last_fix=self.fix.get(group.id),
            claim=self.claim.get(group.id),
            note=self.note.get(group.id),
            merged=self.merged.get(group.id, []),
            victims=self.relations.victims.get(group.id, []),
            value_with_victims=self.with_victims.get(group.id, []),
            caused_by=self.relations.roots.get(group.id, []),
        )
        return replace(group, state=state_of(group, now))


@dataclass(frozen=True, slots=True)
class _Failures:
    id: str
    place: int
    failures: int


@dataclass(frozen=True, slots=True)
class _Sum:
    id: str
    currency: str | None
    own: Decimal | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class _Ended:
    id: str
    how: str
    worked: int
    last_at: datetime
    tried: int | None


def state_of(group: Group, now: datetime) -> str:
    """Return what a group is doing: the first that is true of closed, regressed, escalating, new, ongoing."""
    if not group.live_cases or group.oldest is None:
        return CLOSED
    if group.ended_last_seen and group.oldest - group.ended_last_seen >= _QUIET:
        return REGRESSED
    today, before = group.days[-1], group.days[:-1]
    if today >= _MANY and any(before) and today >= _RISES * sum(before) / len(before):
        return ESCALATING
    return NEW if now - group.first_seen < _NEW_FOR else ONGOING
