"""Follows files and folders of log lines, and never loses one.

1. Find the files that the patterns name; a file keeps its place through renames and restarts.
2. Read whole lines of each, a few thousand at a time, into one batch with the offsets they move.
3. Hand the batch to the store and read on; the next batch is handed over after this one's commit.
4. A commit that fails is repeated. If the store refuses for good, the batch is halved until the
   records that it refuses are alone: these are quarantined.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from concurrent.futures import Future
from glob import glob
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Any, Final

from collectors.files import BROKEN, Oversize, Tail
from collectors.lines import Reader
from collectors.normalise import Normaliser
from collectors.parse import MAX_LINE
from collectors.zones import local_zone
from data.clock import micros, utc_now
from data.errors import StoreBusyError, StoreClosedError, UnsnagError
from data.records import Batch, Quarantined

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from collectors.mapping import Mapping
    from data.records import Appended, FileOffset
    from data.store import Store

_LOG: Final = logging.getLogger("unsnag.collectors")
POLL_S: Final = 0.1
SCAN_S: Final = 0.5
MAX_RECORDS: Final = 10_000
IDLE_OPEN_S: Final = 60.0
_TRIES: Final = 3
_PAUSE_S: Final = 0.05


class Follower:
    """One source of log files, followed by one thread."""

    def __init__(
        self,
        store: Store,
        name: str,
        patterns: Sequence[str],
        *,
        mapping: Mapping | None = None,
        zone: tzinfo | None = None,
        encoding: str | None = None,
    ) -> None:
        self.name = name
        self.kind = "jsonl"
        self.records = 0
        self.quarantined = 0
        self.last_error: str | None = None
        self._store = store
        self._patterns = patterns
        self._mapping = mapping
        self._zone = zone
        self._encoding = encoding
        self._tails: dict[tuple[int, int], Tail] = {}
        self._marks: dict[str, FileOffset] = {}
        self._unreadable: dict[tuple[int, int], tuple[int, int]] = {}
        self._refused: list[str] = []
        self._scanned_at = 0.0
        self._caught_up_at = time.monotonic()
        self._busy = False
        self._sent: _Sending | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"follow-{name}", daemon=True)

    def start(self) -> None:
        """Begin to follow, where the store says it stopped."""
        self._marks = self._store.file_offsets()
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch at hand and stop."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def state(self) -> dict[str, Any]:
        """Return how the source does."""
        lag = time.monotonic() - self._caught_up_at if self._busy else 0.0
        state = "error" if self.last_error else "running" if self._tails else "idle"
        return {
            "name": self.name,
            "kind": self.kind,
            "state": state,
            "lag_s": round(lag, 1),
            "records": self.records,
            "quarantined": self.quarantined,
            "last_error": self.last_error,
        }

    def normaliser(self) -> Normaliser:
        """Return an empty batch of this source."""
        now = micros(utc_now())
        return Normaliser(
            self.name, self.kind, now, mapping=self._mapping, zone=self._zone, local_zone=local_zone()
        )

    # --- the thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                found = self.step()
            except StoreClosedError:
                break
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever one file does
                _LOG.exception("collector.failed source=%s", self.name)
                self.last_error = f"{type(error).__name__}: {error}"
                found = False
            if not found:
                self._stopping.wait(POLL_S)
        self._leave()

    def _leave(self) -> None:
        # What is not committed by now is read again at the next start.
        with contextlib.suppress(UnsnagError):
            self._finish()
        for tail in self._tails.values():
            tail.close()

    def step(self) -> bool:
        """Make one round: read what is there and hand it over. Tell whether there was something."""
        now = time.monotonic()
        if now - self._scanned_at >= SCAN_S:
            self._scan(now)
        n = self.normaliser()
        while self._refused:
            n.quarantine(b"", self._refused.pop())
        reader = Reader.into(n)
        for tail in list(self._tails.values()):
            if len(n) >= MAX_RECORDS:
                break
            self._read(tail, reader, now)
        full = len(n) > 0 or bool(n.offsets)
        if full:
            self._send(n.batch())
        elif self._sent is not None and self._sent.future.done():
            self._finish()
        self._busy = full
        if not full:
            self._caught_up_at = now
        return full

    def _read(self, tail: Tail, reader: Reader, now: float) -> None:
        """Read what a file has, until the batch is full."""
        before = tail.offset
        while len(reader.n) < MAX_RECORDS:
            piece = self._next(tail, now)
            if piece is None:
                break
            if isinstance(piece, Oversize):
                reason = f"a line of {piece.size} bytes, more than {MAX_LINE}"
                reader.n.quarantine(piece.sample, reason, piece.offset, piece.size)
                tail.advance(piece.end)
                continue
            consumed = reader.read(piece)
            stands = consumed == tail.offset
            tail.advance(consumed)
            if stands:
                break
        if tail.offset != before or (tail.moved and tail.head):
            tail.moved = False
            reader.n.offsets.append(tail.mark())

    def _next(self, tail: Tail, now: float) -> Any:
        known_bad = self._unreadable.get(tail.inode)
        if not tail.is_open or (known_bad is not None and known_bad == _stamp(tail.path)):
            return None
        try:
            piece = tail.next_piece(now)
        except BROKEN as error:
            self._cannot_read(tail, error)
            return None
        if known_bad is not None:
            del self._unreadable[tail.inode]
            self.last_error = None
        return piece

    def _cannot_read(self, tail: Tail, error: Exception) -> None:
        """Note a file that cannot be read; it is tried again when it changes."""
        self.last_error = f"{tail.path}: {error}"
        tail.close()
        first = tail.inode not in self._unreadable
        self._unreadable[tail.inode] = _stamp(tail.path)
        # A gzip file that is still being written ends early, too; one without permission is no bad record.
        if not (first and isinstance(error, EOFError)) and not isinstance(error, PermissionError):
            self._refused.append(f"the file {tail.path} cannot be read: {error}")

    # --- files -----------------------------------------------------------------------------------

    def _scan(self, now: float) -> None:
        self._scanned_at = now
        seen: set[tuple[int, int]] = set()
        for path in self._paths():
            try:
                status = Path(path).stat()
            except OSError:
                continue
            if not S_ISREG(status.st_mode):
                continue
            inode = (status.st_dev, status.st_ino)
            if inode not in seen:
                seen.add(inode)
                self._found(path, inode, status.st_size)
        for inode in [inode for inode in self._tails if inode not in seen]:
            self._lost(inode, now)

    def _paths(self) -> list[str]:
        # Path.glob refuses absolute patterns.
        found = {path for pattern in self._patterns for path in glob(pattern, recursive=True)}  # noqa: PTH207
        return sorted(found)

    def _found(self, path: str, inode: tuple[int, int], size: int) -> None:
        tail = self._tails.get(inode)
        if tail is None:
            tail = self._tails[inode] = Tail(path, inode, self._encoding)
        if tail.path != path:
            tail.path, tail.moved = path, True
        tail.gone = False
        if tail.is_open and time.monotonic() - tail.grew_at > IDLE_OPEN_S:
            tail.close()
        elif not tail.is_open and (size != tail.seen_size or tail.inode in self._unreadable):
            self._open(tail)

    def _open(self, tail: Tail) -> None:
        if self._unreadable.get(tail.inode) == _stamp(tail.path):
            return
        try:
            tail.open()
            if not tail.head:
                self._resume(tail)
        except BROKEN as error:
            self._cannot_read(tail, error)

    def _resume(self, tail: Tail) -> None:
        same_path = [mark for path, mark in self._marks.items() if path == tail.path]
        prefix = f"{tail.inode[0]}:{tail.inode[1]}:"
        others = [mark for mark in self._marks.values() if mark.identity.startswith(prefix)]
        any(tail.resume(mark) for mark in same_path + others)

    def _lost(self, inode: tuple[int, int], now: float) -> None:
        """A file whose path is gone is read to its end, then let go."""
        tail = self._tails[inode]
        tail.gone = True
        if not tail.is_open or now - tail.grew_at > 3.0:  # noqa: PLR2004 - longer than a half line waits
            tail.close()
            del self._tails[inode]

    # --- handing over ----------------------------------------------------------------------------

    def _send(self, batch: Batch) -> None:
        self._finish()
        self._sent = _Sending(batch, self._append(batch))

    def _append(self, batch: Batch) -> Future[Appended]:
        """Queue a batch, waiting while the store has too much to do."""
        while True:
            try:
                return self._store.append(batch)
            except StoreBusyError:
                time.sleep(_PAUSE_S)
            except StoreClosedError:
                raise
            except UnsnagError as error:
                refused: Future[Appended] = Future()
                refused.set_exception(error)
                return refused

    def _finish(self) -> None:
        """Wait for the commit of the batch that was handed over last."""
        sent, self._sent = self._sent, None
        if sent is None:
            return
        try:
            done = sent.future.result()
        except StoreClosedError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, the batch is repeated
            self._repeat(sent.batch, error)
        else:
            self._count(done)

    def _count(self, done: Appended) -> None:
        self.records += done.records
        self.quarantined += done.quarantined
        if self.last_error is not None and not self._unreadable:
            self.last_error = None

    def _repeat(self, batch: Batch, error: Exception) -> None:
        """Try a batch until it is written, by halves if need be."""
        tries = 0
        while True:
            tries += 1
            self.last_error = str(error)
            if self._stopping.wait(min(0.2 * 2**tries, 5.0)):
                raise StoreClosedError  # nothing was acknowledged: it is read again at the next start
            try:
                self._count(self._append(batch).result())
            except StoreClosedError:
                raise
            except Exception as again:  # noqa: BLE001
                error = again
            else:
                return
            if tries >= _TRIES and self._store_works():
                self._by_halves(batch)
                return

    def _store_works(self) -> bool:
        """Tell whether the store writes at all: then it is this batch that it refuses."""
        try:
            self._append(Batch(self.name, self.kind)).result()
        except UnsnagError:
            return False
        return True

    def _by_halves(self, batch: Batch) -> None:
        for part in _parts(batch):
            try:
                self._count(self._append(part).result())
            except StoreClosedError:
                raise
            except Exception as error:  # noqa: BLE001
                if len(part) > 1:
                    self._by_halves(part)
                else:
                    self._repeat(_as_quarantined(part, error), error)
        self._repeat_offsets(batch)

    def _repeat_offsets(self, batch: Batch) -> None:
        if batch.offsets:
            self._count(self._append(Batch(batch.source, batch.kind, offsets=batch.offsets)).result())


class _Sending:
    """A batch on its way."""

    def __init__(self, batch: Batch, future: Future[Appended]) -> None:
        self.batch = batch
        self.future = future


def _parts(batch: Batch) -> list[Batch]:
    """Halve a batch; offsets go with neither half."""
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


def _stamp(path: str) -> tuple[int, int]:
    try:
        status = Path(path).stat()
    except OSError:
        return (0, 0)
    return (status.st_size, status.st_mtime_ns)
