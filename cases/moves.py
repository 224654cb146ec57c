"""Cases follow the failures that they were opened for: opened, counted again, moved, merged, withdrawn.

A case is one unit stuck at one step; its failures stand in the table `failure` under the same key.
Where a late record shows that failures belong elsewhere, their case leaves its key and takes the new one:

1. The new key is free: the case keeps its id, holder and history, and moves.
2. The new key has a case: the one that a person holds stays, else the older one. The other ends as merged.
3. No failure is left: the case ends as withdrawn.

A case all of whose failures were closed by the script that wrote them is closed. It comes back with the first
failure that was not.

The value of a case, with its severity and due times, also follows what becomes known of its unit without a
new failure. No act of a person sets them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from audit import trail
from audit.actor import SYSTEM
from cases import failures, lifecycle, tasks
from cases.case import Case, CaseKey
from cases.change import Change, group_claims, grouped, make
from cases.content import counted_case
from cases.failure import Counted
from cases.failures import Moves
from cases.group_claims import late_arrivals
from cases.snoozing import woken_by_count
from cases.tasks import TaskFailure
from data.nouns import shallow
from data.records import LOG_COLUMNS, SPAN_COLUMNS, empty_logs, empty_spans, to_arrow
from traces.outcome import CLOSED_BY_SCRIPT
from traces.units import Described
from unsnag.fields import names

if TYPE_CHECKING:
    from datetime import datetime

    from cases.failure import Failure
    from cases.tasks import Tasks
    from data.transaction import Tx
    from traces.known import KnownIds
    from traces.resolving import Difference
    from traces.tenants import Tenants
    from traces.units import Units

_KEY: Final = CaseKey._fields
_WANTED: Final = pa.schema([*((name, pa.string()) for name in _KEY), ("takes_untold", pa.bool_())])
_OCCURRENCE: Final = ("message", "note", "error_type", "attempt", "trace_id", "span_id")
_NAMED: Final = ("value_amount", *names(lambda field: field.on_case and field.is_context))
_ARRIVES: Final = ("opened", "reopened")
_OF_UNIT: Final = ("value_amount", "value_currency", "severity", "context", "inherited")
"""What a case says of its unit: known later than its failures, and changed without them."""


def no_records(tx: Tx) -> None:
    """Make the views of incoming records readable in a transaction that brings none."""
    tx.view("incoming_log", to_arrow(empty_logs(), LOG_COLUMNS))
    tx.view("incoming_span", to_arrow(empty_spans(), SPAN_COLUMNS))


def move(
    tx: Tx, difference: Difference, tenants: Tenants, *, units: Units, failed: KnownIds, now: datetime
) -> list[Case]:
    """Bring cases up to date with the failures that came and went; return those that changed.

    `units` knows when units begin and what arrived of them, `failed` which IDs have failures or cases.
    """
    moves = Moves(difference, tenants, failed)
    failures.note(tx, failed, moves.come, ())
    if tenants.changed:
        moves.retenant(tx)
    moves.join_runs(tx)
    valued = _valued(tx, difference, tenants, failed)
    if not (moves.come or moves.gone or valued):
        return []
    board = _Board(tx, moves.touched(), valued, tenants, failed, now)
    board.read(moves, units)
    board.leave(moves.targets())
    board.count()
    return board.write(moves)


def _valued(tx: Tx, difference: Difference, tenants: Tenants, failed: KnownIds) -> set[CaseKey]:
    """Return the keys of live cases whose unit may have another value or context now."""
    lost = (*difference.lost_units, *(signal for signal in difference.signals if signal["change"] < 0))
    ids = tenants.changed | difference.retold | {row["correlation_id"] for row in lost}
    for name in ("incoming_log", "incoming_span"):
        ids |= _with_value(tx.tables[name])
    # An ID for which nothing ever failed has no case.
    if not (known := failed.before(ids)):
        return set()
    tx.view("asked_id", pa.table({"correlation_id": pa.array(sorted(known), pa.string())}))
    asked = {"live": sorted(lifecycle.LIVE), **failed.between(known)}
    return set(tx.run("cases/cases_to_value", asked, into=CaseKey.of))


def _with_value(records: pa.Table) -> set[str]:
    """Return the IDs of records that name a value or a context; every record names its environment."""
    stated = [pc.is_valid(records[name]) for name in _NAMED]
    ids = records["correlation_id"].filter(reduce(pc.or_, stated))
    return set(pc.unique(ids.drop_null()).to_pylist())


def described(tx: Tx, units: Units, ids: set[str]) -> list[Described]:
    """Return what the units of the IDs say, in any tenant and flow."""
    stored = units.stored(ids)
    rows = units.described(ids - stored)
    if stored:
        tx.view("asked_id", pa.table({"correlation_id": pa.array(sorted(stored), pa.string())}))
        rows += tx.run("cases/units_of_cases", units.moments(stored), into=Described.of)
    return rows


@dataclass(slots=True)
class _Board:
    """The cases of the touched keys, before and after."""

    tx: Tx
    touched: set[CaseKey]
    valued: set[CaseKey]
    tenants: Tenants
    failed: KnownIds
    now: datetime
    cases: dict[CaseKey, Case] = field(default_factory=dict)
    before: dict[str, Case] = field(default_factory=dict)
    counted: dict[CaseKey, Counted] = field(default_factory=dict)
    units: dict[tuple[str | None, str], list[Described]] = field(default_factory=dict)
    folded: list[tuple[Case, Case | None]] = field(default_factory=list)
    tasks: dict[CaseKey, dict[str | None, TaskFailure]] = field(default_factory=dict)
    """By key, for the cases whose step is several tasks: the last failure of each."""
    rekeyed: dict[str, CaseKey] = field(default_factory=dict)

    def read(self, moves: Moves, units: Units) -> None:
        """Read the cases of the keys, what their failures say, and their units."""
        wanted = self.touched | self.valued
        ids = {key.correlation_id for key in wanted}
        known = self.failed.before(ids)
        self._read_known([key for key in wanted if key.correlation_id in known])
        self._read_tasks(moves, known)
        # Nothing ever failed for the other IDs: what arrived is all that there is of them.
        for failure in moves.come:
            if failure.correlation_id not in known:
                self._count_in(failure.key, Counted.alone(failure))
        self._read_units(ids, units)

    def _read_units(self, ids: set[str], units: Units) -> None:
        for unit in described(self.tx, units, ids):
            self.units.setdefault((unit.tenant, unit.correlation_id), []).append(unit)

    def _read_known(self, keys: list[CaseKey]) -> None:
        if not keys:
            return
        between = self.failed.between({key.correlation_id for key in keys})
        self.tx.view("wanted_case", pa.Table.from_pylist([self._wanted(key) for key in keys], _WANTED))
        found = self.tx.run("cases/cases_by_key", between, into=Case.of)
        self.cases = {case.key: case for case in found}
        self.before = {case.id: case for case in found}
        for row in self.tx.run("cases/failures_by_key", between):
            self._count_in(CaseKey.of(row), Counted.of(row))

    def _count_in(self, key: CaseKey, more: Counted) -> None:
        self.counted[key] = more.and_also(self.counted.get(key))

    def _read_tasks(self, moves: Moves, known: set[str]) -> None:
        """Read the failed tasks of the cases whose step is several tasks."""
        new: dict[CaseKey, list[Failure]] = {}
        for failure in moves.come:
            if failure.correlation_id not in known and failure.details.is_counted:
                new.setdefault(failure.key, []).append(failure)
        self.tasks = {
            key: tasks.of_failures(map(TaskFailure.of_failure, found))
            for key, found in new.items()
            if any(map(_names_task, found))
        }
        is_named = any(map(_names_task, (*moves.come, *moves.gone)))
        if known and (is_named or any(case.tasks for case in self.cases.values())):
            self.tasks |= failures.of_tasks(self.tx)

    def _wanted(self, key: CaseKey) -> dict[str, Any]:
        # Failures that name no tenant count where their ID has only this one, or has none.
        takes_untold = self.tenants.after.get(key.correlation_id) == key.tenant
        return {**dict(zip(_KEY, key, strict=True)), "takes_untold": takes_untold}

    def leave(self, targets: dict[CaseKey, CaseKey | None]) -> None:
        """Take the cases whose failures all belong elsewhere to their new keys.

        All leave before the first arrives, so that chains and swaps of keys work; held ones choose first.
        """
        empty = [
            self.cases.pop(key)
            for key in list(self.cases)
            # What was counted before failures were kept goes where the later ones go.
            if key not in self.counted and (targets.get(key) or not self.cases[key].earlier_occurrences)
        ]
        for case in sorted(empty, key=lambda c: (c.holder is None, c.first_seen, c.id)):
            target = targets.get(case.key)
            other = self.cases.get(target) if target else None
            if target is None or target not in self.counted:
                self.folded.append((case, None))
            elif other is None:
                self._rekey(case, target)
            elif _stays(case, other):
                self.folded.append((other, case))
                self._rekey(_with_acts_of(case, other), target)
            else:
                self.folded.append((case, other))
                self.cases[target] = _with_acts_of(other, case)

    def _rekey(self, case: Case, key: CaseKey) -> None:
        self.rekeyed[case.id] = case.key
        self.cases[key] = case.moved_to(key)

    def count(self) -> None:
        """Set each case to what its failures say together."""
        for key, found in self.counted.items():
            case = self.cases.get(key)
            if case and case.earlier_occurrences and not found.details.is_counted:
                continue  # what was counted before failures were kept stands
            units = self.units.get((key.tenant, key.correlation_id), [])
            counted = grouped(counted_case(case, key, found, units), case, self.tx)
            if case and key not in self.touched:
                counted = replace(case, **{name: getattr(counted, name) for name in _OF_UNIT})
            elif key in self.tasks or (case and case.tasks):
                before = case.tasks if case else None
                counted = _with_tasks(counted, tasks.counted(self.tasks.get(key, {}), before, counted.title))
            self.cases[key] = counted

    def write(self, moves: Moves) -> list[Case]:
        """Write the cases, their occurrences and the audit's entries; return the cases that changed."""
        _fold(self.tx, self.folded, self.now)
        ordered = sorted(self.cases.values(), key=lambda c: (c.last_seen, str(tuple(c.key))))
        changes = [change for case in ordered if (change := self._change(case))]
        made = make(self.tx, changes, self.now)
        followed = self._follow(made)
        followed += self._join_claims([*made, *followed], {c.after.id for c in changes if c.verb in _ARRIVES})
        failures.note(self.tx, self.failed, (), self.cases.values())
        ids = {case.key: case.id for case in self.cases.values()}
        _write_occurrences(self.tx, moves, ids)
        return list({case.id: case for case in (*made, *followed)}.values())

    def _follow(self, cases: list[Case]) -> list[Case]:
        """Close and open cases by the word of their scripts; wake snoozed ones that failed often enough."""
        changes = [change for case in cases if (change := _of_script(case, self.now) or _woken(case))]
        made = make(self.tx, changes, self.now)
        for case in made:
            if lifecycle.is_closed_by_script(case) and case.retry_id:
                # A worker that runs it already learns at its next report that the lease is lost.
                asked = {"ids": [case.retry_id], "states": ["queued", "leased"], "now": self.now}
                self.tx.run("cases/cancel_retry", asked)
        return made

    def _join_claims(self, cases: list[Case], arrived: set[str]) -> list[Case]:
        """Give the cases that arrived to the person who has claimed their group."""
        claims = group_claims(self.tx)
        if not claims or not arrived:
            return []
        latest = {case.id: case for case in cases if case.id in arrived}
        return make(self.tx, late_arrivals(list(latest.values()), claims, self.now), self.now)

    def _change(self, case: Case) -> Change | None:
        before = self.before.get(case.id)
        if before is None:
            return Change(None, case, "opened", SYSTEM)
        if before == case:
            return None
        if case.id in self.rekeyed:
            why = "a later record showed where it belongs"
            return Change(before, case, "rekeyed", SYSTEM, why, {"from": tuple(self.rekeyed[case.id])})
        if lifecycle.reopens(before, case.last_seen) and not _is_attempt(case):
            return Change(before, lifecycle.reopened(case, before), "reopened", SYSTEM)
        grew = case.occurrences > before.occurrences or case.last_seen > before.last_seen
        return Change(before, case, "recurred" if grew else "updated", SYSTEM)


