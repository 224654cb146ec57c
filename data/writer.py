"""The one writer of a store: a thread that commits in groups, and answers after the commit.

1. `append` or `act` puts a write into the queue and answers a future.
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
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

import duckdb
from opentelemetry.context import get_current

from data import append, opening
from data.clock import utc_now
from data.errors import (
    StoreBusyError,
    StoreClosedError,
    StoreFullError,
    StoreHeldError,
    StoreUnavailableError,
)
from data.logs import event_log
from data.spans import span
from data.transaction import Params, Prepared, Tx

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context

    from data.disk import Disk
    from data.records import Appended, Batch
    from data.witness import Witness

T = TypeVar("T")

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


class Writer:
    """The thread that writes, and the queue before it."""

    disk: Disk | None = None
    """What is looked at before each transaction; None: it is not looked at."""
    full: str | None = None
    """Why the disk takes nothing more; None once it did."""
    held: str | None = None
    """Why nothing is written until an operator has decided; None while the store works."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        reconnect: Callable[[], duckdb.DuckDBPyConnection],
        intake: Callable[[Tx], None] | None = None,
        on_commit: Callable[[set[str]], None] | None = None,
        witness: Witness | None = None,
    ) -> None:
        """Write to a connection.

        Args:
            connection: One of the writer's own.
            reconnect: Opens the file again after DuckDB gave the database up.
            intake: Runs in the transaction of every batch, after the rows are in.
            on_commit: Hears after each commit which topics it touched.
            witness: What remembers the last commit outside the store.
        """
        self._connection = connection
        self._reconnect = reconnect
        self._intake = intake
        self._on_commit = on_commit or (lambda _topics: None)
        self._witness = witness
        self._is_given_up = False
        self._queue: queue.SimpleQueue[_Append | _Act | None] = queue.SimpleQueue()
        self._waiting = 0
        self._lock = threading.Lock()
        self.is_closed = False
        self._held_item: _Append | _Act | None = None
        self._memo: Params = {}
        self._prepared = Prepared()
        self._thread = threading.Thread(target=self._write, name="store-writer", daemon=True)

    def start(self) -> None:
        """Begin to write what is queued."""
        self._thread.start()

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
        with self._lock:
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
        with self._lock:
            self._check_open()
            self._queue.put(item)
        return item.done

    def _check_open(self) -> None:
        if self.is_closed:
            raise StoreClosedError
        if self.held:
            raise StoreHeldError(self.held)

    def close(self) -> bool:
        """Commit what waits and write a checkpoint; return False if that was done before."""
        with self._lock:
            if self.is_closed:
                return False
            self.is_closed = True
            self._queue.put(None)
        self._thread.join()
        with contextlib.suppress(duckdb.Error):  # on a full disk the log stays, and is read at the next start
            if not (self.held or (self.disk and self.disk.refusal())):
                self._connection.execute("checkpoint")
        self._connection.close()
        return True

    # --- the thread --------------------------------------------------------------------------

    def _write(self) -> None:
        while (item := self._next()) is not None:
            if isinstance(item, _Act):
                self._perform(item)
            else:
                self._commit_group(self._neighbours(item))

    def _next(self) -> _Append | _Act | None:
        held, self._held_item = self._held_item, None
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
            self._held_item = item

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
                with self._lock:
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
        tx = Tx(self._connection, self._memo, self._prepared)
        self._connection.begin()
        try:
            append.append(tx, [part], self._intake)
        except append.UNFIT_VALUE:
            return False
        else:
            return True
        finally:
            self._connection.rollback()
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
        tx = Tx(self._connection, self._memo, self._prepared)
        self._connection.begin()
        try:
            result = work(tx)
            for last in tx.before_commit:
                last(tx)
            mark = self._witness.seal(tx) if self._witness and tx.has_written else None
            self._commit()
        except BaseException as error:
            self._roll_back()
            tx.end(kept=False)
            self._note_failure(error)
            raise
        tx.end(kept=True)
        self.full = None
        if self._witness and mark:
            self._witness.note(mark)
        self._memo = tx.memo
        for remember in tx.after_commit:
            remember()
        self._on_commit(tx.topics)
        return result

    def _commit(self) -> None:
        try:
            self._connection.commit()
        except duckdb.FatalException as error:
            if not opening.is_durable(error):
                raise
            # The commit is on disk, the checkpoint behind it failed: DuckDB has given the database up.
            self._is_given_up = True

    def _roll_back(self) -> None:
        # A commit that failed has already ended its transaction.
        with contextlib.suppress(duckdb.TransactionException, duckdb.FatalException):
            self._connection.rollback()

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
        self._connection.close()
        self._connection = self._reconnect()
        self._memo, self._prepared = {}, Prepared()
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
