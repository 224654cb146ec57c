"""Failures of a run that only tell of another one: kept, but no occurrence of any case (`traces.runs`)."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa

from data.clock import micros
from traces.outcome import CLOSED_BY_SCRIPT
from traces.runs import Account, RunFailure, described

if TYPE_CHECKING:
    from collections.abc import Iterable

    from data.store import Tx

    Row = dict[str, Any]
    Place = tuple[str, int]


def join(
    tx: Tx, rows: Iterable[Row], come: list[Row], gone: list[Row], moved: dict[Place, Row | None]
) -> tuple[list[Row], list[Row]]:
    """Return which failures come and go, once those that only tell of another are left out.

    What is left out depends on all failures of a run that stand, so no order of arrival can matter.

    Args:
        tx: The running transaction, in which joining wrote its difference.
        rows: All failures of the runs in question, with the tenants that their cases have.
        come: Failures that joining found.
        gone: Failures that joining took back.
        moved: For each failure that went, where it belongs now; changed in place.
    """
    of_place = {_place(row): row for row in rows}
    told = described(_run_failure(row) for row in of_place.values())
    homes = {line: of_place[home] for line, home in told.items()}
    came = {_place(row) for row in come}
    come = [row for row in come if _place(row) not in homes]
    # What was no occurrence before cannot go.
    gone = [row for row in gone if row["describes"] is None]
    for place, row in of_place.items():
        if place not in came and (place in homes) != (row["describes"] is not None):
            (gone if place in homes else come).append(row)
    moved |= {_place(row): homes[_place(row)] for row in gone if _place(row) in homes}
    moved |= {place: homes[_place(row)] for place, row in moved.items() if row and _place(row) in homes}
    _note(tx, of_place, homes)
    return come, gone


def _place(row: Row) -> Place:
    return row["trace_id"], row["record_id"]


def _note(tx: Tx, of_place: dict[Place, Row], homes: dict[Place, Row]) -> None:
    changed = []
    for place, row in of_place.items():
        home = homes[place]["record_id"] if place in homes else None
        if row["describes"] != home:
            changed.append((*place, home))
    if changed:
        traces, ids, told = zip(*changed, strict=True)
        columns = {"record_id": pa.array(ids, pa.uint64()), "describes": pa.array(told, pa.uint64())}
        tx.view("described_failure", pa.table({"trace_id": pa.array(traces, pa.string()), **columns}))
        tx.run("desk/describe_failures")


def _run_failure(row: Row) -> RunFailure:
    since, until, exceptions, texts = orjson.loads(row["account"])
    return RunFailure(
        place=_place(row),
        unit=(row["tenant"], row["correlation_id"], row["flow"]),
        time=micros(row["time"].replace(tzinfo=UTC)),
        account=Account(since, until, tuple((kind, said) for kind, said in exceptions), tuple(texts)),
        stands=orjson.loads(row["details"])["note"] != CLOSED_BY_SCRIPT,
    )
