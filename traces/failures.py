"""Which records describe one failure, and which failures were only attempts (semantics 2 and 3).

`resolve` is a function of the *set* of records of one trace, so no order of arrival can matter:

1. Every failed span that no failed span inside it explains is where something went wrong: an anchor.
2. Anchors of one unit with the same service and name, none above the other, are tries of one failure.
3. An error log belongs to the anchor in, below or above its span, or with the same exception.
4. What is left is a failure that only log records describe.
5. A failure that the code around it handled, or that a later try made good, is an attempt.
6. The unit blocks of our client decide what their own errors meant.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from traces.exceptions import describes, exception, is_serious, related
from traces.record import is_retry_note
from traces.tree import BUSINESS, ENTRIES, NONE, Tree, Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence

    from traces.record import Record

RULE: Final = "2"
"""Version of these rules: a case that was closed under an earlier one keeps its state."""
SAME_FAILURE_US: Final = 5_000_000
"""Equal error lines without a span are one failure up to this far apart."""

SUCCESS, PROGRESS, ENDED, PARTIAL = "success", "progress", "ended", "partial"
WITH_ERRORS, UNPROVEN, FAILED = "completed_with_errors", "completed_unproven", "failed"
WENT_ON, NEEDS_A_LOOK = "the script went on after this error", "needs a look"
LOST_CONTACT: Final = "lost contact: the process ended without an end record of this unit"
_STARTED: Final = "unit.started"
_COMMAND_FAILED: Final = "unsnag.CommandError"


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


@dataclass(slots=True)
class _Group:
    """A failure in the making: its anchor, what describes it, and the failed spans that it explains."""

    anchor: Record
    evidence: list[Record]
    tries: list[Record] = field(default_factory=list)
    note: str | None = None

    @property
    def logs(self) -> list[Record]:
        return [r for r in self.evidence if not r.is_span]


def resolve(
    records: Iterable[Record],
    linked: Mapping[str, frozenset[str]] | None = None,
    opened: Container[int] = (),
) -> tuple[Tree, Resolution]:
    """Return the tree of one trace's records, and what they say: failures and signals.

    `opened` are the anchors of failures that waited for their unit root long enough.
    """
    tree = Tree(records, linked)
    groups = _Grouping(tree).groups()
    return tree, _Judgement(tree, groups, opened).resolution()


class Everything:
    """Holds everything: nothing waits any more."""

    def __contains__(self, _: object) -> bool:
        """Return True."""
        return True


# --- which records describe one failure ------------------------------------------------------------


class _Grouping:
    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._failed = [s for s in tree.spans.values() if s.err]
        self._logs = sorted(
            (r for r in tree.records if r.err and not r.is_span), key=lambda r: (r.end, r.seq or 0, r.rid)
        )
        self._inside: dict[str, list[Record]] = defaultdict(list)
        for span in self._failed:
            for above in tree.up[span.span]:
                self._inside[above].append(span)

    def groups(self) -> list[_Group]:
        """Return the failures, each with all that describes it."""
        lost = self._lost()
        died = {r.rid for group in lost for r in group.evidence}
        tries = self._tries([s for s in self._failed if not (self._is_explained(s) or s.rid in died)])
        found = [_Group(same[-1], list(same), same) for same in tries]
        for group in found:
            around = (s for t in group.tries for s in self._tree.above(t) if s.err and s is not t)
            group.evidence += [s for s in dict.fromkeys(around) if self._explains(group.anchor, s)]
        found = self._without_echoes(found) + lost
        loose = self._attach_logs(found)
        return found + self._of_logs(loose)

    def _without_echoes(self, groups: list[_Group]) -> list[_Group]:
        """Put failed spans without an exception to the failure whose exception the span around them carries.

        A web framework's span that sends the answer fails with status 500 because the handler raised.
        """
        speaking = [g for g in groups if exception(g.anchor) is not None]
        kept = []
        for group in groups:
            around = {s.rid for s in self._tree.above(group.anchor) if s.err and exception(s) is not None}
            home = next(
                (g for g in speaking if g is not group and around & {r.rid for r in g.evidence}), None
            )
            if exception(group.anchor) is not None or home is None:
                kept.append(group)
            else:
                home.evidence += group.evidence
        return kept

    def _lost(self) -> list[_Group]:
        """Return the units that began inside a command which `unsnag run` saw die, and never ended."""
        wrappers = [s for s in self._failed if s.etype == _COMMAND_FAILED]
        if not wrappers:
            return []
        begun = [
            r for r in self._tree.records if r.name == _STARTED and r.span and r.span not in self._tree.spans
        ]
        told = {log.span for log in self._logs}
        # The span that would say where the unit's block stood was never written: the command's time tells.
        pairs = [(r, w) for r in begun for w in wrappers if w.start <= r.end <= w.end and r.span not in told]
        return [_Group(r, [r, w], note=LOST_CONTACT) for r, w in pairs]

    def _is_explained(self, span: Record) -> bool:
        return any(self._explains(inner, span) for inner in self._inside[span.span or ""])

    def _explains(self, inner: Record, outer: Record) -> bool:
        """A failed span inside explains one around it, unless that has another exception of its own."""
        if inner.rid == outer.rid or outer.span not in self._tree.up[inner.span]:
            return False
        if inner.span in self._tree.up[outer.span] and inner.rid >= outer.rid:
            return False  # broken telemetry: parents that lead in a circle
        if outer.etype == _COMMAND_FAILED:
            return True  # the wrapper of a command that failed because a unit inside it did
        if self._tree.unit(inner).id == self._tree.unit(outer).id:
            return related(inner, outer)
        return exception(outer) is None or describes(outer, inner)

    def _tries(self, anchors: list[Record]) -> list[list[Record]]:
        """Put tries of one thing together: one unit, service and name, none above the other."""
        alike: dict[tuple[object, ...], list[Record]] = defaultdict(list)
        for a in anchors:
            alike[self._tree.unit(a).key, a.service, a.name, a.retry].append(a)
        groups: list[list[Record]] = []
        for same in alike.values():
            ordered = sorted(same, key=lambda r: (r.end, r.rid))
            nested = [
                a for a in ordered if any(a is not b and b.span in self._tree.up[a.span] for b in ordered)
            ]
            groups += [[a] for a in nested]
            if rest := [a for a in ordered if a not in nested]:
                groups.append(rest)
        return groups

    def _attach_logs(self, groups: list[_Group]) -> list[Record]:
        """Give each error log to the failure that it describes; return those that fit none."""
        by_ref: dict[str, _Group] = {}
        for group in groups:
            for record in group.evidence:
                if record.ref:
                    by_ref.setdefault(record.ref, group)
        loose: list[Record] = []
        for log in self._logs:
            home = by_ref.get(log.ref or "") or self._pick(groups, log)
            if home is None:
                loose.append(log)
                continue
            home.evidence.append(log)
            if log.ref:
                by_ref.setdefault(log.ref, home)
        return self._take_refs(loose, by_ref)

    def _take_refs(self, loose: list[Record], by_ref: dict[str, _Group]) -> list[Record]:
        """Give logs that came before the one that placed their exception object to the same failure."""
        rest = []
        for log in loose:
            if log.ref in by_ref:
                by_ref[log.ref or ""].evidence.append(log)
            else:
                rest.append(log)
        return rest

    def _pick(self, groups: list[_Group], log: Record) -> _Group | None:
        """Return the failure that a log describes: by exception, unit and place, then the last before it."""
        found = [g for g in groups if self._fits(g, log)]
        tests: tuple[Callable[[_Group], bool], ...] = (
            lambda g: exception(g.anchor) == exception(log),
            lambda g: self._tree.unit(g.anchor).key == self._tree.unit(log).key,
            lambda g: g.anchor.span == log.span,
            lambda g: g.anchor.end <= log.end,
        )
        for test in tests:
            found = [g for g in found if test(g)] or found
        return max(found, key=lambda g: (g.anchor.end, g.anchor.rid), default=None)

    def _fits(self, group: _Group, log: Record) -> bool:
        units = {
            self._tree.unit(r).id for r in (group.anchor, *group.evidence) if r.is_span or r is group.anchor
        }
        if self._tree.unit(log).id not in units:
            return False
        if not related(group.anchor, log) and not any(
            describes(log, r) or describes(r, log) for r in group.evidence
        ):
            return False
        spans = [r for r in group.evidence if r.is_span]
        if log.etype and exception(log) in {exception(s) for s in spans}:
            return True
        if log.span is None:
            return any(_is_during(log, s) for s in spans)
        up = self._tree.up
        # In a span that failed, or around it.
        return any(s.span in up[log.span] or (log.span and log.span in up[s.span]) for s in spans)

    def _of_logs(self, loose: list[Record]) -> list[_Group]:
        """Make failures of what only logs describe: one for each unit, exception and innermost span."""
        alike: dict[tuple[object, ...], list[list[Record]]] = defaultdict(list)
        for log in loose:
            spanless = log.span is None and not log.ref
            place = log.step if spanless else None if log.etype else log.span
            said: object = log.ref or exception(log) or (log.etype, log.emsg, log.name)
            if self._tree.unit(log).kind == NONE and not log.ref:
                said = (log.rid,)  # records that belong to no unit cannot describe one failure of a unit
            clusters = alike[self._tree.unit(log).key, log.retry, said, place]
            fits = clusters and not (spanless and log.end - clusters[-1][0].end > SAME_FAILURE_US)
            if fits:
                clusters[-1].append(log)
            else:
                clusters.append([log])
        return [g for clusters in alike.values() for logs in clusters for g in self._by_innermost(logs)]

    def _by_innermost(self, logs: list[Record]) -> Iterable[_Group]:
        up = self._tree.up
        spans = {log.span or "" for log in logs if log.span} or {""}
        inner = sorted(s for s in spans if not any(s != t and s in up[t] for t in spans))
        if len(inner) == 1:
            innermost = [log for log in logs if (log.span or "") == inner[0]]
            return [_Group(innermost[0], list(logs))]
        parts: dict[str, list[Record]] = {s: [] for s in inner}
        for log in logs:
            home = next((s for s in inner if (log.span or "") == s or log.span in up[s]), inner[0])
            parts[home].append(log)
        return [_Group(next(log for log in part if log.span == s), part) for s, part in parts.items() if part]


# --- what became of them ---------------------------------------------------------------------------


class _Judgement:
    def __init__(self, tree: Tree, groups: list[_Group], opened: Container[int]) -> None:
        self._opened = opened
        self._tree = tree
        self._groups = groups
        self._good: dict[tuple[object, ...], list[Record]] = defaultdict(list)
        for span in tree.spans.values():
            if not span.err:
                for name in _tried(span):
                    self._good[span.parent, name].append(span)
        self._notes = [r for r in tree.records if is_retry_note(r)]
        self._blocks = [s for s in tree.spans.values() if s.ours and s.role == "unit" and s.outcome]

    def resolution(self) -> Resolution:
        """Return failures and signals."""
        made = Resolution()
        kept: list[tuple[_Group, Failure]] = []
        for group in self._groups:
            verdict = self._verdict(group)
            if verdict is None:
                made.attempts.add(group.anchor.rid)
            else:
                waits = verdict == "settles" and group.anchor.rid not in self._opened
                kept.append((group, self._failure(group, settles=waits)))
        kept, blocks = self._judge_blocks(kept, made)
        for group, failure in kept:
            made.failures.append(failure)
            for record in group.evidence:
                made.holds.setdefault(record.rid, failure)
            if not failure.settles and failure.note != PARTIAL:
                made.signals += self._failed_signals(group, failure)
        made.signals += blocks + self._foreign_signals(kept)
        made.failures.sort(key=lambda f: (f.time, f.anchor))
        return made

    def _verdict(self, group: _Group) -> str | None:
        """Return ``failed``, ``settles`` while the unit root is not here, or None for an attempt."""
        if self._made_good(group) and not group.note:
            return None
        if group.note or group.logs:
            return FAILED
        anchor = group.anchor
        if anchor.outcome == FAILED and not anchor.ours:
            return FAILED
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

    def _made_good(self, group: _Group) -> bool:
        return any(self._later_try(record) for record in group.tries or [group.anchor]) or self._retried(
            group
        )

    def _later_try(self, record: Record) -> bool:
        """Did a later try of the same thing, beside this one and for the same unit, end well?"""
        for span in self._tree.above(record):
            if span.ours and span.role == "unit":
                return False
            tries = [t for name in _tried(span) for t in self._good[span.parent, name]]
            unit = self._tree.unit(span).key
            if any(t.start >= span.end and self._tree.unit(t).key == unit for t in tries):
                return True
        return False

    def _retried(self, group: _Group) -> bool:
        """Did a retry library try again after this, with no error of the unit afterwards?"""
        if not self._notes or not group.logs:
            return False
        unit = self._tree.unit(group.anchor).key
        last = max(log.end for log in group.logs)
        notes = [n.end for n in self._notes if self._tree.unit(n).key == unit and n.end >= last]
        later = [g for g in self._groups if g is not group and self._tree.unit(g.anchor).key == unit]
        ended = any(self._tree.unit(b).key == unit and b.outcome != FAILED for b in self._blocks)
        return bool(notes) and ended and not any(log.end > notes[0] for g in later for log in g.logs)

    def _failure(self, group: _Group, *, settles: bool) -> Failure:
        anchor, tree = group.anchor, self._tree
        unit, step = tree.unit(anchor), tree.step(anchor)
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
            part=anchor.part or anchor.service,
            clock=anchor.clock,
            seq=anchor.seq,
            speaker=self._speaker(group).rid,
            note=group.note,
            settles=settles,
            retry=anchor.retry,
        )

    def _is_block_of(self, unit: Unit, span: Record) -> bool:
        return span.ours and span.role == "unit" and self._tree.unit(span).id == unit.id

    def _speaker(self, group: _Group) -> Record:
        """Return the record of the failed unit whose text the case shows."""
        unit = self._tree.unit(group.anchor).id
        own = [r for r in group.evidence if r.err and self._tree.unit(r).id == unit]
        return min(own, key=_rank, default=group.anchor)

    # --- the unit blocks of our client ---------------------------------------------------------

    def _judge_blocks(
        self, kept: list[tuple[_Group, Failure]], made: Resolution
    ) -> tuple[list[tuple[_Group, Failure]], list[Signal]]:
        signals: list[Signal] = []
        for block in sorted(self._blocks, key=lambda b: (b.end, b.rid)):
            inside = [pair for pair in kept if block.span in self._spans_around(pair[0])]
            own = [pair for pair in inside if pair[1].unit.id == self._tree.unit(block).id]
            others = [pair for pair in inside if pair[1].unit.id != self._tree.unit(block).id]
            outcome = self._block_outcome(block, own, others)
            if block.verdict == "ok" and block.outcome == SUCCESS:
                made.attempts |= {group.anchor.rid for group, _ in own}
                kept = [pair for pair in kept if pair not in own]
            elif outcome in (WITH_ERRORS, UNPROVEN):
                note = WENT_ON if outcome == WITH_ERRORS else NEEDS_A_LOOK
                kept = [(g, replace(f, note=note) if (g, f) in own else f) for g, f in kept]
            elif outcome == PARTIAL and not others and not own:
                group = _Group(block, [block])
                kept.append((group, replace(self._failure(group, settles=False), note=PARTIAL)))
            signals.append(self._signal(block, outcome))
        return kept, signals

    def _spans_around(self, group: _Group) -> set[str]:
        return {s for record in group.evidence for s in self._tree.up[record.span]}

    def _block_outcome(
        self, block: Record, own: Sequence[tuple[_Group, Failure]], others: Sequence[tuple[_Group, Failure]]
    ) -> str:
        said = block.outcome or SUCCESS
        if said in (FAILED, PARTIAL) or block.verdict == "ok":
            return said
        if own:
            serious = any(is_serious(log) for group, _ in own for log in group.evidence)
            return WITH_ERRORS if serious else UNPROVEN
        return PARTIAL if others and said == SUCCESS else said

    # --- signals -------------------------------------------------------------------------------

    def _signal(self, record: Record, outcome: str) -> Signal:
        part = record.part or record.service
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
        )

    def _failed_signals(self, group: _Group, failure: Failure) -> list[Signal]:
        """Say of the unit, and of every unit that failed because of it, that it failed."""
        made = {failure.unit.key: self._signal(group.anchor, FAILED)}
        made[failure.unit.key] = replace(made[failure.unit.key], unit=failure.unit, time=failure.time)
        for span in group.evidence:
            unit = self._tree.unit(span)
            if span.is_span and unit.id and unit.key not in made:
                made[unit.key] = self._signal(span, FAILED)
        return [s for s in made.values() if s.unit.kind != NONE]

    def _foreign_signals(self, kept: list[tuple[_Group, Failure]]) -> list[Signal]:
        """Return what records say that are not our client's blocks."""
        held = {record.rid for group, _ in kept for record in group.evidence}
        made = []
        for record in self._tree.records:
            if record in self._blocks or record.rid in held:
                continue
            unit = self._tree.unit(record)
            if unit.kind == NONE:
                continue
            if record.outcome in (SUCCESS, PROGRESS):
                made.append(self._signal(record, record.outcome))
            elif _is_end(record, unit) and (unit.kind == BUSINESS or record.parent is None):
                made.append(self._signal(record, ENDED))
        return made


