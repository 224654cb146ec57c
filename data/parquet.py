"""The whole store as Parquet: a file for each table, the schema in SQL, and a manifest. And back again.

It is read in one read transaction, as a backup is, so it is the store between two commits. Each file is read
again and compared with what was read of its table. Columns of the type VARIANT, which few programs read, are
JSON in the files; their digests are those of the JSON.
"""

from __future__ import annotations

import tempfile
import uuid
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb

from data import backup, manifest, migrate
from data.clock import utc_now
from data.manifest import BackupError, Manifest, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from data.backup import Beside
    from data.manifest import Marks

    Progress = Callable[[str, int, int], None]
    """Hears the table that is done, how many rows are, and of how many."""

PREFIX: Final = "parquet-unsnag-"
MANIFEST: Final = "export.json"
SCHEMA: Final = "schema.sql"
TABLES: Final = "tables"
_CONFIG: Final = {"memory_limit": "1GB", "preserve_insertion_order": "false"}
_ROWS_OF_A_GROUP: Final = 20_000
"""Rows of telemetry are wide, and a group of them is held in memory."""


def digest(connection: duckdb.DuckDBPyConnection, name: str) -> Table:
    """Return the rows of a table and their digest, as a manifest states them."""
    source = _Source(connection)
    return source.digest(source.readable(name))


def silent(_table: str, _done: int, _rows: int) -> None:
    """Say nothing of the progress."""


@dataclass(frozen=True, slots=True)
class _Source:
    """A database whose tables are read."""

    connection: duckdb.DuckDBPyConnection

    def names(self) -> list[str]:
        """Return the names of the tables."""
        found = self.connection.execute(
            "select table_name from duckdb_tables() where database_name = current_database() "
            "order by table_name"
        ).fetchall()
        return [name for (name,) in found]

    def rows(self, name: str) -> int:
        """Return how many rows a table has."""
        (found,) = self.connection.execute(f'select count(*) from "{name}"').fetchall()  # noqa: S608 - the store's own
        return int(found[0])

    def readable(self, name: str) -> str:
        """Return a statement for all rows of a table, with JSON in the place of VARIANT."""
        columns = self.connection.execute(
            "select column_name from duckdb_columns() where database_name = current_database() "
            "and table_name = $name and data_type = 'VARIANT'",
            {"name": name},
        ).fetchall()
        replaced = ", ".join(f'"{column}"::json as "{column}"' for (column,) in columns)
        return f'select *{f" replace ({replaced})" if replaced else ""} from "{name}"'  # noqa: S608 - the store's own

    def digest(self, statement: str, path: str | None = None) -> Table:
        """Return the rows of a statement, and a digest of them that does not depend on their order."""
        counted = f"select count(*), bit_xor(hash(t)) from ({statement}) as t"  # noqa: S608 - the store's own
        ((rows, digest),) = self.connection.execute(counted, {"path": path} if path else {}).fetchall()
        return Table(rows, f"{digest or 0:016x}")


def make(
    cursor: duckdb.DuckDBPyConnection, destination: Path, beside: Beside, progress: Progress = silent
) -> Path:
    """Write all of the store behind a cursor into a new folder of `destination`; return that folder.

    Raises:
        BackupError: it could not be written, or is not what was read.
    """
    moment = utc_now()

    def fill(draft: Path) -> None:
        tables, marks = backup.copied(draft, beside, lambda: _written(cursor, draft, progress))
        manifest.write(manifest.of(draft, tables, marks, moment), draft / MANIFEST)

    return backup.placed(destination, PREFIX, "export", fill, problems)


def _written(
    cursor: duckdb.DuckDBPyConnection, draft: Path, progress: Progress
) -> tuple[dict[str, Table], Marks]:
    source = _Source(cursor)
    (draft / TABLES).mkdir()
    with _plan(cursor) as plan:
        (draft / SCHEMA).write_text(_schema(cursor, plan, draft), encoding="utf-8")
        counts = {name: source.rows(name) for name in source.names()}
        tables, done = {}, 0
        for name, rows in counts.items():
            tables[name] = _write_table(source, name, draft)
            done += rows
            progress(name, done, sum(counts.values()))
        return tables, manifest.marks(cursor)


