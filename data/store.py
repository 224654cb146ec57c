"""The store: one DuckDB file, one writer, readers on cursors of the same connection.

A write's life:

1. `append` or `act` puts it into the writer's queue and answers a future.
2. The writer takes what is queued. Neighbouring batches become one transaction; an act is one alone.
3. In a batch's transaction: duplicates are left out, rows inserted, units and attempts derived,
   the intake of cases called, file offsets moved.
4. The future is answered after the commit: what was acknowledged is on disk.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload
from weakref import WeakSet

import duckdb
import pyarrow as pa
from opentelemetry.context import get_current

from data import append, backup, opening, queries
from data.clock import utc_now
from data.errors import (
    ScopeMissingError,
    StoreBusyError,
    StoreClosedError,
    StoreFullError,
    StoreHeldError,
    StoreUnavailableError,
)
from data.logs import event_log
from data.records import FileOffset, SourceItem
from data.spans import span
from data.witness import Mark, Witness

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context

    from data.disk import Disk
    from data.records import Appended, Batch

T = TypeVar("T")
Params = dict[str, Any]
Into = Callable[[dict[str, Any]], T]
"""What makes a noun of a row, such as `Case.of`."""

FILE_NAME: Final = "unsnag.duckdb"
COMMIT_STEP: Final = "commit"
"""The step whose attempts are transactions of the writer, in the server's own traces."""
MAX_WAITING_ROWS: Final = 100_000
"""Rows that may wait for the writer before `append` refuses: about 200 MB at the worst."""
GROUP_ROWS: Final = 10_000
LINGER_S: Final = 0.05
"""How long a small batch waits for company: a commit costs 40 ms for one row as for a thousand.

Sixteen senders of 512 spans: 18,400 spans/s at 20 ms and 1,000 rows, 20,700 at 50 ms and 4,000."""
LINGER_ROWS: Final = 4_000

_LOG: Final = event_log("store")
_SCHEMAS: Final[dict[str, pa.Schema]] = {}


class _View:
    """An Arrow table that statements read under a name; each transaction brings its own.

    The name stays registered: to register it and to take it away costs 0.8 ms, more than most statements over
    a commit's rows.
    """

    __slots__ = ("schema", "table")

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self.table: pa.Table | None = None

    def __arrow_c_schema__(self) -> object:
        return self.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        if self.table is None:
            raise LookupError("The transaction that made this view has ended.")
        return self.table.__arrow_c_stream__(requested_schema)


@dataclass(slots=True)
class Prepared:
    """Statements and views by name."""

    parsed: dict[str, duckdb.Statement] = field(default_factory=dict)
    """Parsing is an eighth of what a statement over few rows costs."""
    views: dict[str, _View] = field(default_factory=dict)


class Tx:
    """The writer's transaction: run named statements in it."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        memo: Params | None = None,
        prepared: Prepared | None = None,
    ) -> None:
        self._connection = connection
        self._prepared = prepared or Prepared()
        self.memo: Params = {} if memo is None else dict(memo)
        """What the writer remembers from one transaction to the next; forgotten if this one fails."""
        self.tables: dict[str, pa.Table] = {}
        """The Arrow tables that are readable as views, by name."""
        self.topics: set[str] = set()
        """What this transaction changes, for those who watch (server.events)."""
        self.act: str | None = None
        """The id of the act that is being performed."""
        self.records: int | None = None
        """How many records it brings; None: it is an act."""
        self.has_written = False
        self.pending: list[Params] = []
        """Entries of the audit that are written before the commit."""
        self.before_commit: list[Callable[[Tx], None]] = []
        self.after_commit: list[Callable[[], None]] = []
        """What is remembered outside the store once the transaction is on disk."""

    @overload
    def run(self, name: str, params: Params | None = None) -> list[dict[str, Any]]: ...
    @overload
    def run(self, name: str, params: Params | None = None, *, into: Into[T]) -> list[T]: ...
    def run(self, name: str, params: Params | None = None, *, into: Into[T] | None = None) -> Any:
        """Run a named statement and return its rows; see `Store.query`."""
        parsed = self._prepared.parsed
        if name not in parsed:
            (parsed[name],) = self._connection.extract_statements(queries.text(name))
        self._note(parsed[name])
        return rows_of(self._connection.execute(parsed[name], _bound(name, params)), into)

    def arrow(self, name: str, params: Params | None = None) -> pa.Table:
        """Run a named statement and return its rows as an Arrow table."""
        return self._connection.sql(queries.text(name), params=_bound(name, params)).to_arrow_table()

    def execute(self, sql: str, params: Params | None = None) -> list[dict[str, Any]]:
        """Run a statement given as text: for tests and tools, never with text made from input."""
        for statement in self._connection.extract_statements(sql):
            self._note(statement)
        return rows_of(self._connection.execute(sql, params or {}))

    def _note(self, statement: duckdb.Statement) -> None:
        self.has_written = self.has_written or statement.type != duckdb.StatementType.SELECT

    def view(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table readable under `name` until the transaction ends."""
        views = self._prepared.views
        if name not in views or views[name].schema != table.schema:
            views[name] = _View(table.schema)
            self._connection.register(name, views[name])
        views[name].table = self.tables[name] = table

    def view_rows(self, name: str, rows: list[Params], like: str) -> None:
        """Make rows readable under `name`, with the columns and types of the table `like`."""
        self.view(name, pa.Table.from_pylist(rows, self._schema(like)))

    def _schema(self, table: str) -> pa.Schema:
        if table not in _SCHEMAS:
            empty = self._connection.sql(f'select * from "{table}" limit 0').to_arrow_table()  # noqa: S608
            # JSON travels as text: the insert parses it.
            _SCHEMAS[table] = pa.schema([(f.name, _storage(f.type)) for f in empty.schema])
        return _SCHEMAS[table]

    def end(self, *, kept: bool) -> None:
        """Take the tables away; the names stay registered where the transaction was committed."""
        for name in self.tables:
            self._prepared.views[name].table = None
        self.tables.clear()
        if not kept:
            self._prepared.views.clear()


