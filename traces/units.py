"""The rows of units: what a commit adds to them, and what late records take away.

What records say of units is put together as narrow columns (`spoken`), which SQL groups and merges: planning
a statement over all columns of the incoming records costs more than running it.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data import named
from data.records import SPAN_COLUMNS
from data.removed import removed_until
from traces import signals
from traces.known import Known, KnownIds, keys_of_ids
from traces.record import ERROR
from unsnag.conventions import ACTOR_HUMAN, ROUTING_MANUAL
from unsnag.fields import ON_CASE, ON_UNIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    from data.transaction import Tx
    from traces.resolving import Difference
    from traces.tenants import Tenants


_TIME: Final = pa.timestamp("us")
_OUTCOME_SCHEMA: Final = pa.schema(
    [(name, pa.string()) for name in ("correlation_id", "flow", "tenant", "outcome")]
    + [("time", _TIME), ("end_time", _TIME), ("human_at", _TIME)]
)
_KEPT: Final = ("value_amount", "value_currency", *ON_UNIT)
_CARRIED: Final = ("tenant", "time", *_KEPT)
SPOKEN: Final = pa.schema(
    [
        *_OUTCOME_SCHEMA,
        ("trace_id", pa.string()),
        ("record_id", pa.uint64()),
        ("given_tenant", pa.string()),
        *((name, pa.bool_()) for name in ("error", "attempt", "failed_attempt")),
        *((name, SPAN_COLUMNS[name]) for name in _KEPT),
    ]
)
"""One row a record: `trace_id` is null where a trace need not be kept for the unit, `record_id` where several
records say it together. `given_tenant` counts where the record names no tenant."""


_UNIT: Final = ("correlation_id", "flow")
_VALUES: Final = ("value_amount", *ON_CASE)
_DESCRIBING: Final = (
    *_UNIT, "tenant", "given_tenant", "end_time", "value_currency", *_VALUES,
)  # fmt: skip
KNOWN: Final = "traces.units"
"""Under which name the writer remembers which IDs have units."""
_HELD: Final = "traces.held"
"""Under which name it keeps the columns of units, without a row."""


class Described(NamedTuple):
    """A unit with its value and context: what a case takes from it."""

    tenant: str | None
    correlation_id: str
    flow: str
    amount: Decimal | None
    currency: str | None
    context: Mapping[str, str | None]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Described:
        """Return the unit of a stored row."""
        tenant, amount, currency = (row[name] for name in ("tenant", "value_amount", "value_currency"))
        cid, flow = (row[name] for name in _UNIT)
        return cls(tenant, cid, flow, amount, currency, {name: row[name] for name in ON_CASE})


class Units(KnownIds):
    """When the units begin that a transaction is about, and what it says of them."""

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self._spoken: list[pa.Table] = []
        self._derived_again: set[str] = set()

    def write(self, tx: Tx, table: pa.Table) -> None:
        """Write what is spoken of units: new ones, and those that the store holds with what is added."""
        self._spoken.append(table)
        stored = self.before(set(pc.unique(table["correlation_id"]).to_pylist()) - self._derived_again)
        tx.view("held_unit", self._held(tx, stored))
        rows = tx.run("derive/units")
        if stored:
            tx.run("derive/replace_units")
        begun = np.array([row["begun"] for row in rows], np.int64)
        self.add(tx, keys_of_ids(row["correlation_id"] for row in rows), begun)

    def _held(self, tx: Tx, ids: set[str]) -> pa.Table:
        """Return the stored units of these IDs."""
        tx.view("asked_id", pa.table({"correlation_id": pa.array(sorted(ids), pa.string())}))
        if ids or _HELD not in tx.memo:
            found = tx.arrow("derive/held_units", self.moments(ids))
            tx.memo[_HELD] = found.slice(0, 0)
            return found
        none: pa.Table = tx.memo[_HELD]
        return none

    def derived_again(self, ids: set[str]) -> None:
        """Note that the units of these IDs were made again from everything that is stored."""
        self._derived_again |= ids

    def stored(self, ids: Iterable[str]) -> set[str]:
        """Return those of these IDs of which the store says more than this transaction's records."""
        named = set(ids)
        return self.before(named) | (named & self._derived_again)

    def described(self, ids: Iterable[str]) -> list[Described]:
        """Return the value and the context of units, by this transaction's records alone.

        One row for each tenant, ID and flow of which they state any. The latest value counts, and of the
        context the greatest text, as in `derive/units`.
        """
        wanted = pa.array(sorted(ids), pa.string())
        found: dict[tuple[str | None, str, str], list[dict[str, Any]]] = {}
        for table in self._spoken:
            own = table.select(_DESCRIBING).filter(pc.is_in(table["correlation_id"], wanted))
            states_any = reduce(pc.or_, (pc.is_valid(own[name]) for name in _VALUES))
            for row in own.filter(states_any).to_pylist():
                given = row["given_tenant"] if row["tenant"] is None else row["tenant"]
                cid, flow = (row[name] for name in _UNIT)
                found.setdefault((given, cid, flow), []).append(row)
        return [_described(key, rows) for key, rows in found.items()]


