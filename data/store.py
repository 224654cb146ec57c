"""The store: one DuckDB file, one writer, readers on cursors of the same connection.

A write's life:

1. `append` or `act` puts it into the writer's queue and answers a future.
2. The writer takes what is queued. Neighbouring batches become one transaction; an act is one alone.
3. In a batch's transaction: duplicates are left out, rows inserted, units and attempts derived,
   the desk's intake called, file offsets moved.
4. The future is answered after the commit: what was acknowledged is on disk.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import duckdb
import pyarrow as pa

from data import append, queries
from data.clock import utc_now
from data.errors import (
    ScopeMissingError,
    StoreBusyError,
    StoreClosedError,
    StoreInUseError,
    StoreUnavailableError,
)
from data.migrate import migrate
from data.records import FileOffset

if TYPE_CHECKING:
    from collections.abc import Callable

    from data.records import Appended, Batch

T = TypeVar("T")
Params = dict[str, Any]

FILE_NAME: Final = "unsnag.duckdb"
MAX_WAITING_ROWS: Final = 100_000
"""Rows that may wait for the writer before `append` refuses: about 200 MB at the worst."""
GROUP_ROWS: Final = 10_000
LINGER_S: Final = 0.05
"""How long a small batch waits for company: a commit costs 40 ms for one row as for a thousand.

