"""When a case is recovered: which success signal proves it (semantics 4).

A case is proven by the first success signal of its unit that is later than its last failure and covers the
part that failed. What is later is decided by the order of writing within one process, by the id of a retry,
or by event times that lie further apart than two clocks can be wrong: two seconds, or what was measured.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from audit.actor import SYSTEM
from cases import lifecycle, tasks
from cases.case import Case
from cases.change import Change, make
from cases.signal import signal_of
from traces import clocks as measured
from traces.clocks import TRUSTED, Doubt
from traces.known import ALWAYS
from traces.tenants import sole_of
from traces.units import Units, known_units

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from cases.signal import Signal
    from cases.tasks import Tasks
    from data.transaction import Tx
    from traces.clocks import Clock, Clocks
    from traces.known import KnownIds

_PARTS: Final = "cases.parts"
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

    signal: Signal | None = None
    note: str | None = None
    tasks: Tasks | None = None
    """Which tasks of the case are proven, where its step is several tasks."""


def judge(
    case: Case,
    signals: Iterable[Signal],
    parts: Mapping[str, frozenset[str]],
    clocks: Clocks,
    index: str | None = None,
) -> Verdict:
    """Return the first signal that proves a case.

    Args:
        case: The case, with the part, clock and order of its last failure.
        signals: Success signals of its tenant and ID, in any flow.
        parts: For each flow, the parts that say that a later part completes the unit.
        clocks: Those that are off, as far as measured.
        index: The index of the task that failed, where the step is several tasks.
    """
    note = None
    for signal in sorted(signals, key=lambda s: s.order):
        if not _speaks_for(case, index, signal, parts):
            continue
        doubt = _doubt(case, signal, clocks)
        later = is_later(case, signal, doubt)
        if later:
            return Verdict(signal)
        note = _cannot_tell(case, signal, doubt) if later is None else note
    return Verdict(note=note)


def judge_tasks(
    case: Case, signals: Iterable[Signal], parts: Mapping[str, frozenset[str]], clocks: Clocks, known: int
) -> Verdict:
    """Return the signal that proves the last of several tasks of a case, if all are proven.

    Args:
        case: The case, with its tasks.
        signals: Success signals of its tenant and ID, those of single tasks included.
        parts: As for `judge`.
        clocks: As for `judge`.
        known: How many tasks of the step are known.
    """
    failed = case.tasks
    if failed is None:
        return judge(case, signals, parts, clocks)
    of_task: dict[str | None, list[Signal]] = defaultdict(list)
    for signal in signals:
        of_task[signal.map_index].append(signal)
    found = []
    for index, one in tasks.as_cases(case, failed):
        own = of_task[None] + (of_task[index] if index is not None else [])
        found.append(judge(one, own, parts, clocks, index))
    proofs = [verdict.signal for verdict in found]
    proved = failed.proved([proof.time if proof else None for proof in proofs], known)
    if proofs and all(proofs):
        last = max((proof for proof in proofs if proof), key=lambda s: s.order)
        return Verdict(last, tasks=proved)
    return Verdict(note=next((verdict.note for verdict in found if verdict.note), None), tasks=proved)


def _speaks_for(case: Case, index: str | None, signal: Signal, parts: Mapping[str, frozenset[str]]) -> bool:
    """Return whether a signal is of the task that failed, or covers the part that did."""
    if signal.step is not None:
        # A task has an identity of its own, whatever names its unit.
        return (signal.flow, signal.step, signal.map_index) == (case.flow, case.step, index)
    return case.unit_kind not in lifecycle.UNPROVABLE and covers(case, signal, parts)


def is_later(case: Case, signal: Signal, doubt: Doubt) -> bool | None:
    """Return whether a signal is later than the case's last failure; None: the clocks cannot tell."""
    if _is_of_retry(case, signal):
        return True
    same_clock = signal.clock is not None and signal.clock == case.clock
    if same_clock and signal.seq is not None and case.seq is not None:
        return bool(signal.seq > case.seq)
    apart = signal.time - case.last_seen
    if same_clock or (signal.clock is None and case.clock is None and signal.part is None):
        return bool(apart > timedelta())
    if apart <= timedelta():
        return None if -apart < doubt.behind else False
    return True if apart > max(TRUSTED, doubt.ahead) else None


def _doubt(case: Case, signal: Signal, clocks: Clocks) -> Doubt:
    if not clocks.off:
        return Doubt()
    return clocks.doubt((signal.clock, signal.time), (case.clock, case.last_seen))


def _cannot_tell(case: Case, signal: Signal, doubt: Doubt) -> str:
    """Say why a success proves nothing, with the figures."""
    if not doubt.clocks:
        return TOO_CLOSE
    apart = signal.time - case.last_seen
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


