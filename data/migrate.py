"""Bring a store's schema up to date: numbered files, each once, in a transaction with its row."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from data.errors import StoreNewerError

if TYPE_CHECKING:
    import duckdb

_FOLDER: Final = Path(__file__).parent / "migrations"


def migrate(connection: duckdb.DuckDBPyConnection, folder: Path = _FOLDER) -> list[str]:
    """Apply what is missing and return the names of the files that ran.

    Raises:
        StoreNewerError: the store has a migration that this version does not know.
    """
    connection.execute(
        "create table if not exists schema_migration"
        " (version integer not null, name varchar not null, applied_at timestamp not null)"
    )
    known = {int(path.name[:4]): path for path in sorted(folder.glob("[0-9]*.sql"))}
    applied = dict(connection.execute("select version, name from schema_migration").fetchall())
    _refuse_newer(applied, known)
    missing = [path for version, path in known.items() if version not in applied]
    for path in missing:
        _apply(connection, path)
    return [path.name for path in missing]


def _refuse_newer(applied: dict[int, str], known: dict[int, Path]) -> None:
    unknown = sorted(set(applied) - set(known))
    if unknown:
        name = applied[unknown[-1]]
        raise StoreNewerError(
            f"The store was written by a newer version: it has the schema change {name}, which this "
            "version does not know. Nothing was touched. Start the newer version, or choose another "
            "data folder with --data."
        )


def _apply(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    connection.begin()
    try:
        connection.execute(path.read_text(encoding="utf-8"))
        connection.execute(
            "insert into schema_migration values ($version, $name, now()::timestamp)",
            {"version": int(path.name[:4]), "name": path.name},
        )
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
