"""What a trace states, as rows of the store: its failures, its signals, and the units that it names.

A row that was made before is compared with the row that the same records make now.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson

from traces.fingerprint import VERSION, fingerprint
from traces.outcome import LOST_CONTACT, PARTIAL, SILENT
from traces.tree import BUSINESS, NONE
from unsnag.conventions import ACTOR_HUMAN
from unsnag.fields import ON_CASE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from traces.outcome import Failure, Resolution, Signal
    from traces.record import Record
    from traces.tree import Tree, Unit

    Key = tuple[str | None, str, str]

Row = dict[str, Any]
"""A row of the store, as statements take and return it."""
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - naive UTC, as stored


def moment(micros: int) -> datetime:
    """Return microseconds since the epoch as naive UTC, as the store keeps times."""
    return _EPOCH + timedelta(microseconds=micros)


def failure_row(scope: str, failure: Failure) -> Row:
    """Return a failure as its row; the details are added to rows that are written."""
    return {
        "trace_id": scope,
        "record_id": failure.anchor,
        "correlation_id": failure.unit.id,
        "flow": failure.unit.flow,
        "step": failure.step,
        "tenant": failure.unit.tenant,
        "time": moment(failure.time),
        "attempts": failure.attempts,
        "affected": orjson.dumps(failure.affected).decode(),
        "part": failure.part,
        "clock": failure.clock,
        "seq": failure.seq,
        "details": None,
        "note": failure.note,
        "speaker": failure.speaker,
        "map_index": failure.index,
        "map_total": failure.total,
        "account": orjson.dumps(tuple(failure.account)).decode() if failure.account else None,
        "describes": None,
        "cause": failure.cause,
    }


_COMPARED: Final = ("flow", "step", "tenant", "time", "attempts", "part", "map_index", "map_total", "cause")


def same(old: Row | None, new: Row) -> bool:
    """Does the stored row of a failure state what the new one does?"""
    if old is None:
        return False
    details = orjson.loads(old["details"])
    has_id = new["correlation_id"] or old["correlation_id"]
    same = all(old[name] == new[name] for name in _COMPARED)
    resolved = details.get("note") == new["note"] and details.get("speaker") == new["speaker"]
    return (
        same
        and resolved
        and old["correlation_id"] == has_id
        and all(_loaded(old[name]) == _loaded(new[name]) for name in ("affected", "account"))
    )


def _loaded(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)


_SHOWN: Final = (
    "run_id", "error_type", "error_code", "dependency", "service", "value_amount", "value_currency",
    "stacktrace", "trace_id", "span_id",
    "data", "attempt", *ON_CASE,
    "idempotent", "idempotency_key", "error_class", "class_rule", "severity_number", "value_at_risk", "peer",
    "retry_id",
)  # fmt: skip


def details(tree: Tree, failure: Failure, row: Row) -> Row:
    """Return what the case of a failure shows; `row` is the record whose words it uses."""
    resolved = {name: row.get(name) for name in _SHOWN if row.get(name) is not None}
    anchor = next((r for r in tree.records if r.rid == failure.anchor), None)
    message = _message(failure, anchor, row)
    for name in ("dependency", "peer"):
        if name not in resolved and (found := getattr(anchor, name, None)):
            resolved[name] = found
    return {
        **resolved,
        "message": message,
        "note": failure.note,
        "speaker": failure.speaker,
        "unit_kind": failure.unit.kind,
        "fingerprint": _group(failure, message, row),
        "group_version": VERSION,
    }


def _message(failure: Failure, anchor: Record | None, row: Row) -> str:
    if failure.note == PARTIAL and anchor is not None:
        return f"{anchor.partial_failed} of {anchor.partial_total} failed"
    if failure.note in (LOST_CONTACT, SILENT):
        return failure.note
    texts = (row.get(name) for name in ("exception_message", "status_message", "message", "name"))
    return next(filter(None, texts), "")


def _group(failure: Failure, message: str, row: Row) -> str:
    # What is understood of a block has no type and no words of its own: its place says what it is.
    is_ours = failure.note in (PARTIAL, LOST_CONTACT, SILENT)
    return fingerprint(
        flow=failure.unit.flow,
        step=failure.step,
        error_type=failure.note if is_ours else row.get("error_type"),
        message="" if is_ours else message,
        stacktrace=None if is_ours else row.get("stacktrace"),
        ids=[failure.unit.id, *(row[key] for key in _IDS if row.get(key))],
    )


_IDS: Final = (
    "correlation_id", "technical_id", "run_id", "trace_id", "span_id", "retry_id", "idempotency_key",
    *ON_CASE,
)  # fmt: skip
"""Columns whose values name one unit, or whose it is: no part of a cause."""


def signal_row(scope: str, signal: Signal) -> Row:
    """Return a signal as its row."""
    return {
        "trace_id": scope,
        "record_id": signal.rid,
        "correlation_id": signal.unit.id,
        "flow": signal.unit.flow,
        "tenant": signal.unit.tenant,
        "time": moment(signal.time),
        "outcome": signal.outcome,
        "part": signal.part,
        "final": signal.final,
        "retry_id": signal.retry,
        "clock": signal.clock,
        "seq": signal.seq,
        "continues": signal.continues,
        "step": signal.step,
        "map_index": signal.index,
    }


def signal_key(row: Row) -> tuple[Any, ...]:
    """Return what makes two rows of signals one statement."""
    return tuple(
        row[n]
        for n in (
            "trace_id",
            "record_id",
            "correlation_id",
            "flow",
            "tenant",
            "time",
            "outcome",
            "part",
            "final",
            "step",
            "map_index",
        )
    )


def units_in(scope: str, tree: Tree, resolution: Resolution) -> Iterable[Row]:
    """Return the units that records belong to which do not name unit and flow themselves."""
    signalled = {s.unit.key for s in resolution.signals}
    found: dict[Key, tuple[int, int]] = {}
    untold: dict[Key, list[int]] = defaultdict(list)
    human: dict[Key, int] = {}
    for record in tree.records:
        unit = tree.unit(record)
        names_it = bool(record.cid and (record.flow or not record.trace))
        if (names_it and record.tenant == unit.tenant) or not _is_kept(unit, signalled):
            continue
        low, high = found.get(unit.key, (record.start, record.end))
        found[unit.key] = min(low, record.start), max(high, record.end)
        if names_it:
            untold[unit.key].append(record.rid)
        elif record.actor == ACTOR_HUMAN:
            human[unit.key] = min(human.get(unit.key, record.end), record.end)
    for (tenant, key, flow), (low, high) in found.items():
        acted = human.get((tenant, key, flow))
        yield {
            "trace_id": scope, "tenant": tenant, "correlation_id": key, "flow": flow,
            "first_seen": moment(low), "last_seen": moment(high),
            "untold": untold.get((tenant, key, flow)),
            "human_at": None if acted is None else moment(acted),
        }  # fmt: skip


def _is_kept(unit: Unit, signalled: set[Key]) -> bool:
    """Is the unit worth a row? One that only a trace names, only once a record states something about it."""
    return unit.kind != NONE and (unit.kind == BUSINESS or unit.key in signalled)


def unit_key(row: Row) -> tuple[Any, ...]:
    """Return which unit of which trace a row speaks of."""
    return tuple(row[name] for name in ("trace_id", "tenant", "correlation_id", "flow"))


def together(one: Row, other: Row) -> Row:
    """Return a unit as two rows say it together."""
    return {
        **one,
        "first_seen": min(one["first_seen"], other["first_seen"]),
        "last_seen": max(one["last_seen"], other["last_seen"]),
        "untold": sorted({*(one["untold"] or ()), *(other["untold"] or ())}) or None,
        "human_at": min((at for at in (one["human_at"], other["human_at"]) if at), default=None),
    }


def takes_back(before: Row, now: Row | None) -> bool:
    """Does the new row of a unit take something away from the row before?"""
    if now is None or not set(before["untold"] or ()) <= set(now["untold"] or ()):
        return True
    return before["human_at"] is not None and (
        now["human_at"] is None or now["human_at"] > before["human_at"]
    )


def covers(before: Row | None, now: Row) -> bool:
    """Does the row before say all that the new one does?"""
    return (
        before is not None
        and set(before["untold"] or ()) == set(now["untold"] or ())
        and before["first_seen"] <= now["first_seen"]
        and before["last_seen"] >= now["last_seen"]
        and before["human_at"] == now["human_at"]
    )
