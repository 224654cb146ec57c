"""Bring a store's schema up to date: numbered files, each once, in a transaction with its row.

Macros that stand for the fields of `unsnag.fields` are no numbered files: a new field changes them.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from data.errors import StoreNewerError
from data.queries import with_fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

_FOLDER: Final = Path(__file__).parent / "migrations"
_MACROS: Final = Path(__file__).parent / "macros"


def migrate(connection: duckdb.DuckDBPyConnection, folder: Path = _FOLDER) -> list[str]:
    """Apply what is missing and return the names of the files that ran.

    Raises:
        StoreNewerError: the store has a migration that this version does not know.
    """
    connection.execute(
        "create table if not exists schema_migration"
        " (version integer not null, name varchar not null, applied_at timestamp not null)"
    )
    missing = _missing(connection, folder)
    for path in missing:
        _apply(connection, path)
    if folder == _FOLDER:
        _make_macros(connection)
    return [path.name for path in missing]


def pending(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the files that an existing store lacks; none for a new one. Changes nothing.

    Raises:
        StoreNewerError: the store has a migration that this version does not know.
    """
    made = connection.execute(
        "select 1 from duckdb_tables() where table_name = 'schema_migration'"
    ).fetchall()
    return [path.name for path in _missing(connection, _FOLDER)] if made else []


def refuse_unknown(name: str) -> None:
    """Refuse a copy whose last schema change this version does not know.

    Raises:
        StoreNewerError: it is of a newer version.
    """
    known = {int(path.name[:4]): path for path in _FOLDER.glob("[0-9]*.sql")}
    if name[:4].isdigit():
        _refuse_newer({int(name[:4]): name}, known)


def _missing(connection: duckdb.DuckDBPyConnection, folder: Path) -> list[Path]:
    known = {int(path.name[:4]): path for path in sorted(folder.glob("[0-9]*.sql"))}
    applied = dict(connection.execute("select version, name from schema_migration").fetchall())
    _refuse_newer(applied, known)
    return [path for version, path in known.items() if version not in applied]


def _make_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the macros that stand for the fields of `unsnag.fields`, and again where their text is another."""
    connection.execute(
        "create table if not exists made_macro (file varchar not null, digest varchar not null)"
    )
    made = dict(connection.execute("select file, digest from made_macro").fetchall())
    for path in sorted(_MACROS.glob("*.sql")):
        text = with_fields(path.read_text(encoding="utf-8"))
        values = {"file": path.name, "digest": hashlib.sha256(text.encode()).hexdigest()}
        # Making them takes 50 ms of CPU.
        if made.get(path.name) != values["digest"]:
            with _transaction(connection):
                connection.execute(text)
                connection.execute("delete from made_macro where file = $file", {"file": path.name})
                connection.execute("insert into made_macro values ($file, $digest)", values)


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
    noted = "insert into schema_migration values ($version, $name, now()::timestamp)"
    with _transaction(connection):
        connection.execute(path.read_text(encoding="utf-8"))
        connection.execute(noted, {"version": int(path.name[:4]), "name": path.name})


@contextmanager
def _transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    connection.begin()
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
