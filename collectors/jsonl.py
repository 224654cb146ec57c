"""Follows files and folders of log lines, and never loses one.

1. Find the files that the patterns name; a file keeps its place through renames and restarts.
2. Read whole lines of each in turn, a few thousand at a time, into one batch with the offsets they move.
3. Hand the batch to the store and read on; the next batch is handed over after this one's commit.
4. A file is let go when all that it holds is committed.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from collectors.backlog import Backlog, FileBacklog, Pace, time_of
from collectors.delivery import Delivery
from collectors.files import Oversize
from collectors.folder import Folder
from collectors.lines import Reader
from collectors.normalise import Normaliser
from collectors.packed import BROKEN
from collectors.parse import MAX_LINE
from collectors.states import Signs
from collectors.zones import local_zone
from data.clock import micros, utc_now
from data.errors import StoreClosedError, UnsnagError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, tzinfo

    from collectors.files import Tail
    from collectors.mapping import Mapping
    from data.store import Store

_LOG: Final = logging.getLogger("unsnag.collectors")
POLL_S: Final = 0.1
SCAN_S: Final = 0.5
MAX_RECORDS: Final = 10_000
MAX_PIECES: Final = 64
"""Pieces of one batch: a file of empty lines fills none."""
IDLE_OPEN_S: Final = 60.0
MOST_PEEKED: Final = 50


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
        silent_after_s: float | None = None,
        idle_s: float | None = None,
    ) -> None:
        self.name = name
        self.kind = "jsonl"
        self.silent_after_s = silent_after_s
        self._store = store
        self._mapping = mapping
        self._zone = zone
        self._folder = Folder(patterns, encoding, IDLE_OPEN_S if idle_s is None else idle_s)
        self._stopping = threading.Event()
        self._delivery = Delivery(store, name, self.kind, self._stopping, self._look_around)
        self._failure: str | None = None
        self._looked_at = float("-inf")
        self._round = 0
        self._stored_bytes = 0
        self._stored_at = time.monotonic()
        self._pace = Pace()
        self._backlog = Backlog(stored_at=self._stored_at)
        self._thread = threading.Thread(target=self._run, name=f"follow-{name}", daemon=True)

    def start(self) -> None:
        """Begin to follow, where the store says it stopped."""
        self._folder.resume(self._store.file_offsets())
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch at hand and stop."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    @property
    def records(self) -> int:
        """Records stored since the start."""
        return self._delivery.records

    @property
    def last_error(self) -> str | None:
        """What is wrong now, if anything is."""
        signs = self.signs()
        return signs.error or signs.trouble

    def signs(self) -> Signs:
        """Return what the source's state is decided by, but for what the store knows."""
        backlog, folder = self._backlog, self._folder
        return Signs(
            kind=self.kind,
            unread_bytes=backlog.ready,
            no_progress_s=backlog.no_progress_s(time.monotonic()),
            error=self._stopped() or folder.error or _told(backlog.broken),
            trouble=self._failure or _told(backlog.in_trouble) or self._delivery.error,
            missing=folder.missing,
            matching=backlog.followed,
            silent_after_s=self.silent_after_s,
        )

    def state(self) -> dict[str, Any]:
        """Return what is unread, file by file, and what was stored since the start."""
        monotonic, now = time.monotonic(), utc_now()
        return {
            "name": self.name,
            "kind": self.kind,
            "records": self.records,
            "quarantined": self._delivery.quarantined,
            "last_error": self.last_error,
            **self._backlog.totals(monotonic, now),
            "files": self._backlog.rows(monotonic, now),
        }

    def lag_s(self, now: datetime) -> float:
        """Return the age of the oldest unread record, in seconds."""
        return float(self._backlog.totals(time.monotonic(), now)["lag_s"])

    def _stopped(self) -> str | None:
        if self._thread.ident is None or self._thread.is_alive() or self._stopping.is_set():
            return None
        return "The collector of this source has stopped. Restart the server."

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
                self._failure = f"{type(error).__name__}: {error}"
                self._go_back()
                found = False
            if not found:
                self._stopping.wait(POLL_S)
        self._leave()

    def _leave(self) -> None:
        # What is not committed by now is read again at the next start.
        with contextlib.suppress(UnsnagError):
            self._delivery.finish()
        self._folder.close()

    def _go_back(self) -> None:
        """Read again what was read and is not committed: the batch that held it is lost."""
        self._delivery.forget()
        for tail in self._folder.tails.values():
            try:
                tail.rewind()
            except BROKEN as error:
                self._folder.cannot_read(tail, error, time.monotonic())

    def step(self) -> bool:
        """Make one round: read what is there and hand it over. Tell whether there was something."""
        now = time.monotonic()
        self._look_around()
        n = self.normaliser()
        refused = list(self._folder.refused)
        for reason, rest in refused:
            n.quarantine(rest, reason)
        touched = self._read(n, now)
        if len(n) or touched:
            n.offsets += [tail.mark() for tail in touched if not tail.homeless]
            self._delivery.send(n.batch(), self._committed(touched))
            del self._folder.refused[: len(refused)]
        else:
            self._delivery.settle()
        self._failure = None
        return bool(len(n) or touched)

    def _look_around(self) -> None:
        """Look for files, so that none is deleted unopened while a commit lasts; publish what is unread."""
        now = time.monotonic()
        if now - self._looked_at >= SCAN_S:
            self._looked_at = now
            self._folder.scan(now)
            self._publish(now)

    def _read(self, n: Normaliser, now: float) -> list[Tail]:
        """Read pieces of the files in turn until the batch is full; return the files that gave some."""
        self._round += 1
        reader, pieces = Reader.into(n), 0
        touched: dict[tuple[int, int], Tail] = {}
        waiting = self._folder.turns()
        while waiting and len(n) < MAX_RECORDS and pieces < MAX_PIECES:
            tail = waiting.popleft()
            before = tail.offset, tail.seed
            if self._read_piece(tail, reader, now):
                waiting.append(tail)
                pieces += 1
            if (tail.offset, tail.seed) != before or (tail.moved and tail.head):
                tail.moved = False
                touched[tail.inode] = tail
        return list(touched.values())

    def _read_piece(self, tail: Tail, reader: Reader, now: float) -> bool:
        """Read one piece of a file; tell whether more may follow at once."""
        piece = self._next(tail, now)
        if piece is None:
            return False
        tail.served = self._round
        if isinstance(piece, Oversize):
            reason = f"a line of {piece.size} bytes, more than {MAX_LINE}"
            reader.n.quarantine(piece.sample, reason, piece.offset, piece.size)
            tail.advance(piece.end)
            return True
        consumed = reader.read(piece)
        advances = consumed != tail.offset
        tail.advance(consumed)
        return advances

    def _next(self, tail: Tail, now: float) -> Any:
        try:
            piece = tail.next_piece(now)
        except BROKEN as error:
            self._folder.cannot_read(tail, error, now)
            return None
        tail.fault = None
        return piece

    def _committed(self, touched: Sequence[Tail]) -> Callable[[], None]:
        """Return what is to be done when a batch of these files, read up to here, is committed."""
        marks = [(tail, tail.mark(), tail.position) for tail in touched]

        def committed() -> None:
            self._stored_at = now = time.monotonic()
            for tail, mark, position in marks:
                self._stored_bytes += tail.commit(mark, position, now)

        return committed

    # --- what is left ----------------------------------------------------------------------------

    def _publish(self, now: float) -> None:
        """Put together what is unread, for those who ask from other threads."""
        left = list(self._folder.unread())
        for tail in left:
            if tail.is_open:
                tail.look(now)
        files = tuple(
            self._file_backlog(tail, now, peek=number < MOST_PEEKED) for number, tail in enumerate(left)
        )
        self._pace.note(self._stored_bytes, now, reading=any(file.ready for file in files))
        self._backlog = Backlog(files, len(self._folder.tails), self._stored_at, self._pace.rate)

    def _file_backlog(self, tail: Tail, now: float, *, peek: bool) -> FileBacklog:
        first_seen = now if tail.growth.since is None else tail.growth.since
        fault = tail.fault
        return FileBacklog(
            path=tail.path,
            size=tail.size,
            unread=tail.unread_bytes,
            half=tail.half,
            waiting_since=max(first_seen, tail.progressed_at),
            first_seen=first_seen,
            oldest=self._oldest(tail) if peek and tail.is_open else None,
            error=fault.reason if fault is not None else None,
            is_broken=tail.is_broken,
        )

    def _oldest(self, tail: Tail) -> datetime | None:
        """Return the time of the oldest record of a file that is not stored, if its line says one."""
        try:
            piece = tail.peek()
            return None if piece is None else time_of(piece, self.normaliser())
        except Exception:  # noqa: BLE001 - a line that cannot be read has no time; reading it says why
            return None


def _told(file: FileBacklog | None) -> str | None:
    return None if file is None else f"{file.path}: {file.error}"
