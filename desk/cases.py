"""Cases as the doors show them: lists, counts, and one case with all that is known of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import orjson

from data.clock import aware, stored, utc_now
from desk import lifecycle
from desk.errors import CaseNotFoundError
from desk.workers import asked, missing

if TYPE_CHECKING:
    from data.store import Reading

    Case = dict[str, Any]

TIMES: Final = (
    "opened_at", "first_seen", "last_seen", "updated_at", "due_at", "claimed_at", "first_claimed_at",
    "lease_until", "next_attempt_at", "verify_until", "resolved_at", "verified_at",
    "people_at",
)  # fmt: skip
_MAX_ROWS: Final = 1_000


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases; None leaves a field open. `klass` is the class, which Python keeps for itself."""

    state: list[str] | None = None
    flow: list[str] | None = None
    klass: list[str] | None = None
    severity: list[str] | None = None
    tenant: list[str] | None = None
    holder: str | None = None
    group: str | None = None
    text: str | None = None

    def params(self) -> dict[str, Any]:
        """Return the filter as the parameters of a query, without the state."""
        own = asdict(self)
        own.pop("state")
        return {"class": own.pop("klass"), **{name: value or None for name, value in own.items()}}


@dataclass(frozen=True, slots=True)
class CasePage:
    """Part of a list, and how long the whole list is."""

    total: int
    items: list[Case]


def read(rows: list[Case]) -> Case | None:
    """Return the one row of a look-up by id, or None."""
    return rows[0] if rows else None


def shape(row: Case) -> Case:
    """Turn a stored row into the case that doors show: aware times, money with its currency."""
    case = {name: aware(value) if isinstance(value, datetime) else value for name, value in row.items()}
    amount, currency = case.pop("value_amount", None), case.pop("value_currency", None)
    case["value"] = None if amount is None else {"amount": amount, "currency": currency}
    case["group"] = case["fingerprint"]
    data = case.get("data")
    for name in ("affected", "inherited"):
        told = case.get(name)
        case[name] = orjson.loads(told) if isinstance(told, str) else (told or [])
    case["data"] = orjson.loads(data) if isinstance(data, str) else (data or {})
    case.pop("total", None)
    return case


def revived(case: Case) -> Case:
    """Turn a case that was kept as JSON back into Python's values. Leaves others as they are."""
    revived = dict(case)
    for name in TIMES:
        if isinstance(revived.get(name), str):
            revived[name] = datetime.fromisoformat(revived[name]).astimezone(UTC)
    if revived.get("value") and not isinstance(revived["value"]["amount"], Decimal):
        revived["value"] = {**revived["value"], "amount": Decimal(revived["value"]["amount"])}
    return revived


def listed(reading: Reading, chosen: CaseFilter, limit: int, offset: int) -> CasePage:
    """Return the cases that pass the filter, the most urgent first."""
    params = {**chosen.params(), "state": chosen.state, "limit": min(limit, _MAX_ROWS), "offset": offset}
    rows = reading.query("desk/cases", params)
    if not rows and offset:
        return CasePage(sum(counts(reading, chosen).values()), [])
    return CasePage(rows[0]["total"] if rows else 0, [shape(row) for row in rows])


def counts(reading: Reading, chosen: CaseFilter, mine: str | None = None) -> dict[str, int]:
    """Count the cases that pass the filter by state; `mine` adds those that person holds."""
    rows = reading.query("desk/case_counts", {**chosen.params(), "mine": mine})
    by_state = {
        row["state"]: row["cases"] for row in rows if not chosen.state or row["state"] in chosen.state
    }
    return by_state | ({"mine": sum(row["mine"] for row in rows)} if mine else {})


def facets(reading: Reading) -> dict[str, dict[str, int]]:
    """Count the live cases by flow, class, severity and tenant."""
    found: dict[str, dict[str, int]] = {"flow": {}, "class": {}, "severity": {}, "tenant": {}}
    for row in reading.query("desk/case_facets"):
        found[row["name"]][row["value"]] = row["cases"]
    return found


def one(reading: Reading, case_id: str) -> Case:
    """Return a case with its attempts, occurrences, retries and acts; of a merged one, the case that stays.

    Raises:
        CaseNotFoundError: there is none within the scope, or it was withdrawn.
    """
    row = read(reading.query("desk/case", {"id": case_id}))
    if row is None:
        folded = read(reading.query("desk/folded", {"id": case_id}))
        if folded and folded["merged_into"]:
            return one(reading, folded["merged_into"])
        raise CaseNotFoundError(case_id, folded["reason"] if folded else None)
    workers = reading.query("desk/step_workers", asked(row))
    unit = {name: row[name] for name in ("correlation_id", "flow", "step")}
    return {
        **shape(row),
        "attempts_made": row["attempts"],
        "attempts": [aware_row(r) for r in reading.query("desk/case_attempts", unit)],
        "occurrence_list": [aware_row(r) for r in reading.query("desk/case_occurrences", {"id": case_id})],
        "retries": [aware_row(r) for r in reading.query("desk/case_retries", {"id": case_id})],
        "workers": [aware_row(r) for r in workers],
        "retry_refusal": _refusal(row, workers),
        "acts": [act(r) for r in reading.query("desk/case_acts", {"id": case_id})],
    }


def _refusal(row: Case, workers: list[dict[str, Any]]) -> str | None:
    """Return why nobody can retry a case that waits, whatever their role; None where it can be retried."""
    if row["state"] not in (lifecycle.OPEN, lifecycle.CLAIMED):
        return None
    if row["unit_kind"] in lifecycle.UNPROVABLE:
        return "only a trace or a request names its unit, so no later success could prove it."
    return missing(row, workers, stored(utc_now()))


def act(row: dict[str, Any]) -> dict[str, Any]:
    """Turn a stored audit entry into the one that doors show."""
    entry = aware_row(row)
    entry["at"] = entry.pop("time")
    entry["details"] = orjson.loads(entry["details"]) if entry["details"] else {}
    return entry


def aware_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row with aware times."""
    return {name: aware(value) if isinstance(value, datetime) else value for name, value in row.items()}