Sixteen senders of 512 spans: 18,400 spans/s at 20 ms and 1,000 rows, 20,700 at 50 ms and 4,000."""
LINGER_ROWS: Final = 4_000

_CONFIG: Final = {
    "checkpoint_threshold": "256MB",  # 16 MB, the default, stalls a batch for up to 2 s now and then
    "memory_limit": "1GB",  # without a limit: 2.9 GB at 10 million spans
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "preserve_insertion_order": "false",
}


_SCHEMAS: Final[dict[str, pa.Schema]] = {}


class Tx:
    """The writer's transaction: run named statements in it."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        memo: Params | None = None,
        parsed: dict[str, duckdb.Statement] | None = None,
    ) -> None:
        self._connection = connection
        self._parsed = {} if parsed is None else parsed
        """Statements by name: parsing is an eighth of what a statement over few rows costs."""
        self.memo: Params = {} if memo is None else dict(memo)
        """What the writer remembers from one transaction to the next; forgotten if this one fails."""
        self.tables: dict[str, pa.Table] = {}
        """The Arrow tables that are readable as views, by name."""
        self.topics: set[str] = set()
        """What this transaction changes, for those who watch (server.events)."""
        self.act: str | None = None
        """The id of the act that is being performed."""
        self.pending: list[Params] = []
        """Entries of the audit that are written before the commit."""
        self.before_commit: list[Callable[[Tx], None]] = []
        self.after_commit: list[Callable[[], None]] = []
        """What is remembered outside the store once the transaction is on disk."""

    def run(self, name: str, params: Params | None = None) -> list[dict[str, Any]]:
        """Run a named statement and return its rows; see `Store.query`."""
        if name not in self._parsed:
            (self._parsed[name],) = self._connection.extract_statements(queries.text(name))
        return _rows(self._connection.execute(self._parsed[name], _bound(name, params)))

    def arrow(self, name: str, params: Params | None = None) -> pa.Table:
        """Run a named statement and return its rows as an Arrow table."""
        return self._connection.sql(queries.text(name), params=_bound(name, params)).to_arrow_table()

    def execute(self, sql: str, params: Params | None = None) -> list[dict[str, Any]]:
        """Run a statement given as text: for tests and tools, never with text made from input."""
        return _rows(self._connection.execute(sql, params or {}))

    def view(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table readable under `name` until the transaction ends."""
        self._connection.register(name, table)
        self.tables[name] = table

    def view_rows(self, name: str, rows: list[Params], like: str) -> None:
        """Make rows readable under `name`, with the columns and types of the table `like`."""
        self.view(name, pa.Table.from_pylist(rows, self._schema(like)))

    def _schema(self, table: str) -> pa.Schema:
        if table not in _SCHEMAS:
            empty = self._connection.sql(f'select * from "{table}" limit 0').to_arrow_table()  # noqa: S608
            # JSON travels as text: the insert parses it.
            _SCHEMAS[table] = pa.schema([(f.name, _storage(f.type)) for f in empty.schema])
        return _SCHEMAS[table]

    def end(self) -> None:
        """Take the views away. Not before the transaction ended: in an aborted one nothing runs."""
        for name in self.tables:
            self._connection.unregister(name)
        self.tables.clear()


@dataclass(frozen=True, slots=True)
class Reading:
    """A store seen through a scope: what lies outside it cannot be read.

    `scope` is None (everything) or texts of tenant, U+001F, flow, with `*` for any.
    """

    store: Store
    scope: tuple[str, ...] | None

    def query(self, name: str, params: Params | None = None) -> list[dict[str, Any]]:
        """Run the named statement within the scope; see `Store.query`."""
        return self.store.query(name, self._within(name, params))

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


@dataclass(slots=True)
class _Act:
    work: Callable[[Tx], Any]
    done: Future[Any]


class Store:
    """One open DuckDB file. Make it with `Store.open`."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        intake: Callable[[Tx], None] | None = None,
        on_commit: Callable[[set[str]], None] | None = None,
    ) -> None:
        self._connection = connection
        self._on_commit = on_commit or (lambda _topics: None)
        self._writing = connection.cursor()
        self._intake = intake
        self._local = threading.local()
        self._queue: queue.SimpleQueue[_Append | _Act | None] = queue.SimpleQueue()
        self._waiting = 0
        self._waiting_lock = threading.Lock()
        self._closed = False
        self._held: _Append | _Act | None = None
        self._memo: Params = {}
        self._parsed: dict[str, duckdb.Statement] = {}
        self._writer = threading.Thread(target=self._write, name="store-writer", daemon=True)
        self._writer.start()

    @classmethod
    def open(
        cls,
        folder: Path | str,
        intake: Callable[[Tx], None] | None = None,
        on_commit: Callable[[set[str]], None] | None = None,
    ) -> Store:
        """Open the store in `folder`, making or upgrading it as needed.

        `intake` runs in the transaction of every batch, after the rows are in;
        `on_commit` hears after each commit which topics it touched.

        Raises:
            StoreInUseError: another process has the file open.
            StoreNewerError: a newer version wrote it; nothing was touched.
        """
        path = Path(folder) / FILE_NAME
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = _connect(path)
        try:
            migrate(connection)
        except BaseException:
            connection.close()
            raise
        return cls(connection, intake, on_commit)

    # --- reading ---------------------------------------------------------------------------

    def query(self, name: str, params: Params | None = None) -> list[dict[str, Any]]:
        """Run the named statement and return its rows as dicts. Times are naive UTC.

        Raises:
            ScopeMissingError: the statement reads within a scope, and `params` has none.
        """
        return _rows(self._cursor().execute(queries.text(name), _bound(name, params)))

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

    def everything(self) -> Reading:
        """Return the store without a scope: for what the system itself reads."""
        return Reading(self, None)

    def file_offsets(self) -> dict[str, FileOffset]:
        """Return how far each followed file was read, by path."""
        return {row["path"]: FileOffset(**row) for row in self.query("store/file_offsets")}

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        if self._closed:
            raise StoreClosedError
        cursor: duckdb.DuckDBPyConnection | None = getattr(self._local, "cursor", None)
        if cursor is None:
            cursor = self._local.cursor = self._connection.cursor()
        return cursor

    # --- writing ---------------------------------------------------------------------------

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
            StoreClosedError: the store is closed.
        """
        with self._waiting_lock:
            if self._closed:
                raise StoreClosedError
            if self._waiting and self._waiting + len(batch) > MAX_WAITING_ROWS:
                raise StoreBusyError
            self._waiting += len(batch)
            item = _Append(batch, Future())
            self._queue.put(item)
        return item.done

    def act(self, work: Callable[[Tx], T]) -> Future[T]:
        """Queue work that runs alone in one transaction of the writer. An exception rolls it back.

        Raises:
            StoreClosedError: the store is closed.
        """
        item = _Act(work, Future())
        with self._waiting_lock:
            if self._closed:
                raise StoreClosedError
            self._queue.put(item)
        return item.done

    def close(self) -> None:
        """Commit what waits, write a checkpoint, and give the file back. Safe to call twice."""
        with self._waiting_lock:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._writer.join()
        self._writing.execute("checkpoint")
        self._writing.close()
        self._connection.close()

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
        try:
            results = self._transaction(lambda tx: append.append(tx, [i.batch for i in group], self._intake))
        except Exception:  # noqa: BLE001 - each batch is tried alone, and its sender told
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
                item.done.set_result(self._commit_batch(item.batch))
            except Exception as error:  # noqa: BLE001 - the sender decides what to do
                item.done.set_exception(StoreUnavailableError(f"Nothing was written: {error}"))

    def _commit_batch(self, batch: Batch) -> Appended:
        try:
            return self._transaction(lambda tx: append.append(tx, [batch], self._intake)[0])
        except append.UNFIT_VALUE:
            fitting = append.without_unfit(batch, self._fits, utc_now())
            return self._transaction(lambda tx: append.append(tx, [fitting], self._intake)[0])

    def _fits(self, part: Batch) -> bool:
        """Try a part of a batch in a transaction that is rolled back."""
        tx = Tx(self._writing, self._memo, self._parsed)
        self._writing.begin()
        try:
            append.append(tx, [part], self._intake)
        except append.UNFIT_VALUE:
            return False
        else:
            return True
        finally:
            self._writing.rollback()
            tx.end()

    def _perform(self, item: _Act) -> None:
        try:
            item.done.set_result(self._transaction(item.work))
        except BaseException as error:  # noqa: BLE001 - the caller gets it through the future
            item.done.set_exception(error)

    def _transaction(self, work: Callable[[Tx], T]) -> T:
        tx = Tx(self._writing, self._memo, self._parsed)
        self._writing.begin()
        try:
            result = work(tx)
            for last in tx.before_commit:
                last(tx)
            self._writing.commit()
        except BaseException:
            self._roll_back()
            raise
        finally:
            tx.end()
        self._memo = tx.memo
        for remember in tx.after_commit:
            remember()
        self._on_commit(tx.topics)
        return result

    def _roll_back(self) -> None:
        # A commit that failed has already ended its transaction.
        with contextlib.suppress(duckdb.TransactionException):
            self._writing.rollback()


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(str(path), config=dict(_CONFIG))
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise StoreInUseError(
                f"Another process has {path} open. Stop it, or choose another data folder with --data."
            ) from error
        raise


def _bound(name: str, params: Params | None) -> Params:
    bound = params or {}
    if "scope" not in bound and queries.takes_scope(name):
        raise ScopeMissingError(name)
    return bound


def _storage(kind: pa.DataType) -> pa.DataType:
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def _rows(result: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    if result.description is None:
        return []
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