def _described(key: tuple[str | None, str, str], rows: list[dict[str, Any]]) -> Described:
    valued = [row for row in rows if row["value_amount"] is not None]
    last = max(valued, key=_by_value, default={})
    context = {n: max((row[n] for row in rows if row[n] is not None), default=None) for n in ON_CASE}
    return Described(*key, last.get("value_amount"), last.get("value_currency"), context)


def _by_value(row: Mapping[str, Any]) -> tuple[Any, ...]:
    # SQL puts a missing currency last.
    currency = row["value_currency"]
    return row["end_time"], row["value_amount"], currency is None, currency or ""


def known_units(tx: Tx) -> Known:
    """Return which IDs have units, as the writer remembers it."""
    if KNOWN not in tx.memo:
        table = tx.arrow("traces/known_units")
        tx.memo[KNOWN] = Known()
        tx.memo[KNOWN].add(table["key"].to_numpy(), table["first_seen"].to_numpy())
    found: Known = tx.memo[KNOWN]
    return found


def derive(tx: Tx, difference: Difference, tenants: Tenants) -> Units:
    """Bring the units up to date with the running transaction; return when they begin."""
    made = Units(known_units(tx))
    concluded = pa.Table.from_pylist(_concluded(difference), _OUTCOME_SCHEMA)
    spans, logs = (signals.narrow(tx.tables[name]) for name in ("incoming_span", "incoming_log"))
    brought = spoken(spans, logs, concluded, difference.joined)
    table = _with_tenants(brought, difference.trace_tenants, tenants.after)
    if table.num_rows:
        tx.view("spoken", table)
        tx.run("traces/insert_unit_traces")
        made.write(tx, table)
    lost = {row["correlation_id"] for row in (*difference.lost_units, *_taken_back(difference))}
    lost |= difference.retold
    if lost:
        tenants.look_again(tx, lost, made)
    if again := lost | tenants.changed:
        _derive_again(tx, made, again, tenants.after)
    return made


def spoken(spans: pa.Table, logs: pa.Table, concluded: pa.Table, joined: Iterable[str]) -> pa.Table:
    """Return what records say of the units that they name, one row a record.

    Args:
        spans: Spans as they are stored; columns that do not matter may be missing.
        logs: Log records, likewise.
        concluded: What was concluded from several records: the columns of `_OUTCOME_SCHEMA`.
        joined: Traces whose signals are in `concluded`.

    Returns:
        The columns of `SPOKEN`; no record was given a tenant yet.
    """
    parts = [concluded]
    if spans.num_rows:
        parts += [_of_spans(spans, joined), _of_bare_roots(spans, joined)]
    if logs.num_rows:
        parts.append(_of_logs(logs, joined))
    return pa.concat_tables([_completed(part) for part in parts if part.num_rows] or [SPOKEN.empty_table()])


def _with_tenants(table: pa.Table, own_values: Mapping[int, str], sole: Mapping[str, str]) -> pa.Table:
    """Return what is spoken with the tenant that is given to each record: its trace's, else that of its ID.

    What a record names itself stays as it is: a tenant that was given is no evidence of itself.
    """
    given = table["given_tenant"]
    for name, tenants in (("correlation_id", sole), ("record_id", own_values)):
        if tenants:
            places = pc.index_in(table[name], pa.array(tenants.keys(), SPOKEN.field(name).type))
            given = pc.coalesce(pa.array(tenants.values(), pa.string()).take(places), given)
    return signals.with_columns(table, given_tenant=given)


def _completed(part: pa.Table) -> pa.Table:
    """Return rows with all columns of `SPOKEN`."""
    known = set(part.column_names)
    return pa.table(
        {f.name: part[f.name] if f.name in known else pa.nulls(len(part), f.type) for f in SPOKEN},
        schema=SPOKEN,
    )


def _of_spans(spans: pa.Table, joined: Iterable[str]) -> pa.Table:
    names = ("correlation_id", "flow", "trace_id", "record_id", "end_time", *_CARRIED)
    named = pc.and_(pc.is_valid(spans["correlation_id"]), pc.is_valid(spans["flow"]))
    spans = spans.select([*names, "role", "status", "outcome", "actor_type"]).filter(named)
    nothing = pa.scalar(None, pa.string())
    own_values = pc.if_else(signals.not_in(spans["trace_id"], joined), spans["outcome"], nothing)
    failed = pc.equal(spans["status"], "error")
    # Foreign telemetry that ended well proves nothing.
    ended = pc.if_else(pc.or_(pc.is_valid(spans["role"]), failed), nothing, "ended")
    attempt = pc.fill_null(pc.equal(spans["role"], "step"), False)  # noqa: FBT003
    return pa.table(
        {
            **{name: spans[name] for name in names},
            "outcome": pc.if_else(pc.is_valid(spans["outcome"]), own_values, ended),
            "attempt": attempt,
            "failed_attempt": pc.and_(attempt, failed),
            "human_at": _by_people(spans),
        }
    )


