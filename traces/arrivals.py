"""The records of one commit, put to their traces; and which traces they make it necessary to resolve.

This runs for every record. A trace without an error, in which every signal names its unit and flow itself,
is never looked at record by record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from traces import record as records
from traces.recent import Chunk
from traces.tree import JOINS_FOR_US
from unsnag.conventions import VALUE_AT_RISK

if TYPE_CHECKING:
    from collections.abc import Iterable

    from data.transaction import Tx
    from traces.recent import Recent

_ERROR, _NO_FLOW, _UNPLACED, _HAS_ID, _NO_ID = 1, 2, 4, 8, 16
_NO_TENANT, _TENANT, _SPOKEN, _LINKS = 32, 64, 128, 256
_NAMED, _BARE_ROOT, _NAMED_ROOT = 512, 1024, 2048
LOST: Final = 4096
"""The trace holds a unit that is stated as lost: a later record may take that back."""
_TASK_ENDED: Final = 16_384
"""A record says how one of several tasks, or a run of an orchestrator, ended."""
NO_ID: Final = "no id "
"""What stands in place of the trace of a record that names neither trace nor ID begins so."""
FORGOTTEN: Final = 8192
"""What some records of the trace say is not remembered: they were found in the store after a start."""


def arrived(tx: Tx) -> Chunk:
    """Return the incoming records of the running transaction that joining has to know."""
    spans = _narrow(tx.tables["incoming_span"], records.SPAN_NAMES)
    logs = telling(_narrow(tx.tables["incoming_log"], records.LOG_NAMES))
    return Chunk(spans, spans["trace_id"].to_pylist(), logs, log_scopes(logs), _latest(spans, logs))


def _narrow(table: pa.Table, names: dict[str, str]) -> pa.Table:
    return table.select(records.columns(names))


def telling(logs: pa.Table) -> pa.Table:
    """Keep the log records that say something: an ID, an error, an outcome, that a library tries again."""
    if not logs.num_rows:
        return logs
    mask = pc.or_(pc.greater_equal(logs["severity_number"], records.ERROR), pc.is_valid(logs["outcome"]))
    named = pc.or_(
        pc.is_valid(logs["correlation_id"]), pc.or_(pc.is_valid(logs["run_id"]), pc.is_valid(logs["flow"]))
    )
    named = pc.or_(named, pc.is_valid(logs["actor_type"]))
    mask = pc.or_(mask, pc.and_(pc.is_valid(logs["trace_id"]), named))
    for logger in records.RETRY_LOGGERS:
        mask = pc.or_(mask, pc.coalesce(pc.starts_with(logs["logger"], logger), pa.scalar(False)))  # noqa: FBT003
    for note in records.RETRY_NOTES:
        mask = pc.or_(mask, pc.starts_with(logs["message"], note))
    return logs.filter(mask)


def log_scopes(logs: pa.Table) -> list[str]:
    """Return what joins each log record: its trace, else its ID, else what it says itself."""
    scopes = logs["trace_id"].to_pylist()
    without = [place for place, scope in enumerate(scopes) if scope is None]
    if not without:
        return scopes  # type: ignore[no-any-return]
    names = (
        "correlation_id",
        "run_id",
        "technical_id",
        "service",
        "source",
        "error_type",
        "exception_message",
        "message",
    )
    rows = zip(*(logs[name].take(pa.array(without)).to_pylist() for name in names), strict=True)
    for place, (cid, run, technical, service, source, kind, ending_text, message) in zip(
        without, rows, strict=True
    ):
        named = cid or run or technical
        scopes[place] = (
            f"id {named}" if named else f"{NO_ID}{service or source} {kind} {ending_text or message}"
        )
    return scopes  # type: ignore[no-any-return]


def _latest(*tables: pa.Table) -> int:
    return max((pc.max(t["time"]).cast(pa.int64()).as_py() or 0 for t in tables if t.num_rows), default=0)


def times_of(chunk: Chunk) -> list[tuple[int, int]]:
    """Return from when to when the records of a commit are, in microseconds; far ones apart."""
    starts, ends = [], []
    for table, end in ((chunk.spans, "end_time"), (chunk.logs, "time")):
        if table.num_rows:
            starts.append(table["time"].cast(pa.int64()).to_numpy())
            ends.append(table[end].cast(pa.int64()).to_numpy())
    if not starts:
        return []
    first = np.concatenate(starts)
    order = np.argsort(first)
    first, last = first[order], np.maximum.accumulate(np.concatenate(ends)[order])
    breaks = np.flatnonzero(first[1:] - last[:-1] > 2 * JOINS_FOR_US)
    lows, highs = first[[0, *(breaks + 1)]], last[[*breaks, -1]]
    return list(zip(lows.tolist(), highs.tolist(), strict=True))


def rows_of(tx: Tx, ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Return the incoming records with these identities, with all that a case can show of them."""
    wanted = pa.array(sorted(ids), pa.uint64())
    found: dict[int, dict[str, Any]] = {}
    for name, left_out in (
        ("incoming_span", {"attributes", "resource", "events", "links"}),
        ("incoming_log", {"resource"}),
    ):
        table = tx.tables[name]
        places = pc.indices_nonzero(pc.is_in(table["record_id"], wanted))
        # Most columns hold nothing, and a value that is missing counts as null.
        kept = [c for c in table.column_names if c not in left_out and table[c].null_count < table.num_rows]
        found |= {row["record_id"]: row for row in table.select(kept).take(places).to_pylist()}
    for row in found.values():
        if attributes := row.pop("attributes", None):
            row["value_at_risk"] = _text(orjson.loads(attributes).get(VALUE_AT_RISK))
    return found


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()


