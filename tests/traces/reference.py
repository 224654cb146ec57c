"""The oracle: cases and units from all records at once, in plain Python, without a store.

It shares `resolve`, the rules for one trace, with the product; everything that keeps, moves and counts is
written again here in the plainest way.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cases import proof
from cases.case import Case, CaseState, Place
from cases.signal import signal_of
from traces.clocks import Clocks
from traces.failures import Everything, resolve
from traces.fingerprint import fingerprint
from traces.runs import RunFailure, described
from traces.stated import moment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from traces.record import Record

    Key = tuple[str | None, str, str, str]


@dataclass(frozen=True)
class Reported:
    """What the store should say."""

    cases: dict[Key, tuple[Any, ...]]
    """State, occurrences, first and last failure, proof, affected steps, and failed tasks.

    By tenant, flow, step and ID. Tasks: how many are known, and the proof of each that failed.
    """
    units: dict[tuple[str | None, str, str], str]
    """Outcome of the latest signals, by tenant, ID and flow."""


def reported(records: Iterable[Record], named: set[tuple[str, str]]) -> Reported:
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
    reported_of = _described_by([f for _, answer in resolved for f in answer.failures], sole)
    for tree, answer in resolved:
        for failure in answer.failures:
            if failure.anchor in reported_of:
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
    return Reported(
        {key: _case(key, found, signals, parts) for key, found in failures.items()}, _units(signals)
    )


def _described_by(failures: list[Any], sole: dict[str, str]) -> set[int]:
    """Return the anchors of the failures that only repeat another failure of their run."""
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
    names = ("part", "final", "clock", "seq", "outcome", "step")
    own = {name: getattr(signal, name) for name in names}
    return {**own, "time": moment(signal.time), "record_id": signal.rid, "flow": signal.unit.flow,
            "retry_id": signal.retry, "map_index": signal.index}  # fmt: skip


def _case(key: Key, found: list[Any], signals: Any, parts: Any) -> tuple[Any, ...]:
    standing = [f for f in found if not f.is_closed]
    found = standing or found
    last, all_affected = max(found, key=_time), sorted({place for f in found for place in f.affected})
    successes = [s for s in signals[key[0], key[3]] if s["outcome"] in ("success", "progress")]
    successes = [s for s in successes if s["outcome"] == "success" or s["map_index"] is not None]
    several = any(f.index is not None for f in standing)
    last_of = {f.index if several else None: f for f in sorted(found, key=_time)}
    proving = [signal_of({**s, "tenant": key[0], "correlation_id": key[3]}) for s in successes]
    proofs = {index: _proof(key, f, all_affected, proving, parts) for index, f in last_of.items()}
    proven = max(proofs.values()) if standing and all(proofs.values()) else None
    state = ("recovered" if proven else "open") if standing else "resolved"
    first = moment(min(f.time for f in found))
    tasks = (_known(key, signals), frozenset(proofs.items())) if several else None
    return (state, len(found), first, moment(last.time), proven, tuple(all_affected), tasks)


def _time(failure: Any) -> tuple[int, int]:
    return failure.time, failure.anchor


def _known(key: Key, signals: Any) -> int:
    """Count the tasks of a step that are known by their ends, with those of signals that name no tenant."""
    known = [*signals[key[0], key[3]], *(signals[None, key[3]] if key[0] else ())]
    indexes = {s["map_index"] for s in known if (s["flow"], s.get("step")) == (key[1], key[2])}
    return len(indexes - {None})


def _proof(key: Key, last: Any, affected: list[Any], successes: list[Any], parts: Any) -> Any:
    """Return when a success proved the last failure of a task, or of a step that is one task; else None."""
    time = moment(last.time)
    case = Case(
        id="case", state=CaseState.OPEN, tenant=key[0], flow=key[1], step=key[2], correlation_id=key[3],
        unit_kind=last.unit.kind, clock=last.clock, seq=last.seq, part=last.part,
        affected=tuple(Place(*place) for place in affected),
        error_class="unknown", severity="low", title="", message="", fingerprint="", occurrences=1,
        attempts=1,
        opened_at=time, first_seen=time, last_seen=time,
    )  # fmt: skip
    verdict = proof.judge(case, successes, parts, Clocks(), last.index)
    return verdict.signal.time if verdict.signal else None


def _units(signals: Any) -> dict[tuple[str | None, str, str], str]:
    """Return the outcome of each unit; what ended, or goes on elsewhere, never covers its stated outcome."""
    expected: dict[tuple[str | None, str, str], list[tuple[Any, str]]] = defaultdict(list)
    for (tenant, name), rows in signals.items():
        for row in rows:
            expected[tenant, name, row["flow"]].append((row["time"], row["outcome"]))
    made = {}
    for key, found in expected.items():
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
        reported_of = {signal.unit.key for signal in answer.signals}
        for record in tree.records:
            unit = tree.unit(record)
            if unit.tenant and unit.id and (unit.kind == "business" or unit.key in reported_of):
                tenants[unit.id].add(unit.tenant)
    return {name: next(iter(found)) for name, found in tenants.items() if len(found) == 1}


def _group(tree: Any, failure: Any) -> str:
    speaker = next(r for r in tree.records if r.rid == failure.speaker)
    return fingerprint(
        flow=failure.unit.flow, step=failure.step, error_type=speaker.etype,
        message=speaker.emsg or speaker.name, stacktrace=speaker.stack,
        ids=[
            name for name in (
                failure.unit.id, speaker.cid, speaker.technical, speaker.run, speaker.trace, speaker.span,
            ) if name
        ],
    )  # fmt: skip


def _scope(record: Record) -> str:
    if record.trace:
        return record.trace
    if name := record.cid or record.run or record.technical:
        return f"id {name}"
    return f"no id {record.service or record.source} {record.etype} {record.emsg or record.name}"
