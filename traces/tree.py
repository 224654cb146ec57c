"""The records of one trace as a tree of spans, and what each record inherits from it (semantics 1)."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from traces.outcome import FAILED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from traces.record import Record

ENTRIES: Final = ("server", "consumer")
JOINS_FOR_US: Final = 24 * 3600 * 1_000_000
"""A record joins its trace until this long after the trace's last record."""
_WORD: Final = re.compile(r"[\w-]+")
BUSINESS, RUN, TECHNICAL, TRACE, NONE = "business", "run", "technical", "trace", "none"


class Unit(NamedTuple):
    """What a record belongs to: tenant, ID and flow; `kind` says what the ID is."""

    tenant: str | None
    id: str
    flow: str
    kind: str

    @property
    def key(self) -> tuple[str | None, str, str]:
        """What makes two units the same."""
        return self.tenant, self.id, self.flow


@dataclass(slots=True)
class _Values:
    """What the records of a trace say of one field: of their own span, in and below each span, in all."""

    own: dict[str | None, set[str]] = field(default_factory=lambda: defaultdict(set))
    below: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    all: set[str] = field(default_factory=set)


class Tree:
    """The records of one trace, or of one ID where records have no trace.

    Args:
        records: All that is known, in any order; a record that is there twice counts once.
        linked: For each trace that a span links to, the business IDs that it carries.
    """

    def __init__(self, records: Iterable[Record], linked: Mapping[str, frozenset[str]] | None = None) -> None:
        self.records = _apart(sorted({r.rid: r for r in records}.values(), key=lambda r: r.rid))
        self.linked = linked or {}
        self.spans: dict[str, Record] = {}
        for record in self.records:
            if record.is_span and record.span is not None:
                self.spans.setdefault(record.span, record)
        self.up = {s: self._chain(s) for s in {r.span for r in self.records}}
        self._above = {s: tuple(self.spans[t] for t in up if t in self.spans) for s, up in self.up.items()}
        self._values: dict[str, _Values] = {}
        self._flow = self._default_flow()
        self._has_tasks = any(record.map_index for record in self.records)
        # What is asked again and again of the same records.
        self._units: dict[int, Unit] = {}
        self._steps: dict[int, str] = {}

    def _chain(self, span: str | None) -> tuple[str, ...]:
        chain: dict[str, None] = {}
        while span and span not in chain:
            chain[span] = None
            known = self.spans.get(span)
            span = known.parent if known else None
        return tuple(chain)

    def _values_of(self, field: str) -> _Values:
        """Return what the records say of a field; most traces never ask, so it is put together late."""
        if field not in self._values:
            self._values[field] = self._gathered(field)
        return self._values[field]

    def _gathered(self, field: str) -> _Values:
        made = _Values()
        for record in self.records:
            value = getattr(record, field)
            if not value:
                continue
            span = None if record.is_span else self.spans.get(record.span or "")
            if not (span and getattr(span, field)):  # a span's own word wins over its logs'
                made.own[record.span].add(value)
            for above in self.up[record.span]:
                made.below[above].add(value)
            made.all.add(value)
        return made

    def _default_flow(self) -> str | None:
        """Return the service of the trace's first span: the flow of a trace that nobody gives one."""
        named = [s for s in self.spans.values() if s.service]
        # A root comes first whatever its clock says.
        first = min(named, key=lambda s: (s.parent is not None, s.start, s.rid), default=None)
        return first.service if first else None

    def above(self, record: Record) -> tuple[Record, ...]:
        """Return the known spans around a record, the innermost first; a span is around itself."""
        return self._above[record.span]

    def nearest(self, record: Record, field: str, *, around: bool = True) -> str | None:
        """Return the record's own value, else that of the nearest span around it that has exactly one.

        With `around` also the only value in the subtree of a span around it, then the only one of the trace.
        """
        if (value := getattr(record, field)) or record.trace is None:
            return str(value) if value else None
        chain, field_values = self.up[record.span], self._values_of(field)
        places = [field_values.own.get(span, ()) for span in chain]
        if around:
            places += [*(field_values.below.get(span, ()) for span in chain), field_values.all]
        return next((next(iter(values)) for values in places if len(values) == 1), None)

    def unit(self, record: Record) -> Unit:
        """Return the unit that a record belongs to; its id is empty where there is none."""
        if (known := self._units.get(record.rid)) is None:
            known = self._units[record.rid] = self._unit(record)
        return known

    def _unit(self, record: Record) -> Unit:
        if record.cid and record.tenant and record.flow:
            return Unit(record.tenant, record.cid, record.flow, BUSINESS)
        tenant, flow = self.nearest(record, "tenant"), self.flow(record)
        business = self.nearest(record, "cid", around=False) or self._from_links(record)
        business = business or self.nearest(record, "cid")
        if business:
            return Unit(tenant, business, flow, BUSINESS)
        for name, kind in (("run", RUN), ("technical", TECHNICAL)):
            if found := self.nearest(record, name):
                return Unit(tenant, found, flow, kind)
        if record.trace:
            return Unit(tenant, record.trace, flow, TRACE)
        return Unit(tenant, "", flow, NONE)

    def _from_links(self, record: Record) -> str | None:
        for span in self.above(record):
            found = {
                cid
                for trace, cids in self.linked.items()
                if span.links and trace in span.links
                for cid in cids
            }
            if len(found) == 1:
                return next(iter(found))
        return None

    def flow(self, record: Record) -> str:
        """Return the flow: the client's or the mapping's, else the first span's service, else the source."""
        if found := self.nearest(record, "flow"):
            return found
        if record.trace and (several := self._values_of("flow").all):
            return min(several)
        return self._flow or record.service or record.source

    def step(self, record: Record) -> str:
        """Return the step: named by the client or a mapping, else the template of the nearest entry span."""
        if (known := self._steps.get(record.rid)) is None:
            known = self._steps[record.rid] = self._step(record)
        return known

    def _step(self, record: Record) -> str:
        if named := self.nearest(record, "step", around=False):
            return named
        known = self.above(record)
        entry = next((s for s in known if s.kind in ENTRIES), known[-1] if known else None)
        # The block of a unit is no step: its span is named after the flow.
        return template(entry) if entry and not (entry.ours and entry.role == "unit") else ""

    def task(self, record: Record) -> Record | None:
        """Return the record that says which of several tasks this one belongs to, None where none says so.

        A task with a business ID of its own is a unit, and not one of several tasks of a unit.
        """
        if not self._has_tasks:
            return None
        task = record if record.map_index else next((s for s in self.above(record) if s.map_index), None)
        return None if task is None or self._is_unit(task) else task

    def word(self, record: Record) -> str | None:
        """Return how an orchestrator says that the task around a record ended: a verdict, or failed."""
        unit = self.unit(record).id
        for span in self.above(record):
            if span.ours or self.unit(span).id != unit:
                return None
            if span.verdict or span.outcome == FAILED:
                return span.verdict or FAILED
        return None

    def _is_unit(self, task: Record) -> bool:
        unit = self.unit(task)
        if unit.kind != BUSINESS:
            return unit.kind == NONE
        around = self.spans.get(task.parent or "") if task.is_span else None
        return around is None or self.unit(around).id != unit.id

    def root(self, record: Record) -> Record | None:
        """Return the unit root: the topmost span of the record's unit in its service."""
        unit, found = self.unit(record).id, None
        for span in self.above(record):
            if found is not None and (span.service != found.service or self.unit(span).id != unit):
                break
            found = span
            if span.cid is not None and not (
                span.parent in self.spans and self.spans[span.parent].cid == span.cid
            ):
                break
        return found


