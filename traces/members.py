"""The records of a trace: those that arrive, those in memory, and where it is older, those in the store."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from traces import arrivals
from traces import record as records
from traces.recent import Chunk
from traces.stated import moment
from traces.tree import JOINS_FOR_US

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from data.transaction import Tx
    from traces.recent import Recent
    from traces.record import Record
    from traces.stated import Row


_MAX_READS: Final = 32
"""How often more of older traces is read: parts of a trace that follow each other at most a day apart."""
_MAX_LINKS: Final = 100
"""Traces that the spans of one trace link to; where there are more, links are not followed."""


class Members:
    """Finds the records of traces, and the IDs of the traces that these link to."""

    def __init__(
        self,
        tx: Tx,
        recent: Recent,
        times: Sequence[tuple[int, int]] = (),
        before: pa.Table | None = None,
    ) -> None:
        """Find records from a transaction.

        Args:
            tx: The running transaction.
            recent: The traces in memory.
            times: Times in microseconds whose records are looked for as well.
            before: Records that say something else now, as they were.
        """
        self._tx = tx
        self._recent = recent
        self._times = times
        self._before = before

    def of(self, scopes: set[str], older: set[str], chunk: Chunk) -> dict[str, list[Record]]:
        """Return the records of each trace; `older` names those that the store holds more of."""
        members: dict[str, list[Record]] = {scope: [] for scope in scopes}
        numbers = sorted({n for s in scopes if s in self._recent.seen for n in self._recent.seen[s].chunks})
        for part in (*(self._recent.chunks[n] for n in numbers), chunk):
            _gather(members, part.spans, part.span_scopes, records.of_spans)
            _gather(members, part.logs, part.log_scopes, records.of_logs)
        if older:
            self._read_older(members, older)
        if self._before is not None:
            self._read_without_ids(members, self._before)
        return members

    def _read_without_ids(self, members: dict[str, list[Record]], before: pa.Table) -> None:
        """Read what joins records without a trace and an ID: only records that change ask for it."""
        origins = pc.unique(pc.coalesce(before.column("service"), before.column("source")))
        self._tx.view("wanted_origin", pa.table({"origin": origins}))
        low, high = bounds_of({}, self._times)
        table = self._tx.arrow("traces/logs_without_ids", between(low - JOINS_FOR_US, high + JOINS_FOR_US))
        _gather(members, table, arrivals.log_scopes(table), records.of_logs)

    def _read_older(self, members: dict[str, list[Record]], older: set[str]) -> None:
        """Read what joins the records that are here, and what joins that, until nothing more does."""
        here = low, high = bounds_of({scope: members[scope] for scope in older}, self._times)
        bands = [(low - JOINS_FOR_US, high + JOINS_FOR_US)]
        for _ in range(_MAX_READS):
            for band in bands:
                self._read_band(members, older, between(*band))
            low, high = bounds_of({scope: members[scope] for scope in older}, [here])
            bands = [(low - JOINS_FOR_US, here[0] - JOINS_FOR_US)] if low < here[0] else []
            bands += [(here[1] + JOINS_FOR_US, high + JOINS_FOR_US)] if high > here[1] else []
            here = low, high
            if not bands:
                return

    def _read_band(self, members: dict[str, list[Record]], older: set[str], bounds: Row) -> None:
        traces = [s for s in older if not s.startswith(("id ", arrivals.NO_ID))]
        self._tx.view("wanted_trace", pa.table({"trace_id": pa.array(traces, pa.string())}))
        spans = self._tx.arrow("traces/spans_of_traces", bounds)
        logs = self._tx.arrow("traces/logs_of_traces", bounds)
        for found in (records.of_spans(spans), records.of_logs(logs)):
            for record in found:
                members[record.trace or ""].append(record)
        self._remember(Chunk(spans, spans["trace_id"].to_pylist(), logs, logs["trace_id"].to_pylist(), 0))
        ids = [s.removeprefix("id ") for s in older if s.startswith("id ")]
        if ids:
            self._tx.view("wanted_id", pa.table({"id": pa.array(ids, pa.string())}))
            table = self._tx.arrow("traces/logs_of_ids", bounds)
            _gather(members, table, arrivals.log_scopes(table), records.of_logs)
            self._remember(Chunk(table.slice(0, 0), [], table, arrivals.log_scopes(table), 0))

    def _remember(self, older: Chunk) -> None:
        """Keep what the older records make necessary: the next record of their traces finds it in memory."""
        flags, _ = arrivals.flags_of(older)
        self._tx.after_commit.append(lambda: self._recent.add_flags(flags))

    def linked_ids(self, members: dict[str, list[Record]], chunk: Chunk) -> dict[str, frozenset[str]]:
        """Return the business IDs of each trace that spans link to, within a day of the linking trace."""
        linking = {scope: links for scope, found in members.items() if (links := _links_in(found))}
        if not linking:
            return {}
        linked = set().union(*linking.values())
        low, high = bounds_of({scope: members[scope] for scope in linking})
        bounds = between(low - JOINS_FOR_US, high + JOINS_FOR_US)
        found = self._ids_in_memory(linked, chunk, bounds)
        learn_older(self._tx, self._recent, low, high)
        if older := self._recent.is_older(sorted(linked)):
            self._tx.view("wanted_trace", pa.table({"trace_id": pa.array(sorted(older), pa.string())}))
            for row in self._tx.run("traces/ids_of_traces", bounds):
                found[row["trace_id"]].add(row["correlation_id"])
        self._tx.after_commit.append(lambda: self._recent.link(linking))
        return {trace: frozenset(ids) for trace, ids in found.items()}

    def _ids_in_memory(self, traces: set[str], chunk: Chunk, bounds: Row) -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        wanted = pa.array(sorted(traces), pa.string())
        numbers = {
            n for trace in traces if trace in self._recent.seen for n in self._recent.seen[trace].chunks
        }
        for part in (*(self._recent.chunks[number] for number in numbers), chunk):
            for table in (part.spans, part.logs):
                if not table.num_rows:
                    continue
                own = table.select(["trace_id", "correlation_id", "time"])
                for row in own.filter(pc.is_in(own["trace_id"], wanted)).drop_null().to_pylist():
                    if moment(bounds["low"]) <= row["time"] <= moment(bounds["high"]):
                        found[row["trace_id"]].add(row["correlation_id"])
        return found


def learn_older(tx: Tx, recent: Recent, low: int, high: int) -> None:
    """Learn which traces the store holds that records of these times join; in microseconds."""
    for times in recent.unread(low - JOINS_FOR_US, high + JOINS_FOR_US):
        keys = tx.arrow("traces/older_traces", between(*times))["key"].to_numpy()
        recent.add_older(keys, times)
        if len(keys):
            held = recent.is_older(list(recent.seen))
            recent.add_flags(dict.fromkeys(held, arrivals.FORGOTTEN))


def _links_in(found: Iterable[Record]) -> set[str]:
    """Return the traces that spans link to; none where they are too many to be of one order."""
    links = {link.get("trace_id") for record in found if record.links for link in orjson.loads(record.links)}
    links -= {None, ""}
    return links if len(links) <= _MAX_LINKS else set()


def _gather(members: dict[str, list[Record]], table: pa.Table, scopes: Sequence[str], read: Any) -> None:
    places = [place for place, scope in enumerate(scopes) if scope in members]
    if places:
        for place, record in zip(places, read(table.take(pa.array(places))), strict=True):
            members[scopes[place]].append(record)


def bounds_of(members: dict[str, list[Record]], also: Iterable[tuple[int, int]] = ()) -> tuple[int, int]:
    """Return the times of the first and the last record, in microseconds."""
    times = [t for found in members.values() for r in found for t in (r.start, r.end)]
    times += [t for pair in also for t in pair]
    return (min(times), max(times)) if times else (0, 0)


def between(low: int, high: int) -> Row:
    """Return times as the parameters of statements."""
    return {"low": low, "high": high}
