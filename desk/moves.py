"""Cases follow the failures that they were opened for: opened, counted again, moved, merged, withdrawn.

A case is one unit stuck at one step; its failures stand in the table `failure` under the same key.
Where a late record shows that failures belong elsewhere, their case leaves its key and takes the new one:

1. The new key is free: the case keeps its id, holder and history, and moves.
2. The new key has a case: the one that a person holds stays, else the older one. The other ends as merged.
3. No failure is left: the case ends as withdrawn.

A case all of whose failures were closed by the script that wrote them is closed. It comes back with the first
failure that was not.

The value of a case, with its severity and due time, also follows what becomes known of its unit without a new
failure. No act of a person sets them.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from audit import trail
from audit.actor import SYSTEM
from data.records import LOG_COLUMNS, SPAN_COLUMNS, empty_logs, empty_spans, to_arrow
from desk import lifecycle, priority, runs
from desk.change import Change, make
from desk.title import title
from traces.known import Known, keys_of_ids
from traces.outcome import CLOSED_BY_SCRIPT, NEEDS_A_LOOK
from unsnag.conventions import CLASS_UNKNOWN, idempotency_key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from data.store import Tx
    from traces.joining import Difference
    from traces.tenants import Tenants
    from traces.units import Units

    Row = dict[str, Any]
    Case = dict[str, Any]
    Key = tuple[str | None, str, str, str]

_KEY: Final = ("tenant", "flow", "step", "correlation_id")
_CARRIED: Final = (
    "run_id", "error_type", "error_code", "dependency", "service", "stacktrace", "trace_id", "span_id",
    "business_unit", "customer", "segment", "environment",
)  # fmt: skip
_WANTED: Final = pa.schema([*((name, pa.string()) for name in _KEY), ("takes_untold", pa.bool_())])
_CONTEXT: Final = ("business_unit", "customer", "segment", "environment")
_FAILED: Final = "desk.failed"
_OF_UNIT: Final = ("value_amount", "value_currency", "severity", "due_at", "inherited", *_CONTEXT)
"""What a case says of its unit: known later than its failures, and changed without them."""


def no_records(tx: Tx) -> None:
    """Make the views of incoming records readable in a transaction that brings none."""
    tx.view("incoming_log", to_arrow(empty_logs(), LOG_COLUMNS))
    tx.view("incoming_span", to_arrow(empty_spans(), SPAN_COLUMNS))


def move(tx: Tx, difference: Difference, tenants: Tenants, units: Units, now: datetime) -> list[Case]:
    """Bring cases up to date with the failures that came and went; return those that changed."""
    moves = _Moves(difference, tenants)
    if tenants.changed:
        moves.retenant(tx)
    moves.join_runs(tx)
    valued = _valued(tx, difference, tenants)
    if not (moves.come or moves.gone or valued):
        return []
    board = _Board(tx, moves.touched(), valued, tenants, now)
    board.read(moves, units)
    board.leave(moves.targets())
    board.count()
    return board.write(moves)


def _key(row: Row) -> Key:
    return row["tenant"], row["flow"], row["step"], row["correlation_id"]


def _valued(tx: Tx, difference: Difference, tenants: Tenants) -> set[Key]:
    """Return the keys of live cases whose unit may have another value or context now."""
    lost = (*difference.lost_units, *(signal for signal in difference.signals if signal["change"] < 0))
    ids = tenants.changed | difference.retold | {row["correlation_id"] for row in lost}
    for name in ("incoming_log", "incoming_span"):
        ids |= _with_value(tx.tables[name])
    # An ID for which nothing ever failed has no case.
    if not (failed := _failed_before(tx, ids)):
        return set()
    tx.view("asked_id", pa.table({"correlation_id": pa.array(sorted(failed), pa.string())}))
    return {_key(row) for row in tx.run("desk/cases_to_value")}


def _with_value(records: pa.Table) -> set[str]:
    """Return the IDs of records that name a value or a context; every record names its environment."""
    told = [pc.is_valid(records[name]) for name in ("value_amount", *_CONTEXT) if name != "environment"]
    ids = records["correlation_id"].filter(reduce(pc.or_, told))
    return set(pc.unique(ids.drop_null()).to_pylist())


class _Moves:
    """The failures that came and went, each with the tenant that its case has."""

    def __init__(self, difference: Difference, tenants: Tenants) -> None:
        self._tenants = tenants
        self.come = [_within(row, tenants.after) for row in difference.come]
        self.gone = [_within(row, tenants.before) for row in difference.gone]
        self._moved = {place: row and _within(row, tenants.after) for place, row in difference.moved.items()}

    def retenant(self, tx: Tx) -> None:
        """Move the failures without a tenant of IDs whose tenant is another one now."""
        tx.view(
            "asked_id", pa.table({"correlation_id": pa.array(sorted(self._tenants.changed), pa.string())})
        )
        known = {(row["trace_id"], row["record_id"]) for row in (*self.come, *self.gone)}
        for row in tx.run("traces/untold_failures"):
            place = row["trace_id"], row["record_id"]
            if place not in known:
                self.gone.append(_within(row, self._tenants.before))
                self.come.append(_within(row, self._tenants.after))
                self._moved[place] = self.come[-1]

    def join_runs(self, tx: Tx) -> None:
        """Leave out the failures of runs that only tell of another failure of their run."""
        ids = {row["correlation_id"] for row in (*self.come, *self.gone) if row["account"]}
        if not ids:
            return
        known = _failed_before(tx, ids)
        # Nothing ever failed for the other IDs: what arrived is all that there is of them.
        rows = [row for row in self.come if row["account"] and row["correlation_id"] not in known]
        if known:
            tx.view("asked_id", pa.table({"correlation_id": pa.array(sorted(known), pa.string())}))
            rows += [_within(row, self._tenants.after) for row in tx.run("desk/failures_of_runs")]
        if len(rows) > 1 or any(row["describes"] for row in (*rows, *self.gone)):
            self.come, self.gone = runs.join(tx, rows, self.come, self.gone, self._moved)

    def touched(self) -> dict[Key, Row]:
        """Return the keys of cases that may change."""
        rows = (*self.come, *self.gone, *(row for row in self._moved.values() if row))
        return {_key(row): row for row in rows}

    def targets(self) -> dict[Key, Row | None]:
        """Return for each key that lost failures where the latest of them went."""
        targets: dict[Key, Row | None] = {}
        for row in sorted(self.gone, key=lambda r: (r["time"], r["record_id"])):
            target = self._moved.get((row["trace_id"], row["record_id"]))
            targets[_key(row)] = target or targets.get(_key(row))
        return targets


def _within(row: Row, sole: dict[str, str]) -> Row:
    return row if row["tenant"] else {**row, "tenant": sole.get(row["correlation_id"])}


@dataclass(slots=True)
class _Board:
    """The cases of the touched keys, before and after."""

    tx: Tx
    touched: dict[Key, Row]
    valued: set[Key]
    tenants: Tenants
    now: datetime
    cases: dict[Key, Case] = field(default_factory=dict)
    before: dict[str, Case] = field(default_factory=dict)
    counted: dict[Key, Row] = field(default_factory=dict)
    units: dict[tuple[str | None, str], list[Row]] = field(default_factory=dict)
    folded: list[tuple[Case, Case | None]] = field(default_factory=list)
    rekeyed: dict[str, Key] = field(default_factory=dict)

    def read(self, moves: _Moves, units: Units) -> None:
        """Read the cases of the keys, what their failures say, and their units."""
        wanted = {*self.touched, *self.valued}
        ids = {key[3] for key in wanted}
        known = _failed_before(self.tx, ids)
        failed, new = known_failures(self.tx), keys_of_ids(ids - known)
        self.tx.after_commit.append(lambda: failed.add(new))
        self._read_known([key for key in wanted if key[3] in known])
        # Nothing ever failed for the other IDs: what arrived is all that there is of them.
        for row in moves.come:
            if row["correlation_id"] not in known:
                self.counted[_key(row)] = _together(self.counted.get(_key(row)), _alone(row))
        self.tx.view("asked_id", pa.table({"correlation_id": pa.array(sorted(ids), pa.string())}))
        for row in self.tx.run("desk/units_of_cases", units.between(ids)):
            self.units.setdefault((row["tenant"], row["correlation_id"]), []).append(row)

    def _read_known(self, keys: list[Key]) -> None:
        if not keys:
            return
        self.tx.view("wanted_case", pa.Table.from_pylist([self._wanted(key) for key in keys], _WANTED))
        found = self.tx.run("desk/cases_by_key")
        self.cases = {_key(case): case for case in found}
        self.before = {case["id"]: dict(case) for case in found}
        for row in self.tx.run("desk/failures_by_key"):
            row |= {**row["latest"], "affected": [row["affected"]]}
            self.counted[_key(row)] = _together(self.counted.get(_key(row)), row)

    def _wanted(self, key: Key) -> Row:
        # Failures that name no tenant count where their ID has only this one, or has none.
        takes_untold = self.tenants.after.get(key[3]) == key[0]
        return {**dict(zip(_KEY, key, strict=True)), "takes_untold": takes_untold}

    def leave(self, targets: dict[Key, Row | None]) -> None:
        """Take the cases whose failures all belong elsewhere to their new keys.

        All leave before the first arrives, so that chains and swaps of keys work; held ones choose first.
        """
        empty = [
            self.cases.pop(key)
            for key in list(self.cases)
            # What was counted before failures were kept goes where the later ones go.
            if key not in self.counted and (targets.get(key) or not self.cases[key]["earlier_occurrences"])
        ]
        for case in sorted(empty, key=lambda c: (c["holder"] is None, c["first_seen"], c["id"])):
            target = targets.get(_key(case))
            other = self.cases.get(_key(target)) if target else None
            if target is None or _key(target) not in self.counted:
                self.folded.append((case, None))
            elif other is None:
                self._rekey(case, _key(target))
            elif _stays(case, other):
                self.folded.append((other, case))
                self._rekey(_with_acts_of(case, other), _key(target))
            else:
                self.folded.append((case, other))
                self.cases[_key(target)] = _with_acts_of(other, case)

    def _rekey(self, case: Case, key: Key) -> None:
        self.rekeyed[case["id"]] = _key(case)
        self.cases[key] = case | dict(zip(_KEY, key, strict=True))

    def count(self) -> None:
        """Set each case to what its failures say together."""
        for key, row in self.counted.items():
            case = self.cases.get(key)
            if case and case["earlier_occurrences"] and _note(row) == CLOSED_BY_SCRIPT:
                continue  # what was counted before failures were kept stands
            units = self.units.get((key[0], key[3]), [])
            counted = _counted(case, key, row, units) if case else _opened(key, row, units)
            if case and key not in self.touched:
                counted = case | {name: counted[name] for name in _OF_UNIT}
            self.cases[key] = counted

    def write(self, moves: _Moves) -> list[Case]:
        """Write the cases, their occurrences and the audit's entries; return the cases that changed."""
        _fold(self.tx, self.folded, self.now)
        ordered = sorted(self.cases.values(), key=lambda c: (c["last_seen"], str(_key(c))))
        changes = [change for case in ordered if (change := self._change(case))]
        made = make(self.tx, changes, self.now)
        followed = self._follow_scripts(made)
        ids = {_key(case): case["id"] for case in self.cases.values()}
        _write_occurrences(self.tx, moves, ids)
        return list({case["id"]: case for case in (*made, *followed)}.values())

    def _follow_scripts(self, cases: list[Case]) -> list[Case]:
        """Close the cases that their own scripts closed, and open again those with a failure that stands."""
        changes = [change for case in cases if (change := _of_script(case, self.now))]
        made = make(self.tx, changes, self.now)
        for case in made:
            if lifecycle.is_closed_by_script(case) and case["retry_id"]:
                # A worker that runs it already learns at its next report that the lease is lost.
                states = ["queued", "leased"]
                asked = {"id": case["retry_id"], "states": states, "now": self.now}
                self.tx.run("desk/cancel_retry", asked)
        return made

    def _change(self, case: Case) -> Change | None:
        before = self.before.get(case["id"])
        if before is None:
            return Change(case, {}, "opened", SYSTEM)
        if before == case:
            return None
        if case["id"] in self.rekeyed:
            old = self.rekeyed[case["id"]]
            return Change(
                before, case, "rekeyed", SYSTEM, "a later record showed where it belongs", {"from": old}
            )
        if lifecycle.reopens(before, case["last_seen"]) and not _is_attempt(case):
            case |= lifecycle.reopened(before)
            return Change(before, case, "reopened", SYSTEM)
        grew = case["occurrences"] > before["occurrences"] or case["last_seen"] > before["last_seen"]
        return Change(before, case, "recurred" if grew else "updated", SYSTEM)