def _names_task(failure: Failure) -> bool:
    return failure.map_index is not None


def _with_tasks(case: Case, failed: Tasks | None) -> Case:
    return replace(case, tasks=failed, title=failed.case_title if failed else case.title)


def _with_acts_of(case: Case, folded: Case) -> Case:
    """Return the case that stays: what people did for the other was done for it."""
    acted = [moment for moment in (case.people_at, folded.people_at) if moment]
    triaged = [moment for moment in (case.triaged_at, folded.triaged_at) if moment]
    return replace(case, people_at=max(acted, default=None), triaged_at=min(triaged, default=None))


def _is_attempt(case: Case) -> bool:
    """Return whether all failures of a case were closed by the script that wrote them."""
    return case.note == CLOSED_BY_SCRIPT


def _of_script(case: Case, now: datetime) -> Change | None:
    """Return how the word of its script ends a case, or how a case comes back for which it does not stand."""
    if _is_attempt(case) and case.state != lifecycle.RESOLVED:
        details = {"claim_of": case.holder} if case.holder else None
        closed = lifecycle.closed_by_script(case, now)
        return Change(case, closed, "closed", SYSTEM, CLOSED_BY_SCRIPT, details)
    if not _is_attempt(case) and lifecycle.is_closed_by_script(case):
        return Change(case, lifecycle.reopened(case), "reopened", SYSTEM)
    return None


