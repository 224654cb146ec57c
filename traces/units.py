"""The rows of units: what a commit adds to them, and what late records take away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from data.store import Tx
    from traces.joining import Difference
    from traces.tenants import Tenants

    Row = dict[str, Any]

_TIME = pa.timestamp("us")
_CONCLUDED = pa.schema(
    [(name, pa.string()) for name in ("correlation_id", "flow", "tenant", "outcome")]
    + [("time", _TIME), ("end_time", _TIME)]
)
_TOLD = pa.schema([("record_id", pa.uint64()), ("tenant", pa.string())])


def derive(tx: Tx, difference: Difference, tenants: Tenants) -> None:
    """Bring the units up to date with the running transaction."""
    tx.run("traces/insert_unit_traces")
    tx.view("concluded_unit", pa.Table.from_pylist(_concluded(difference), _CONCLUDED))
    told = [{"record_id": rid, "tenant": tenant} for rid, tenant in difference.told_tenants.items()]
    tx.view("told_tenant", pa.Table.from_pylist(told, _TOLD))
    tx.run("derive/units")
    lost = {row["correlation_id"] for row in (*difference.lost_units, *_taken_back(difference))}
    lost |= difference.retold
    if lost:
        tenants.look_again(tx, lost)
    if again := lost | tenants.changed:
        _derive_again(tx, again)


def _taken_back(difference: Difference) -> list[Row]:
    return [signal for signal in difference.signals if signal["change"] < 0]


def _derive_again(tx: Tx, ids: set[str]) -> None:
    """Make the units of some IDs from everything that is stored of them: late records took something away."""
    tx.view("asked_id", pa.table({"correlation_id": pa.array(sorted(ids), pa.string())}))
    (bounds,) = tx.run("derive/bounds_of_units")
    if bounds["low"] is None:
        return
    incoming = {name: tx.tables[name] for name in ("incoming_log", "incoming_span", "joined_trace")}
    stored = {
        "incoming_log": tx.arrow("derive/logs_of_units", bounds),
        "incoming_span": tx.arrow("derive/spans_of_units", bounds),
        "concluded_unit": tx.arrow("derive/concluded_of_units"),
        "told_tenant": tx.arrow("derive/told_of_units"),
    }
    # Signals are counted from unit_signal, so every trace counts as joined.
    stored["joined_trace"] = _traces(stored["incoming_log"], stored["incoming_span"])
    tx.run("derive/delete_units")
    for name, table in stored.items():
        tx.view(name, table)
    tx.run("derive/units")
    for name, table in incoming.items():
        tx.view(name, table)


def _traces(logs: pa.Table, spans: pa.Table) -> pa.Table:
    names = {*logs["trace_id"].to_pylist(), *spans["trace_id"].to_pylist()} - {None}
    names |= {f"id {cid}" for cid in logs["correlation_id"].to_pylist()}
    return pa.table({"trace_id": pa.array(sorted(names), pa.string())})


def _concluded(difference: Difference) -> list[Row]:
    """Return what joined traces say of units, one row for each signal and each span of time."""
    said = [
        {**_named(row), "outcome": row["outcome"], "time": row["time"], "end_time": row["time"]}
        for row in difference.signals
        if row["change"] > 0
    ]
    return said + [
        {**_named(row), "outcome": None, "time": row["first_seen"], "end_time": row["last_seen"]}
        for row in difference.joined_units
    ]


def _named(row: Row) -> Row:
    return {name: row[name] for name in ("correlation_id", "flow", "tenant")}
