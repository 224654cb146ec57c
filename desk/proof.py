"""When a case is recovered: which success signal proves it (semantics 4).

A case is proven by the first success signal of its unit that is later than its last failure and covers the
part that failed. What is later is decided by the order of writing within one process, by the id of a retry,
or by event times that lie further apart than two clocks can be wrong: two seconds, or what was measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from audit.actor import SYSTEM
from desk import lifecycle
from desk.change import Change, make
from traces import clocks as measured
from traces.clocks import TRUSTED, Doubt
from traces.tenants import sole_of
from traces.units import Units, known_units

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from data.store import Tx
    from traces.clocks import Clock, Clocks

    Case = dict[str, Any]
    Row = dict[str, Any]

_PARTS: Final = "desk.parts"
_COMPLETED: Final = pa.array(["success", "completed_unproven"])
"""Signals after which a unit counts as completed, unless its cases say otherwise."""
TOO_CLOSE: Final = "a success came within 2 s of the failure: two clocks cannot tell which was later"
_NAME: Final = 80
"""Characters of a host's name that a note shows."""
_DOUBTED: Final = timedelta(days=1)
"""Successes of so long ago are judged again when a clock turns out to be off."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The signal that proves a case, or why the best one does not."""

    signal: Row | None = None
    note: str | None = None


def judge(case: Case, signals: Iterable[Row], parts: Mapping[str, frozenset[str]], clocks: Clocks) -> Verdict:
    """Return the first signal that proves a case.

    Args:
        case: The case, with the part, clock and order of its last failure.
        signals: Success signals of its tenant and ID, in any flow.
        parts: For each flow, the parts that say that a later part completes the unit.
        clocks: Those that are off, as far as measured.
    """
    if case["unit_kind"] in lifecycle.UNPROVABLE:
        return Verdict()
    note = None
    for signal in sorted(signals, key=lambda s: (s["time"], s["record_id"])):
        if not covers(case, signal, parts):
            continue
        doubt = _doubt(case, signal, clocks)
        later = is_later(case, signal, doubt)
        if later:
            return Verdict(signal)
        note = _cannot_tell(case, signal, doubt) if later is None else note
    return Verdict(note=note)


def is_later(case: Case, signal: Row, doubt: Doubt) -> bool | None:
    """Tell whether a signal is later than the case's last failure; None: the clocks cannot tell."""
    if _is_of_retry(case, signal):
        return True
    same_clock = signal["clock"] is not None and signal["clock"] == case["clock"]
    if same_clock and signal["seq"] is not None and case["seq"] is not None:
        return bool(signal["seq"] > case["seq"])
    apart = signal["time"] - case["last_seen"]
    if same_clock or (signal["clock"] is None and case["clock"] is None and signal["part"] is None):
        return bool(apart > timedelta())
    if apart <= timedelta():
        return None if -apart < doubt.behind else False
    return True if apart > max(TRUSTED, doubt.ahead) else None


def _doubt(case: Case, signal: Row, clocks: Clocks) -> Doubt:
    if not clocks.off:
        return Doubt()
    return clocks.doubt((signal["clock"], signal["time"]), (case["clock"], case["last_seen"]))


def _cannot_tell(case: Case, signal: Row, doubt: Doubt) -> str:
    """Say why a success proves nothing, with the figures."""
    if not doubt.clocks:
        return TOO_CLOSE
    apart = signal["time"] - case["last_seen"]
    side = "before" if apart < timedelta() else "after"
    wrong = " and ".join(_is_off(clock) for clock in doubt.clocks)
    came = f"a success came {_length(abs(apart))} {side} the failure"
    return f"{came}, but {wrong}: they cannot tell which was later"


def _is_off(clock: Clock) -> str:
    name = clock.name if len(clock.name) <= _NAME else f"{clock.name[:_NAME]}…"
    if clock.fast:
        return f"the clock of {name} is up to {_length(clock.fast)} fast"
    return f"the clock of {name} is up to {_length(clock.slow)} slow, or its records came late"


_LENGTHS: Final = (("days", 172_800, 86_400), ("h", 7_200, 3_600), ("min", 120, 60))


