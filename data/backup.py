"""A copy of the store while it runs: one folder with the database, what belongs to it, and a manifest.

The copy is made in one read transaction, so it is the store as it was between two commits, and nothing waits
for it. It counts only once it was opened and compared with what was read: number of rows and a digest of each
table, and the hash of each file.
"""

from __future__ import annotations

import shutil
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import duckdb

from data import manifest as manifests
from data.clock import utc_now
from data.manifest import BackupError, Manifest, Marks, Table
from data.witness import sync

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

DATABASE: Final = "unsnag.duckdb"
MANIFEST: Final = "manifest.json"
FLOWS: Final = "flows"
"""The folder of the settings of flows."""
PREFIX: Final = "unsnag-"


@dataclass(frozen=True, slots=True)
class Beside:
    """What belongs to a store and lies in files of its own."""

    files: Mapping[str, Path] = field(default_factory=dict)
    """By their names in the copy. They are copied first: checkpoints must not know more than the copy."""
    settings: Callable[[], Mapping[str, Path]] = dict
    """The settings of flows, listed after the database was read: one that is newer is taken at the start."""


def make(cursor: duckdb.DuckDBPyConnection, destination: Path, beside: Beside | None = None) -> Path:
    """Copy the store behind a cursor into a new folder of `destination`, with the files beside it.

    Return that folder. It appears under its name only when it is whole and was verified.

    Raises:
        BackupError: it could not be written, or is not what was read.
    """
    moment = utc_now()

    def fill(draft: Path) -> None:
        tables, marks = copied(draft, beside, lambda: _copied(cursor, draft / DATABASE))
        manifests.write(manifests.of(draft, tables, marks, moment), draft / MANIFEST)

    return placed(destination, PREFIX, "backup", fill, problems)


def placed(
    destination: Path,
    prefix: str,
    what: str,
    fill: Callable[[Path], None],
    wrong: Callable[[Path], list[str]],
) -> Path:
    """Fill a folder under another name, look for what is wrong with it, and give it its name.

    Raises:
        BackupError: it could not be written, or something is wrong; nothing is left of it.
    """
    draft = destination / f".{prefix}{uuid.uuid4().hex}"
    made = destination / f"{prefix}{utc_now():%Y%m%dT%H%M%S%fZ}"
    try:
        destination.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.mkdir(mode=0o700)
        fill(draft)
        _keep_private(draft)
        if found_wrong := wrong(draft):
            raise BackupError(
                f"The {what} in {destination} is not whole and was removed: {'; '.join(found_wrong)}."
            )
        draft.rename(made)
        sync(destination)
    except (OSError, duckdb.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error).splitlines()[0]
        raise BackupError(f"The {what} could not be written to {destination}: {reason}.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return made


def _keep_private(draft: Path) -> None:
    """Take away what others may do with a copy, and see that all of it is on disk."""
    for path in [*draft.rglob("*"), draft]:
        path.chmod(0o700 if path.is_dir() else 0o600)
        sync(path)


def copied(
    draft: Path, beside: Beside | None, read_all: Callable[[], tuple[dict[str, Table], Marks]]
) -> tuple[dict[str, Table], Marks]:
    """Copy what lies beside the store, each in its turn, around the reading of the store itself."""
    if beside is None:
        return read_all()
    for name, path in beside.files.items():
        if path.exists():
            shutil.copyfile(path, draft / name)
    read = read_all()
    (draft / FLOWS).mkdir()
    for name, path in beside.settings().items():
        with suppress(FileNotFoundError):  # gone since it was listed
            shutil.copyfile(path, draft / FLOWS / name)
    return read


def settings_in(folder: Path) -> dict[str, Path] | None:
    """Return the settings of flows in a copy, by name; None where the copy was made without them."""
    held = folder / FLOWS
    return {path.name: path for path in sorted(held.iterdir())} if held.is_dir() else None


def found(destination: Path) -> list[Path]:
    """List the backups of a folder, the oldest first."""
    return sorted(path.parent for path in destination.glob(f"{PREFIX}*/{MANIFEST}"))


def read(folder: Path) -> Manifest:
    """Return what a backup says that it holds.

    Raises:
        BackupError: this is no backup, or one of a newer version.
    """
    return manifests.read(folder / MANIFEST, "backup")


def problems(folder: Path) -> list[str]:
    """Read all of a backup and return what differs from its manifest, as sentences; none where it is whole.

    Raises:
        BackupError: this is no backup.
    """
    manifest = read(folder)
    return manifest.wrong_files(folder) or _wrong_tables(folder / DATABASE, manifest)


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


def _copied(cursor: duckdb.DuckDBPyConnection, target: Path) -> tuple[dict[str, Table], Marks]:
    """Copy everything into a new file in one read transaction; return what was read in it."""
    (source,) = cursor.execute("select current_database()").fetchall()[0]
    attached = f"copy_{uuid.uuid4().hex}"
    cursor.execute(f"attach $path as {attached}", {"path": str(target)})
    try:
        cursor.begin()
        try:
            cursor.execute(f'copy from database "{source}" to {attached}')
            tables, marks = contents(cursor), manifests.marks(cursor)
        except BaseException:
            cursor.rollback()
            raise
        cursor.commit()
        cursor.execute(f"checkpoint {attached}")
    finally:
        cursor.execute(f"detach {attached}")
    return tables, marks


def _wrong_tables(database: Path, manifest: Manifest) -> list[str]:
    try:
        with opened(database.parent) as connection:
            held = contents(connection)
    except duckdb.Error as error:
        return [f"{database.name} cannot be read: {str(error).splitlines()[0]}"]
    return [f"the table {name} does not hold what was copied" for name in manifest.differing(held)]
