"""One transaction of ingest: leave out duplicates, insert, derive, quarantine, move offsets.

Everything is set-wise: the batches' columns become one Arrow table a kind, readable as
`incoming_log` and `incoming_span` while the transaction runs, and SQL files do the rest.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import duckdb
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from data import named, quota_use, removed
from data.clock import micros, stored, utc_now
from data.records import (
    LOG_COLUMNS,
    SPAN_COLUMNS,
    Appended,
    Batch,
    Columns,
    Quarantined,
    WatchedField,
    to_arrow,
)
from unsnag.conventions import DROPPED, EVENT_CLIENT_DROPPED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from data.transaction import Tx

UNFIT_VALUE: Final = (
    pa.ArrowInvalid,
    pa.ArrowTypeError,
    OverflowError,
    UnicodeEncodeError,
    duckdb.ConversionException,
    duckdb.InvalidInputException,
    duckdb.OutOfRangeException,
    duckdb.ConstraintException,
)
"""What a value that does not fit its column raises, from Arrow or from DuckDB."""

_REQUIRED: Final = frozenset(
    (
        "record_id", "time", "ingested_at", "source", "message", "severity", "severity_number", "name",
        "kind", "end_time", "duration_ns", "status",
    )
)  # fmt: skip
_JSON: Final = frozenset(("attributes", "resource", "events", "links", "data"))
_SAMPLE_BYTES: Final = 64 * 1024


def append(tx: Tx, batches: Sequence[Batch], intake: Callable[[Tx], None] | None) -> list[Appended]:
    """Write batches in the running transaction; return the counts of each.

    Raises:
        UNFIT_VALUE: a row does not fit; nothing of this transaction may be kept.
    """
    logs = _unseen(tx, "incoming_log", "store/known_logs", _logs(batches))
    spans = _unseen(tx, "incoming_span", "store/known_spans", _spans(batches))
    _insert(tx, logs.rows, spans.rows)
    if logs.rows or spans.rows:
        named.note(tx)
        if tx.memo.get(removed.UNTIL, True):
            removed.leave_out_late(tx)
        _derive_attempts(tx)
    if intake and (logs.rows or spans.rows):
        intake(tx)
    tx.topics.add("ingest")
    results = [_counted(batch, logs.duplicates, spans.duplicates) for batch in batches]
    tx.records = sum(result.records for result in results)
    _keep_quarantined(tx, list(chain.from_iterable(b.quarantined for b in batches)))
    _count_sources(tx, batches, results)
    _count_watched(tx, batches)
    if logs.rows:
        _count_lost(tx)
    if any(batch.used for batch in batches):
        quota_use.count(tx, batches)
    _move_offsets(tx, batches)
    _move_cursors(tx, batches)
    return results


@dataclasses.dataclass(frozen=True, slots=True)
class _Incoming:
    rows: int
    duplicates: Counter[int]


def _joined(parts: Sequence[Columns]) -> Columns:
    if len(parts) == 1:
        return parts[0]
    return {name: list(chain.from_iterable(part[name] for part in parts)) for name in parts[0]}


def _logs(batches: Sequence[Batch]) -> pa.Table:
    return to_arrow(_joined([batch.logs for batch in batches]), LOG_COLUMNS)


def _spans(batches: Sequence[Batch]) -> pa.Table:
    """Return the spans that were read as rows, and behind them those that were read as columns."""
    by_row = to_arrow(_joined([batch.spans for batch in batches]), SPAN_COLUMNS)
    by_column = [batch.span_table for batch in batches if batch.span_table is not None]
    if not by_column:
        return by_row
    return pa.concat_tables([by_row, *by_column] if by_row.num_rows else by_column).combine_chunks()


def _unseen(tx: Tx, view: str, known: str, table: pa.Table) -> _Incoming:
    """Make the rows that the store does not hold yet readable as `view`."""
    duplicates: Counter[int] = Counter()
    if table.num_rows:
        table, duplicates = _distinct(table)
        tx.view(view, table)
        bounds = pc.min_max(table["time"]).as_py()
        held = {row["record_id"] for row in tx.run(known, {"low": bounds["min"], "high": bounds["max"]})}
        if held:
            table = table.filter(pc.invert(pc.is_in(table["record_id"], pa.array(held, pa.uint64()))))
            duplicates.update(held)
    if tx.tables.get(view) is not table:
        tx.view(view, table)
    return _Incoming(table.num_rows, duplicates)


def _distinct(table: pa.Table) -> tuple[pa.Table, Counter[int]]:
    """Keep the first row of each identity."""
    if pc.count_distinct(table["record_id"]).as_py() == table.num_rows:
        return table, Counter()
    first: dict[int, int] = {}
    seen: Counter[int] = Counter()
    for index, record_id in enumerate(table["record_id"].to_pylist()):
        first.setdefault(record_id, index)
        seen[record_id] += 1
    return table.take(list(first.values())), Counter({key: n - 1 for key, n in seen.items() if n > 1})


def _insert(tx: Tx, logs: int, spans: int) -> None:
    if logs:
        tx.run("store/insert_logs")
    if spans:
        tx.run("store/insert_spans")


def _derive_attempts(tx: Tx) -> None:
    incoming = tx.tables["incoming_span"]
    tries = pc.or_kleene(pc.equal(incoming.column("role"), "step"), pc.is_valid(incoming.column("attempt")))
    if pc.any(tries).as_py():
        tx.run("derive/attempts")


def _counted(batch: Batch, log_duplicates: Counter[int], span_duplicates: Counter[int]) -> Appended:
    duplicates = 0
    if log_duplicates:
        duplicates += sum(_take(log_duplicates, record_id) for record_id in batch.logs["record_id"])
    if span_duplicates:
        duplicates += sum(_take(span_duplicates, record_id) for record_id in _span_ids(batch))
    quarantined = len(batch.quarantined)
    records = len(batch) - quarantined - duplicates
    return Appended(records=records, duplicates=duplicates, quarantined=quarantined)


def _span_ids(batch: Batch) -> list[int]:
    table = batch.span_table
    return batch.spans["record_id"] + (table.column("record_id").to_pylist() if table is not None else [])


def _take(counter: Counter[int], record_id: int) -> bool:
    if counter.get(record_id, 0) < 1:
        return False
    counter[record_id] -= 1
    return True


def _keep_quarantined(tx: Tx, records: Sequence[Quarantined]) -> None:
    if not records:
        return
    rows = [
        {
            "id": r.id,
            "source": r.source,
            "source_offset": r.source_offset,
            "reason": r.reason,
            "received_at": r.received_at,
            "size": r.size if r.size is not None else len(r.raw),
            "bytes": r.raw,
            "sender": r.sender,
        }
        for r in records
    ]
    schema = pa.schema(
        [
            ("id", pa.string()),
            ("source", pa.string()),
            ("source_offset", pa.int64()),
            ("reason", pa.string()),
            ("received_at", pa.timestamp("us")),
            ("size", pa.int64()),
            ("bytes", pa.binary()),
            ("sender", pa.string()),
        ]
    )
    tx.view("incoming_quarantine", pa.Table.from_pylist(rows, schema))
    tx.run("store/insert_quarantine")


def _count_sources(tx: Tx, batches: Sequence[Batch], results: Sequence[Appended]) -> None:
    now = stored(utc_now())
    for (name, kind), totals in _by_source(batches, results).items():
        tx.run("store/count_source", {"name": name, "kind": kind, "now": now, **totals})


def _count_watched(tx: Tx, batches: Sequence[Batch]) -> None:
    """Add what came of the fields that mappings rely on, in the order of the batches."""
    found: dict[tuple[str, str, str, str], WatchedField] = {}
    for batch in batches:
        for one in batch.watched:
            key = (batch.source, one.part, one.kind, one.field)
            before = found.get(key)
            found[key] = one if before is None or before.names != one.names else before.then(one)
    if found:
        rows = [{"source": source, **one.row()} for (source, *_), one in found.items()]
        tx.view("incoming_watched", pa.Table.from_pylist(rows))
        tx.run("store/count_watched", {"now": stored(utc_now())})


def _count_lost(tx: Tx) -> None:
    """Add what clients report as dropped; a report that is sent twice is left out before."""
    logs = tx.tables.get("incoming_log")
    if logs is not None and pc.any(pc.equal(logs.column("message"), EVENT_CLIENT_DROPPED)).as_py():
        tx.run("store/count_lost", {"event": EVENT_CLIENT_DROPPED, "field": f'$."{DROPPED}"'})


def _by_source(
    batches: Sequence[Batch], results: Sequence[Appended]
) -> dict[tuple[str, str], dict[str, Any]]:
    totals: dict[tuple[str, str], dict[str, Any]] = {}
    for batch, result in zip(batches, results, strict=True):
        own = totals.setdefault(
            (batch.source, batch.kind),
            {"records": 0, "duplicates": 0, "quarantined": 0, "dropped": 0, "latest": None, **_NO_TEXT},
        )
        own["records"] = (own["records"] or 0) + result.records
        own["duplicates"] = (own["duplicates"] or 0) + result.duplicates
        own["quarantined"] = (own["quarantined"] or 0) + result.quarantined
        own["dropped"] = (own["dropped"] or 0) + batch.dropped
        _add_text(own, batch)
        times = [t for t in (own["latest"], _latest(batch)) if t is not None]
        own["latest"] = max(times, default=None)
    return totals


_NO_TEXT: Final = {"unknown_lines": 0, "unknown_sample": [], "layouts": [], "varied": False}
_INFO: Final = "info"


def _add_text(own: dict[str, Any], batch: Batch) -> None:
    """Add what was seen of the text lines of a batch, and whether it brought anything but info."""
    text = batch.text
    has_spans = bool(batch.spans["record_id"] or batch.spans_by_column)
    varied = has_spans or any(name != _INFO for name in batch.logs["severity"])
    own |= {
        "unknown_lines": own["unknown_lines"] + text.unknown,
        "unknown_sample": text.sample or own["unknown_sample"],
        "layouts": sorted({*own["layouts"], *text.layouts}),
        "varied": own["varied"] or varied,
    }


def _latest(batch: Batch) -> int | None:
    ends: list[int] = []
    if batch.span_table is not None and batch.spans_by_column:
        ends = [pc.max(batch.span_table.column("end_time")).cast(pa.int64()).as_py()]
    return max(chain(batch.logs["time"], batch.spans["end_time"], ends), default=None)


def _move_offsets(tx: Tx, batches: Sequence[Batch]) -> None:
    # A later batch of the same file supersedes an earlier one of this transaction.
    latest = {offset.path: offset for batch in batches for offset in batch.offsets}
    now = stored(utc_now())
    for offset in latest.values():
        tx.run("store/move_offset", {**dataclasses.asdict(offset), "now": now})


def _move_cursors(tx: Tx, batches: Sequence[Batch]) -> None:
    """Move the cursor of each source, and note what it has taken as a whole."""
    now = stored(utc_now())
    # A later batch of the same source supersedes an earlier one of this transaction.
    for source, value in {b.source: b.cursor for b in batches if b.cursor is not None}.items():
        tx.run("store/move_cursor", {"source": source, "value": value, "now": now})
    for batch in batches:
        for item in batch.items:
            kept = {**dataclasses.asdict(item), "source": batch.source, "now": now}
            tx.run("store/keep_item", kept)


def without_unfit(batch: Batch, fits: Callable[[Batch], bool], now: datetime) -> Batch:
    """Return the batch with the rows that do not fit moved to its quarantine.

    Values are looked at first: that finds all but what only DuckDB knows. For the rest `fits` tries a
    part in a transaction that is rolled back; that costs some milliseconds a try.
    """
    batch = batch.by_row()
    logs, bad_logs = _sifted(batch.logs, LOG_COLUMNS, lambda rows: fits(_part(batch, rows, [])))
    spans, bad_spans = _sifted(batch.spans, SPAN_COLUMNS, lambda rows: fits(_part(batch, [], rows)))
    rejected = [_row_as_quarantine(batch, batch.logs, i, now) for i in bad_logs]
    rejected += [_row_as_quarantine(batch, batch.spans, i, now) for i in bad_spans]
    kept = _part(batch, logs, spans)
    return dataclasses.replace(
        batch, logs=kept.logs, spans=kept.spans, quarantined=[*batch.quarantined, *rejected]
    )


def _sifted(
    columns: Columns, schema: dict[str, pa.DataType], fits: Callable[[list[int]], bool]
) -> tuple[list[int], list[int]]:
    """Split row numbers into those that fit and those that do not."""
    good: list[int] = []
    bad: list[int] = []
    for index in range(len(columns["record_id"])):
        (good if _values_fit(columns, schema, index) else bad).append(index)
    if fits(good):
        return good, bad
    fitting, unfit = _halved(good, fits)
    return fitting, bad + unfit


def _values_fit(columns: Columns, schema: dict[str, pa.DataType], index: int) -> bool:
    try:
        for name, kind in schema.items():
            value = columns[name][index]
            if value is None:
                if name in _REQUIRED:
                    return False
            else:
                pa.array([value], kind)
                if name in _JSON:
                    orjson.loads(value)
    except (*UNFIT_VALUE, orjson.JSONDecodeError):
        return False
    return True


def _halved(rows: list[int], fits: Callable[[list[int]], bool]) -> tuple[list[int], list[int]]:
    good: list[int] = []
    bad: list[int] = []
    parts = [rows] if rows else []
    while parts:
        part = parts.pop()
        if fits(part):
            good.extend(part)
        elif len(part) == 1:
            bad.extend(part)
        else:
            middle = len(part) // 2
            parts += [part[middle:], part[:middle]]
    return good, bad


def _part(batch: Batch, logs: list[int], spans: list[int]) -> Batch:
    return Batch(
        source=batch.source,
        kind=batch.kind,
        sender=batch.sender,
        logs={name: [values[i] for i in logs] for name, values in batch.logs.items()},
        spans={name: [values[i] for i in spans] for name, values in batch.spans.items()},
    )


def _row_as_quarantine(batch: Batch, columns: Columns, index: int, now: datetime) -> Quarantined:
    row: dict[str, Any] = {
        name: values[index] for name, values in columns.items() if values[index] is not None
    }
    raw = orjson.dumps({key: repr(value) for key, value in row.items()})
    return Quarantined(
        source=batch.source,
        source_offset=columns["source_offset"][index]
        if isinstance(columns["source_offset"][index], int)
        else None,
        reason="a value does not fit its column",
        received_at=micros(now),
        raw=raw[:_SAMPLE_BYTES],
        size=len(raw),
        sender=batch.sender,
    )