def _woken(case: Case) -> Change | None:
    """Return how a snoozed case comes back that has failed often enough."""
    return None if case.snoozed_count is None else woken_by_count(case)


def _stays(case: Case, other: Case) -> bool:
    """Return whether `case` stays when it meets `other`: the one that a person holds, else the older."""
    if (case.holder is None) != (other.holder is None):
        return case.holder is not None
    return (case.opened_at, case.id) < (other.opened_at, other.id)


# --- what is written beside the case --------------------------------------------------------------------


def _fold(tx: Tx, folded: list[tuple[Case, Case | None]], now: datetime) -> None:
    """End cases that are part of another, or no failure at all."""
    if not folded:
        return
    rows, entries = [], []
    for case, into in folded:
        how = "merged" if into else "withdrawn"
        handled = "later records showed that it was handled"
        reason = f"it is part of exception {into.id}" if into else handled
        rows.append({
            **case.key._asdict(), "id": case.id, "title": case.title, "opened_at": case.opened_at,
            "how": how, "merged_into": into.id if into else None, "folded_at": now, "reason": reason,
        })  # fmt: skip
        details: dict[str, Any] = {"into": into.id} if into else {}
        if case.holder:
            details |= {"claim_of": case.holder, "now_held_by": into.holder if into else None}
        entries.append(trail.Entry(how, SYSTEM, case, case.state, how, reason, details))
    tx.topics.add("case")
    tx.view_rows("new_fold", rows, like="folded_case")
    tx.run("cases/insert_folds")
    tx.run("cases/close_folded_episodes", {"now": now, "live": sorted(lifecycle.LIVE)})
    tx.run("cases/cancel_folded_retries", {"now": now})
    tx.run("cases/merge_retries")
    tx.topics.add("retry")
    tx.run("cases/delete_folded")
    trail.write(tx, entries, now)


def _write_occurrences(tx: Tx, moves: Moves, ids: dict[CaseKey, str]) -> None:
    if moves.gone:
        gone = pa.array([failure.record_id for failure in moves.gone], pa.uint64())
        tx.view("gone_failure", pa.table({"record_id": gone}))
        tx.run("cases/delete_occurrences")
    rows = [
        {
            "case_id": ids[failure.key],
            "record_id": failure.record_id,
            "time": failure.time,
            **shallow(failure.details, _OCCURRENCE),
        }
        for failure in moves.come
    ]
    if rows:
        tx.view_rows("new_occurrence", rows, like="case_occurrence")
        tx.run("cases/insert_occurrences")
