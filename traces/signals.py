"""How units ended, as incoming records say it: one row of `unit_signal` each.

A record of a trace in which nothing has to be joined says it plainly, and is read as columns. What joined
traces say comes from `traces.joining`. All of a transaction is written by one statement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from data.transaction import Tx
    from traces.resolving import Difference

SCHEMA: Final = pa.schema(
    [
        *(
            (name, pa.string())
            for name in ("trace_id", "correlation_id", "flow", "tenant", "outcome", "part")
        ),
        *((name, pa.string()) for name in ("retry_id", "clock", "step", "map_index")),
        *((name, pa.bool_()) for name in ("final", "continues")),
        ("record_id", pa.uint64()),
        ("time", pa.timestamp("us")),
        ("seq", pa.int64()),
        ("change", pa.int32()),
        ("recorded_at", pa.timestamp("us")),
    ]
)
"""The columns of `unit_signal`; `change` is 1, or -1 for a signal that is taken back."""
_WIDE: Final = ("attributes", "resource", "events", "links", "stacktrace", "message", "exception_message")
_OUTCOMES: Final = pa.array(["success", "progress", "ended"])


def write(tx: Tx, difference: Difference, now: datetime) -> pa.Table:
    """Write the signals of the running transaction and return them; `now` is naive UTC."""
    parts = [pa.Table.from_pylist(difference.signals, SCHEMA)]
    # A filter copies every column that there is.
    spans, logs = (narrow(tx.tables[name]) for name in ("incoming_span", "incoming_log"))
    parts += [_rows(found, now) for found in _plain(spans, logs, difference.joined) if found.num_rows]
    table = pa.concat_tables(parts)
    if table.num_rows:
        tx.view("new_signal", table)
        tx.run("traces/insert_signals")
    return table


def _plain(spans: pa.Table, logs: pa.Table, joined: Iterable[str]) -> Iterable[pa.Table]:
    """Return the records that say by themselves how a unit ended, with the names of `unit_signal`."""
    ends = spans.filter(pc.is_in(spans["outcome"], _OUTCOMES))
    if ends.num_rows:
        ends = with_columns(ends, time=ends["end_time"])
        yield _of_units(ends.filter(not_in(ends["trace_id"], joined)))
    roots = bare_roots(spans, joined)
    if roots.num_rows:
        ended = pa.array(["ended"] * roots.num_rows)
        yield with_columns(roots, time=roots["end_time"], outcome=ended)
    log_ends = logs.filter(pc.is_in(logs["outcome"], _OUTCOMES))
    if log_ends.num_rows:
        log_ends = with_columns(log_ends, flow=flows_of_logs(log_ends), trace_id=scopes_of_logs(log_ends))
        yield _of_units(log_ends.filter(not_in(log_ends["trace_id"], joined)))


def _of_units(table: pa.Table) -> pa.Table:
    return table.filter(pc.and_(pc.is_valid(table["correlation_id"]), pc.is_valid(table["flow"])))


def _rows(ends: pa.Table, now: datetime) -> pa.Table:
    part = pc.coalesce(ends["part"], ends["service"])
    proves = pc.and_(pc.is_null(ends["seq"]), pc.equal(ends["outcome"], "success"))
    final = pc.or_(pc.or_(pc.fill_null(ends["completes"], False), proves), pc.is_null(part))  # noqa: FBT003
    goes_on = pc.fill_null(pc.invert(ends["completes"]), False)  # noqa: FBT003
    named = {
        **{name: ends[name] for name in SCHEMA.names if name in ends.column_names},
        "part": part,
        "final": final,
        "continues": pc.or_(goes_on, pc.equal(ends["outcome"], "progress")),
        "clock": pc.coalesce(ends["instance"], ends["host"], _file_of(ends["source"])),
        "change": pa.array([1] * ends.num_rows, pa.int32()),
        "recorded_at": pa.array([now] * ends.num_rows, pa.timestamp("us")),
        # What a record says by itself is never of one task among several: such traces are joined.
        **dict.fromkeys(("step", "map_index"), pa.nulls(ends.num_rows, pa.string())),
    }
    return pa.table({name: named[name] for name in SCHEMA.names}, schema=SCHEMA)


def _file_of(source: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the source where it is one clock: many senders share the endpoint for OTLP."""
    return pc.if_else(pc.equal(source, "otlp"), pa.scalar(None, pa.string()), source)


# --- what units and signals share ------------------------------------------------------------------------


def bare_roots(spans: pa.Table, joined: Iterable[str]) -> pa.Table:
    """Return the spans that end a trace without any ID well, with the unit and flow that the trace is."""
    if not spans["correlation_id"].null_count:
        return spans.slice(0, 0)
    bare = pc.not_equal(spans["status"], "error")
    for name in ("parent_span_id", "role", "outcome", "correlation_id", "run_id", "technical_id"):
        bare = pc.and_(bare, pc.is_null(spans[name]))
    roots = spans.filter(bare)
    roots = roots.filter(not_in(roots["trace_id"], joined))
    flow = pc.coalesce(roots["flow"], roots["service"], roots["source"])
    return with_columns(roots, correlation_id=roots["trace_id"], flow=flow)


def flows_of_logs(logs: pa.Table) -> pa.ChunkedArray:
    """Return the flow of each log record; one without a trace has no other to learn it from."""
    own = pc.coalesce(logs["service"], logs["source"])
    return pc.coalesce(logs["flow"], without_trace(logs, own))


def scopes_of_logs(logs: pa.Table) -> pa.ChunkedArray:
    """Return what joins each log record: its trace, else its business ID."""
    named = pc.binary_join_element_wise("id ", logs["correlation_id"], "")
    return pc.coalesce(logs["trace_id"], named)


def without_trace(logs: pa.Table, values: Any) -> pa.ChunkedArray:
    """Return the values of the records that have no trace; null for the others."""
    return pc.if_else(pc.is_null(logs["trace_id"]), values, pa.scalar(None, pa.string()))


def not_in(values: pa.ChunkedArray, joined: Iterable[str]) -> pa.ChunkedArray:
    """Return for each trace whether it was not joined."""
    return pc.invert(pc.is_in(values, pa.array(joined, pa.string())))


def narrow(table: pa.Table) -> pa.Table:
    """Leave out the columns that hold most of the bytes and that no unit depends on."""
    return table.drop_columns([name for name in _WIDE if name in table.column_names])


def with_columns(table: pa.Table, **columns: Any) -> pa.Table:
    """Return a table with some columns replaced."""
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, values)
    return table