def _length(length: timedelta) -> str:
    """Return a length of time in its largest unit: `37 s`, `2.5 s`, `400 days`."""
    seconds = length.total_seconds()
    for name, least, size in _LENGTHS:
        if seconds >= least:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"  # noqa: PLR2004 - two digits are enough


def covers(case: Case, signal: Row, parts: Mapping[str, frozenset[str]]) -> bool:
    """Tell whether a signal speaks for the part of the unit that failed."""
    if _is_of_retry(case, signal):
        return True
    affected = orjson.loads(case["affected"]) if case["affected"] else []
    if signal["flow"] != case["flow"] and signal["flow"] not in {place["flow"] for place in affected}:
        return False
    another_completes = parts.get(signal["flow"], frozenset()) - {signal["part"]}
    if signal["flow"] == case["flow"] and (signal["final"] or another_completes):
        return True
    callers = {place["service"] for place in affected}
    return signal["part"] == case["part"] or signal["part"] in callers


def _is_of_retry(case: Case, signal: Row) -> bool:
    """Tell whether a worker reports on the case's own retry: it names the lease, which begins with it."""
    return bool(case["retry_id"] and signal["retry_id"] and signal["retry_id"].startswith(case["retry_id"]))


def prove(
    tx: Tx, told: pa.Table, touched: list[Case], unsure: set[str], *, units: Units, now: datetime
) -> None:
    """Recover every live case that is proven, and open again what turned out to be unproven.

    `told` are the signals of the transaction, `touched` the cases that it changed, and `units` knows when
    units begin. `unsure` are IDs to judge again: their tenant is another one now, or a clock of theirs turned
    out to be off (`ids_of_clocks`).
    """
    successes = told.filter(pc.equal(told["outcome"], "success"))
    came = successes.filter(pc.equal(successes["change"], 1))
    gone = successes.filter(pc.equal(successes["change"], -1))
    named = set(came["correlation_id"].to_pylist())
    doubted = set(gone["correlation_id"].to_pylist()) | unsure
    flows = _learn_parts(tx, told)
    changed = [case for case in touched if lifecycle.is_provable(case)]
    cases = _cases(tx, changed, named | doubted, flows)
    if not cases:
        return
    ids = {case["correlation_id"] for case in cases}
    doubted |= {case["correlation_id"] for case in changed}
    doubted |= {case["correlation_id"] for case in cases if case["flow"] in flows}
    known = units.known_before(ids)
    # All signals of an ID that is new arrived in this transaction.
    whole = [case for case in cases if case["correlation_id"] in doubted & known]
    news = came.filter(pc.is_in(came["correlation_id"], pa.array(ids))).to_pylist()
    signals = news + (_signals(tx, whole) if whole else [])
    changes = [
        change for case in cases if (change := _judged(tx, case, signals, doubted, units=units, now=now))
    ]
    make(tx, changes, now)
    completed = told.filter(pc.is_in(told["outcome"], _COMPLETED))["correlation_id"].to_pylist()
    if asked := ids & {*known, *completed}:
        tx.run("derive/judged_units", {"ids": sorted(asked), **units.between(asked)})
    for change in changes:
        if change.verb == "recovered" and change.case["retry_id"]:
            tx.run("desk/cancel_retry", {"id": change.case["retry_id"], "states": ["queued"], "now": now})


def ids_of_clocks(tx: Tx, clocks: AbstractSet[str], now: datetime) -> set[str]:
    """Return the IDs whose failures or recent successes were timed by one of these clocks."""
    if not clocks:
        return set()
    asked = {"clocks": sorted(clocks), "since": now - _DOUBTED}
    return {row["correlation_id"] for row in tx.run("desk/ids_of_clocks", asked)}


def _cases(tx: Tx, changed: list[Case], ids: set[str], flows: set[str]) -> list[Case]:
    """Return the cases that signals may prove: of these IDs and flows, and those that changed."""
    if not (ids or flows):
        return changed
    asked = {"ids": sorted(ids), "flows": sorted(flows), "verifiable": list(lifecycle.VERIFIABLE)}
    found = tx.run("desk/cases_to_prove", asked)
    known = {case["id"] for case in found}
    return found + [case for case in changed if case["id"] not in known]


