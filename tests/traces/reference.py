"""The oracle: cases and units from all records at once, in plain Python, without a store.

It shares `resolve`, the rules for one trace, with the product; everything that keeps, moves and counts is
written again here in the plainest way.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from desk import proof
from traces.clocks import Clocks
from traces.failures import Everything, resolve
from traces.fingerprint import fingerprint
from traces.joining import moment
from traces.runs import RunFailure, described

if TYPE_CHECKING:
    from collections.abc import Iterable

    from traces.record import Record

    Key = tuple[str | None, str, str, str]


@dataclass(frozen=True)
class Told:
    """What the store should say."""

    cases: dict[Key, tuple[Any, ...]]
    """State, occurrences, first and last failure, proof, affected steps; by tenant, flow, step and ID."""
    units: dict[tuple[str | None, str, str], str]
    """Outcome of the latest signals, by tenant, ID and flow."""


def told(records: Iterable[Record], named: set[tuple[str, str]]) -> Told:
    """Return cases and units of a set of records, once nothing waits any more.

    `named` are the pairs of ID and tenant of all records, also of those that say nothing else.
    """
    scopes: dict[str, list[Record]] = defaultdict(list)
    for record in {r.rid: r for r in records}.values():
        scopes[_scope(record)].append(record)
    parts_of = [part for members in scopes.values() for part in _joined(members)]
    resolved = [resolve(part, opened=Everything(), silent=Everything()) for part in parts_of]
    sole = _sole_tenants(resolved, named)
    failures: dict[Key, list[Any]] = defaultdict(list)
    signals: dict[tuple[str | None, str], list[dict[str, Any]]] = defaultdict(list)
    parts: dict[str, frozenset[str]] = defaultdict(frozenset)
    told_of = _told_of([f for _, answer in resolved for f in answer.failures], sole)
    for tree, answer in resolved:
        for failure in answer.failures:
            if failure.anchor in told_of:
                continue
            unit = failure.unit
            name = unit.id or _group(tree, failure)
            failures[unit.tenant or sole.get(name), unit.flow, failure.step, name].append(failure)
        for signal in answer.signals:
            unit = signal.unit
            row = _row(signal)
            signals[unit.tenant or sole.get(unit.id), unit.id].append(row)
            if signal.continues:
                parts[unit.flow] |= {signal.part or ""}
    for tree, _ in resolved:
        for record in tree.records:
            named = record.is_span and record.cid and record.flow
            if named and not (record.err or record.role or record.outcome):
                unit = tree.unit(record)
                row = {"time": moment(record.end), "flow": unit.flow, "outcome": "ended"}
                signals[unit.tenant or sole.get(unit.id), unit.id].append(row)
    return Told({key: _case(key, found, signals, parts) for key, found in failures.items()}, _units(signals))


def _told_of(failures: list[Any], sole: dict[str, str]) -> set[int]:
    """Return the anchors of the failures that only tell of another failure of their run."""
    of_runs = [
        RunFailure(
            place=("", f.anchor), unit=(f.unit.tenant or sole.get(f.unit.id), f.unit.id, f.unit.flow),
            time=f.time, account=f.account, stands=not f.is_closed,
        )
        for f in failures if f.account
    ]  # fmt: skip
    return {anchor for _, anchor in described(of_runs)}


def _joined(members: list[Record]) -> list[list[Record]]:
    """Put records together that a chain of records joins, each at most a day from the next."""
    day = 24 * 3600 * 1_000_000
    left, made = sorted(members, key=lambda r: (r.end, r.rid)), []
    while left:
        part = [left.pop()]
        while near := [
            r for r in left if any(r.start - p.end <= day and p.start - r.end <= day for p in part)
        ]:
            part += near
            left = [r for r in left if r not in near]
        made.append(part)
    return made


def _row(signal: Any) -> dict[str, Any]:
    names = ("part", "final", "clock", "seq", "outcome")
    own = {name: getattr(signal, name) for name in names}
    return {**own, "time": moment(signal.time), "record_id": signal.rid, "flow": signal.unit.flow,
            "retry_id": signal.retry}  # fmt: skip


def _case(key: Key, found: list[Any], signals: Any, parts: Any) -> tuple[Any, ...]:
    standing = [f for f in found if not f.is_closed]
    found = standing or found
    last = max(found, key=lambda f: (f.time, f.anchor))
    affected = sorted({place for f in found for place in f.affected})
    case = {
        "unit_kind": last.unit.kind, "retry_id": None, "clock": last.clock, "seq": last.seq,
        "last_seen": moment(last.time), "flow": key[1], "part": last.part,
        "affected": orjson.dumps([{"flow": a[0], "step": a[1], "service": a[2]} for a in affected]),
    }  # fmt: skip
    own = [s for s in signals[key[0], key[3]] if s["outcome"] == "success"]
    verdict = proof.judge(case, own, parts, Clocks())
    proven = verdict.signal["time"] if verdict.signal and standing else None
    state = ("recovered" if proven else "open") if standing else "resolved"
    first = moment(min(f.time for f in found))
    return (state, len(found), first, moment(last.time), proven, tuple(affected))


def _units(signals: Any) -> dict[tuple[str | None, str, str], str]:
    """Return the outcome of each unit; what ended, or goes on elsewhere, never covers what was said of it."""
    said: dict[tuple[str | None, str, str], list[tuple[Any, str]]] = defaultdict(list)
    for (tenant, name), rows in signals.items():
        for row in rows:
            said[tenant, name, row["flow"]].append((row["time"], row["outcome"]))
    made = {}
    for key, found in said.items():
        loud = [pair for pair in found if pair[1] not in ("ended", "progress")]
        last = {outcome for time, outcome in loud if time == max(loud)[0]}
        if len(last) <= 1:
            made[key] = (
                last.pop() if last else ("ended" if any(o == "ended" for _, o in found) else "in_flight")
            )
    return made


def _sole_tenants(resolved: Any, named: set[tuple[str, str]]) -> dict[str, str]:
    tenants: dict[str, set[str]] = defaultdict(set)
    for name, tenant in named:
        tenants[name].add(tenant)
    for tree, answer in resolved:
        told_of = {signal.unit.key for signal in answer.signals}
        for record in tree.records:
            unit = tree.unit(record)
            if unit.tenant and unit.id and (unit.kind == "business" or unit.key in told_of):
                tenants[unit.id].add(unit.tenant)
    return {name: next(iter(found)) for name, found in tenants.items() if len(found) == 1}


def _group(tree: Any, failure: Any) -> str:
    speaker = next(r for r in tree.records if r.rid == failure.speaker)
    return fingerprint(
        flow=failure.unit.flow, step=failure.step, error_type=speaker.etype,
        message=speaker.emsg or speaker.name, stacktrace=speaker.stack,
    )  # fmt: skip


def _scope(record: Record) -> str:
    if record.trace:
        return record.trace
    if name := record.cid or record.run or record.technical:
        return f"id {name}"
    return f"no id {record.service or record.source} {record.etype} {record.emsg or record.name}"
