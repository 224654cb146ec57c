"""Which records describe one failure (semantics 2): by their place in the trace, and by their exceptions."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from traces.outcome import FAILED, LOST_CONTACT, OK, SILENT, UNDECIDED
from traces.tree import NONE

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable

    from traces.record import Record
    from traces.tree import Tree

SAME_FAILURE_US: Final = 5_000_000
"""Equal error lines without a span are one failure up to this far apart."""
_STARTED: Final = "unit.started"
SIGNS_OF_LIFE: Final = (_STARTED, "unit.heartbeat")
"""Records of our client that say that the block of a unit is open."""
_COMMAND_FAILED: Final = "unsnag.CommandError"


@dataclass(slots=True)
class Group:
    """A failure in the making: its anchor, what describes it, and the failed spans that it explains."""

    anchor: Record
    evidence: list[Record]
    tries: list[Record] = field(default_factory=list)
    note: str | None = None

    @property
    def logs(self) -> list[Record]:
        """Return the log records among the evidence."""
        return [r for r in self.evidence if not r.is_span]


def groups_of(tree: Tree, silent: Container[int] = ()) -> list[Group]:
    """Return the failures in a trace, each with all that describes it; see `traces.failures.resolve`."""
    return _Grouping(tree, silent).groups()


class _Grouping:
    def __init__(self, tree: Tree, silent: Container[int]) -> None:
        self._tree = tree
        self._silent = silent
        # What happened in a task that succeeded was handled, and one that is tried again has not failed.
        self._failed = [s for s in tree.spans.values() if s.err and tree.word(s) not in (OK, UNDECIDED)]
        self._logs = sorted(
            (r for r in tree.records if r.err and not r.is_span and tree.word(r) != UNDECIDED),
            key=lambda r: (r.end, r.seq or 0, r.rid),
        )
        self._inside: dict[str, list[Record]] = defaultdict(list)
        for span in self._failed:
            for above in tree.up[span.span]:
                self._inside[above].append(span)

    def groups(self) -> list[Group]:
        """Return the failures, each with all that describes it."""
        lost = self._lost()
        died = {r.rid for group in lost for r in group.evidence}
        tries = self._tries([s for s in self._failed if not (self._is_explained(s) or s.rid in died)])
        found = [Group(same[-1], list(same), same) for same in tries]
        for group in found:
            around = (s for t in group.tries for s in self._tree.above(t) if s.err and s is not t)
            group.evidence += [s for s in dict.fromkeys(around) if self._explains(group.anchor, s)]
        found = self._without_echoes(found) + lost
        loose = self._attach_logs(found)
        return found + self._of_logs(loose)

    def _without_echoes(self, groups: list[Group]) -> list[Group]:
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

    def _lost(self) -> list[Group]:
        """Return the units whose block began and never ended: their command died, or they fell silent."""
        wrappers = [s for s in self._failed if s.etype == _COMMAND_FAILED]
        found = []
        for signs in self._open_blocks():
            last = signs[-1]
            # The command's unit and its step both failed with it.
            around = [w for w in wrappers if any(_began_inside(r, w) for r in signs)]
            begun = next((r for r in signs if any(_began_inside(r, w) for w in around)), None)
            if begun:
                found.append(Group(begun, [*signs, *around], note=LOST_CONTACT))
            # A block of a retry has no failure of its own: the retried case returns when its lease runs out.
            elif last.rid in self._silent and not last.retry:
                found.append(Group(last, signs, note=SILENT))
        return found

    def _open_blocks(self) -> list[list[Record]]:
        """Return for each block without an end, and without an error, its signs of life in their order."""
        logged = {log.span for log in self._logs}
        blocks: dict[str, list[Record]] = defaultdict(list)
        for record in self._tree.records:
            span = record.span
            if record.name in SIGNS_OF_LIFE and span and span not in self._tree.spans and span not in logged:
                blocks[span].append(record)
        return [sorted(signs, key=lambda r: (r.end, r.seq or 0, r.rid)) for signs in blocks.values()]

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
            alike[self._tree.unit(a).key, a.service, a.name, a.retry, self._run_of_task(a)].append(a)
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

    def _run_of_task(self, record: Record) -> str | int | None:
        """Return what tries have in common: their task, or one run of it that its orchestrator gave up."""
        task = self._tree.task(record)
        if task is None:
            return None
        return task.rid if self._tree.word(record) == FAILED else task.map_index

    def _index(self, record: Record) -> str | None:
        task = self._tree.task(record)
        return task.map_index if task else None

    def _attach_logs(self, groups: list[Group]) -> list[Record]:
        """Give each error log to the failure that it describes; return those that fit none."""
        by_ref: dict[str, Group] = {}
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

    def _take_refs(self, loose: list[Record], by_ref: dict[str, Group]) -> list[Record]:
        """Give logs that came before the one that placed their exception object to the same failure."""
        rest = []
        for log in loose:
            if log.ref in by_ref:
                by_ref[log.ref or ""].evidence.append(log)
            else:
                rest.append(log)
        return rest

    def _pick(self, groups: list[Group], log: Record) -> Group | None:
        """Return the failure that a log describes: by exception, unit and place, then the last before it."""
        found = [g for g in groups if self._fits(g, log)]
        tests: tuple[Callable[[Group], bool], ...] = (
            lambda g: exception(g.anchor) == exception(log),
            lambda g: self._tree.unit(g.anchor).key == self._tree.unit(log).key,
            lambda g: g.anchor.span == log.span,
            lambda g: g.anchor.end <= log.end,
        )
        for test in tests:
            found = [g for g in found if test(g)] or found
        return max(found, key=lambda g: (g.anchor.end, g.anchor.rid), default=None)

    def _fits(self, group: Group, log: Record) -> bool:
        units = {
            self._tree.unit(r).id for r in (group.anchor, *group.evidence) if r.is_span or r is group.anchor
        }
        if self._tree.unit(log).id not in units or self._is_of_another_task(group.anchor, log):
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

    def _is_of_another_task(self, one: Record, other: Record) -> bool:
        index, its = self._index(one), self._index(other)
        return index is not None and its is not None and index != its

    def _of_logs(self, loose: list[Record]) -> list[Group]:
        """Make failures of what only logs describe: one for each unit, exception and innermost span."""
        alike: dict[tuple[object, ...], list[list[Record]]] = defaultdict(list)
        for log in loose:
            spanless = log.span is None and not log.ref
            place = log.step if spanless else None if log.etype else log.span
            content: object = log.ref or exception(log) or (log.etype, log.emsg, log.name)
            if self._tree.unit(log).kind == NONE and not log.ref:
                content = (log.rid,)  # records that belong to no unit cannot describe one failure of a unit
            clusters = alike[self._tree.unit(log).key, log.retry, content, place, self._index(log)]
            fits = clusters and not (spanless and log.end - clusters[-1][0].end > SAME_FAILURE_US)
            if fits:
                clusters[-1].append(log)
            else:
                clusters.append([log])
        return [g for clusters in alike.values() for logs in clusters for g in self._by_innermost(logs)]

    def _by_innermost(self, logs: list[Record]) -> Iterable[Group]:
        up = self._tree.up
        spans = {log.span or "" for log in logs if log.span} or {""}
        inner = sorted(s for s in spans if not any(s != t and s in up[t] for t in spans))
        if len(inner) == 1:
            innermost = [log for log in logs if (log.span or "") == inner[0]]
            return [Group(innermost[0], list(logs))]
        parts: dict[str, list[Record]] = {s: [] for s in inner}
        for log in logs:
            home = next((s for s in inner if (log.span or "") == s or log.span in up[s]), inner[0])
            parts[home].append(log)
        return [Group(next(log for log in part if log.span == s), part) for s, part in parts.items() if part]


def _is_during(log: Record, span: Record) -> bool:
    """Return whether a log record that names no span was written during a try of the step that it names."""
    same = log.step is not None and log.step == span.step
    return same and span.start <= log.end <= span.end + SAME_FAILURE_US


def _began_inside(record: Record, wrapper: Record) -> bool:
    """Return whether a block began while a command ran.

    The span that would say where the block stood was never written: the command's time shows it.
    """
    return record.name == _STARTED and wrapper.start <= record.end <= wrapper.end


# --- when two records describe the same exception --------------------------------------------------


def exception(record: Record) -> tuple[str, str] | None:
    """Return type and message of the exception that a record carries, or None.

    A span's `error.type` alone (``500``, ``timeout``) says that it failed, and is no exception.
    """
    if record.etype is None or (record.emsg is None and record.stack is None):
        return None
    return record.etype, record.emsg or ""


def describes(text_of: Record, other: Record) -> bool:
    """Return whether a record's text contains the type and the message of another's exception."""
    own, inner = exception(text_of), exception(other)
    if own is None or inner is None:
        return False
    if own == inner:
        return True
    text = "\n".join(part for part in (text_of.emsg, text_of.stack, text_of.name) if part)
    return inner[0].rpartition(".")[2] in f"{own[0]}\n{text}" and inner[1] in text


def related(one: Record, other: Record) -> bool:
    """Return whether two records, of which one lies around the other, can describe one failure."""
    if exception(one) is None or exception(other) is None:
        return True
    return describes(one, other) or describes(other, one)
