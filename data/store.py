"""The store: one DuckDB file, one writer (`data.writer`), readers on cursors of the same connection."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload
from weakref import WeakSet

import duckdb

from data import backup, opening, parquet, queries
from data.errors import StoreClosedError
from data.records import FileOffset, SourceItem
from data.transaction import Into, Params, Tx, bound, rows_of
from data.witness import Mark, Witness
from data.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    import pyarrow as pa

    from data.backup import Beside
    from data.disk import Disk
    from data.records import Appended, Batch

T = TypeVar("T")

FILE_NAME: Final = "unsnag.duckdb"


@dataclass(frozen=True, slots=True)
class Reading:
    """A store seen through a scope: what lies outside it cannot be read.

    `scope` is None (everything) or texts of tenant, U+001F, flow, with `*` for any.
    """

    store: Store
    scope: tuple[str, ...] | None
    cursor: duckdb.DuckDBPyConnection | None = None
    """What it asks on; None: the cursor of the thread."""

    @overload
    def query(self, name: str, params: Params | None = None) -> list[dict[str, Any]]: ...
    @overload
    def query(self, name: str, params: Params | None = None, *, into: Into[T]) -> list[T]: ...
    def query(self, name: str, params: Params | None = None, *, into: Into[T] | None = None) -> Any:
        """Run the named statement within the scope; see `Store.query`."""
        return self.store.query(name, self._within(name, params), into=into or dict, on=self.cursor)

    @contextmanager
    def apart(self) -> Iterator[Reading]:
        """Give a reading on a cursor of its own, with temporary tables and macros that nobody else sees."""
        with self.store.own_cursor() as cursor:
            yield replace(self, cursor=cursor)

    def arrow(self, name: str, params: Params | None = None) -> pa.Table:
        """Run the named statement within the scope; see `Store.arrow`."""
        return self.store.arrow(name, self._within(name, params))

    def _within(self, name: str, params: Params | None) -> Params:
        if not queries.takes_scope(name):
            return params or {}
        return {**(params or {}), "scope": None if self.scope is None else list(self.scope)}


class Store:
    """One open DuckDB file. Make it with `Store.open`."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        intake: Callable[[Tx], None] | None = None,
        on_commit: Callable[[set[str]], None] | None = None,
        witness: Witness | None = None,
        path: Path = Path(FILE_NAME),
    ) -> None:
        self._path = path
        self.witness = witness
        self._connection = connection
        self._local = threading.local()
        self._cursors: WeakSet[duckdb.DuckDBPyConnection] = WeakSet()
        self._writer = Writer(connection.cursor(), self._reconnected, intake, on_commit, witness)
        self.loss = witness.compare(self.last_commit()) if witness else None
        """Acknowledged commits that were missing when the store was opened."""
        self._writer.start()

    @classmethod
    def open(
        cls,
        folder: Path | str,
        intake: Callable[[Tx], None] | None = None,
        on_commit: Callable[[set[str]], None] | None = None,
        witness: Path | None = None,
        upgrades: Path | None = None,
    ) -> Store:
        """Open the store in `folder`, making or upgrading it as needed.

        `intake` runs in the transaction of every batch, after the rows are in;
        `on_commit` hears after each commit which topics it touched;
        `witness` is the file that remembers the last commit (data/witness.py);
        `upgrades` is the folder for a backup that is made before the schema changes.

        Raises:
            StoreInUseError: another process has the file open.
            StoreNewerError: a newer version wrote it; nothing was touched.
            StoreDamagedError: the file cannot be read, or is gone.
            StoreFolderError: the folder cannot be written.
            BackupError: the backup before an upgrade could not be made; nothing was changed.
        """
        seen = Witness(witness) if witness else None
        path = Path(folder) / FILE_NAME
        connection = opening.opened(path, seen, upgrades)
        return cls(connection, intake, on_commit, seen, path)

    # --- reading ---------------------------------------------------------------------------

    @overload
    def query(
        self, name: str, params: Params | None = None, *, on: duckdb.DuckDBPyConnection | None = None
    ) -> list[dict[str, Any]]: ...
    @overload
    def query(
        self,
        name: str,
        params: Params | None = None,
        *,
        into: Into[T],
        on: duckdb.DuckDBPyConnection | None = None,
    ) -> list[T]: ...
    def query(
        self,
        name: str,
        params: Params | None = None,
        *,
        into: Into[T] | None = None,
        on: duckdb.DuckDBPyConnection | None = None,
    ) -> Any:
        """Run the named statement and return its rows as dicts, or as what `into` makes of each.

        Times are naive UTC.

        Raises:
            ScopeMissingError: the statement reads within a scope, and `params` has none.
        """
        return rows_of((on or self._cursor()).execute(queries.text(name), bound(name, params)), into)

    def arrow(self, name: str, params: Params | None = None) -> pa.Table:
        """Run the named statement and return its rows as an Arrow table; see `query`."""
        return self._cursor().sql(queries.text(name), params=bound(name, params)).to_arrow_table()

    def filled(self, name: str, params: Params | None = None) -> list[dict[str, Any]]:
        """Run the named statement and return its rows as dicts that leave nulls out."""
        result = self._cursor().execute(queries.text(name), bound(name, params))
        names = [column[0] for column in result.description or ()]
        return [
            {name: value for name, value in zip(names, row, strict=True) if value is not None}
            for row in result.fetchall()
        ]

    def copy_to(self, destination: Path, beside: Beside) -> Path:
        """Copy the store as it is now, with files beside it, into a new folder; see `data.backup.make`."""
        if self._writer.is_closed:
            raise StoreClosedError
        # A cursor of its own: other readers of this thread are not in its transaction.
        with self._connection.cursor() as cursor:
            return backup.make(cursor, destination, beside)

    def export_to(
        self, destination: Path, beside: Beside, progress: parquet.Progress = parquet.silent
    ) -> Path:
        """Write the store as it is now, as Parquet, into a new folder; see `data.parquet.make`."""
        if self._writer.is_closed:
            raise StoreClosedError
        with self._connection.cursor() as cursor:
            return parquet.make(cursor, destination, beside, progress)

    def read_all(self) -> int:
        """Read every row of every table, and return how many there are.

        Raises:
            StoreDamagedError: a part of the file cannot be read.
        """
        try:
            with self._connection.cursor() as cursor:
                return sum(table.rows for table in backup.contents(cursor).values())
        except duckdb.Error as error:
            if not opening.is_damage(error):
                raise
            raise opening.explained(error, self._path) from error

    def reusable_bytes(self) -> int:
        """Return how much of the file holds nothing any more, and is written again before the file grows."""
        (free,) = self.query("store/reusable_bytes", into=lambda row: sum(row.values()))
        return int(free)

    def everything(self) -> Reading:
        """Return the store without a scope: for what the system itself reads."""
        return Reading(self, None)

    def file_offsets(self) -> dict[str, FileOffset]:
        """Return how far each followed file was read, by path."""
        return {row["path"]: FileOffset(**row) for row in self.query("store/file_offsets")}

    def source_items(self, source: str) -> list[SourceItem]:
        """Return what a source took as a whole, the oldest first."""
        rows = self.query("store/source_items", {"source": source})
        names = [field.name for field in fields(SourceItem)]
        return [SourceItem(**{name: row[name] for name in names}) for row in rows]

    @contextmanager
    def own_cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a cursor that nobody else uses; what it made for itself is gone after."""
        if self._writer.is_closed:
            raise StoreClosedError
        with self._connection.cursor() as cursor:
            self._cursors.add(cursor)
            yield cursor

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        if self._writer.is_closed:
            raise StoreClosedError
        cursor: duckdb.DuckDBPyConnection | None = getattr(self._local, "cursor", None)
        if cursor is None:
            cursor = self._local.cursor = self._connection.cursor()
            self._cursors.add(cursor)
        return cursor

    def forget_loss(self) -> None:
        """Go on without the commits that were missing."""
        self.loss = None

    def troubles(self) -> list[str]:
        """Return why nothing can be written, as sentences; an empty list while the store works."""
        return [reason for reason in (self._writer.held, self._writer.full) if reason]

    def last_commit(self) -> Mark:
        """Return the last commit, as the witness outside the store remembers it."""
        (mark,) = self.query("store/commit_mark", into=lambda row: Mark(**row))
        return mark

    # --- writing ---------------------------------------------------------------------------

    def append(self, batch: Batch) -> Future[Appended]:
        """Queue a batch; see `Writer.append`."""
        return self._writer.append(batch)

    def act(self, work: Callable[[Tx], T]) -> Future[T]:
        """Queue work that runs alone in one transaction; see `Writer.act`."""
        return self._writer.act(work)

    def hold(self, reason: str | None) -> None:
        """Refuse to write anything, for this reason; or with None write again."""
        self._writer.held = reason
        # Closing writes a checkpoint otherwise, and the files are to stay as they were found.
        self._connection.execute(f"pragma {'disable' if reason else 'enable'}_checkpoint_on_shutdown")

    @property
    def held(self) -> str | None:
        """Why nothing is written until an operator has decided; None while the store works."""
        return self._writer.held

    @property
    def full(self) -> str | None:
        """Why the disk takes nothing more; None once it did."""
        return self._writer.full

    @property
    def disk(self) -> Disk | None:
        """What the writer looks at before each transaction; None: it is not looked at."""
        return self._writer.disk

    @disk.setter
    def disk(self, disk: Disk | None) -> None:
        self._writer.disk = disk

    @property
    def waiting_rows(self) -> int:
        """Rows that wait for the writer now."""
        return self._writer.waiting_rows

    def remembered(self, name: str) -> Any:
        """Return what the writer remembers under a name, or None. To look at, never to change."""
        return self._writer.remembered(name)

    def close(self) -> None:
        """Commit what waits, write a checkpoint, and give the file back. Safe to call twice."""
        if self._writer.close():
            self._connection.close()
            if self.witness:
                self.witness.close()

    def _reconnected(self) -> duckdb.DuckDBPyConnection:
        """Open the file again after DuckDB gave the database up, and return a cursor for the writer."""
        for cursor in [*self._cursors, self._connection]:
            cursor.close()
        self._connection = opening.connected(self._path)
        self._local = threading.local()
        return self._connection.cursor()
