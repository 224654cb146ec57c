"""Joining as records arrive: each commit resolves again, as a whole, the traces that its records change.

1. The records of the commit are put to their traces. A trace without an error, whose signals name their unit
   and flow themselves, needs nothing more: `traces.signals` writes what it says.
2. Any other trace is resolved by `traces.failures.resolve` over all its records, those in memory and, where
   it is older, those in the store.
3. The new result is compared with the stored one. The difference is written, and returned for cases.

What a trace says is replaced, never adjusted, so the order of arrival cannot matter.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from data.clock import micros, stored, utc_now
from traces import arrivals
from traces import record as records
from traces.failures import Everything, resolve
from traces.fingerprint import VERSION, fingerprint
from traces.outcome import LOST_CONTACT, PARTIAL, SILENT, Failure, Resolution, Signal
from traces.recent import SETTLES_FOR, Chunk, Recent, Settling, Waiting
from traces.tree import BUSINESS, JOINS_FOR_US, NONE, Tree, Unit, segments
from unsnag.conventions import ACTOR_HUMAN
from unsnag.fields import ON_CASE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from data.store import Tx
    from traces.record import Record

    Row = dict[str, Any]
    Key = tuple[str | None, str, str]

WIDE: Final = 2_000
"""A trace with more records is resolved by the clock, not with every commit."""
_MAX_READS: Final = 32
"""How often more of older traces is read: parts of a trace that follow each other at most a day apart."""
_MAX_LINKS: Final = 100
"""Traces that the spans of one trace link to; where there are more, links are not followed."""
RECENT: Final = "traces.recent"
"""Under which name the writer remembers the traces that are alive."""


class Sign(NamedTuple):
    """A sign of life of a block: its trace, its record and its time in microseconds."""

    trace: str
    record: int
    time: int


class Resolved(NamedTuple):
    """What a trace says: the part of it that joins. `times` are those of its records, in microseconds."""

    scope: str
    tree: Tree
    resolution: Resolution
    times: tuple[int, int]


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
    joined: set[str] = field(default_factory=set)
    """The traces whose signals stand here; what records of other traces say of ends is taken as it is."""
    lost_units: list[Row] = field(default_factory=list)
    joined_units: list[Row] = field(default_factory=list)
    trace_tenants: dict[int, str] = field(default_factory=dict)
    """For incoming records that name ID and flow and no tenant: the tenant that their trace gives them."""
    retold: set[str] = field(default_factory=set)
    """IDs of which earlier records have another tenant now."""


def join(tx: Tx, now: datetime) -> Difference:
    """Join the incoming records of the running transaction; `now` is naive UTC."""
    recent = recent_traces(tx)
    chunk = arrivals.arrived(tx)
    for low, high in arrivals.times_of(chunk):
        _learn_older(tx, recent, low, high)
    flags, counts = arrivals.flags_of(chunk)
    changed = arrivals.to_resolve(recent, flags) | recent.linking_to(arrivals.with_ids(flags))
    wide = {scope for scope in changed if arrivals.size_of(recent, scope) + counts.get(scope, 0) > WIDE}
    older = recent.is_older(list(changed - wide))
    # First of all, since resolving adds to what is remembered of these traces.
    tx.after_commit.append(lambda: recent.add(chunk, flags, counts))
    # Another part of the same trace may be what waits.
    times = recent.times_of_waiting(changed - wide)
    difference = _Resolving(tx, recent, now, times=times).difference(
        changed - wide, older, chunk, plain=changed
    )
    if wide:
        tx.after_commit.append(lambda: recent.postpone(dict.fromkeys(wide, (chunk.latest, chunk.latest))))
    return difference


def rejoin(tx: Tx, now: datetime, before: pa.Table) -> Difference:
    """Join log records of the store again that say something else now.

    Args:
        tx: The running transaction, in which `incoming_log` holds the records as they are now.
        now: Naive UTC.
        before: The same records as they were; the columns that joining knows.
    """
    recent = recent_traces(tx)
    chunk = arrivals.arrived(tx)
    before = arrivals.telling(before)
    places = dict(zip(before.column("record_id").to_pylist(), arrivals.log_scopes(before), strict=True))
    flags, counts = arrivals.flags_of(chunk)
    changed = {*flags, *places.values()}
    times = [*arrivals.times_of(chunk), *arrivals.times_of(replace(chunk, logs=before))]
    for low, high in times:
        _learn_older(tx, recent, low, high)
    recent.forget(changed)
    tx.after_commit.append(lambda: recent.add(chunk, flags, counts))
    resolving = _Resolving(tx, recent, now, times=times, before=before, places=places)
    return resolving.difference(changed, set(changed), chunk)


def settle(tx: Tx, now: datetime, silent: Iterable[Sign] = ()) -> Difference:
    """Resolve the traces that were put off: wide ones, and those whose unit root did not come in time.

    `silent` are signs of life that were the last of their block for too long; their traces are due as well.
    """
    recent = recent_traces(tx)
    silent = tuple(silent)
    due = {sign.trace: (sign.time, sign.time) for sign in silent} | recent.due(now)
    empty = Chunk(pa.table({}), [], pa.table({}), [], 0)
    times = [*due.values(), *((sign.time, sign.time) for sign in silent)]
    for low, high in times:
        _learn_older(tx, recent, low, high)
    resolving = _Resolving(tx, recent, now, patient=False, times=times, silent=silent)
    difference = resolving.difference(set(due), recent.is_older(list(due)), empty)
    tx.after_commit.append(lambda: recent.done(due))
    return difference


def recent_traces(tx: Tx) -> Recent:
    """Return the traces that are alive, as the writer remembers them."""
    if RECENT not in tx.memo:
        recent = Recent()
        now = micros(utc_now())
        _learn_older(tx, recent, now - JOINS_FOR_US, now)
        # What waited when the process ended is looked at again.
        until = stored(utc_now()) + SETTLES_FOR
        for row in tx.run("traces/unsettled"):
            _learn_older(tx, recent, row["low"], row["high"])
            recent.wait(row["trace_id"], Waiting(until, (row["low"], row["high"])))
        tx.memo[RECENT] = recent
    found: Recent = tx.memo[RECENT]
    return found


def _learn_older(tx: Tx, recent: Recent, low: int, high: int) -> None:
    """Learn which traces the store holds that records of these times join; in microseconds."""
    for times in recent.unread(low - JOINS_FOR_US, high + JOINS_FOR_US):
        keys = tx.arrow("traces/older_traces", _between(*times))["key"].to_numpy()
        recent.add_older(keys, times)
        if len(keys):
            held = recent.is_older(list(recent.seen))
            recent.add_flags(dict.fromkeys(held, arrivals.FORGOTTEN))


# --- the new result against the stored one ---------------------------------------------------


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
        before: pa.Table | None = None,
        places: Mapping[int, str] | None = None,
    ) -> None:
        self._before = before
        """Records that say something else now, as they were."""
        self._places = places or {}
        """In which traces these were."""
        self._tx = tx
        self._recent = recent
        self._now = now
        self._patient = patient
        """Does a failed span wait for its unit root?"""
        self._times = times
        self._linked: dict[str, frozenset[str]] = {}
        """For each trace that a span links to, the business IDs that it carries."""
        self._silent: dict[str, set[int]] = defaultdict(set)
        for sign in silent:
            self._silent[sign.trace].add(sign.record)

    def difference(
        self, scopes: set[str], older: set[str], chunk: Chunk, plain: set[str] | None = None
    ) -> Difference:
        made = Difference(joined=scopes if plain is None else plain)
        if not scopes:
            return made
        members = self._members(scopes, older, chunk)
        self._learn_links(members, chunk)
        known = sorted(s for s in scopes if s in self._recent.seen or s in older)
        self._tx.view("wanted_trace", pa.table({"trace_id": pa.array(known, pa.string())}))
        bounds = _between(*_bounds(members, self._times))
        mine = {(scope, record.rid) for scope in known for record in members[scope]}
        mine |= {(scope, rid) for rid, scope in self._places.items()}
        before = self._stored_before("traces/failures_of", mine, bounds)
        opened: dict[str, set[int]] = defaultdict(set)
        for row in before:
            opened[row["trace_id"]].add(row["record_id"])
        resolved = [
            self._resolved(scope, part, opened[scope])
            for scope, found in members.items()
            for part in segments(found)
        ]
        self._failures(made, resolved, before, bounds)
        self._signals(made, resolved, self._stored_before("traces/signals_of", mine, bounds))
        self._units(made, resolved, self._units_before(resolved, bounds) if known else {}, _record_ids(chunk))
        self._wait(resolved)
        return made

    def _stored_before(self, statement: str, mine: set[tuple[str, int]], bounds: Row) -> list[Row]:
        """Return the rows that these records made before; other records of their traces do not join them."""
        rows = self._tx.run(statement, bounds) if mine else []
        return [row for row in rows if (row["trace_id"], row["record_id"]) in mine]

    def _units_before(self, resolved: list[Resolved], bounds: Row) -> dict[tuple[Any, ...], Row]:
        """Return the units that were concluded from these records, each with all records that name it."""
        parts: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
        for one in resolved:
            parts[one.scope].append((moment(one.times[0]), moment(one.times[1])))
        for scope in self._places.values():
            parts[scope] += [(moment(low), moment(high)) for low, high in self._times]
        found: dict[tuple[Any, ...], Row] = {}
        for row in self._tx.run("traces/units_of", bounds):
            if any(low <= row["last_seen"] <= high for low, high in parts[row["trace_id"]]):
                key = _unit_key(row)
                found[key] = _together(found[key], row) if key in found else row
        return found

    def _resolved(self, scope: str, found: list[Record], opened: set[int]) -> Resolved:
        """Resolve a trace; `opened` are the anchors of its failures as they were stated before."""
        waited = opened if self._patient else Everything()
        # A sign of life that was silent once is so until a later one comes.
        tree, resolution = resolve(found, self._linked, waited, opened | self._silent[scope])
        return Resolved(scope, tree, resolution, _bounds({scope: found}))

    def _members(self, scopes: set[str], older: set[str], chunk: Chunk) -> dict[str, list[Record]]:
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
        low, high = _bounds({}, self._times)
        table = self._tx.arrow("traces/logs_without_ids", _between(low - JOINS_FOR_US, high + JOINS_FOR_US))
        _gather(members, table, arrivals.log_scopes(table), records.of_logs)

    def _read_older(self, members: dict[str, list[Record]], older: set[str]) -> None:
        """Read what joins the records that are here, and what joins that, until nothing more does."""
        here = low, high = _bounds({scope: members[scope] for scope in older}, self._times)
        bands = [(low - JOINS_FOR_US, high + JOINS_FOR_US)]
        for _ in range(_MAX_READS):
            for band in bands:
                self._read_band(members, older, _between(*band))
            low, high = _bounds({scope: members[scope] for scope in older}, [here])
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

    # --- traces that spans link to ----------------------------------------------------------------

    def _learn_links(self, members: dict[str, list[Record]], chunk: Chunk) -> None:
        """Learn the business IDs of the traces that spans link to, within a day of the linking trace."""
        linking = {scope: links for scope, found in members.items() if (links := _links_in(found))}
        if not linking:
            return
        linked = set().union(*linking.values())
        low, high = _bounds({scope: members[scope] for scope in linking})
        bounds = _between(low - JOINS_FOR_US, high + JOINS_FOR_US)
        found = self._ids_in_memory(linked, chunk, bounds)
        _learn_older(self._tx, self._recent, low, high)
        if older := self._recent.is_older(sorted(linked)):
            self._tx.view("wanted_trace", pa.table({"trace_id": pa.array(sorted(older), pa.string())}))
            for row in self._tx.run("traces/ids_of_traces", bounds):
                found[row["trace_id"]].add(row["correlation_id"])
        self._linked = {trace: frozenset(ids) for trace, ids in found.items()}
        self._tx.after_commit.append(lambda: self._recent.link(linking))

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

    # --- failures -------------------------------------------------------------------------------

    def _failures(self, made: Difference, resolved: list[Resolved], before: list[Row], bounds: Row) -> None:
        now: dict[tuple[str, int], tuple[Tree, Failure]] = {}
        old = {(row["trace_id"], row["record_id"]): row for row in before}
        holds: dict[tuple[str, int], Failure] = {}
        for scope, tree, resolution, _ in resolved:
            holds |= {(scope, rid): failure for rid, failure in resolution.holds.items()}
            for failure in resolution.failures:
                if not failure.settles:
                    now[scope, failure.anchor] = (tree, failure)
        rows = {key: _failure_row(key[0], failure) for key, (_, failure) in now.items()}
        fresh = {key: row for key, row in rows.items() if not _same(old.get(key), row)}
        self._describe(fresh, now)
        made.come = list(fresh.values())
        made.gone = [row for key, row in old.items() if key not in rows or key in fresh]
        elsewhere = {rid: scope for scope, rid in holds if rid in self._places}
        for row in made.gone:
            key = scope, rid = row["trace_id"], row["record_id"]
            home = scope if key in holds else elsewhere.get(rid)
            made.moved[key] = rows.get((home, holds[home, rid].anchor)) if home is not None else None
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
        times = [r.end for tree, _ in now.values() for r in tree.records if r.rid in speakers]
        starts = [r.start for tree, _ in now.values() for r in tree.records if r.rid in speakers]
        found = self._speaking(speakers, {"low": min(starts), "high": max(times)})
        for key, row in fresh.items():
            tree, failure = now[key]
            details = _details(tree, failure, found.get(failure.speaker, {}))
            row["details"] = orjson.dumps(details, default=str).decode()
            if failure.unit.kind == NONE:
                row["correlation_id"] = details["fingerprint"]

    def _speaking(self, speakers: set[int], bounds: Row) -> dict[int, Row]:
        """Return the rows whose texts failures show: most of them arrive with this commit."""
        found = arrivals.rows_of(self._tx, speakers)
        if missing := speakers - found.keys():
            self._tx.view("speaking", pa.table({"record_id": pa.array(sorted(missing), pa.uint64())}))
            found |= {row["record_id"]: row for row in self._tx.run("traces/speaking_spans", bounds)}
            found |= {row["record_id"]: row for row in self._tx.run("traces/speaking_logs", bounds)}
        return found

    # --- signals --------------------------------------------------------------------------------

    def _signals(self, made: Difference, resolved: list[Resolved], stored_rows: list[Row]) -> None:
        before = {_signal_key(row): row for row in stored_rows}
        now: dict[tuple[Any, ...], Row] = {}
        for scope, _, resolution, _ in resolved:
            for signal in resolution.signals:
                row = _signal_row(scope, signal)
                now[_signal_key(row)] = row
        made.signals = [{**now[k], "change": 1, "recorded_at": self._now} for k in now if k not in before]
        made.signals += [
            {**before[k], "change": -1, "recorded_at": self._now} for k in before if k not in now
        ]

    # --- units that were concluded -----------------------------------------------------------------

    def _units(
        self,
        made: Difference,
        resolved: list[Resolved],
        before: dict[tuple[Any, ...], Row],
        incoming: set[int],
    ) -> None:
        now: dict[tuple[Any, ...], Row] = {}
        for scope, tree, resolution, _ in resolved:
            for row in _units_in(scope, tree, resolution):
                key = _unit_key(row)
                now[key] = _together(now[key], row) if key in now else row
        grown = [row for key, row in now.items() if not _covers(before.get(key), row)]
        made.lost_units = [row for key, row in before.items() if _takes_back(row, now.get(key))]
        for key, row in now.items():
            untold = set(row["untold"] or ())
            made.trace_tenants |= dict.fromkeys(untold & incoming, row["tenant"])
            if (untold ^ set((before[key]["untold"] if key in before else None) or ())) - incoming:
                made.retold.add(row["correlation_id"])
        made.joined_units = grown
        if made.lost_units:
            self._tx.view_rows("lost_unit", made.lost_units, like="unit_trace")
            self._tx.run("traces/delete_joined_units")
        if grown:
            self._tx.view_rows("joined_unit", grown, like="unit_trace")
            self._tx.run("traces/insert_joined_units")

    def _wait(self, resolved: list[Resolved]) -> None:
        until = self._now + SETTLES_FOR
        waiting: dict[str, list[Resolved]] = defaultdict(list)
        for one in resolved:
            if any(failure.settles for failure in one.resolution.failures):
                waiting[one.scope].append(one)
        for scope, parts in waiting.items():
            failures = (_settling(f, until) for one in parts for f in one.resolution.failures if f.settles)
            times = min(one.times[0] for one in parts), max(one.times[1] for one in parts)
            self._tx.after_commit.append(
                partial(self._recent.wait, scope, Waiting(until, times, tuple(failures)))
            )
            self._tx.topics.add("case")  # pages show what settles
        settled = {one.scope for one in resolved if self._recent.is_waiting(one.scope)} - waiting.keys()
        if settled:
            self._tx.after_commit.append(lambda: self._recent.settled(settled))
            self._tx.topics.add("case")
        # A later heartbeat or end takes the loss back, so every later record of such a trace is looked at.
        lost = [one.scope for one in resolved if any(f.note == SILENT for f in one.resolution.failures)]
        if lost:
            self._tx.after_commit.append(lambda: self._recent.add_flags(dict.fromkeys(lost, arrivals.LOST)))


def _links_in(found: Iterable[Record]) -> set[str]:
    """Return the traces that spans link to; none where they are too many to be of one order."""
    links = {link.get("trace_id") for record in found if record.links for link in orjson.loads(record.links)}
    links -= {None, ""}
    return links if len(links) <= _MAX_LINKS else set()


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


def _between(low: int, high: int) -> Row:
    return {"low": low, "high": high}


def _together(one: Row, other: Row) -> Row:
    """Return a unit as two rows say it together."""
    return {
        **one,
        "first_seen": min(one["first_seen"], other["first_seen"]),
        "last_seen": max(one["last_seen"], other["last_seen"]),
        "untold": sorted({*(one["untold"] or ()), *(other["untold"] or ())}) or None,
        "human_at": min((at for at in (one["human_at"], other["human_at"]) if at), default=None),
    }


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
        "map_index": failure.index,
        "map_total": failure.total,
        "account": orjson.dumps(tuple(failure.account)).decode() if failure.account else None,
        "describes": None,
    }


_COMPARED: Final = ("flow", "step", "tenant", "time", "attempts", "part", "map_index", "map_total")


def _same(old: Row | None, new: Row) -> bool:
    if old is None:
        return False
    details = orjson.loads(old["details"])
    has_id = new["correlation_id"] or old["correlation_id"]
    same = all(old[name] == new[name] for name in _COMPARED)
    resolved = details.get("note") == new["note"] and details.get("speaker") == new["speaker"]
    return (
        same
        and resolved
        and old["correlation_id"] == has_id
        and all(_loaded(old[name]) == _loaded(new[name]) for name in ("affected", "account"))
    )


def _loaded(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)


_SHOWN: Final = (
    "run_id", "error_type", "error_code", "dependency", "service", "value_amount", "value_currency",
    "stacktrace", "trace_id", "span_id",
    "data", "attempt", *ON_CASE,
    "idempotent", "idempotency_key", "error_class", "class_rule", "severity_number", "value_at_risk", "peer",
    "retry_id",
)  # fmt: skip


def _details(tree: Tree, failure: Failure, row: Row) -> Row:
    resolved = {name: row.get(name) for name in _SHOWN if row.get(name) is not None}
    anchor = next((r for r in tree.records if r.rid == failure.anchor), None)
    message = _message(failure, anchor, row)
    for name in ("dependency", "peer"):
        if name not in resolved and (found := getattr(anchor, name, None)):
            resolved[name] = found
    return {
        **resolved,
        "message": message,
        "note": failure.note,
        "speaker": failure.speaker,
        "unit_kind": failure.unit.kind,
        "fingerprint": _group(failure, message, row),
        "group_version": VERSION,
    }


def _message(failure: Failure, anchor: Record | None, row: Row) -> str:
    if failure.note == PARTIAL and anchor is not None:
        return f"{anchor.partial_failed} of {anchor.partial_total} failed"
    if failure.note in (LOST_CONTACT, SILENT):
        return failure.note
    texts = (row.get(name) for name in ("exception_message", "status_message", "message", "name"))
    return next(filter(None, texts), "")


def _group(failure: Failure, message: str, row: Row) -> str:
    # What is understood of a block has no type and no words of its own: its place says what it is.
    is_ours = failure.note in (PARTIAL, LOST_CONTACT, SILENT)
    return fingerprint(
        flow=failure.unit.flow,
        step=failure.step,
        error_type=failure.note if is_ours else row.get("error_type"),
        message="" if is_ours else message,
        stacktrace=None if is_ours else row.get("stacktrace"),
        ids=[failure.unit.id, *(row[key] for key in _IDS if row.get(key))],
    )


_IDS: Final = (
    "correlation_id", "technical_id", "run_id", "trace_id", "span_id", "retry_id", "idempotency_key",
    *ON_CASE,
)  # fmt: skip
"""Columns whose values name one unit, or whose it is: no part of a cause."""


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
        "step": signal.step,
        "map_index": signal.index,
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
            "step",
            "map_index",
        )
    )


def _unit_key(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("trace_id", "tenant", "correlation_id", "flow"))


def _record_ids(chunk: Chunk) -> set[int]:
    tables = [table for table in (chunk.spans, chunk.logs) if table.num_rows]
    return {rid for table in tables for rid in table["record_id"].to_pylist()}


def _takes_back(before: Row, now: Row | None) -> bool:
    if now is None or not set(before["untold"] or ()) <= set(now["untold"] or ()):
        return True
    return before["human_at"] is not None and (
        now["human_at"] is None or now["human_at"] > before["human_at"]
    )


def _covers(before: Row | None, now: Row) -> bool:
    return (
        before is not None
        and set(before["untold"] or ()) == set(now["untold"] or ())
        and before["first_seen"] <= now["first_seen"]
        and before["last_seen"] >= now["last_seen"]
        and before["human_at"] == now["human_at"]
    )


def _units_in(scope: str, tree: Tree, resolution: Resolution) -> Iterable[Row]:
    """Return the units that records belong to which do not name unit and flow themselves."""
    signalled = {s.unit.key for s in resolution.signals}
    found: dict[Key, tuple[int, int]] = {}
    untold: dict[Key, list[int]] = defaultdict(list)
    human: dict[Key, int] = {}
    for record in tree.records:
        unit = tree.unit(record)
        names_it = bool(record.cid and (record.flow or not record.trace))
        if (names_it and record.tenant == unit.tenant) or not _is_kept(unit, signalled):
            continue
        low, high = found.get(unit.key, (record.start, record.end))
        found[unit.key] = min(low, record.start), max(high, record.end)
        if names_it:
            untold[unit.key].append(record.rid)
        elif record.actor == ACTOR_HUMAN:
            human[unit.key] = min(human.get(unit.key, record.end), record.end)
    for (tenant, key, flow), (low, high) in found.items():
        acted = human.get((tenant, key, flow))
        yield {
            "trace_id": scope, "tenant": tenant, "correlation_id": key, "flow": flow,
            "first_seen": moment(low), "last_seen": moment(high),
            "untold": untold.get((tenant, key, flow)),
            "human_at": None if acted is None else moment(acted),
        }  # fmt: skip


def _is_kept(unit: Unit, signalled: set[Key]) -> bool:
    """Is the unit worth a row? One that only a trace names, only once a record states something about it."""
    return unit.kind != NONE and (unit.kind == BUSINESS or unit.key in signalled)


def moment(micros: int) -> datetime:
    """Return microseconds since the epoch as naive UTC, as the store keeps times."""
    return _EPOCH + timedelta(microseconds=micros)


_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - naive UTC, as stored