def covers(case: Case, signal: Signal, parts: Mapping[str, frozenset[str]]) -> bool:
    """Return whether a signal speaks for the part of the unit that failed."""
    if _is_of_retry(case, signal):
        return True
    if signal.flow != case.flow and signal.flow not in {place.flow for place in case.affected}:
        return False
    another_completes = parts.get(signal.flow, frozenset()) - {signal.part}
    if signal.flow == case.flow and (signal.final or another_completes):
        return True
    callers = {place.service for place in case.affected}
    return signal.part == case.part or signal.part in callers


def _is_of_retry(case: Case, signal: Signal) -> bool:
    """Return whether a worker reports on the case's own retry: it names the lease, which begins with it."""
    return bool(case.retry_id and signal.retry_id and signal.retry_id.startswith(case.retry_id))


def prove(
    tx: Tx,
    written: pa.Table,
    touched: list[Case],
    unsure: set[str],
    *,
    units: Units,
    failed: KnownIds,
    now: datetime,
) -> None:
    """Recover every live case that is proven, and open again what turned out to be unproven.

    Args:
        tx: The running transaction.
        written: The signals of the transaction.
        touched: The cases that it changed.
        unsure: IDs to judge again: their tenant is another one now, or a clock of theirs turned out to be
            off (`ids_of_clocks`).
        units: When units begin.
        failed: Which IDs have failures or cases, and when.
        now: Naive UTC.
    """
    of_tasks = pc.and_(pc.equal(written["outcome"], "progress"), pc.is_valid(written["map_index"]))
    successes = written.filter(pc.or_(pc.equal(written["outcome"], "success"), of_tasks))
    came = successes.filter(pc.equal(successes["change"], 1))
    gone = successes.filter(pc.equal(successes["change"], -1))
    named = set(came["correlation_id"].to_pylist())
    doubted = set(gone["correlation_id"].to_pylist()) | unsure
    flows = _learn_parts(tx, written)
    changed = [case for case in touched if lifecycle.is_provable(case)]
    cases = _cases(tx, changed, failed, named | doubted, flows)
    if not cases:
        return
    ids = {case.correlation_id for case in cases}
    doubted |= {case.correlation_id for case in changed}
    doubted |= {case.correlation_id for case in cases if case.flow in flows}
    known = units.before(ids)
    # All signals of an ID that is new arrived in this transaction.
    whole = [case for case in cases if case.correlation_id in doubted & known or case.tasks]
    mine = came.filter(pc.is_in(came["correlation_id"], pa.array(ids)))
    news = [signal_of(row) for row in mine.to_pylist()]
    signals = news + (_signals(tx, whole) if whole else [])
    changes = _judged_all(tx, cases, signals, doubted, units=units, now=now)
    make(tx, changes, now)
    completed = written.filter(pc.is_in(written["outcome"], _COMPLETED))["correlation_id"].to_pylist()
    if asked := ids & {*known, *completed}:
        tx.run(
            "derive/judged_units",
            {
                "ids": sorted(asked),
                "live": sorted(lifecycle.LIVE),
                **units.moments(asked),
                **{f"case_{end}": time for end, time in failed.between(asked).items()},
            },
        )
    for change in changes:
        if change.verb == "recovered" and change.after.retry_id:
            tx.run("cases/cancel_retry", {"ids": [change.after.retry_id], "states": ["queued"], "now": now})


def ids_of_clocks(tx: Tx, clocks: AbstractSet[str], now: datetime) -> set[str]:
    """Return the IDs whose failures or recent successes were timed by one of these clocks."""
    if not clocks:
        return set()
    asked = {"clocks": sorted(clocks), "since": now - _DOUBTED}
    return {row["correlation_id"] for row in tx.run("cases/ids_of_clocks", asked)}


def _cases(tx: Tx, changed: list[Case], failed: KnownIds, ids: set[str], flows: set[str]) -> list[Case]:
    """Return the cases that signals may prove: of these IDs and flows, and those that changed.

    IDs that had no case before this transaction have none but those that changed.
    """
    known = failed.before(ids)
    if not (known or flows):
        return changed
    times = ALWAYS if flows else failed.between(known)
    asked = {"ids": sorted(known), "flows": sorted(flows), "verifiable": list(lifecycle.VERIFIABLE), **times}
    found = tx.run("cases/cases_to_prove", asked, into=Case.of)
    of_ids = {case.id for case in found}
    return found + [case for case in changed if case.id not in of_ids]


def proof_now(tx: Tx, case: Case, now: datetime) -> Change | None:
    """Return the change that ends a case, if a signal that arrived already proves it."""
    units = Units(known_units(tx))
    return next(iter(_judged_all(tx, [case], _signals(tx, [case]), set(), units=units, now=now)), None)