def _with_acts_of(case: Case, folded: Case) -> Case:
    """Return the case that stays: what people did for the other was done for it."""
    acted = [moment for moment in (case["people_at"], folded["people_at"]) if moment]
    return {**case, "people_at": max(acted, default=None)}


def _is_attempt(case: Case) -> bool:
    """Tell whether all failures of a case were closed by the script that wrote them."""
    return bool(case["note"] == CLOSED_BY_SCRIPT)


def _of_script(case: Case, now: datetime) -> Change | None:
    """Return how the word of its script ends a case, or how a case comes back for which it does not stand."""
    if _is_attempt(case) and case["state"] != lifecycle.RESOLVED:
        details = {"claim_of": case["holder"]} if case["holder"] else None
        return Change(case, lifecycle.closed_by_script(now), "closed", SYSTEM, CLOSED_BY_SCRIPT, details)
    if not _is_attempt(case) and lifecycle.is_closed_by_script(case):
        return Change(case, lifecycle.reopened(case), "reopened", SYSTEM)
    return None


def known_failures(tx: Tx) -> Known:
    """Return which IDs have failures or cases, as the writer remembers it."""
    if _FAILED not in tx.memo:
        tx.memo[_FAILED] = Known()
        tx.memo[_FAILED].add(tx.arrow("desk/known_failures")["key"].to_numpy())
    found: Known = tx.memo[_FAILED]
    return found


