"""Random rows that a world of orders lacks: records, ends of flows that fail for a while, and approvals."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.kpis.reckoned.world import Tables

SOURCES: Final = ("spool", "otlp", "partner")
DELAYS: Final = (-90.0, -0.25, 0.0, 0.25, 4.0, 299.75, 300.0, 300.000001, 300.5, 3600.0, 900_000.0)
"""Seconds between what happened and the arrival: before it, as the limit, a moment over it, days later."""
ENDS: Final = (
    "failed",
    "failed",
    "failed",
    "partial",
    "success",
    "success",
    "completed_unproven",
    "cancelled",
)

ANSWERS: Final = ("approved", "rejected", "approved_outside", "stopped_waiting", "unit_ended", None)


def records(seeds: list[int], edges: list[datetime]) -> Tables:
    """Return rows of log records and spans, a few for each seed."""
    found: Tables = {"log": [], "span": []}
    for number, seed in enumerate(seeds):
        chance = random.Random(f"{seed} records")
        for part in range(chance.choice((0, 1, 5, 12))):
            table, row = _record(chance, edges)
            found[table].append({**row, "record_id": 100 * number + part + 1})
    return found


def _record(chance: random.Random, edges: list[datetime]) -> tuple[str, dict[str, Any]]:
    arrived = _moment(chance, edges)
    delay = chance.choice(DELAYS) if chance.random() < 0.6 else round(chance.uniform(0, 600), 3)
    happened = arrived - timedelta(seconds=delay)
    row = {
        "ingested_at": arrived, "source": chance.choice(SOURCES),
        "flow": chance.choice(("orders", "invoices", None)),
        "tenant": chance.choice(("acme", "globex", None)),
        "segment": chance.choice(("big", "small", None)),
        "business_unit": chance.choice(("north", None)),
        "correlation_id": chance.choice(("SO-1", None)), "step": chance.choice(("check", None)),
    }  # fmt: skip
    if chance.random() < 0.5:
        severity = {"severity_number": 9, "severity": "info", "message": "-"}
        return "log", {**row, "time": happened, **severity}
    began = happened - timedelta(seconds=chance.choice((0, 2, 4000)))
    span = {"trace_id": "t", "span_id": "s", "name": "-", "kind": "internal", "status": "ok"}
    return "span", {**row, "time": began, "end_time": happened, "duration_ns": 0, **span}


def _moment(chance: random.Random, edges: list[datetime]) -> datetime:
    """Return a moment of these weeks; some are an edge, or the last microsecond before one."""
    if chance.random() < 0.2:
        return chance.choice(edges) - timedelta(microseconds=chance.choice((0, 1)))
    return edges[0] + (edges[-1] - edges[0]) * chance.random()


def ends(seeds: list[int], edges: list[datetime]) -> Tables:
    """Return how units ended in flows that failed for a while: some seconds to an hour between two ends."""
    rows = [row for number, seed in enumerate(seeds) for row in _ends_of(number, seed, edges)]
    return {"unit_signal": rows}


def _ends_of(number: int, seed: int, edges: list[datetime]) -> Iterator[dict[str, Any]]:
    chance = random.Random(f"{seed} ends")
    flow, moment = chance.choice(("orders", "claims")), _moment(chance, edges)
    pace = chance.choice((90, 400, 1500))
    for part in range(chance.choice((1, 4, 9, 14))):
        row = {
            "trace_id": f"E-{number}", "record_id": 100 * number + part + 1, "flow": flow,
            "correlation_id": f"E-{number}-{part % 7}", "tenant": chance.choice(("acme", None)),
            "time": moment, "outcome": chance.choice(ENDS), "part": "shop", "final": True,
            "continues": False, "change": 1, "recorded_at": moment,
        }  # fmt: skip
        yield row
        if chance.random() < 0.1:
            yield {**row, "change": -1}  # records that came later took it back
        moment += timedelta(seconds=chance.randrange(pace))


def approvals(tables: Tables, order: int) -> list[dict[str, Any]]:
    """Return exceptions' rows of what some units asked a person, and how that ended."""
    units = sorted(
        tables.get("unit", []), key=lambda one: (one["correlation_id"], str(one["tenant"]), one["flow"])
    )
    chance = random.Random(order)
    return [_approval(chance, unit) for unit in units if chance.random() < 0.3]


def _approval(chance: random.Random, unit: dict[str, Any]) -> dict[str, Any]:
    at = unit["opened_at"] + timedelta(minutes=chance.randrange(0, 6000))
    code = chance.choice(ANSWERS)
    names = ("correlation_id", "tenant", "flow", "segment", "business_unit", "value_amount", "value_currency")
    return {
        **{name: unit[name] for name in names},
        "id": f"A/{unit['correlation_id']}/{unit['tenant']}/{unit['flow']}", "version": 1,
        "severity": "medium",
        "class": "approval", "step": "approve", "title": "-", "message": "-", "fingerprint": "a",
        "occurrences": 1, "attempts": 0, "opened_at": at, "first_seen": at, "last_seen": at, "updated_at": at,
        "note": "approval", "approval_id": "A", "state": "resolved" if code else "awaiting_approval",
        "resolution_code": code, "episodes": 1,
        "resolved_at": at + timedelta(minutes=chance.randrange(0, 6000)) if code else None,
    }  # fmt: skip