@contextmanager
def _plan(cursor: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Begin a read transaction with an empty database beside the store's; give the name of that."""
    name = f"plan_{uuid.uuid4().hex}"
    cursor.execute(f"attach ':memory:' as {name}")
    try:
        cursor.begin()
        try:
            yield name
        finally:
            cursor.rollback()  # it wrote nothing into the store
    finally:
        cursor.execute(f"detach {name}")


def _write_table(source: _Source, name: str, draft: Path) -> Table:
    path, statement = str(draft / TABLES / f"{name}.parquet"), source.readable(name)
    source.connection.execute(
        f"copy ({statement}) to $path (format parquet, compression zstd, row_group_size {_ROWS_OF_A_GROUP})",
        {"path": path},
    )
    held = source.digest(statement)
    if source.digest("from read_parquet($path)", path) != held:
        raise BackupError(f"The file of the table {name} does not hold what was read. Nothing is kept.")
    return held


def _schema(cursor: duckdb.DuckDBPyConnection, plan: str, draft: Path) -> str:
    """Return statements that make the tables and macros, in an order in which they can run."""
    (source,) = cursor.execute("select current_database()").fetchall()[0]
    cursor.execute(f'copy from database "{source}" to {plan} (schema)')
    with tempfile.TemporaryDirectory(dir=draft) as folder:
        cursor.execute(f"export database {plan} to '{folder}/plan' (format parquet)")
        text = Path(folder, "plan", "schema.sql").read_text(encoding="utf-8")
    ordered: list[str] = []
    with closing(duckdb.connect()) as trial:
        left = [one.query.strip() for one in trial.extract_statements(text)]
        while left:
            ran = [one for one in left if _runs(trial, one)]
            if not ran:
                raise BackupError(f"The schema cannot be written as SQL: {left[0][:80]}.")
            ordered += ran
            left = [one for one in left if one not in ran]
    return "\n".join(ordered) + "\n"


def _runs(trial: duckdb.DuckDBPyConnection, statement: str) -> bool:
    try:
        trial.execute(statement)
    except duckdb.CatalogException:
        return False
    return True


def read(folder: Path) -> Manifest:
    """Return what an export says that it holds.

    Raises:
        BackupError: this is no export, or one of a newer version.
    """
    return manifest.read(folder / MANIFEST, "export")


def problems(folder: Path) -> list[str]:
    """Return which files of an export are not what was written, as sentences; none where it is whole.

    Raises:
        BackupError: this is no export.
    """
    return read(folder).wrong_files(folder)


def load(folder: Path, target: Path, progress: Progress = silent) -> None:
    """Make a database of an export, and compare each table with the manifest.

    Raises:
        BackupError: it is damaged or incomplete, or of a newer version; nothing is left of the database.
    """
    held = read(folder)
    migrate.refuse_unknown(held.schema)
    if wrong := held.wrong_files(folder):
        raise BackupError(f"The export {folder} is not whole, and nothing was imported: {'; '.join(wrong)}.")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        wrong = held.differing(_filled(target, folder, held, progress))
    except (OSError, duckdb.Error) as error:
        target.unlink(missing_ok=True)
        reason = str(error).splitlines()[0]
        raise BackupError(f"The export {folder} could not be imported: {reason}.") from error
    if wrong:
        target.unlink(missing_ok=True)
        raise BackupError(f"The export {folder} does not hold what it says, in: {', '.join(wrong)}.")
    target.chmod(0o600)


def _filled(target: Path, folder: Path, held: Manifest, progress: Progress) -> dict[str, Table]:
    with closing(duckdb.connect(str(target), config=dict(_CONFIG))) as connection:
        connection.execute((folder / SCHEMA).read_text(encoding="utf-8"))
        return _loaded(connection, folder, held, progress)


def _loaded(
    connection: duckdb.DuckDBPyConnection, folder: Path, held: Manifest, progress: Progress
) -> dict[str, Table]:
    source, done, tables = _Source(connection), 0, {}
    for name in source.names():
        path = folder / TABLES / f"{name}.parquet"
        connection.execute(
            f'insert into "{name}" by name from read_parquet($path)',
            {"path": str(path)},
        )
        tables[name] = source.digest(source.readable(name))
        done += tables[name].rows
        progress(name, done, held.rows)
    return tables
