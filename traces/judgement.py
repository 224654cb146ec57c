"""What became of the failures of a trace, and how its units ended (semantics 2 and 3)."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from traces.causes import with_causes
from traces.grouping import SIGNS_OF_LIFE, Group, exception
from traces.outcome import (
    CLOSED_BY_SCRIPT,
    ENDED,
    FAILED,
    NEEDS_A_LOOK,
    OK,
    PARTIAL,
    PROGRESS,
    RUN_OK,
    SUCCESS,
    UNPROVEN,
    WENT_ON,
    WITH_ERRORS,
    Failure,
    Resolution,
    Signal,
)
from traces.record import is_retry_note
from traces.runs import account
from traces.tree import BUSINESS, ENTRIES, NONE, RUN

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from traces.record import Record
    from traces.tree import Tree, Unit

    Key = tuple[str | None, str, str]


_BAD_STATUS: Final = re.compile(r"(?i)\b(?:http|status)[ /:=\w.]{0,16}?\b[45]\d\d\b")
_SCANNED: Final = 2_000
_CLIENT_ERROR: Final = 400


def judge(tree: Tree, groups: list[Group], opened: Container[int]) -> Resolution:
    """Return the failures that are no mere attempts, and the signals.

    `opened` are the anchors of failures that waited for their unit root long enough.
    """
    return _Judgement(tree, groups, opened).resolution()


class _Judgement:
    def __init__(self, tree: Tree, groups: list[Group], opened: Container[int]) -> None:
        self._opened = opened
        self._tree = tree
        self._groups = groups
        self._good: dict[str | None, list[Record]] = defaultdict(list)
        for span in tree.spans.values():
            if not span.err:
                self._good[span.parent].append(span)
        self._notes = [r for r in tree.records if is_retry_note(r)]
        self._blocks = [s for s in tree.spans.values() if s.ours and s.role == "unit" and s.outcome]

    def resolution(self) -> Resolution:
        """Return failures and signals."""
        made = Resolution()
        kept: list[tuple[Group, Failure]] = []
        for group in self._groups:
            verdict = self._verdict(group)
            if verdict is None:
                made.attempts.add(group.anchor.rid)
            else:
                waits = verdict == "settles" and group.anchor.rid not in self._opened
                kept.append((group, self._failure(group, settles=waits)))
        kept, blocks = self._judge_blocks(kept)
        if len(kept) > 1:
            kept = with_causes(self._tree, kept)
        for group, failure in kept:
            made.failures.append(failure)
            for record in group.evidence:
                made.holds.setdefault(record.rid, failure)
            if not (failure.settles or failure.is_closed or failure.note == PARTIAL):
                made.signals += self._failed_signals(group, failure)
        made.signals += blocks + self._foreign_signals([g for g, failure in kept if not failure.is_closed])
        made.failures.sort(key=lambda f: (f.time, f.anchor))
        return made

    def _verdict(self, group: Group) -> str | None:
        """Return ``failed``, ``settles`` while the unit root is not here, or None for an attempt."""
        anchor = group.anchor
        if self._is_made_good(group) and not group.note:
            return None
        if group.note or group.logs:
            return FAILED
        if anchor.outcome == FAILED and not anchor.ours:
            return FAILED
        return self._by_place(anchor)

    def _by_place(self, anchor: Record) -> str | None:
        """Judge a failed span that nothing but its place says something of."""
        if anchor.ours:
            # The client reports a failed unit by a log record, which may come a moment later.
            return "settles" if anchor.role == "unit" and anchor.outcome == FAILED else None
        root = self._tree.root(anchor)
        if root is None or not self._is_top(root):
            return "settles"
        return FAILED if root.err else None

    def _is_top(self, root: Record) -> bool:
        return (
            root.parent is None
            or root.kind in ENTRIES
            or root.cid is not None
            or root.parent in self._tree.spans
        )

    def _index(self, record: Record) -> str | None:
        task = self._tree.task(record)
        return task.map_index if task else None

    def _is_made_good(self, group: Group) -> bool:
        if self._index(group.anchor) is not None and self._tree.word(group.anchor) == FAILED:
            return (
                False  # its orchestrator has given the task up: a later run of it is no other try, but proof
            )
        return any(self._later_try(record) for record in group.tries or [group.anchor]) or self._retried(
            group
        )

    def _later_try(self, record: Record) -> bool:
        """Did a later try of the same thing, beside this one and for the same unit, end well?"""
        for span in self._tree.above(record):
            if span.ours and span.role == "unit":
                return False
            later = (t for t in self._good.get(span.parent, ()) if t.start >= span.end)
            if any(self._is_try_of_same(span, other) for other in later):
                return True
        return False

    def _is_try_of_same(self, one: Record, other: Record) -> bool:
        return (
            not _tried(one).isdisjoint(_tried(other))
            and self._index(one) == self._index(other)
            and self._tree.unit(one).key == self._tree.unit(other).key
        )

    def _retried(self, group: Group) -> bool:
        """Did a retry library try again after this, with no error of the unit afterwards?"""
        if not self._notes or not group.logs:
            return False
        unit = self._tree.unit(group.anchor).key
        last = max(log.end for log in group.logs)
        notes = [n.end for n in self._notes if self._tree.unit(n).key == unit and n.end >= last]
        later = [g for g in self._groups if g is not group and self._tree.unit(g.anchor).key == unit]
        ended = any(self._tree.unit(b).key == unit and b.outcome != FAILED for b in self._blocks)
        return bool(notes) and ended and not any(log.end > notes[0] for g in later for log in g.logs)

    def _failure(self, group: Group, *, settles: bool) -> Failure:
        anchor, tree = group.anchor, self._tree
        unit, step, task = tree.unit(anchor), tree.step(anchor), tree.task(anchor)
        dated = _dated_by(group)
        own = (unit.flow, step, anchor.service or "")
        spans = [r for r in group.evidence if r.is_span and not self._is_block_of(unit, r)]
        places = {(tree.flow(r), tree.step(r), r.service or "") for r in spans} - {own}
        callers = {(tree.flow(s), tree.step(s), s.service) for s in tree.above(anchor) if s.service} - {own}
        callers = {place for place in callers if place[2] != (anchor.service or "")}
        tried = max((r.attempt or 0 for r in group.evidence), default=0)
        return Failure(
            anchor=anchor.rid,
            unit=unit,
            step=step,
            time=max((r.end for r in group.tries), default=anchor.end),
            attempts=max(len(group.tries), tried, 1),
            affected=tuple(sorted(places | callers)),
            part=self._part(anchor),
            clock=dated.clock,
            seq=dated.seq,
            speaker=self._speaker(group).rid,
            note=group.note,
            settles=settles,
            retry=anchor.retry,
            index=task.map_index if task else None,
            total=task.map_total if task else None,
            account=account(anchor, group.evidence) if unit.kind == RUN else None,
        )

    def _part(self, anchor: Record) -> str | None:
        """Return the part that failed: what the nearest block in its service names, else the service."""
        around = (span.part for span in self._tree.above(anchor) if span.service == anchor.service)
        return anchor.part or next(filter(None, around), anchor.service)

    def _is_block_of(self, unit: Unit, span: Record) -> bool:
        return span.ours and span.role == "unit" and self._tree.unit(span).id == unit.id

    def _speaker(self, group: Group) -> Record:
        """Return the record of the failed unit whose text the case shows."""
        unit = self._tree.unit(group.anchor).id
        own = [r for r in group.evidence if r.err and self._tree.unit(r).id == unit]
        return min(own, key=_rank, default=group.anchor)

    # --- the unit blocks of our client ---------------------------------------------------------

    def _judge_blocks(
        self, kept: list[tuple[Group, Failure]]
    ) -> tuple[list[tuple[Group, Failure]], list[Signal]]:
        signals: list[Signal] = []
        for block in sorted(self._blocks, key=lambda b: (b.end, b.rid)):
            inside = [p for p in kept if not p[1].is_closed and block.span in self._spans_around(p[0])]
            own = [pair for pair in inside if pair[1].unit.id == self._tree.unit(block).id]
            others = [pair for pair in inside if pair[1].unit.id != self._tree.unit(block).id]
            outcome = self._block_outcome(block, own, others)
            if note := _note_of(block, outcome):
                if note == CLOSED_BY_SCRIPT:  # its word is about what went wrong inside it, and nothing else
                    own = [pair for pair in own if block.span in self._tree.up[pair[0].anchor.span]]
                kept = [(g, replace(f, note=note) if (g, f) in own else f) for g, f in kept]
            elif outcome == PARTIAL and not others and not own:
                group = Group(block, [block])
                kept.append((group, replace(self._failure(group, settles=False), note=PARTIAL)))
            signals.append(self._signal(block, outcome))
        return kept, signals

    def _spans_around(self, group: Group) -> set[str]:
        return {s for record in group.evidence for s in self._tree.up[record.span]}

    def _block_outcome(
        self, block: Record, own: Sequence[tuple[Group, Failure]], others: Sequence[tuple[Group, Failure]]
    ) -> str:
        outcome_of_block = block.outcome or SUCCESS
        if outcome_of_block in (FAILED, PARTIAL) or block.verdict == OK:
            return outcome_of_block
        if own:
            serious = any(_is_serious(log) for group, _ in own for log in group.evidence)
            return WITH_ERRORS if serious else UNPROVEN
        return PARTIAL if others and outcome_of_block == SUCCESS else outcome_of_block

    # --- signals -------------------------------------------------------------------------------

    def _signal(self, record: Record, outcome: str) -> Signal:
        part = record.part or record.service
        step = self._tree.step(record) if record.verdict == RUN_OK and outcome == SUCCESS else None
        final = record.completes is True or part is None or (not record.ours and outcome == SUCCESS)
        return Signal(
            rid=record.rid,
            unit=self._tree.unit(record),
            time=record.end,
            outcome=outcome,
            part=part,
            final=final,
            retry=record.retry,
            clock=record.clock,
            seq=record.seq,
            continues=record.completes is False or outcome == PROGRESS,
            step=step,
        )

    def _of_task(self, record: Record) -> Signal:
        """Return the signal that one of several tasks succeeded; it states nothing about the unit."""
        step, index = self._tree.step(record), self._index(record)
        signal = self._signal(record, PROGRESS)
        return replace(signal, step=step, index=index, final=False, continues=False)

    def _failed_signals(self, group: Group, failure: Failure) -> list[Signal]:
        """Say of the unit, and of every unit that failed because of it, that it failed."""
        own = self._signal(group.anchor, FAILED)
        own = replace(own, unit=failure.unit, time=failure.time)
        if failure.index is not None:
            own = replace(own, step=failure.step, index=failure.index)
        made = {failure.unit.key: own}
        for span in group.evidence:
            unit = self._tree.unit(span)
            if span.is_span and unit.id and unit.key not in made:
                made[unit.key] = self._signal(span, FAILED)
        return [s for s in made.values() if s.unit.kind != NONE]

    def _foreign_signals(self, groups: list[Group]) -> list[Signal]:
        """Return what records say that are not our client's blocks, and describe no failure."""
        held = {record.rid for group in groups for record in group.evidence}
        held |= {block.rid for block in self._blocks}
        blocks = self._units_of_blocks()
        made = []
        for record in self._tree.records:
            if record.rid in held:
                continue
            unit = self._tree.unit(record)
            if unit.kind == NONE:
                continue
            is_success = record.outcome == SUCCESS or record.verdict == OK
            if is_success and not record.err and self._index(record) is not None:
                made.append(self._of_task(record))
            elif record.outcome in (SUCCESS, PROGRESS):
                made.append(self._signal(record, record.outcome))
            is_end = _is_end(record, unit) and (unit.kind == BUSINESS or record.parent is None)
            if is_end and unit.key not in blocks:
                made.append(self._signal(record, ENDED))
        return made

    def _units_of_blocks(self) -> set[Key]:
        """Return the units of which a block of our client speaks, open or ended: it says how they end."""
        signs = (r for r in self._tree.records if r.seq is not None and r.name in SIGNS_OF_LIFE)
        return {self._tree.unit(record).key for record in (*self._blocks, *signs)}


