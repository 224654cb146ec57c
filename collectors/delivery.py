"""Batches on their way into the store, one at a time, each until it is committed.

1. A batch is handed over when the one before it is committed.
2. A commit that fails is repeated.
3. If the store refuses for good, the batch is halved until the records that it refuses are alone:
   these are quarantined.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Final

from data.clock import micros, utc_now
from data.errors import StoreBusyError, StoreClosedError, UnsnagError
from data.records import Batch, Quarantined

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from data.records import Appended
    from data.store import Store

_TRIES: Final = 3
_PAUSE_S: Final = 0.05
_BEAT_S: Final = 0.5


class Delivery:
    """Hands the batches of one source to the store."""

    def __init__(self, store: Store, name: str, kind: str, stopping: threading.Event) -> None:
        self.while_waiting: Callable[[], None] = _nothing
        """Called twice a second while a commit lasts."""
        self.records = 0
        self.quarantined = 0
        self.error: str | None = None
        """Why the last try failed; None once one succeeded."""
        self._store = store
        self._empty = Batch(name, kind)
        self._stopping = stopping
        self._sent: tuple[Batch, Future[Appended], Callable[[], None]] | None = None

    def send(self, batch: Batch, committed: Callable[[], None]) -> None:
        """Hand over a batch once the one before it is committed; `committed` is called when it is, too.

        Raises:
            StoreClosedError: the store is closed, or the source is to stop.
        """
        self.finish()
        self._sent = batch, self._append(batch), committed

    def settle(self) -> None:
        """Note the commit of the batch that was handed over last, if it is there already."""
        if self._sent is not None and self._sent[1].done():
            self.finish()

    def finish(self) -> None:
        """Wait for the commit of the batch that was handed over last.

        Raises:
            StoreClosedError: the store is closed, or the source is to stop.
        """
        sent, self._sent = self._sent, None
        if sent is None:
            return
        batch, future, committed = sent
        try:
            self._count(self._result(future))
        except StoreClosedError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, the batch is repeated
            self._repeat(batch, error)
        committed()

    def resolve(self) -> None:
        """Wait until what is on its way is committed, or refused; then it is given up.

        Only then is it known from where to read again: a batch that is committed after its records were
        read again would bring those that carry no time twice.

        Raises:
            StoreClosedError: the store is closed, or the source is to stop.
        """
        sent, self._sent = self._sent, None
        if sent is None:
            return
        _, future, committed = sent
        try:
            self._count(self._result(future))
        except StoreClosedError:
            raise
        except Exception as error:  # noqa: BLE001 - it is read again from where the source stopped
            self.error = str(error)
        else:
            committed()

    def _append(self, batch: Batch) -> Future[Appended]:
        """Queue a batch, waiting while the store has too much to do."""
        while True:
            try:
                return self._store.append(batch)
            except StoreBusyError as error:
                self.error = str(error)
                self._pause(_PAUSE_S)
            except StoreClosedError:
                raise
            except UnsnagError as error:
                refused: Future[Appended] = Future()
                refused.set_exception(error)
                return refused

    def _result(self, future: Future[Appended]) -> Appended:
        while not wait([future], _BEAT_S).done:
            self.while_waiting()
        return future.result()

    def _pause(self, seconds: float) -> None:
        """Wait, unless the source is to stop: what is not committed is read again at the next start."""
        self.while_waiting()
        if self._stopping.wait(seconds):
            raise StoreClosedError

    def _count(self, done: Appended) -> None:
        self.records += done.records
        self.quarantined += done.quarantined
        self.error = None

    def _commit(self, batch: Batch) -> None:
        self._count(self._result(self._append(batch)))

    def _repeat(self, batch: Batch, error: Exception) -> None:
        """Try a batch until it is written, by halves if need be."""
        tries = 0
        while True:
            tries += 1
            self.error = str(error)
            self._wait_before(tries)
            try:
                self._commit(batch)
            except StoreClosedError:
                raise
            except Exception as again:  # noqa: BLE001
                error = again
            else:
                return
            if tries >= _TRIES and self._store_works():
                self._by_halves(batch)
                return

    def _wait_before(self, tries: int) -> None:
        until = time.monotonic() + min(0.2 * 2**tries, 5.0)
        while (left := until - time.monotonic()) > 0:
            self._pause(min(left, _BEAT_S))

    def _store_works(self) -> bool:
        """Return whether the store writes at all: then it is this batch that it refuses."""
        try:
            self._result(self._append(self._empty))
        except UnsnagError:
            return False
        return True

    def _by_halves(self, batch: Batch) -> None:
        for part in _parts(batch):
            try:
                self._commit(part)
            except StoreClosedError:
                raise
            except Exception as error:  # noqa: BLE001
                if len(part) > 1:
                    self._by_halves(part)
                else:
                    self._repeat(_as_quarantined(part, error), error)
        if batch.moves_source:
            self._commit(batch.without_records())


def _nothing() -> None:
    """Do nothing."""


def _parts(batch: Batch) -> list[Batch]:
    """Halve a batch; offsets and the cursor go with neither half."""
    logs, spans = len(batch.logs["record_id"]), len(batch.spans["record_id"])
    made = []
    for low, high in ((0.0, 0.5), (0.5, 1.0)):
        part = Batch(
            batch.source,
            batch.kind,
            {name: column[_at(low, logs) : _at(high, logs)] for name, column in batch.logs.items()},
            {name: column[_at(low, spans) : _at(high, spans)] for name, column in batch.spans.items()},
            batch.quarantined[_at(low, len(batch.quarantined)) : _at(high, len(batch.quarantined))],
        )
        if len(part):
            made.append(part)
    if len(batch) > 1 and len(made) == 1:
        return _kinds_apart(batch)
    return made


def _kinds_apart(batch: Batch) -> list[Batch]:
    """Return one log, one span and one quarantined record that could not be halved, each alone."""
    empty = Batch(batch.source, batch.kind)
    parts = [
        Batch(batch.source, batch.kind, logs=batch.logs),
        Batch(batch.source, batch.kind, spans=batch.spans),
        Batch(batch.source, batch.kind, empty.logs, empty.spans, batch.quarantined),
    ]
    return [part for part in parts if len(part)]


def _at(share: float, count: int) -> int:
    return -int(-count * share // 1)


def _as_quarantined(part: Batch, error: Exception) -> Batch:
    columns = part.logs if part.logs["record_id"] else part.spans
    row = {name: repr(column[0]) for name, column in columns.items() if column and column[0] is not None}
    refused = Quarantined(
        part.source, f"the store refused it: {error}", micros(utc_now()), repr(row).encode("utf-8", "replace")
    )
    return Batch(part.source, part.kind, quarantined=[refused])
