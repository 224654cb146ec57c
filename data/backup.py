"""A copy of the store while it runs: one folder with the database, what belongs to it, and a manifest.

The copy is made in one read transaction, so it is the store as it was between two commits, and nothing waits
for it. It counts only once it was opened and compared with what was read: number of rows and a digest of each
table, and the hash of each file.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import duckdb

from data.clock import utc_now
from data.errors import UnsnagError
from data.witness import sync
from unsnag import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

DATABASE: Final = "unsnag.duckdb"
MANIFEST: Final = "manifest.json"
_FORM: Final = 1
_PREFIX: Final = "unsnag-"
_CHUNK: Final = 1 << 20


class BackupError(UnsnagError):
    """The backup could not be made, or is not whole."""


@dataclass(frozen=True, slots=True)
class Table:
    """What a table held: rows, and a digest of them that does not depend on their order."""

    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class File:
    """A file of the backup: bytes, and its SHA-256 in hex."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds; times are RFC 3339 UTC."""

    form: int
    made_at: str
    version: str
    """Of Unsnag."""
    engine: str
    """Of DuckDB: another one may compute other digests."""
    schema: str
    """The last schema change."""
    commit: int
    """The number of the last commit in it; 0 in stores of versions that did not number them."""
    tables: dict[str, Table]
    files: dict[str, File]

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables.values())

    @property
    def bytes(self) -> int:
        """Bytes of all files."""
        return sum(file.bytes for file in self.files.values())


def make(
    cursor: duckdb.DuckDBPyConnection, destination: Path, beside: Mapping[str, Path] | None = None
) -> Path:
    """Copy the store behind a cursor into a new folder of `destination`, with files beside it by their names.

    Return that folder. It appears under its name only when it is whole and was verified.

    Raises:
        BackupError: it could not be written, or is not what was read.
    """
    moment = utc_now()
    draft = destination / f".{_PREFIX}{uuid.uuid4().hex}"
    made = destination / f"{_PREFIX}{moment:%Y%m%dT%H%M%S%fZ}"
    try:
        destination.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.mkdir(mode=0o700)
        _write(cursor, draft, moment, beside or {})
        if wrong := problems(draft):
            raise BackupError(
                f"The backup in {destination} is not whole and was removed: {'; '.join(wrong)}."
            )
        draft.rename(made)
        sync(destination)
    except (OSError, duckdb.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error).splitlines()[0]
        raise BackupError(f"The backup could not be written to {destination}: {reason}.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return made


def found(destination: Path) -> list[Path]:
    """List the backups of a folder, the oldest first."""
    return sorted(path.parent for path in destination.glob(f"{_PREFIX}*/{MANIFEST}"))


def read(folder: Path) -> Manifest:
    """Return what a backup says that it holds.

    Raises:
        BackupError: this is no backup.
    """
    try:
        values: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        tables = {name: Table(**table) for name, table in values.pop("tables").items()}
        files = {name: File(**file) for name, file in values.pop("files").items()}
        return Manifest(tables=tables, files=files, **values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupError(f"{folder} is no backup: its {MANIFEST} cannot be read.") from error


def problems(folder: Path) -> list[str]:
    """Read all of a backup and return what differs from its manifest, as sentences; none where it is whole.

    Raises:
        BackupError: this is no backup.
    """
    manifest = read(folder)
    wrong = [
        f"{name} is not the file that was written"
        for name, file in manifest.files.items()
        if not (folder / name).is_file() or _file(folder / name) != file
    ]
    return wrong or _wrong_tables(folder / DATABASE, manifest)


def opened(folder: Path) -> duckdb.DuckDBPyConnection:
    """Return a connection to the database of a backup that changes nothing in it."""
    return duckdb.connect(str(folder / DATABASE), read_only=True)


def contents(connection: duckdb.DuckDBPyConnection) -> dict[str, Table]:
    """Read every row of every table of a database.

    Raises:
        duckdb.Error: a block cannot be read.
    """
    names = connection.execute(
        "select table_name from duckdb_tables() where database_name = current_database() order by table_name"
    ).fetchall()
    return {name: _table(connection, name) for (name,) in names}


def _table(connection: duckdb.DuckDBPyConnection, name: str) -> Table:
    # The name is one of the store's own tables.
    rows, digest = connection.execute(f'select count(*), bit_xor(hash(t)) from "{name}" as t').fetchall()[0]  # noqa: S608
    return Table(rows, f"{digest or 0:016x}")


def _write(
    cursor: duckdb.DuckDBPyConnection, draft: Path, moment: datetime, beside: Mapping[str, Path]
) -> None:
    for name, path in beside.items():  # first: checkpoints must not know more than the copy
        if path.exists():
            shutil.copyfile(path, draft / name)
    tables, schema, commit = _copied(cursor, draft / DATABASE)
    manifest = Manifest(
        form=_FORM,
        made_at=f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}",
        version=__version__,
        engine=duckdb.__version__,
        schema=schema,
        commit=commit,
        tables=tables,
        files={path.name: _file(path) for path in sorted(draft.iterdir())},
    )
    (draft / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1) + "\n", encoding="utf-8")
    for path in [*draft.iterdir(), draft]:
        sync(path)


def _copied(cursor: duckdb.DuckDBPyConnection, target: Path) -> tuple[dict[str, Table], str, int]:
    """Copy everything into a new file in one read transaction; return what was read in it."""
    (source,) = cursor.execute("select current_database()").fetchall()[0]
    attached = f"copy_{uuid.uuid4().hex}"
    cursor.execute(f"attach $path as {attached}", {"path": str(target)})
    try:
        cursor.begin()
        try:
            cursor.execute(f'copy from database "{source}" to {attached}')
            tables, schema, commit = contents(cursor), *_marks(cursor)
        except BaseException:
            cursor.rollback()
            raise
        cursor.commit()
        cursor.execute(f"checkpoint {attached}")
    finally:
        cursor.execute(f"detach {attached}")
    return tables, schema, commit


def _marks(cursor: duckdb.DuckDBPyConnection) -> tuple[str, int]:
    """Return the last schema change and the number of the last commit."""
    schema = cursor.execute("select max(name) from schema_migration").fetchall()[0][0]
    tables = cursor.execute("select 1 from duckdb_tables() where table_name = 'commit_mark'").fetchall()
    commit = cursor.execute("select number from commit_mark").fetchall()[0][0] if tables else 0
    return str(schema), int(commit)


def _wrong_tables(database: Path, manifest: Manifest) -> list[str]:
    try:
        with opened(database.parent) as connection:
            held = contents(connection)
    except duckdb.Error as error:
        return [f"{database.name} cannot be read: {str(error).splitlines()[0]}"]
    if manifest.engine != duckdb.__version__:
        held, manifest = _without_digests(held), replace(manifest, tables=_without_digests(manifest.tables))
    return [
        f"the table {name} does not hold what was copied"
        for name in sorted({*held, *manifest.tables})
        if held.get(name) != manifest.tables.get(name)
    ]


def _without_digests(tables: dict[str, Table]) -> dict[str, Table]:
    return {name: replace(table, digest="") for name, table in tables.items()}


def _file(path: Path) -> File:
    digest = hashlib.sha256()
    for chunk in _chunks(path):
        digest.update(chunk)
    return File(path.stat().st_size, digest.hexdigest())


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
