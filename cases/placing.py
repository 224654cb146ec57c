"""Which records of its traces are a unit's own: those that name it, and those around or below them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from traces.record import of_rows
from traces.tree import Tree, segments

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from data.ports import Telemetry
    from data.transaction import Params
    from traces.record import Record


def identities(
    telemetry: Telemetry,
    asked: Params,
    span_rows: Sequence[Mapping[str, Any]],
    log_rows: Sequence[Mapping[str, Any]],
) -> set[int]:
    """Return which of these records are of the unit that was asked for; see `cases.units.candidates`.

    Others stand in a trace of it, but belong to the run around it or to another unit. What places them may be
    outside of the reader's scope: it is looked at, and not shown.
    """
    unnamed = [row for row in (*span_rows, *log_rows) if row.get("correlation_id") is None]
    around = [row.get("parent_span_id", row.get("span_id")) for row in unnamed]
    where = {name: asked.get(name) for name in ("id", "trace_ids", "deliveries")}
    others = telemetry.query("units/spans_of_others", {**where, "around": around}) if unnamed else []
    return _placed(str(asked.get("id")), of_rows([*span_rows, *others], log_rows))


def _placed(correlation_id: str, records: Iterable[Record]) -> set[int]:
    trees: dict[str | None, list[Record]] = {}
    for one in {one.rid: one for one in records}.values():
        trees.setdefault(one.trace, []).append(one)
    return {
        one.rid
        for together in trees.values()
        for part in segments(together)
        for tree in (Tree(part),)
        for one in part
        if correlation_id in (one.cid, one.run, one.technical, tree.unit(one).id)
    }