def _failed_before(tx: Tx, ids: Iterable[str]) -> set[str]:
    """Return those of these IDs that had failures or cases before the running transaction."""
    named = list(ids)
    found = known_failures(tx).holds(keys_of_ids(named))
    return {one for one, is_known in zip(named, found, strict=True) if is_known}


def _alone(row: Row) -> Row:
    """Return what a failure says as the only one of its case."""
    return {
        **row,
        "failures": 1,
        "first_seen": row["time"],
        "last_seen": row["time"],
        "affected": [row["affected"]],
        "counted": _note(row) != CLOSED_BY_SCRIPT,
    }


def _together(known: Row | None, row: Row) -> Row:
    """Return what two sets of failures of one case say: the latest failure gives the text.

    Failures that their own script closed count only where there are no others.
    """
    if known is None:
        return row
    if known["counted"] != row["counted"]:
        return known if known["counted"] else row
    earlier, later = sorted((known, row), key=lambda one: (one["last_seen"], one["record_id"]))
    return {
        **later,
        "affected": [*earlier["affected"], *later["affected"]],
        "failures": earlier["failures"] + later["failures"],
        "first_seen": min(earlier["first_seen"], later["first_seen"]),
        "attempts": max(earlier["attempts"], later["attempts"]),
    }


def _stays(case: Case, other: Case) -> bool:
    """Tell whether `case` stays when it meets `other`: the one that a person holds, else the older."""
    if (case["holder"] is None) != (other["holder"] is None):
        return case["holder"] is not None
    return (case["opened_at"], case["id"]) < (other["opened_at"], other["id"])


