"""The records of the traces that are alive, in memory: what a late record has to be joined with.

Every span, and every log record that says something, is kept as narrow Arrow columns for as long as it is
among the latest. A trace that is older is read from the store, by its ID and within a day. Which traces are
that old is known from 8 bytes each, so that a new trace, the common case, costs no look at the store. After
a start these bytes are read for the days around the records that arrive, each day once.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import pyarrow as pa

from traces.known import Known, keys_of_traces

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np

    Times = dict[str, tuple[int, int]]
    """For each trace the times of its first and its last known record, in microseconds."""

RECENT_ROWS: Final = 60_000
"""Rows that are kept: about 600 bytes each."""
_DAY_US: Final = 24 * 3600 * 1_000_000
SETTLES_FOR: Final = timedelta(seconds=30)
"""A failed span waits this long for its unit root; then it counts as failed."""


@dataclass(slots=True)
class Chunk:
    """The rows that one commit brought; `scopes` names the trace of each."""

    spans: pa.Table
    span_scopes: Sequence[str]
    logs: pa.Table
    log_scopes: Sequence[str]
    latest: int
    """Time of the latest record, in microseconds."""

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.span_scopes) + len(self.log_scopes)


class Settling(NamedTuple):
    """A failure that waits for its unit root, until `until` at most; times are naive UTC in memory."""

    tenant: str | None
    correlation_id: str
    flow: str
    step: str
    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """A trace that is looked at again: from when on, the times of its records, and what settles in it."""

    until: datetime
    times: tuple[int, int]
    failures: tuple[Settling, ...] = ()


@dataclass(slots=True)
class Seen:
    """What is known of a trace: flags of its records, and the chunks that hold them."""

    flags: int = 0
    chunks: list[int] = field(default_factory=list)
    rows: int = 0


class Recent:
    """The latest chunks, and which traces are older. Changed only after a commit."""

    def __init__(self, most_rows: int = RECENT_ROWS) -> None:
        self.most_rows = most_rows
        self.chunks: OrderedDict[int, Chunk] = OrderedDict()
        self.seen: dict[str, Seen] = {}
        self._rows = 0
        self._next = 0
        self._older = Known()
        self._read: list[tuple[int, int]] = []
        """Times of which the store's traces are known, in order and apart: from, and until before."""
        self._wide: Times = {}
        self._waiting: dict[str, Waiting] = {}
        self._links: dict[str, set[str]] = {}
        self._linking: dict[str, set[str]] = {}

    def is_older(self, scopes: Sequence[str]) -> set[str]:
        """Return which of these traces have records that are not in memory."""
        if not scopes:
            return set()
        found = self._older.holds(keys_of_traces(scopes))
        return {scope for scope, is_old in zip(scopes, found, strict=True) if is_old}

    def unread(self, low: int, high: int) -> list[tuple[int, int]]:
        """Return the whole days around these times of which it is not known what the store holds.

        All in microseconds; each pair says from when and until before when.
        """
        start, end = low // _DAY_US * _DAY_US, (high // _DAY_US + 1) * _DAY_US
        found = []
        for known_from, known_until in self._read:
            if start < known_from and start < end:
                found.append((start, min(known_from, end)))
            start = max(start, known_until)
        return [*found, (start, end)] if start < end else found

    def add_older(self, keys: np.ndarray, times: tuple[int, int] | None = None) -> None:
        """Note traces that the store holds and the memory does not.

        Args:
            keys: 64 bits of each.
            times: The times of which these are all, as `unread` returned them.
        """
        self._older.add(keys)
        if times is None:
            return
        apart: list[tuple[int, int]] = []
        for low, high in sorted([*self._read, times]):
            if apart and low <= apart[-1][1]:
                apart[-1] = (apart[-1][0], max(high, apart[-1][1]))
            else:
                apart.append((low, high))
        self._read = apart

    def add(self, chunk: Chunk, flags: dict[str, int], counts: dict[str, int]) -> None:
        """Keep what a commit brought, and drop what is oldest."""
        if not len(chunk):
            return
        number, self._next = self._next, self._next + 1
        self.chunks[number] = chunk
        self._rows += len(chunk)
        for scope, own in flags.items():
            seen = self.seen.setdefault(scope, Seen())
            seen.flags |= own
            seen.chunks.append(number)
            seen.rows += counts[scope]
        while self._rows > self.most_rows and len(self.chunks) > 1:
            self._let_go()

    def add_flags(self, flags: dict[str, int]) -> None:
        """Note more of traces than their records in memory say; one without any is looked at anyway."""
        for scope, own in flags.items():
            if scope in self.seen:
                self.seen[scope].flags |= own

    def forget(self, scopes: Iterable[str]) -> None:
        """Hold nothing of these traces in memory: what the store says of them is read when it matters."""
        forgotten = set(scopes)
        for number in {n for scope in forgotten if scope in self.seen for n in self.seen[scope].chunks}:
            chunk = self.chunks[number]
            spans = [place for place, scope in enumerate(chunk.span_scopes) if scope not in forgotten]
            logs = [place for place, scope in enumerate(chunk.log_scopes) if scope not in forgotten]
            self._rows -= len(chunk) - len(spans) - len(logs)
            self.chunks[number] = replace(
                chunk,
                spans=chunk.spans.take(pa.array(spans, pa.int64())),
                span_scopes=[chunk.span_scopes[place] for place in spans],
                logs=chunk.logs.take(pa.array(logs, pa.int64())),
                log_scopes=[chunk.log_scopes[place] for place in logs],
            )
        for scope in forgotten & self.seen.keys():
            del self.seen[scope]
            self._unlink(scope)
        self.add_older(keys_of_traces(sorted(forgotten)))

    # --- traces that link to others ----------------------------------------------------------------

    def link(self, links: dict[str, set[str]]) -> None:
        """Note which traces the spans of a trace link to, for as long as it is in memory."""
        for scope, traces in links.items():
            if scope in self.seen:
                self._links[scope] = traces
                for trace in traces:
                    self._linking.setdefault(trace, set()).add(scope)

    def linking_to(self, traces: Iterable[str]) -> set[str]:
        """Return the traces in memory whose spans link to one of these."""
        if not self._linking:
            return set()
        return {scope for trace in traces for scope in self._linking.get(trace, ())}

    def _unlink(self, scope: str) -> None:
        for trace in self._links.pop(scope, ()):
            linking = self._linking[trace]
            linking.discard(scope)
            if not linking:
                del self._linking[trace]

    # --- traces that are looked at again later -----------------------------------------------------

    def postpone(self, traces: Times) -> None:
        """Leave traces to the clock: they are too wide to be resolved with every commit."""
        self._wide |= traces

    def wait(self, scope: str, waiting: Waiting) -> None:
        """Look at a trace again when its unit root should have come: 30 s after it was first missed."""
        known = self._waiting.get(scope)
        until = min(known.until, waiting.until) if known else waiting.until
        failures = tuple(failure._replace(until=until) for failure in waiting.failures)
        self._waiting[scope] = replace(waiting, until=until, failures=failures)

    def settled(self, scopes: Iterable[str]) -> None:
        """Note traces in which nothing waits any more."""
        for scope in scopes:
            self._waiting.pop(scope, None)

    def is_waiting(self, scope: str) -> bool:
        """Return whether something in a trace waits for its unit root."""
        return scope in self._waiting

    def times_of_waiting(self, scopes: Iterable[str]) -> list[tuple[int, int]]:
        """Return from when to when the records are of those of these traces in which something waits."""
        return [self._waiting[scope].times for scope in scopes if scope in self._waiting]

    def settling(self) -> list[Settling]:
        """Return the failures that wait for their unit root; callable from any thread."""
        return [failure for waiting in list(self._waiting.values()) for failure in waiting.failures]

    def due(self, now: datetime) -> Times:
        """Return the traces to look at now."""
        waited = ((scope, waiting) for scope, waiting in list(self._waiting.items()) if waiting.until <= now)
        return self._wide | {scope: waiting.times for scope, waiting in waited}

    def done(self, scopes: Iterable[str]) -> None:
        """Note that traces were looked at."""
        for scope in scopes:
            self._wide.pop(scope, None)
            self._waiting.pop(scope, None)

    def _let_go(self) -> None:
        number, chunk = self.chunks.popitem(last=False)
        self._rows -= len(chunk)
        scopes = list({*chunk.span_scopes, *chunk.log_scopes})
        self.add_older(keys_of_traces(scopes))
        for scope in scopes:
            seen = self.seen[scope]
            seen.chunks.remove(number)
            if not seen.chunks:
                del self.seen[scope]
                self._unlink(scope)