@dataclass(frozen=True, slots=True)
class Reading:
    """A store seen through a scope: what lies outside it cannot be read.

    `scope` is None (everything) or texts of tenant, U+001F, flow, with `*` for any.
    """

    store: Store
    scope: tuple[str, ...] | None

    @overload
    def query(self, name: str, params: Params | None = None) -> list[dict[str, Any]]: ...
    @overload
    def query(self, name: str, params: Params | None = None, *, into: Into[T]) -> list[T]: ...
    def query(self, name: str, params: Params | None = None, *, into: Into[T] | None = None) -> Any:
        """Run the named statement within the scope; see `Store.query`."""
        return self.store.query(name, self._within(name, params), into=into or dict)

    def arrow(self, name: str, params: Params | None = None) -> pa.Table:
        """Run the named statement within the scope; see `Store.arrow`."""
        return self.store.arrow(name, self._within(name, params))

    def _within(self, name: str, params: Params | None) -> Params:
        if not queries.takes_scope(name):
            return params or {}
        return {**(params or {}), "scope": None if self.scope is None else list(self.scope)}


@dataclass(slots=True)
class _Append:
    batch: Batch
    done: Future[Appended]
    context: Context = field(default_factory=get_current)
    """Of OpenTelemetry: what asked for it."""


@dataclass(slots=True)
class _Act:
    work: Callable[[Tx], Any]
    done: Future[Any]
    context: Context = field(default_factory=get_current)


