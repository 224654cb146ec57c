"""Which fields that a mapping relies on a source's records bring, and which of them have vanished.

A field has vanished when so many records in a row came without it that chance alone would bring such a
row once in a million, as often as it came before: 14 records divided by its share, at least 20, and at least
twice the longest row before. What came in fewer than one of a hundred records, or of which fewer than 50 are
known, is not judged. The notice ends with the first record that has the field again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from data.records import WatchedField

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from collectors.mapping import Mapping

    Mark = tuple[int | None, Mapping, bool, int, dict[int, str]]
    """Of a record: its offset, its mapping, whether it is a span, the bits of what it brought,
    and the types of values that do not fit, by the number of what they were for."""

FEWEST_BEFORE: Final = 50
LEAST_SHARE: Final = 0.01
SHORTEST_ROW: Final = 20
LONGEST_ROW: Final = 1_000
"""A row that was longer says no more of what is usual."""
FITS: Final[dict[int, str]] = {}
"""What is wrong with the values of a record that all fit."""
NO_NUMBER: Final = "no number"
"""A text where a number was meant; it may be written in another way than before."""
_ONCE_IN_A_MILLION: Final = 14
"""Of a share p, 14 / p records without it in a row are less likely than e^-14."""


class Relied(NamedTuple):
    """What a mapping relies on."""

    field: str
    names: str
    """The attributes and patterns that it is taken from."""
    of_logs: bool = True
    of_spans: bool = True


@dataclass(frozen=True, slots=True)
class Drift:
    """A field that a source brought before, and does not any more."""

    source: str
    part: str
    """Which of its records are meant, where a mapping names some: `service.name=returns-desk`."""
    field: str
    names: str
    """The attributes or patterns that it was taken from."""
    wrong: str
    """What stands there instead, such as "an object"; empty where nothing does."""
    since: datetime
    without: int
    """Records in a row that came without it."""
    share: float
    """In how many of the records before it came, from 0 to 1."""
    owner: str
    """Who answers for the flow, as its mapping names them."""

    @property
    def sentence(self) -> str:
        """What happened, in a sentence without its end."""
        what = f"{self.field} ({self.names})"
        ago = f"in the last {self.without:,} records; before, {self.share * 100:.0f} % had it"
        return f"{what} is {self.wrong} {ago}" if self.wrong else f"{what} is missing {ago}"


@dataclass(frozen=True, slots=True)
class WatchedRow:
    """What the store keeps of a field that is watched."""

    source: str
    part: str
    field: str
    names: str
    owner: str
    records: int
    having_it: int
    run: int
    longest: int
    wrong: str
    gone_since: datetime | None

    def drift(self) -> Drift | None:
        """Return the notice; None while the field comes, or may come."""
        before = self.records - self.run
        limit = row_limit(before, self.having_it, self.longest)
        if limit is None or self.run < limit or self.gone_since is None:
            return None
        return Drift(
            self.source, self.part, self.field, self.names, self.wrong, self.gone_since, self.run,
            self.having_it / before, self.owner,
        )  # fmt: skip


def row_limit(before: int, having: int, longest: int) -> int | None:
    """Return from how many records in a row without a field on it has vanished; None: it is not judged.

    Args:
        before: Records before the row.
        having: How many of these had the field.
        longest: The longest row of these without it.
    """
    if before < FEWEST_BEFORE or having < before * LEAST_SHARE:
        return None
    by_chance = math.ceil(_ONCE_IN_A_MILLION * before / having)
    return max(SHORTEST_ROW, by_chance, 2 * min(longest, LONGEST_ROW))


def kind_of(value: Any) -> str:
    """Return what a value is that does not fit."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return "a truth value" if isinstance(value, bool) else NO_NUMBER


def wrong_types(relied: Sequence[Relied], wrong: dict[int, str]) -> str:
    """Return which values have a type that their columns cannot hold; empty where only a number is odd."""
    bad = ((relied[number], kind) for number, kind in wrong.items() if kind != NO_NUMBER)
    return ", ".join(f"{one.field} ({one.names}) is {kind}" for one, kind in bad)


def summary(marks: Iterable[Mark]) -> list[WatchedField]:
    """Return what the records of a batch brought, each field of each mapping in one row."""
    grouped: dict[tuple[int, bool], list[_Row]] = {}
    mappings: dict[int, Mapping] = {}
    for (mapping, is_span, bits, wrong), same in groupby(marks, key=_SAME):
        mappings[id(mapping)] = mapping
        grouped.setdefault((id(mapping), is_span), []).append((bits, wrong, sum(1 for _ in same)))
    return [
        _field(rows, number, relied, mappings[key], is_span=is_span)
        for (key, is_span), rows in grouped.items()
        for number, relied in enumerate(mappings[key].relied)
        if (relied.of_spans if is_span else relied.of_logs)
    ]


_Row = tuple[int, dict[int, str], int]
"""What equal records in a row brought, and how many there are."""
_SAME: Final = itemgetter(1, 2, 3, 4)


def _field(
    rows: Sequence[_Row], number: int, relied: Relied, mapping: Mapping, *, is_span: bool
) -> WatchedField:
    bit = 1 << number
    having = records = gap = longest = 0
    lead: int | None = None
    kind = ""
    for bits, wrong, count in rows:
        records += count
        if not bits & bit:
            gap += count
            kind = wrong.get(number, kind)
            continue
        lead, longest = (gap, 0) if lead is None else (lead, max(longest, gap))
        having, gap, kind = having + count, 0, ""
    return WatchedField(
        part=mapping.part,
        kind="span" if is_span else "log",
        field=relied.field,
        names=relied.names,
        owner=mapping.owner,
        records=records,
        having=having,
        lead=records if lead is None else lead,
        run=gap,
        longest=longest,
        wrong=kind,
    )