def _judged_all(
    tx: Tx, cases: list[Case], signals: list[Signal], doubted: set[str], *, units: Units, now: datetime
) -> list[Change]:
    """Return what changes of cases by the signals of their units."""
    parts, clocks = tx.memo.get(_PARTS, {}), measured.known(tx)
    known = tasks.totals(tx, [case for case in cases if case.tasks])
    changes = []
    for case in cases:
        own = _of_unit(tx, case, signals, units)
        verdict = judge_tasks(case, own, parts, clocks, known.get(case.id, 0))
        change = _with_tasks(case, verdict, _judged(case, verdict, doubted, now))
        changes += [change] if change else []
    return changes


def _with_tasks(case: Case, verdict: Verdict, change: Change | None) -> Change | None:
    """Add to a change which tasks are proven; the audit records it where their number changes."""
    proved = verdict.tasks
    if proved is None or (case.tasks, case.title) == (proved, proved.case_title):
        return change
    if change is not None:
        return replace(change, after=replace(change.after, tasks=proved, title=proved.case_title))
    after = replace(case, tasks=proved, title=proved.case_title)
    if case.tasks and proved.failing != case.tasks.failing:
        why = f"{proved.failing:,} of the failed tasks have not succeeded yet"
        return Change(case, after, "updated", SYSTEM, why)
    return Change(case, after, "", SYSTEM)


def _judged(case: Case, verdict: Verdict, doubted: set[str], now: datetime) -> Change | None:
    if verdict.signal is not None:
        is_doubted = case.correlation_id in doubted and not case.earlier_occurrences
        return _proven(case, verdict.signal.time, now, is_doubted=is_doubted)
    # A case that was closed by earlier rules keeps its state.
    if case.correlation_id in doubted and not case.earlier_occurrences:
        words = "later records showed that the success does not prove it"
        if case.state == lifecycle.RECOVERED:
            return Change(case, lifecycle.reopened(case), "reopened", SYSTEM, words)
        if case.state == lifecycle.RESOLVED and case.verified_at:
            return Change(case, replace(case, verified_at=None), "updated", SYSTEM, words)
    if verdict.note and case.state in lifecycle.LIVE and case.note is None:
        return Change(case, replace(case, note=verdict.note), "updated", SYSTEM)
    return None


def _of_unit(tx: Tx, case: Case, signals: list[Signal], units: Units) -> list[Signal]:
    """Return the signals of the case's tenant and ID; without a tenant where the ID has one only."""
    same = [s for s in signals if s.correlation_id == case.correlation_id]
    own = [s for s in same if s.tenant == case.tenant]
    untold = [s for s in same if s.tenant is None and case.tenant is not None]
    if untold and sole_of(tx, {case.correlation_id}, units).get(case.correlation_id) == case.tenant:
        own += untold
    return own


def _proven(case: Case, completed_at: datetime, now: datetime, *, is_doubted: bool) -> Change | None:
    if case.state in lifecycle.LIVE:
        return recovery(case, completed_at, now)
    if case.verified_at is None:
        # A person resolved it as repaired: now the unit says so too.
        details = {"unit_completed_at": completed_at}
        return Change(case, replace(case, verified_at=completed_at), "verified", SYSTEM, details=details)
    is_later = is_doubted and completed_at > case.verified_at
    if completed_at < case.verified_at or is_later:
        # A record that arrived late brings the first proof, or takes it away where another stands.
        return Change(case, replace(case, verified_at=completed_at), "updated", SYSTEM)
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


def _signals(tx: Tx, cases: list[Case]) -> list[Signal]:
    ids = sorted({case.correlation_id for case in cases})
    since = min(case.first_seen if case.tasks else case.last_seen for case in cases) - timedelta(days=1)
    return tx.run("cases/successes_of", {"ids": ids, "since": since}, into=signal_of)


def _learn_parts(tx: Tx, written: pa.Table) -> set[str]:
    """Remember which parts of which flows leave the end to another; return the flows where that changed."""
    known: dict[str, frozenset[str]] | None = tx.memo.get(_PARTS)
    news = written.filter(written["continues"]).select(["flow", "part", "change"]).to_pylist()
    if known is not None and all(
        (row["part"] or "") in known.get(row["flow"], ()) and row["change"] > 0 for row in news
    ):
        return set()
    made: dict[str, frozenset[str]] = {}
    for row in tx.run("cases/parts_of_flows"):
        made[row["flow"]] = made.get(row["flow"], frozenset()) | {row["part"]}
    tx.memo[_PARTS] = made
    return set() if known is None else {f for f in {*made, *known} if known.get(f) != made.get(f)}