class Store:
    """One open DuckDB file. Make it with `Store.open`."""

    disk: Disk | None = None
    """What the writer looks at before each transaction; None: it is not looked at."""
    full: str | None = None
    """Why the disk takes nothing more; None once it did."""
    held: str | None = None
    """Why nothing is written until an operator has decided; None while the store works."""

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
        self._on_commit = on_commit or (lambda _topics: None)
        self._writing = connection.cursor()
        self._intake = intake
        self._local = threading.local()
        self._cursors: WeakSet[duckdb.DuckDBPyConnection] = WeakSet()
        self._is_given_up = False
        self._queue: queue.SimpleQueue[_Append | _Act | None] = queue.SimpleQueue()
        self._waiting = 0
        self._waiting_lock = threading.Lock()
        self._closed = False
        self._held: _Append | _Act | None = None
        self._memo: Params = {}
        self._prepared = Prepared()
        self.loss = witness.compare(self.last_commit()) if witness else None
        """Acknowledged commits that were missing when the store was opened."""
        self._writer = threading.Thread(target=self._write, name="store-writer", daemon=True)
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
    def query(self, name: str, params: Params | None = None) -> list[dict[str, Any]]: ...
    @overload
    def query(self, name: str, params: Params | None = None, *, into: Into[T]) -> list[T]: ...
    def query(self, name: str, params: Params | None = None, *, into: Into[T] | None = None) -> Any:
        """Run the named statement and return its rows as dicts, or as what `into` makes of each.

        Times are naive UTC.

        Raises:
            ScopeMissingError: the statement reads within a scope, and `params` has none.
        """
        return rows_of(self._cursor().execute(queries.text(name), _bound(name, params)), into)

    def arrow(self, name: str, params: Params | None = None) -> pa.Table:
        """Run the named statement and return its rows as an Arrow table; see `query`."""
        return self._cursor().sql(queries.text(name), params=_bound(name, params)).to_arrow_table()

    def filled(self, name: str, params: Params | None = None) -> list[dict[str, Any]]:
        """Run the named statement and return its rows as dicts that leave nulls out."""
        result = self._cursor().execute(queries.text(name), _bound(name, params))
        names = [column[0] for column in result.description or ()]
        return [
            {name: value for name, value in zip(names, row, strict=True) if value is not None}
            for row in result.fetchall()
        ]

    def copy_to(self, destination: Path, beside: Mapping[str, Path]) -> Path:
        """Copy the store as it is now, with files beside it, into a new folder; see `data.backup.make`."""
        if self._closed:
            raise StoreClosedError
        # A cursor of its own: other readers of this thread are not in its transaction.
        with self._connection.cursor() as cursor:
            return backup.make(cursor, destination, beside)

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
        (row,) = self.query("store/reusable_bytes")
        return int(row["bytes"])

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

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        if self._closed:
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
        return [reason for reason in (self.held, self.full) if reason]

    def last_commit(self) -> Mark:
        """Return the last commit, as the witness outside the store remembers it."""
        (mark,) = self.query("store/commit_mark", into=lambda row: Mark(**row))
        return mark

    # --- writing ---------------------------------------------------------------------------

    def hold(self, reason: str | None) -> None:
        """Refuse to write anything, for this reason; or with None write again."""
        self.held = reason
        # Closing writes a checkpoint otherwise, and the files are to stay as they were found.
        self._connection.execute(f"pragma {'disable' if reason else 'enable'}_checkpoint_on_shutdown")

    @property
    def waiting_rows(self) -> int:
        """Rows that wait for the writer now."""
        return self._waiting

    def remembered(self, name: str) -> Any:
        """Return what the writer remembers under a name, or None. To look at, never to change."""
        return self._memo.get(name)

    def append(self, batch: Batch) -> Future[Appended]:
        """Queue a batch. The future is answered after its commit.

        Raises:
            StoreBusyError: too many rows wait already; nothing was taken.
            StoreHeldError: an operator has to decide first; nothing was taken.
            StoreClosedError: the store is closed.
        """
        with self._waiting_lock:
            self._check_open()
            if self._waiting and self._waiting + len(batch) > MAX_WAITING_ROWS:
                raise StoreBusyError
            self._waiting += len(batch)
            item = _Append(batch, Future())
            self._queue.put(item)
        return item.done

    def act(self, work: Callable[[Tx], T]) -> Future[T]:
        """Queue work that runs alone in one transaction of the writer. An exception rolls it back.

        Raises:
            StoreHeldError: an operator has to decide first; nothing was done.
            StoreClosedError: the store is closed.
        """
        item = _Act(work, Future())
        with self._waiting_lock:
            self._check_open()
            self._queue.put(item)
        return item.done

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosedError
        if self.held:
            raise StoreHeldError(self.held)

    def close(self) -> None:
        """Commit what waits, write a checkpoint, and give the file back. Safe to call twice."""
        with self._waiting_lock:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._writer.join()
        with contextlib.suppress(duckdb.Error):  # on a full disk the log stays, and is read at the next start
            if not (self.held or (self.disk and self.disk.refusal())):
                self._writing.execute("checkpoint")
        self._writing.close()
        self._connection.close()
        if self.witness:
            self.witness.close()

    # --- the writer thread -----------------------------------------------------------------

    def _write(self) -> None:
        while (item := self._next()) is not None:
            if isinstance(item, _Act):
                self._perform(item)
            else:
                self._commit_group(self._neighbours(item))

    def _next(self) -> _Append | _Act | None:
        held, self._held = self._held, None
        return held or self._queue.get()

    def _neighbours(self, first: _Append) -> list[_Append]:
        """Gather the batches that are queued behind `first`, lingering a moment if there are few."""
        group, rows = [first], len(first.batch)
        until = time.monotonic() + LINGER_S
        while rows < GROUP_ROWS:
            wait = until - time.monotonic() if rows < LINGER_ROWS else 0
            try:
                item = self._queue.get(timeout=wait) if wait > 0 else self._queue.get_nowait()
            except queue.Empty:
                break
            if not isinstance(item, _Append):
                # An act or the end closes the group: order is kept.
                self._hold(item)
                break
            group.append(item)
            rows += len(item.batch)
        return group

    def _hold(self, item: _Act | None) -> None:
        if item is None:
            self._queue.put(None)
        else:
            self._held = item

    def _commit_group(self, group: list[_Append]) -> None:
        with span(COMMIT_STEP, linked=[item.context for item in group]):
            try:
                results = self._transaction(
                    lambda tx: append.append(tx, [i.batch for i in group], self._intake)
                )
            except Exception:  # noqa: BLE001 - each batch is tried alone, and its sender gets the error
                self._commit_alone(group)
            else:
                for item, result in zip(group, results, strict=True):
                    item.done.set_result(result)
            finally:
                with self._waiting_lock:
                    self._waiting -= sum(len(item.batch) for item in group)

    def _commit_alone(self, group: list[_Append]) -> None:
        for item in group:
            try:
                with span(COMMIT_STEP, parent=item.context):
                    result = self._commit_batch(item.batch)
                item.done.set_result(result)
            except Exception as error:  # noqa: BLE001 - the sender decides what to do
                item.done.set_exception(_refusal(error))

    def _commit_batch(self, batch: Batch) -> Appended:
        try:
            return self._transaction(lambda tx: append.append(tx, [batch], self._intake)[0])
        except append.UNFIT_VALUE:
            fitting = append.without_unfit(batch, self._fits, utc_now())
            return self._transaction(lambda tx: append.append(tx, [fitting], self._intake)[0])

    def _fits(self, part: Batch) -> bool:
        """Try a part of a batch in a transaction that is rolled back."""
        tx = Tx(self._writing, self._memo, self._prepared)
        self._writing.begin()
        try:
            append.append(tx, [part], self._intake)
        except append.UNFIT_VALUE:
            return False
        else:
            return True
        finally:
            self._writing.rollback()
            tx.end(kept=False)

    def _perform(self, item: _Act) -> None:
        try:
            with span(COMMIT_STEP, parent=item.context):
                result = self._transaction(item.work)
            item.done.set_result(result)
        except BaseException as error:  # noqa: BLE001 - the caller gets it through the future
            item.done.set_exception(error)

    def _transaction(self, work: Callable[[Tx], T]) -> T:
        self._check_disk()
        tx = Tx(self._writing, self._memo, self._prepared)
        self._writing.begin()
        try:
            result = work(tx)
            for last in tx.before_commit:
                last(tx)
            mark = self.witness.seal(tx) if self.witness and tx.has_written else None
            self._commit()
        except BaseException as error:
            self._roll_back()
            tx.end(kept=False)
            self._note_failure(error)
            raise
        tx.end(kept=True)
        self.full = None
        if self.witness and mark:
            self.witness.note(mark)
        self._memo = tx.memo
        for remember in tx.after_commit:
            remember()
        self._on_commit(tx.topics)
        return result

    def _commit(self) -> None:
        try:
            self._writing.commit()
        except duckdb.FatalException as error:
            if not opening.is_durable(error):
                raise
            # The commit is on disk, the checkpoint behind it failed: DuckDB has given the database up.
            self._is_given_up = True

    def _roll_back(self) -> None:
        # A commit that failed has already ended its transaction.
        with contextlib.suppress(duckdb.TransactionException, duckdb.FatalException):
            self._writing.rollback()

    def _check_disk(self) -> None:
        """Refuse while the disk is full, and open the file again after DuckDB gave it up."""
        if self.disk and (refusal := self.disk.refusal()):
            self.full = refusal
            raise StoreFullError(refusal)
        if self._is_given_up:
            self._reopen()

    def _note_failure(self, error: BaseException) -> None:
        """Remember what keeps the store from writing.

        Raises:
            StoreFullError: it is the disk.
        """
        if isinstance(error, duckdb.FatalException):
            self._is_given_up = True
        if isinstance(error, duckdb.Error) and opening.is_full(error):
            self.full = (StoreFullError.__doc__ or "").strip()
            raise StoreFullError from error

    def _reopen(self) -> None:
        for cursor in [*self._cursors, self._writing, self._connection]:
            cursor.close()
        self._connection = opening.connected(self._path)
        self._writing = self._connection.cursor()
        self._local, self._memo, self._prepared = threading.local(), {}, Prepared()
        self._is_given_up = False


def _refusal(error: Exception) -> StoreUnavailableError:
    """Return what a sender is answered: what DuckDB says names files of this machine."""
    if isinstance(error, StoreUnavailableError):
        return error
    _LOG.error("store.write_failed", reason=str(error))
    kind = type(error).__name__
    return StoreUnavailableError(
        f"Nothing was written ({kind}). The server's log has the reason; send it again."
    )


def _bound(name: str, params: Params | None) -> Params:
    bound = params or {}
    if "scope" not in bound and queries.takes_scope(name):
        raise ScopeMissingError(name)
    return bound


def _storage(kind: pa.DataType) -> pa.DataType:
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def rows_of(result: duckdb.DuckDBPyConnection, into: Into[Any] | None = None) -> list[Any]:
    """Return the rows of a result as dicts, or as what `into` makes of each."""
    if result.description is None:
        return []
    names = [column[0] for column in result.description]
    rows = (dict(zip(names, row, strict=True)) for row in result.fetchall())
    return list(rows) if into is None else [into(row) for row in rows]