# --- what a case says ---------------------------------------------------------------------------------


def _opened(key: Key, row: Row, units: list[Row]) -> Case:
    case: Case = {
        **dict(zip(_KEY, key, strict=True)),
        "id": uuid.uuid4().hex[:16],
        "version": 0,
        "state": lifecycle.OPEN,
        "earlier_occurrences": 0,
        "opened_at": row["first_seen"],
        "first_seen": row["first_seen"],
        "last_seen": row["last_seen"],
        "attempts": 0,
        "episodes": 1,
        "holder": None,
        "retry_id": None,
        "first_claimed_at": None,
        "people_at": None,
        "claimed_at": None,
        "lease_until": None,
        "verified_at": None,
        "resolved_at": None,
    }
    return _counted(case, key, row, units)


def _counted(case: Case, key: Key, row: Row, units: list[Row]) -> Case:
    """Return a case as its failures tell it: the latest of them gives it its text."""
    details = orjson.loads(row["details"])
    earlier = case["earlier_occurrences"] or 0
    first = min(case["first_seen"], row["first_seen"]) if earlier else row["first_seen"]
    last = max(case["last_seen"], row["last_seen"]) if earlier else row["last_seen"]
    after = {
        **case,
        **_told(details, key, row),
        **_money(details, key, units),
        **_context(details, units),
        "occurrences": earlier + row["failures"],
        "attempts": max(case["attempts"], row["attempts"]),
        "first_seen": first,
        "opened_at": first,
        "last_seen": last,
    }
    after["severity"] = _severity(after, details)
    after["due_at"] = priority.due_at(after["opened_at"], after["severity"])
    return after


def _note(row: Row) -> str | None:
    note: str | None = orjson.loads(row["details"])["note"]
    return note


