"""The shop's CSV drop: files are read once, and every row is kept until it is a clean order."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

from examples import clock, storage

if TYPE_CHECKING:
    import sqlite3

SCHEMA = """
create table if not exists rows (
    number text primary key,
    fields text not null,
    status text not null,    -- new, accepted, rejected
    since real not null
);
create index if not exists rows_by_status on rows (status);
"""

COLUMNS = [
    "order", "placed_at", "tenant", "segment", "business_unit",
    "customer", "email", "sku", "quantity", "total", "currency",
]  # fmt: skip


def read_files() -> None:
    """Take the rows of every file in the drop; a file that was read moves to ``done``."""
    for path in sorted(storage.folder("inbox").glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                _enter(row)
        path.rename(storage.folder("inbox", "done") / path.name)


def has_new() -> bool:
    """Say whether there are files or rows that nobody has worked on."""
    is_dropped = next(storage.folder("inbox").glob("*.csv"), None) is not None
    return is_dropped or _rows().execute("select 1 from rows where status = 'new'").fetchone() is not None


def new_rows() -> list[dict[str, str]]:
    """Return the rows that nobody has worked on, in the order of their numbers."""
    rows = _rows().execute("select fields from rows where status = 'new' order by number")
    return [json.loads(row["fields"]) for row in rows]


def find(number: str) -> dict[str, str]:
    """Return one row."""
    row = _rows().execute("select fields from rows where number = ?", [number]).fetchone()
    if row is None:
        raise LookupError(f"There is no row for order {number}.")
    fields: dict[str, str] = json.loads(row["fields"])
    return fields


def rejected(*, since: float) -> list[dict[str, str]]:
    """Return the rows that have lain rejected since a moment or longer."""
    rows = _rows().execute("select fields from rows where status = 'rejected' and since <= ?", [since])
    return [json.loads(row["fields"]) for row in rows]


def mark(number: str, status: str) -> None:
    """Say what became of a row."""
    _rows().execute(
        "update rows set status = ?, since = iif(status = ?, since, ?) where number = ?",
        [status, status, clock.time(), number],
    )


def correct(row: dict[str, str]) -> None:
    """Replace a row's fields by corrected ones."""
    _rows().execute("update rows set fields = ? where number = ?", [json.dumps(row), row["order"]])


def _enter(row: dict[str, str]) -> None:
    _rows().execute(
        "insert or ignore into rows values (?, ?, 'new', ?)", [row["order"], json.dumps(row), clock.time()]
    )


def _rows() -> sqlite3.Connection:
    return storage.database("inbox", SCHEMA)
