"""Joining as records arrive: each commit resolves again, as a whole, the traces that its records change.

1. The records of the commit are put to their traces. A trace without an error, whose signals name their unit
   and flow themselves, needs nothing more: SQL writes what it says.
2. Any other trace is resolved by `traces.failures.resolve` over all its records, those in memory and, where
   it is older, those in the store.
3. What it says now is compared with what it said before. The difference is written, and returned for cases.

What a trace says is replaced, never adjusted, so the order of arrival cannot matter.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from data.clock import stored, utc_now
from traces import arrivals
from traces import record as records
from traces.failures import Everything, resolve
from traces.fingerprint import fingerprint
from traces.outcome import LOST_CONTACT, PARTIAL, SILENT, Failure, Resolution, Signal
from traces.recent import JOINS_FOR_US, SETTLES_FOR, Chunk, Recent, Settling, Waiting
from traces.tree import BUSINESS, NONE, Tree, Unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from data.store import Tx
    from traces.record import Record

    Row = dict[str, Any]
    Key = tuple[str | None, str, str]

WIDE: Final = 2_000
"""A trace with more records is resolved by the clock, not with every commit."""
RECENT: Final = "traces.recent"
"""Under which name the writer remembers the traces that are alive."""


class Sign(NamedTuple):
    """A sign of life of a block: its trace, its record and its time in microseconds."""

    trace: str
    record: int
    time: int


@dataclass(slots=True)
class Difference:
    """What the records of a commit change: failures and signals that came and went."""

    come: list[Row] = field(default_factory=list)
    """Rows of the table `failure`."""
    gone: list[Row] = field(default_factory=list)
    moved: dict[tuple[str, int], Row | None] = field(default_factory=dict)
    """For a failure that went: the failure that its record describes now, None where it describes none."""
    signals: list[Row] = field(default_factory=list)
    """Rows of `unit_signal` that came or went, without the plain ones."""
    lost_units: list[Row] = field(default_factory=list)
    joined_units: list[Row] = field(default_factory=list)


def join(tx: Tx, now: datetime) -> Difference:
    """Join the incoming records of the running transaction; `now` is naive UTC."""
    recent = _recent(tx)
    chunk = arrivals.arrived(tx)
    flags, counts = arrivals.flags_of(chunk)
    changed = arrivals.to_resolve(recent, flags)
    wide = {scope for scope in changed if arrivals.size_of(recent, scope) + counts[scope] > WIDE}
    older = recent.is_older(list(changed - wide))
    # First of all, since resolving adds to what is remembered of these traces.
    tx.after_commit.append(lambda: recent.add(chunk, flags, counts))
    difference = _Resolving(tx, recent, now).difference(changed - wide, older, chunk, plain=changed)
    if wide:
        tx.after_commit.append(lambda: recent.postpone(dict.fromkeys(wide, (chunk.latest, chunk.latest))))
    return difference


def settle(tx: Tx, now: datetime, silent: Iterable[Sign] = ()) -> Difference:
    """Resolve the traces that were put off: wide ones, and those whose unit root did not come in time.

    `silent` are signs of life that were the last of their block for too long; their traces are due as well.
    """
    recent = _recent(tx)
    silent = tuple(silent)
    due = {sign.trace: (sign.time, sign.time) for sign in silent} | recent.due(now)
    empty = Chunk(pa.table({}), [], pa.table({}), [], 0)
    times = [*due.values(), *((sign.time, sign.time) for sign in silent)]
    resolving = _Resolving(tx, recent, now, patient=False, times=times, silent=silent)
    difference = resolving.difference(set(due), recent.is_older(list(due)), empty)
    tx.after_commit.append(lambda: recent.done(due))
    return difference


def _recent(tx: Tx) -> Recent:
    if RECENT not in tx.memo:
        recent = Recent()
        recent.add_older(np.array([row["key"] for row in tx.run("traces/older_traces")], np.uint64))
        # What waited when the process ended is looked at again.
        until = stored(utc_now()) + SETTLES_FOR
        for row in tx.run("traces/unsettled"):
            recent.wait(row["trace_id"], Waiting(until, (row["low"], row["high"])))
        tx.memo[RECENT] = recent
    found: Recent = tx.memo[RECENT]
    return found


# --- what they say now, against what they said before ---------------------------------------------------


class _Resolving:
    def __init__(
        self,
        tx: Tx,
        recent: Recent,
        now: datetime,
        *,
        patient: bool = True,
        times: Sequence[tuple[int, int]] = (),
        silent: Sequence[Sign] = (),
    ) -> None:
        self._tx = tx
        self._recent = recent
        self._now = now
        self._patient = patient
        """Does a failed span wait for its unit root?"""
        self._times = times
        self._silent: dict[str, set[int]] = defaultdict(set)
        for sign in silent:
            self._silent[sign.trace].add(sign.record)

    def difference(
        self, scopes: set[str], older: set[str], chunk: Chunk, plain: set[str] | None = None
    ) -> Difference:
        made = Difference()
        joined = pa.table({"trace_id": pa.array(sorted(scopes if plain is None else plain), pa.string())})
        self._tx.view("joined_trace", joined)
        if not scopes:
            return made
        members = self._members(scopes, older, chunk)
        low, high = _bounds(members, self._times)
        known = sorted(s for s in scopes if s in self._recent.seen or s in older)
        self._tx.view("wanted_trace", pa.table({"trace_id": pa.array(known, pa.string())}))
        bounds = {"low": low - JOINS_FOR_US, "high": high + JOINS_FOR_US}
        before = self._tx.run("traces/failures_of", bounds) if known else []
        opened: dict[str, set[int]] = defaultdict(set)
        for row in before:
            opened[row["trace_id"]].add(row["record_id"])
        said = {scope: self._resolved(scope, found, opened[scope]) for scope, found in members.items()}
        self._failures(made, said, before, bounds)
        self._signals(made, said, known, bounds)
        self._units(made, said, known, bounds)
        self._wait(said)
        return made

    def _resolved(self, scope: str, found: list[Record], opened: set[int]) -> tuple[Tree, Resolution]:
        """Resolve a trace; `opened` are the anchors of its failures as they were stated before."""
        waited = opened if self._patient else Everything()
        # A sign of life that was silent once is so until a later one comes.
        return resolve(found, self._linked(found), waited, opened | self._silent[scope])

    def _members(self, scopes: set[str], older: set[str], chunk: Chunk) -> dict[str, list[Record]]:
        members: dict[str, list[Record]] = {scope: [] for scope in scopes}
        numbers = sorted({n for s in scopes if s in self._recent.seen for n in self._recent.seen[s].chunks})
        for part in (*(self._recent.chunks[n] for n in numbers), chunk):
            _gather(members, part.spans, part.span_scopes, records.of_spans)
            _gather(members, part.logs, part.log_scopes, records.of_logs)
        if older:
            self._read_older(members, older)
        return members

    def _read_older(self, members: dict[str, list[Record]], older: set[str]) -> None:
        low, high = _bounds({scope: members[scope] for scope in older}, self._times)
        bounds = {"low": low - JOINS_FOR_US, "high": high + JOINS_FOR_US}
        traces = [s for s in older if not s.startswith(("id ", "no id "))]
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

    def _linked(self, found: Iterable[Record]) -> dict[str, frozenset[str]]:
        """Return the business IDs of the traces that spans link to, as far as they are in memory."""
        made: dict[str, frozenset[str]] = {}
        for record in found:
            if not record.links:
                continue
            for link in orjson.loads(record.links):
                trace = link.get("trace_id")
                if trace in self._recent.seen and trace not in made:
                    made[trace] = self._ids_of(trace)
        return made

    def _ids_of(self, trace: str) -> frozenset[str]:
        ids: set[str] = set()
        for number in self._recent.seen[trace].chunks:
            chunk = self._recent.chunks[number]
            for table in (chunk.spans, chunk.logs):
                own = table.filter(pc.equal(table["trace_id"], trace))["correlation_id"]
                ids.update(value for value in own.to_pylist() if value)
        return frozenset(ids)

    # --- failures -------------------------------------------------------------------------------

    def _failures(
        self, made: Difference, said: dict[str, tuple[Tree, Resolution]], before: list[Row], bounds: Row
    ) -> None:
        now: dict[tuple[str, int], tuple[Tree, Failure]] = {}
        old = {(row["trace_id"], row["record_id"]): row for row in before}
        for scope, (tree, resolution) in said.items():
            for failure in resolution.failures:
                if not failure.settles:
                    now[scope, failure.anchor] = (tree, failure)
        rows = {key: _failure_row(key[0], failure) for key, (_, failure) in now.items()}
        fresh = {key: row for key, row in rows.items() if not _same(old.get(key), row)}
        self._describe(fresh, now)
        made.come = list(fresh.values())
        made.gone = [row for key, row in old.items() if key not in rows or key in fresh]
        for row in made.gone:
            key = row["trace_id"], row["record_id"]
            holds = said[key[0]][1].holds.get(key[1])
            target = rows.get((key[0], holds.anchor)) if holds else None
            made.moved[key] = target
        self._write_failures(made, bounds)

    def _write_failures(self, made: Difference, bounds: Row) -> None:
        if made.gone:
            self._tx.view_rows("gone_failure", made.gone, like="failure")
            self._tx.run("traces/delete_failures", bounds)
        if made.come:
            self._tx.view_rows("new_failure", made.come, like="failure")
            self._tx.run("traces/insert_failures")

    def _describe(
        self, fresh: dict[tuple[str, int], Row], now: dict[tuple[str, int], tuple[Tree, Failure]]
    ) -> None:
        """Add to each new failure what its case shows, and the group of those that belong to no unit."""
        if not fresh:
            return
        speakers = {now[key][1].speaker for key in fresh}
        self._tx.view("speaking", pa.table({"record_id": pa.array(sorted(speakers), pa.uint64())}))
        times = [r.end for tree, _ in now.values() for r in tree.records if r.rid in speakers]
        starts = [r.start for tree, _ in now.values() for r in tree.records if r.rid in speakers]
        bounds = {"low": min(starts), "high": max(times)}
        found = {row["record_id"]: row for row in self._tx.run("traces/speaking_spans", bounds)}
        found |= {row["record_id"]: row for row in self._tx.run("traces/speaking_logs", bounds)}
        for key, row in fresh.items():
            tree, failure = now[key]
            details = _details(tree, failure, found.get(failure.speaker, {}))
            row["details"] = orjson.dumps(details, default=str).decode()
            if failure.unit.kind == NONE:
                row["correlation_id"] = details["fingerprint"]

    # --- signals --------------------------------------------------------------------------------

    def _signals(
        self, made: Difference, said: dict[str, tuple[Tree, Resolution]], known: Sequence[str], bounds: Row
    ) -> None:
        before = {
            _signal_key(row): row for row in (self._tx.run("traces/signals_of", bounds) if known else [])
        }
        now: dict[tuple[Any, ...], Row] = {}
        for scope, (_, resolution) in said.items():
            for signal in resolution.signals:
                row = _signal_row(scope, signal)
                now[_signal_key(row)] = row
        made.signals = [{**now[k], "change": 1, "recorded_at": self._now} for k in now if k not in before]
        made.signals += [
            {**before[k], "change": -1, "recorded_at": self._now} for k in before if k not in now
        ]
        if made.signals:
            self._tx.view_rows("new_signal", made.signals, like="unit_signal")
            self._tx.run("traces/insert_signals")

    # --- units that were concluded -----------------------------------------------------------------

    def _units(
        self, made: Difference, said: dict[str, tuple[Tree, Resolution]], known: Sequence[str], bounds: Row
    ) -> None:
        before = {_unit_key(row): row for row in (self._tx.run("traces/units_of", bounds) if known else [])}
        now: dict[tuple[Any, ...], Row] = {}
        for scope, (tree, resolution) in said.items():
            for row in _units_in(scope, tree, resolution):
                now[_unit_key(row)] = row
        grown = [row for key, row in now.items() if not _covers(before.get(key), row)]
        made.lost_units = [row for key, row in before.items() if key not in now]
        made.joined_units = grown
        if made.lost_units:
            self._tx.view_rows("lost_unit", made.lost_units, like="unit_trace")
            self._tx.run("traces/delete_joined_units")
        if grown:
            self._tx.view_rows("joined_unit", grown, like="unit_trace")
            self._tx.run("traces/insert_joined_units")

    def _wait(self, said: dict[str, tuple[Tree, Resolution]]) -> None:
        until = self._now + SETTLES_FOR
        settled = {scope for scope in said if self._recent.is_waiting(scope)}
        for scope, (tree, resolution) in said.items():
            failures = tuple(_settling(f, until) for f in resolution.failures if f.settles)
            if failures:
                settled.discard(scope)
                waiting = Waiting(until, _bounds({scope: tree.records}), failures)
                self._tx.after_commit.append(partial(self._recent.wait, scope, waiting))
                self._tx.topics.add("case")  # pages show what settles
        if settled:
            self._tx.after_commit.append(lambda: self._recent.settled(settled))
            self._tx.topics.add("case")
        # A later heartbeat or end takes the loss back, so every later record of such a trace is looked at.
        lost = [s for s, (_, r) in said.items() if any(f.note == SILENT for f in r.failures)]
        if lost:
            self._tx.after_commit.append(lambda: self._recent.add_flags(dict.fromkeys(lost, arrivals.LOST)))


def _settling(failure: Failure, until: datetime) -> Settling:
    unit = failure.unit
    return Settling(unit.tenant, unit.id, unit.flow, failure.step, moment(failure.time), until)


def _gather(members: dict[str, list[Record]], table: pa.Table, scopes: Sequence[str], read: Any) -> None:
    places = [place for place, scope in enumerate(scopes) if scope in members]
    if places:
        for place, record in zip(places, read(table.take(pa.array(places))), strict=True):
            members[scopes[place]].append(record)


def _bounds(members: dict[str, list[Record]], also: Iterable[tuple[int, int]] = ()) -> tuple[int, int]:
    """Return the times of the first and the last record, in microseconds."""
    times = [t for found in members.values() for r in found for t in (r.start, r.end)]
    times += [t for pair in also for t in pair]
    return (min(times), max(times)) if times else (0, 0)


def _failure_row(scope: str, failure: Failure) -> Row:
    return {
        "trace_id": scope,
        "record_id": failure.anchor,
        "correlation_id": failure.unit.id,
        "flow": failure.unit.flow,
        "step": failure.step,
        "tenant": failure.unit.tenant,
        "time": moment(failure.time),
        "attempts": failure.attempts,
        "affected": orjson.dumps(failure.affected).decode(),
        "part": failure.part,
        "clock": failure.clock,
        "seq": failure.seq,
        "details": None,
        "note": failure.note,
        "speaker": failure.speaker,
    }


def _same(old: Row | None, new: Row) -> bool:
    if old is None:
        return False
    details = orjson.loads(old["details"])
    has_id = new["correlation_id"] or old["correlation_id"]
    same = all(old[name] == new[name] for name in ("flow", "step", "tenant", "time", "attempts", "part"))
    said = details.get("note") == new["note"] and details.get("speaker") == new["speaker"]
    return (
        same
        and said
        and old["correlation_id"] == has_id
        and orjson.loads(old["affected"]) == orjson.loads(new["affected"])
    )


_SHOWN: Final = (
    "run_id", "error_type", "error_code", "dependency", "service", "value_amount", "value_currency",
    "stacktrace", "trace_id", "span_id",
    "business_unit", "customer", "segment", "environment", "data", "attempt",
    "idempotent", "idempotency_key", "error_class", "severity_number", "value_at_risk", "peer", "retry_id",
)  # fmt: skip


def _details(tree: Tree, failure: Failure, row: Row) -> Row:
    said = {name: row.get(name) for name in _SHOWN if row.get(name) is not None}
    message = (
        row.get("exception_message")
        or row.get("status_message")
        or row.get("message")
        or row.get("name")
        or ""
    )
    anchor = next((r for r in tree.records if r.rid == failure.anchor), None)
    if failure.note == PARTIAL and anchor is not None:
        message = f"{anchor.partial_failed} of {anchor.partial_total} failed"
    if failure.note in (LOST_CONTACT, SILENT):
        message = failure.note
    for name in ("dependency", "peer"):
        if name not in said and (found := getattr(anchor, name, None)):
            said[name] = found
    return {
        **said,
        "message": message,
        "note": failure.note,
        "speaker": failure.speaker,
        "unit_kind": failure.unit.kind,
        "fingerprint": fingerprint(
            flow=failure.unit.flow,
            step=failure.step,
            error_type=row.get("error_type"),
            message=message,
            stacktrace=row.get("stacktrace"),
        ),
    }


def _signal_row(scope: str, signal: Signal) -> Row:
    return {
        "trace_id": scope,
        "record_id": signal.rid,
        "correlation_id": signal.unit.id,
        "flow": signal.unit.flow,
        "tenant": signal.unit.tenant,
        "time": moment(signal.time),
        "outcome": signal.outcome,
        "part": signal.part,
        "final": signal.final,
        "retry_id": signal.retry,
        "clock": signal.clock,
        "seq": signal.seq,
        "continues": signal.continues,
    }


def _signal_key(row: Row) -> tuple[Any, ...]:
    return tuple(
        row[n]
        for n in (
            "trace_id",
            "record_id",
            "correlation_id",
            "flow",
            "tenant",
            "time",
            "outcome",
            "part",
            "final",
        )
    )


def _unit_key(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("trace_id", "tenant", "correlation_id", "flow"))


def _covers(before: Row | None, now: Row) -> bool:
    return (
        before is not None
        and before["first_seen"] <= now["first_seen"]
        and before["last_seen"] >= now["last_seen"]
    )


def _units_in(scope: str, tree: Tree, resolution: Resolution) -> Iterable[Row]:
    """Return the units that records belong to which do not name unit and flow themselves."""
    told = {s.unit.key for s in resolution.signals}
    found: dict[Key, tuple[int, int]] = {}
    for record in tree.records:
        unit = tree.unit(record)
        if (
            record.cid and (record.flow or not record.trace) and record.tenant == unit.tenant
        ) or not _is_kept(unit, told):
            continue
        low, high = found.get(unit.key, (record.start, record.end))
        found[unit.key] = min(low, record.start), max(high, record.end)
    for (tenant, key, flow), (low, high) in found.items():
        yield {
            "trace_id": scope, "tenant": tenant, "correlation_id": key, "flow": flow,
            "first_seen": moment(low), "last_seen": moment(high),
        }  # fmt: skip


def _is_kept(unit: Unit, told: set[Key]) -> bool:
    """Is the unit worth a row? One that only a trace names, only once something is said of it."""
    return unit.kind != NONE and (unit.kind == BUSINESS or unit.key in told)


def moment(micros: int) -> datetime:
    """Return microseconds since the epoch as naive UTC, as the store keeps times."""
    return _EPOCH + timedelta(microseconds=micros)


_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - naive UTC, as stored
