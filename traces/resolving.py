"""Resolving again: what traces say with their new records, against what is stored of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
import pyarrow as pa

from traces import arrivals
from traces.failures import Everything, resolve
from traces.members import Members, between, bounds_of
from traces.outcome import SILENT
from traces.recent import SETTLES_FOR, Settling, Waiting
from traces.stated import (
    covers,
    details,
    failure_row,
    moment,
    same,
    signal_key,
    signal_row,
    takes_back,
    together,
    unit_key,
    units_in,
)
from traces.tree import NONE, segments

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from data.transaction import Tx
    from traces.outcome import Failure, Resolution
    from traces.recent import Chunk, Recent
    from traces.record import Record
    from traces.stated import Row
    from traces.tree import Tree


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
    joined: set[str] = field(default_factory=set)
    """The traces whose signals stand here; what records of other traces say of ends is taken as it is."""
    lost_units: list[Row] = field(default_factory=list)
    joined_units: list[Row] = field(default_factory=list)
    trace_tenants: dict[int, str] = field(default_factory=dict)
    """For incoming records that name ID and flow and no tenant: the tenant that their trace gives them."""
    retold: set[str] = field(default_factory=set)
    """IDs of which earlier records have another tenant now."""


class Resolved(NamedTuple):
    """What a trace says: the part of it that joins. `times` are those of its records, in microseconds."""

    scope: str
    tree: Tree
    resolution: Resolution
    times: tuple[int, int]


class Resolving:
    """Resolves traces as a whole and writes what differs from what is stored."""

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
        self._members = Members(tx, recent, times, before)
        self._places = places or {}
        """In which traces the records were that say something else now."""
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
        """Resolve traces, write what differs from what is stored, and return the difference.

        Args:
            scopes: The traces.
            older: Those of them that the store holds more of.
            chunk: The records that arrive.
            plain: The traces of whose signals the difference speaks, where these are more.
        """
        made = Difference(joined=scopes if plain is None else plain)
        if not scopes:
            return made
        members = self._members.of(scopes, older, chunk)
        self._linked = self._members.linked_ids(members, chunk)
        known = sorted(s for s in scopes if s in self._recent.seen or s in older)
        self._tx.view("wanted_trace", pa.table({"trace_id": pa.array(known, pa.string())}))
        bounds = between(*bounds_of(members, self._times))
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
                key = unit_key(row)
                found[key] = together(found[key], row) if key in found else row
        return found

    def _resolved(self, scope: str, found: list[Record], opened: set[int]) -> Resolved:
        """Resolve a trace; `opened` are the anchors of its failures as they were stated before."""
        waited = opened if self._patient else Everything()
        # A sign of life that was silent once is so until a later one comes.
        tree, resolution = resolve(found, self._linked, waited, opened | self._silent[scope])
        return Resolved(scope, tree, resolution, bounds_of({scope: found}))

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
        rows = {key: failure_row(key[0], failure) for key, (_, failure) in now.items()}
        fresh = {key: row for key, row in rows.items() if not same(old.get(key), row)}
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
            shown = details(tree, failure, found.get(failure.speaker, {}))
            row["details"] = orjson.dumps(shown, default=str).decode()
            if failure.unit.kind == NONE:
                row["correlation_id"] = shown["fingerprint"]

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
        before = {signal_key(row): row for row in stored_rows}
        now: dict[tuple[Any, ...], Row] = {}
        for scope, _, resolution, _ in resolved:
            for signal in resolution.signals:
                row = signal_row(scope, signal)
                now[signal_key(row)] = row
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
            for row in units_in(scope, tree, resolution):
                key = unit_key(row)
                now[key] = together(now[key], row) if key in now else row
        grown = [row for key, row in now.items() if not covers(before.get(key), row)]
        made.lost_units = [row for key, row in before.items() if takes_back(row, now.get(key))]
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


def _settling(failure: Failure, until: datetime) -> Settling:
    unit = failure.unit
    return Settling(unit.tenant, unit.id, unit.flow, failure.step, moment(failure.time), until)


def _record_ids(chunk: Chunk) -> set[int]:
    tables = [table for table in (chunk.spans, chunk.logs) if table.num_rows]
    return {rid for table in tables for rid in table["record_id"].to_pylist()}