def flags_of(chunk: Chunk) -> tuple[dict[str, int], dict[str, int]]:
    """Return for each trace what its records make necessary, and how many there are."""
    flags: dict[str, int] = {}
    counts: dict[str, int] = {}
    for scopes, bits in (
        (chunk.span_scopes, _span_bits(chunk.spans)),
        (chunk.log_scopes, _log_bits(chunk.logs)),
    ):
        coded = pa.array(scopes, pa.string()).dictionary_encode(null_encoding="encode")
        places, names = coded.indices.to_numpy(), coded.dictionary.to_pylist()
        together = np.zeros(len(names), np.int64)
        np.bitwise_or.at(together, places, bits)
        numbers = np.bincount(places, minlength=len(names))
        for scope, own, number in zip(names, together.tolist(), numbers.tolist(), strict=True):
            flags[scope] = flags.get(scope, 0) | own
            counts[scope] = counts.get(scope, 0) + number
    return flags, counts


def _bits(table: pa.Table) -> np.ndarray:
    has = {
        name: pc.is_valid(table[name]).to_numpy()
        for name in ("correlation_id", "flow", "outcome", "tenant", "actor_type", "map_index", "verdict")
    }
    # A record without a trace has no other to learn its flow from: its service's or its source's name.
    cid, flow = has["correlation_id"], has["flow"] | pc.is_null(table["trace_id"]).to_numpy()
    ending_text = has["outcome"] | has["actor_type"]
    made = cid * _HAS_ID | (cid & ~flow) * _NO_FLOW | (ending_text & ~(cid & flow)) * _UNPLACED
    spoken = (
        pc.is_in(table["outcome"], pa.array(["partial", "failed"])).to_numpy()
        # What an orchestrator says of a task matters only where a task failed.
        | (has["verdict"] & pc.is_valid(table["seq"]).to_numpy())
    )
    made = made | spoken * _SPOKEN | (has["outcome"] & (has["map_index"] | has["verdict"])) * _TASK_ENDED
    return np.asarray(made | (cid & ~has["tenant"]) * _NO_TENANT | has["tenant"] * _TENANT)


def _span_bits(spans: pa.Table) -> np.ndarray:
    if not spans.num_rows:
        return np.zeros(0, np.int64)
    cid = pc.is_valid(spans["correlation_id"]).to_numpy()
    failed = pc.equal(spans["status"], "error").to_numpy(zero_copy_only=False)
    top = (
        pc.is_null(spans["parent_span_id"]).to_numpy()
        | pc.is_in(spans["kind"], pa.array(["server", "consumer"])).to_numpy()
    )
    links = pc.not_equal(pc.coalesce(spans["links"], "[]"), "[]").to_numpy(zero_copy_only=False)
    named = ~cid & (pc.is_valid(spans["run_id"]).to_numpy() | pc.is_valid(spans["technical_id"]).to_numpy())
    root = pc.is_null(spans["parent_span_id"]).to_numpy() & ~cid
    made = _bits(spans) | failed * _ERROR | (top & ~cid) * _NO_ID | (links & ~cid) * _LINKS
    made |= named * _NAMED | (root & ~named) * _BARE_ROOT | (root & named) * _NAMED_ROOT
    return np.asarray(made)


def _log_bits(logs: pa.Table) -> np.ndarray:
    if not logs.num_rows:
        return np.zeros(0, np.int64)
    failed = pc.greater_equal(logs["severity_number"], records.ERROR).to_numpy(zero_copy_only=False)
    return np.asarray(_bits(logs) | failed * _ERROR)


def to_resolve(recent: Recent, flags: dict[str, int]) -> set[str]:
    """Return the traces that have to be resolved as a whole, by the flags of all their records.

    The results of an older trace are not in memory, so it is read again.
    """
    seen = recent.seen
    forgotten = recent.is_older([scope for scope in flags if scope not in seen])
    known = {scope: own | seen[scope].flags if scope in seen else own for scope, own in flags.items()}
    return forgotten | {scope for scope, own in known.items() if _needs(own)}


def with_ids(flags: dict[str, int]) -> list[str]:
    """Return the traces in which a record of the commit names a business ID."""
    return [scope for scope, own in flags.items() if own & _HAS_ID]


def _needs(flags: int) -> bool:
    if flags & (
        _ERROR | _NO_FLOW | _UNPLACED | _SPOKEN | _LINKS | _NAMED_ROOT | _TASK_ENDED | LOST | FORGOTTEN
    ):
        return True
    together = (_HAS_ID | _NO_ID, _NO_TENANT | _TENANT, _NAMED | _BARE_ROOT)
    return any((flags & pair) == pair for pair in together)


def size_of(recent: Recent, scope: str) -> int:
    """Return how many records of a trace are in memory."""
    return recent.seen[scope].rows if scope in recent.seen else 0