def _of_bare_roots(spans: pa.Table, joined: Iterable[str]) -> pa.Table:
    """Make units of traces without any ID once their root ended."""
    roots = signals.bare_roots(spans, joined)
    ended = pa.array(["ended"] * roots.num_rows, pa.string())
    columns = roots.select(["correlation_id", "flow", "tenant", "time", "end_time"])
    return columns.append_column("outcome", ended)


def _by_people(table: pa.Table) -> pa.ChunkedArray:
    """Return when a record ended that a person carried out, or that went the way of manual work."""
    by_hand = pc.or_kleene(
        pc.equal(table["actor_type"], ACTOR_HUMAN), pc.equal(table["routing"], ROUTING_MANUAL)
    )
    return pc.if_else(pc.fill_null(by_hand, False), table["end_time"], pa.scalar(None, _TIME))  # noqa: FBT003


def _of_logs(logs: pa.Table, joined: Iterable[str]) -> pa.Table:
    # A record without a trace is of its run or its request where nobody names a business ID.
    others = signals.without_trace(logs, pc.coalesce(logs["run_id"], logs["technical_id"]))
    own = pc.fill_null(signals.not_in(signals.scopes_of_logs(logs), joined), True)  # noqa: FBT003
    # How one of several tasks ended is not how the unit did; joining says what it means.
    own = pc.and_(own, pc.is_null(logs["map_index"]))
    table = pa.table(
        {
            **{name: logs[name] for name in ("trace_id", "record_id", *_CARRIED)},
            "correlation_id": pc.coalesce(logs["correlation_id"], others),
            "flow": signals.flows_of_logs(logs),
            "end_time": logs["time"],
            "outcome": pc.if_else(own, logs["outcome"], pa.scalar(None, pa.string())),
            "error": pc.greater_equal(logs["severity_number"], ERROR),
            "human_at": _by_people(logs.append_column("end_time", logs["time"])),
        }
    )
    return table.filter(pc.and_(pc.is_valid(table["correlation_id"]), pc.is_valid(table["flow"])))


def ids_of_logs(logs: pa.Table) -> set[str]:
    """Return the IDs of the units that log records name."""
    others = pc.coalesce(logs.column("run_id"), logs.column("technical_id"))
    own = signals.without_trace(logs, others)
    return set(pc.unique(pc.coalesce(logs.column("correlation_id"), own)).to_pylist()) - {None}


def _taken_back(difference: Difference) -> list[dict[str, Any]]:
    return [signal for signal in difference.signals if signal["change"] < 0]


def _derive_again(tx: Tx, units: Units, ids: set[str], sole: Mapping[str, str]) -> None:
    """Make the units of some IDs from everything that is stored of them: late records took something away."""
    units.derived_again(ids)
    tx.view("asked_id", pa.table({"correlation_id": pa.array(sorted(ids), pa.string())}))
    begun = units.moments(ids)
    (bounds,) = tx.run("derive/bounds_of_units", begun)
    if bounds["low"] is None:
        return
    bounds |= {"deliveries": named.deliveries_within(tx, ids)}
    spans, logs = tx.arrow("derive/spans_of_units", bounds), tx.arrow("derive/logs_of_units", bounds)
    concluded = tx.arrow("derive/concluded_of_units").cast(_OUTCOME_SCHEMA)
    own_values = {row["record_id"]: row["tenant"] for row in tx.run("derive/tenants_of_units")}
    # Signals are counted from unit_signal, so every trace counts as joined.
    table = _with_tenants(spoken(spans, logs, concluded, _traces(logs, spans)), own_values, sole)
    until = removed_until(tx)
    # Of what began before that, records may be gone: what they stated is kept with what is stated again.
    kept = tx.arrow("derive/older_units", begun | {"before": until}) if until else None
    tx.run("derive/delete_units", begun)
    if table.num_rows:
        tx.view("spoken", table)
        units.write(tx, table)
    if kept is not None and kept.num_rows:
        tx.view("kept_unit", kept)
        tx.run("derive/keep_units")


def _traces(logs: pa.Table, spans: pa.Table) -> set[str]:
    names = {*logs["trace_id"].to_pylist(), *spans["trace_id"].to_pylist()} - {None}
    return names | {f"id {cid}" for cid in logs["correlation_id"].to_pylist()}


def _concluded(difference: Difference) -> list[dict[str, Any]]:
    """Return what joined traces say of units, one row for each signal and each span of time."""
    brought = [
        {**_named(row), **dict.fromkeys(("time", "end_time"), row["time"]), "outcome": row["outcome"]}
        for row in difference.signals
        if row["change"] > 0
    ]
    return brought + [
        {**_named(row), "time": row["first_seen"], "end_time": row["last_seen"], "human_at": row["human_at"]}
        for row in difference.joined_units
    ]


def _named(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("correlation_id", "flow", "tenant")}
