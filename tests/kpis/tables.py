"""Write units, exceptions and acts down by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from kpis.periods import Period

if TYPE_CHECKING:
    from data.store import Store

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
WEEK = Period(START, START + timedelta(days=7))


def at(hours: float) -> datetime:
    """Return the moment `hours` after the start of the week, as the store holds it."""
    return (START + timedelta(hours=hours)).replace(tzinfo=None)


class Tables:
    """Write rows straight into the tables; times are hours after the start of the week."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.reading = store.everything()
        self._seq = 0

    def unit(
        self,
        name: str,
        *,
        opened: float = 0,
        done: float | None = None,
        failed: float | None = None,
        value: str | None = None,
        **more: Any,
    ) -> None:
        first, last = at(opened), at(max(opened, done or opened, failed or opened))
        row = {
            "correlation_id": name,
            "flow": "orders",
            "first_seen": first,
            "last_seen": last,
            "opened_at": first,
            "completed_at": None if done is None else at(done),
            "failed_at": None if failed is None else at(failed),
            **money(value),
            "attempts": 1,
            "failed_attempts": 0,
            "errors": 0,
        }
        row |= more
        ends = {"completed": row["completed_at"], "failed": row["failed_at"]}
        firsts = {f"first_{how}_at": time for how, time in ends.items()}
        human = None if row.get("human_at") is None else [row["human_at"]]
        attempted = at(opened) if row["failed_attempts"] else None
        error = min((time for time in (row["failed_at"], attempted) if time), default=None)
        self._insert("unit", {**row, **firsts, "first_error_at": error, "human_times": human})
        unproven = row.get("outcome") == "completed_unproven"
        outcomes = {"completed": "completed_unproven" if unproven else "success", "failed": "failed"}
        for how, time in ends.items():
            if time is not None:
                self.signal(row["correlation_id"], time, outcomes[how], row["flow"], row.get("tenant"))

    def signal(
        self, unit: str, time: datetime, outcome: str, flow: str = "orders", tenant: str | None = None
    ) -> None:
        """Say how a unit ended at a moment, as the store holds it."""
        self._seq += 1
        row = {
            "trace_id": f"trace {self._seq}",
            "record_id": self._seq,
            "correlation_id": unit,
            "flow": flow,
            "tenant": tenant,
            "time": time,
            "outcome": outcome,
            "final": True,
            "continues": False,
            "change": 1,
            "recorded_at": time,
        }
        self._insert("unit_signal", row)

    def case(
        self,
        name: str,
        unit: str,
        *,
        opened: float = 0,
        recovered: float | None = None,
        resolved: float | None = None,
        verified: float | None = None,
        people: float | None = None,
        value: str | None = None,
        **more: Any,
    ) -> None:
        state = "recovered" if recovered is not None else "resolved" if resolved is not None else "open"
        # A recovery is noticed later than it happened: resolved_at is the notice, verified_at the proof.
        ended = resolved if recovered is None else recovered + 0.5
        row = {
            "id": name,
            "version": 1,
            "state": state,
            "class": "infrastructure",
            "severity": "medium",
            "flow": "orders",
            "step": "ship",
            "correlation_id": unit,
            "title": "Carrier did not answer",
            "message": "timeout",
            "fingerprint": "f1",
            **money(value),
            "occurrences": 1,
            "opened_at": at(opened),
            "first_seen": at(opened),
            "last_seen": at(opened),
            "updated_at": at(opened),
            "attempts": 0,
            "resolved_at": None if ended is None else at(ended),
            "verified_at": _moment(recovered if verified is None else verified),
            "people_at": _moment(people),
            "recovered_by": None if recovered is None else "automatic",
        }
        self._insert("exception_case", {**row, **more})

    def act(
        self, case: str, verb: str = "retried", kind: str = "human", record: str = "effect", **more: Any
    ) -> None:
        self._seq += 1
        row = {
            "seq": self._seq,
            "time": at(0),
            "actor": "ann",
            "actor_type": kind,
            "kind": record,
            "verb": verb,
            "case_id": case,
        }
        self._insert("audit", {**row, **more})

    def merged(self, case: str, into: str) -> None:
        """Say that a case was merged into another."""
        row = {
            "id": case, "how": "merged", "merged_into": into, "correlation_id": "-", "flow": "orders",
            "step": "ship", "title": "-", "opened_at": at(0), "folded_at": at(1), "reason": "-",
        }  # fmt: skip
        self._insert("folded_case", row)

    def attempt(self, unit: str, step: str, ended: float, error: str | None = None, **more: Any) -> None:
        self._seq += 1
        row = {
            "record_id": self._seq,
            "correlation_id": unit,
            "flow": "orders",
            "step": step,
            "attempt": 1,
            "started_at": at(ended),
            "ended_at": at(ended),
            "outcome": "error" if error else "ok",
            "error_class": error,
        }
        self._insert("attempt", {**row, **more})

    def occurrence(self, case: str, time: float, **more: Any) -> None:
        self._seq += 1
        row = {"case_id": case, "record_id": self._seq, "time": at(time), "message": "timeout"}
        self._insert("case_occurrence", {**row, **more})

    def _insert(self, table: str, row: dict[str, Any]) -> None:
        names, values = ", ".join(row), ", ".join(f"${name}" for name in row)
        statement = f"insert into {table} ({names}) values ({values})"  # noqa: S608 - names are this file's
        self.store.act(lambda tx: tx.execute(statement, row)).result()


def _moment(hours: float | None) -> datetime | None:
    return None if hours is None else at(hours)


def money(text: str | None) -> dict[str, Any]:
    """Turn `12.50 EUR` into columns."""
    if text is None:
        return {"value_amount": None, "value_currency": None}
    amount, currency = text.split()
    return {"value_amount": Decimal(amount), "value_currency": currency}