def _told(details: Row, key: Key, row: Row) -> Case:
    """Return what the latest failure says of the case."""
    error_class = details.get("error_class") or CLASS_UNKNOWN
    message = details["message"]
    return {
        **{name: details.get(name) for name in _CARRIED},
        "class": error_class,
        "message": message,
        "fingerprint": details["fingerprint"],
        "data": details.get("data"),
        "note": details.get("note"),
        "unit_kind": details["unit_kind"],
        "replay_safe": details.get("idempotent"),
        "idempotency_key": details.get("idempotency_key") or idempotency_key(key[1], key[2], key[3]),
        "affected": _affected(row["affected"]),
        "part": row["part"],
        "clock": row["clock"],
        "seq": row["seq"],
        "title": title(
            error_class=error_class,
            step=key[2],
            dependency=details.get("dependency") or details.get("peer"),
            error_type=details.get("error_type"),
            message=message,
        ),
    }


def _affected(lists: Iterable[str]) -> str | None:
    places = sorted({tuple(place) for text in lists for place in orjson.loads(text)})
    named = [{"flow": flow, "step": step, "service": service} for flow, step, service in places]
    return orjson.dumps(named).decode() if named else None


def _money(details: Row, key: Key, units: list[Row]) -> Case:
    """Return the value at risk: what the failure says, else what the unit carries in this or another flow."""
    if details.get("note") == NEEDS_A_LOOK or details["unit_kind"] == "none":
        return {"value_amount": None, "value_currency": None}
    told = details.get("value_at_risk") or details.get("value_amount")
    own = sorted(units, key=lambda unit: unit["flow"] != key[1])
    unit = next((u for u in own if u["value_amount"] is not None), {})
    amount = priority.amount(told)
    return {
        "value_amount": unit.get("value_amount") if amount is None else amount,
        "value_currency": details.get("value_currency") or unit.get("value_currency"),
    }


def _context(details: Row, units: list[Row]) -> Case:
    """Return the context of the failure, filled from other flows of the ID; `inherited` names what was."""
    known = {name: details.get(name) for name in _CONTEXT}
    inherited = []
    for name in _CONTEXT:
        if known[name] is None:
            known[name] = next((unit[name] for unit in units if unit[name] is not None), None)
            inherited += [name] if known[name] is not None else []
    return {**known, "inherited": orjson.dumps(inherited).decode() if inherited else None}


def _severity(case: Case, details: Row) -> str:
    if details.get("note") == NEEDS_A_LOOK:
        return "low"
    return priority.severity(case["value_amount"], details.get("severity_number") or priority.ERROR)


# --- what is written beside the case --------------------------------------------------------------------


def _fold(tx: Tx, folded: list[tuple[Case, Case | None]], now: datetime) -> None:
    """End cases that are part of another, or no failure at all."""
    if not folded:
        return
    rows, entries = [], []
    for case, into in folded:
        how = "merged" if into else "withdrawn"
        reason = (
            f"it is part of exception {into['id']}" if into else "later records showed that it was handled"
        )
        rows.append({
            **{name: case[name] for name in (*_KEY, "id", "title", "opened_at")},
            "how": how, "merged_into": into["id"] if into else None, "folded_at": now, "reason": reason,
        })  # fmt: skip
        details = {"into": into["id"]} if into else {}
        if case["holder"]:
            details |= {"claim_of": case["holder"], "now_held_by": into["holder"] if into else None}
        entries.append(trail.Entry(how, SYSTEM, case, case["state"], how, reason, details))
    tx.topics.add("case")
    tx.view_rows("new_fold", rows, like="folded_case")
    tx.run("desk/insert_folds")
    tx.run("desk/close_folded_episodes", {"now": now})
    tx.run("desk/cancel_folded_retries", {"now": now})
    tx.run("desk/merge_retries")
    tx.topics.add("retry")
    tx.run("desk/delete_folded")
    trail.write(tx, entries, now)


def _write_occurrences(tx: Tx, moves: _Moves, ids: dict[Key, str]) -> None:
    if moves.gone:
        tx.view_rows("gone_failure", moves.gone, like="failure")
        tx.run("desk/delete_occurrences")
    rows = []
    for row in moves.come:
        details = orjson.loads(row["details"])
        rows.append({
            "case_id": ids[_key(row)], "record_id": row["record_id"], "time": row["time"],
            "message": details["message"], "note": details["note"],
            **{name: details.get(name) for name in ("error_type", "attempt", "trace_id", "span_id")},
        })  # fmt: skip
    if rows:
        tx.view_rows("new_occurrence", rows, like="case_occurrence")
        tx.run("desk/insert_occurrences")
