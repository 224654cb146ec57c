"""Whose work a record is that names no tenant: that of its ID, where the ID is known in exactly one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from data.clock import micros
from data.removed import removed_until
from traces.arrivals import NO_ID
from traces.units import Units, known_units

if TYPE_CHECKING:
    from data.transaction import Tx
    from traces.resolving import Difference

_MEMO: Final = "traces.tenants"


@dataclass(slots=True)
class Tenants:
    """The one tenant of each ID that has exactly one, before the running transaction and with it."""

    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    """IDs whose records without a tenant belong to another one now."""

    def look_again(self, tx: Tx, ids: set[str], units: Units) -> None:
        """Take back tenants of IDs that lost records: what a unit was given is no evidence of itself."""
        now = _sole(_of_records(tx, ids, units))
        differ = {cid for cid in ids if now.get(cid) != self.after.get(cid)}
        for cid in differ:
            self.after.pop(cid, None)
            self.after |= {cid: now[cid]} if cid in now else {}
        self.changed |= differ


def learn(tx: Tx, difference: Difference) -> Tenants:
    """Look up the tenants of the incoming IDs."""
    named, untold = _incoming(tx, difference)
    any_named, any_untold = _known(tx)
    made = Tenants()
    if (named or any_named) and (untold or any_untold):
        made = _looked_up(tx, named, untold)
    tx.memo[_MEMO] = (any_named or bool(named), any_untold or bool(untold))
    return made


def _incoming(tx: Tx, difference: Difference) -> tuple[set[tuple[str, str]], set[str]]:
    """Return the pairs of ID and tenant that arrive, and the IDs that arrive without a tenant."""
    named: set[tuple[str, str]] = set()
    untold: set[str] = set()
    for name in ("incoming_log", "incoming_span"):
        table = tx.tables[name]
        pairs = pa.table({"correlation_id": _ids(table), "tenant": table["tenant"]})
        pairs = pairs.filter(pc.is_valid(pairs["correlation_id"]))
        for row in pairs.group_by(["correlation_id", "tenant"]).aggregate([]).to_pylist():
            _sort(row, named, untold)
    # Failures without any ID are one group: whose one of them is says nothing of another.
    failures = [row for row in difference.come if not row["trace_id"].startswith(NO_ID)]
    for row in (*difference.joined_units, *failures, *difference.signals):
        _sort(row, named, untold)
    return named, untold


def _ids(table: pa.Table) -> pa.ChunkedArray:
    """Return the ID that each record names; without a trace also its run or its request."""
    others = pc.coalesce(table["run_id"], table["technical_id"])
    nothing = pa.scalar(None, pa.string())
    return pc.coalesce(table["correlation_id"], pc.if_else(pc.is_null(table["trace_id"]), others, nothing))


def _sort(row: dict[str, str | None], named: set[tuple[str, str]], untold: set[str]) -> None:
    cid, tenant = row["correlation_id"], row["tenant"]
    if cid and tenant:
        named.add((cid, tenant))
    elif cid:
        untold.add(cid)


def _known(tx: Tx) -> tuple[bool, bool]:
    if _MEMO not in tx.memo:
        (row,) = tx.run("traces/any_tenants")
        tx.memo[_MEMO] = (row["named"], row["untold"])
    found: tuple[bool, bool] = tx.memo[_MEMO]
    return found


def _looked_up(tx: Tx, named: set[tuple[str, str]], untold: set[str]) -> Tenants:
    units = Units(known_units(tx))
    stored = units.before({cid for cid, _ in named} | untold)
    known = _of_units(tx, stored, units) if stored else {}
    made = Tenants(before=_sole(known))
    for cid, tenant in named:
        known.setdefault(cid, set()).add(tenant)
    made.after = _sole(known)
    # Of an ID that is new all records are here, and get their tenant as they are derived.
    made.changed = {cid for cid in stored if made.before.get(cid) != made.after.get(cid)}
    return made


def _of_units(tx: Tx, ids: set[str], units: Units) -> dict[str, set[str]]:
    """Return the tenants that the units of these IDs name."""
    tx.view("asked_id", pa.table({"correlation_id": pa.array(sorted(ids), pa.string())}))
    rows = tx.run("traces/tenants_of_ids", units.moments(ids))
    return {row["correlation_id"]: set(row["tenants"]) for row in rows}


def _sole(known: dict[str, set[str]]) -> dict[str, str]:
    return {cid: next(iter(found)) for cid, found in known.items() if len(found) == 1}


def sole_of(tx: Tx, ids: set[str], units: Units) -> dict[str, str]:
    """Return the tenant of each ID that is known in exactly one."""
    return _sole(_of_units(tx, ids, units))


def _of_records(tx: Tx, ids: set[str], units: Units) -> dict[str, set[str]]:
    """Return the tenants that records give these IDs: in traces, at ends, and in lines without a trace."""
    tx.view("asked_id", pa.table({"correlation_id": pa.array(sorted(ids), pa.string())}))
    rows = tx.run("traces/own_tenants_of_ids")
    begun = units.moments(ids)
    (times,) = tx.run("traces/times_of_ids", begun)
    if times["low"] is not None:
        rows += tx.run("traces/tenants_of_lines", times)
    if until := removed_until(tx):
        # Lines that named a tenant may be gone; the unit has what they stated.
        latest = micros(until.replace(tzinfo=UTC))
        older = [moment for moments in begun.values() for moment in moments if moment <= latest]
        rows += tx.run("traces/tenants_of_ids", {"moments": older})
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["correlation_id"], set()).update(row["tenants"])
    return found