def proof_now(tx: Tx, case: Case, now: datetime) -> Change | None:
    """Return the change that ends a case, if a signal that arrived already proves it."""
    units = Units(known_units(tx))
    return _judged(tx, case, _signals(tx, [case]), set(), units=units, now=now)


def _judged(
    tx: Tx, case: Case, signals: list[Row], doubted: set[str], *, units: Units, now: datetime
) -> Change | None:
    own = _of_unit(tx, case, signals, units)
    verdict = judge(case, own, tx.memo.get(_PARTS, {}), measured.known(tx))
    if verdict.signal is not None:
        is_doubted = case["correlation_id"] in doubted and not case["earlier_occurrences"]
        return _proven(case, verdict.signal["time"], now, is_doubted=is_doubted)
    # A case that was closed by earlier rules keeps its state.
    if case["correlation_id"] in doubted and not case["earlier_occurrences"]:
        words = "later records showed that the success does not prove it"
        if case["state"] == lifecycle.RECOVERED:
            return Change(case, lifecycle.reopened(case), "reopened", SYSTEM, words)
        if case["state"] == lifecycle.RESOLVED and case["verified_at"]:
            return Change(case, {"verified_at": None}, "updated", SYSTEM, words)
    if verdict.note and case["state"] in lifecycle.LIVE and case["note"] is None:
        return Change(case, {"note": verdict.note}, "updated", SYSTEM)
    return None


def _of_unit(tx: Tx, case: Case, signals: list[Row], units: Units) -> list[Row]:
    """Return the signals of the case's tenant and ID; without a tenant where the ID has one only."""
    same = [s for s in signals if s["correlation_id"] == case["correlation_id"]]
    own = [s for s in same if s["tenant"] == case["tenant"]]
    untold = [s for s in same if s["tenant"] is None and case["tenant"] is not None]
    if untold and sole_of(tx, {case["correlation_id"]}, units).get(case["correlation_id"]) == case["tenant"]:
        own += untold
    return own


def _proven(case: Case, completed_at: datetime, now: datetime, *, is_doubted: bool) -> Change | None:
    if case["state"] in lifecycle.LIVE:
        return recovery(case, completed_at, now)
    if case["verified_at"] is None:
        # A person resolved it as repaired: now the unit says so too.
        details = {"unit_completed_at": completed_at}
        return Change(case, {"verified_at": completed_at}, "verified", SYSTEM, details=details)
    is_later = is_doubted and completed_at > case["verified_at"]
    if completed_at < case["verified_at"] or is_later:
        # A record that arrived late brings the first proof, or takes it away where another stands.
        return Change(case, {"verified_at": completed_at}, "updated", SYSTEM)
    return None


def recovery(case: Case, completed_at: datetime, now: datetime) -> Change:
    """Return the change that ends a case by the unit's own success signal."""
    return Change(
        case,
        lifecycle.recovered(case, completed_at, now),
        "recovered",
        SYSTEM,
        details={"unit_completed_at": completed_at},
    )


def _signals(tx: Tx, cases: list[Case]) -> list[Row]:
    ids = sorted({case["correlation_id"] for case in cases})
    since = min(case["last_seen"] for case in cases) - timedelta(days=1)
    return tx.run("desk/successes_of", {"ids": ids, "since": since})


def _learn_parts(tx: Tx, told: pa.Table) -> set[str]:
    """Remember which parts of which flows leave the end to another; return the flows where that changed."""
    known: dict[str, frozenset[str]] | None = tx.memo.get(_PARTS)
    news = told.filter(told["continues"]).select(["flow", "part", "change"]).to_pylist()
    if known is not None and all(
        (row["part"] or "") in known.get(row["flow"], ()) and row["change"] > 0 for row in news
    ):
        return set()
    made: dict[str, frozenset[str]] = {}
    for row in tx.run("desk/parts_of_flows"):
        made[row["flow"]] = made.get(row["flow"], frozenset()) | {row["part"]}
    tx.memo[_PARTS] = made
    return set() if known is None else {f for f in {*made, *known} if known.get(f) != made.get(f)}
