"""The desk's part of every ingest transaction: error records open cases, success signals end them.

Any order of arrival gives the same cases: an error that arrives after the success which followed it
opens a case that is recovered at once.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

from audit.actor import SYSTEM
from data.clock import stored, utc_now
from desk import lifecycle, priority
from desk.change import Change, make
from desk.fingerprint import fingerprint
from desk.title import title
from unsnag.conventions import CLASS_UNKNOWN, idempotency_key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from data.store import Tx

    Case = dict[str, Any]
    Error = dict[str, Any]
    Key = tuple[str, str, str]

_CARRIED: Final = (
    "flow", "step", "run_id", "error_type", "error_code", "dependency", "service", "value_amount",
    "value_currency", "stacktrace", "trace_id", "span_id", "tenant", "business_unit", "customer",
    "segment", "environment", "data",
)  # fmt: skip
"""What a case takes over from an error record."""


def intake(tx: Tx) -> None:
    """Open, recur and recover cases from the records of the running transaction."""
    now = stored(utc_now())
    _take_errors(tx, now)
    _prove(tx, now)


# --- errors ---------------------------------------------------------------------------------


def _take_errors(tx: Tx, now: datetime) -> None:
    errors = [_told(error) for error in tx.run("desk/incoming_errors")]
    if not errors:
        return
    before = _cases_of(tx, errors)
    after: dict[Key, Case] = dict(before)
    reopened: set[Key] = set()
    for error in errors:
        key = _key(error)
        case = after.get(key)
        if case and lifecycle.reopens(case, error["time"]):
            reopened.add(key)
        after[key] = _recurred(case, error) if case else _opened(error)
    changes = [
        _change(before.get(key), after[key], key in reopened) for key in dict.fromkeys(map(_key, errors))
    ]
    made = make(tx, changes, now)
    _write_occurrences(tx, errors, {_key(case): case["id"] for case in made})


def _told(error: Error) -> Error:
    """Fill in what the record leaves to be understood: message, class, correlation, fingerprint."""
    message = error["exception_message"] or error["event"]
    known = {**error, "message": message, "error_class": error["error_class"] or CLASS_UNKNOWN}
    known["fingerprint"] = fingerprint(
        flow=error["flow"],
        step=error["step"],
        error_type=error["error_type"],
        message=message,
        stacktrace=error["stacktrace"],
    )
    known["correlation_id"] = error["correlation_id"] or error["run_id"] or known["fingerprint"]
    return known


def _key(row: Case | Error) -> Key:
    return row["flow"], row["step"], row["correlation_id"]


def _cases_of(tx: Tx, errors: Iterable[Error]) -> dict[Key, Case]:
    wanted = [
        {"flow": flow, "step": step, "correlation_id": correlation_id}
        for flow, step, correlation_id in {_key(error) for error in errors}
    ]
    tx.view_rows("wanted_case", wanted, like="exception_case")
    return {_key(case): case for case in tx.run("desk/cases_by_key")}


def _opened(error: Error) -> Case:
    time, value = error["time"], error["value_amount"]
    severity = priority.severity(value, error["severity_number"])
    return {
        **{name: error[name] for name in _CARRIED},
        **_told_by(error),
        "id": uuid.uuid4().hex[:16],
        "version": 0,
        "state": lifecycle.OPEN,
        "severity": severity,
        "correlation_id": error["correlation_id"],
        "occurrences": 1,
        "attempts": error["attempt"] or 1,
        "opened_at": time,
        "first_seen": time,
        "last_seen": time,
        "due_at": priority.due_at(time, severity),
        "replay_safe": error["idempotent"],
        "idempotency_key": error["idempotency_key"]
        or idempotency_key(error["flow"], error["step"], error["correlation_id"]),
        "holder": None,
        "retry_id": None,
        "first_claimed_at": None,
        "claimed_at": None,
        "lease_until": None,
        "verified_at": None,
        "resolved_at": None,
    }


def _told_by(error: Error) -> Case:
    """What the latest error says of the case."""
    return {
        "class": error["error_class"],
        "message": error["message"],
        "fingerprint": error["fingerprint"],
        "title": title(
            error_class=error["error_class"],
            step=error["step"],
            dependency=error["dependency"],
            error_type=error["error_type"],
            message=error["message"],
        ),
    }


def _recurred(case: Case, error: Error) -> Case:
    """Add an occurrence. The latest failure speaks for the case, whatever arrives last."""
    time = error["time"]
    after = {
        **case,
        "occurrences": case["occurrences"] + 1,
        "attempts": max(case["attempts"], error["attempt"] or 0),
        "first_seen": min(case["first_seen"], time),
        "opened_at": min(case["opened_at"], time),
        "last_seen": max(case["last_seen"], time),
    }
    if time >= case["last_seen"]:
        known = {name: error[name] for name in _CARRIED if error[name] is not None}
        after |= known | _told_by(error)
        if error["idempotent"] is not None:
            after["replay_safe"] = error["idempotent"]
    if lifecycle.reopens(case, time):
        after |= lifecycle.reopened(case)
    return after


def _change(before: Case | None, after: Case, reopened: bool) -> Change:  # noqa: FBT001 - one of two verbs
    if before is None:
        return Change(after, {}, "opened", SYSTEM)
    return Change(before, after, "reopened" if reopened else "recurred", SYSTEM)


def _write_occurrences(tx: Tx, errors: Iterable[Error], ids: dict[Key, str]) -> None:
    rows = [
        {
            "case_id": ids[_key(error)],
            "record_id": error["record_id"],
            "time": error["time"],
            "message": error["message"],
            "error_type": error["error_type"],
            "attempt": error["attempt"],
            "trace_id": error["trace_id"],
            "span_id": error["span_id"],
        }
        for error in errors
    ]
    tx.view_rows("new_occurrence", rows, like="case_occurrence")
    tx.run("desk/insert_occurrences")


# --- proof ----------------------------------------------------------------------------------


def _prove(tx: Tx, now: datetime) -> None:
    """Move every live case whose unit has succeeded since the case's last failure to recovered."""
    proven = tx.run("desk/proven_cases")
    make(tx, [recovery(case, case.pop("unit_completed_at"), now) for case in proven], now)
    for case in proven:
        if case["retry_id"]:
            tx.run("desk/cancel_retry", {"id": case["retry_id"], "states": ["queued"], "now": now})


def recovery(case: Case, completed_at: datetime, now: datetime) -> Change:
    """Return the change that ends a case by the unit's own success signal."""
    return Change(
        case,
        lifecycle.recovered(case, completed_at, now),
        "recovered",
        SYSTEM,
        details={"unit_completed_at": completed_at},
    )