def _apart(records: list[Record]) -> list[Record]:
    """Give each span whose id another one has a place of its own; what names the id stays with the first."""
    taken: set[str | None] = set()
    placed: list[Record] = []
    for record in records:
        if record.is_span and record.span in taken:
            record = record._replace(span=f"{record.span}/{record.rid}")  # noqa: PLW2901
        if record.is_span:
            taken.add(record.span)
        placed.append(record)
    return placed


def segments(records: Iterable[Record], gap_us: int = JOINS_FOR_US) -> list[list[Record]]:
    """Return the records of one trace ID in parts that do not join: more than `gap_us` lies between them."""
    ordered = sorted(records, key=lambda r: r.start)
    parts: list[list[Record]] = []
    last = 0
    for record in ordered:
        if not parts or record.start - last > gap_us:
            parts.append([])
            last = record.end
        parts[-1].append(record)
        last = max(last, record.end)
    return parts


def template(span: Record) -> str:
    """Return what a span is called without the numbers in it: ``/orders/{id}``, ``GET /orders/*``."""
    return span.route or _without_ids(span.name[:200])


@lru_cache(maxsize=4_096)
def _without_ids(name: str) -> str:
    return _WORD.sub(_without_id, name)


def _without_id(word: re.Match[str]) -> str:
    digits = sum(letter.isdigit() for letter in word[0])
    return "*" if digits > 1 or word[0].isdigit() else word[0]