def _dated_by(group: Group) -> Record:
    """Return the record whose place in the order of writing is the failure's.

    The anchor may be a span of a framework. Its copy by the program's own exporter has no place in that
    order, but what our client wrote of the failure in the same service has one.
    """
    anchor = group.anchor
    if anchor.seq is not None:
        return anchor
    ours = [r for r in group.evidence if r.seq is not None and r.service == anchor.service]
    return max(ours, key=lambda r: (r.end, r.seq or 0), default=anchor)


def _note_of(block: Record, outcome: str) -> str | None:
    """Return what the failures of a block's own unit are called, by how it ended."""
    if block.verdict == OK and block.outcome in (SUCCESS, PROGRESS):
        return CLOSED_BY_SCRIPT
    return {WITH_ERRORS: WENT_ON, UNPROVEN: NEEDS_A_LOOK}.get(outcome)


def _is_end(span: Record, unit: Unit) -> bool:
    """Return whether a span of foreign telemetry ends the unit's way through a service, without an error.

    Of spans that name unit and flow themselves SQL derives the same (derive/units).
    """
    names_it = span.cid and span.flow and span.tenant == unit.tenant
    if not span.is_span or span.err or span.role or span.outcome or names_it:
        return False
    return span.parent is None or span.kind in ENTRIES or span.cid is not None


def _tried(span: Record) -> set[str]:
    """Return under which names a span is a try: its step; its own name where none but a try has it."""
    return {name for name in (span.step, span.name if span.kind == "client" or span.cid else None) if name}


def _rank(record: Record) -> tuple[object, ...]:
    """Order records by how much they say: our client's own report first."""
    report = record.outcome == FAILED or record.name == "unit.failed"
    is_bare = exception(record) is None
    return (not report, record.etype is None, record.is_span, is_bare, -record.end, record.rid)


def _is_serious(record: Record) -> bool:
    """Return whether an error line carries an exception, a stack trace, or an HTTP status from 400 up."""
    if record.etype or record.stack or record.emsg:
        return True
    if record.http_status is not None and record.http_status >= _CLIENT_ERROR:
        return True
    return _BAD_STATUS.search(record.name[:_SCANNED]) is not None