def _is_end(span: Record, unit: Unit) -> bool:
    """Tell whether a span of foreign telemetry ends the unit's way through a service, without an error.

    Of spans that name unit and flow themselves SQL derives the same (derive/units).
    """
    names_it = span.cid and span.flow and span.tenant == unit.tenant
    if not span.is_span or span.err or span.role or span.outcome or names_it:
        return False
    return span.parent is None or span.kind in ENTRIES or span.cid is not None


def _is_during(log: Record, span: Record) -> bool:
    """Tell whether a log record that names no span was written during a try of the step that it names."""
    same = log.step is not None and log.step == span.step
    return same and span.start <= log.end <= span.end + SAME_FAILURE_US


def _tried(span: Record) -> set[str]:
    """Return under which names a span is a try: its step; its own name where none but a try has it."""
    return {name for name in (span.step, span.name if span.kind == "client" or span.cid else None) if name}


def _rank(record: Record) -> tuple[object, ...]:
    """Order records by how much they say: our client's own report first."""
    report = record.outcome == FAILED or record.name == "unit.failed"
    is_bare = exception(record) is None
    return (not report, record.etype is None, record.is_span, is_bare, -record.end, record.rid)


__all__ = ["BUSINESS", "RULE", "Failure", "Resolution", "Signal", "resolve"]
