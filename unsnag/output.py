"""Hands records from the script's threads to one writer thread, with bounded memory.

1. A script's thread puts a record into the queue: an append, no lock, no input or output.
2. When the queue is full the record is dropped and counted. Four times as many outcomes fit.
3. The writer renders what waits, ten times a second, and at once when a unit or a step ends or a thousand
   records wait, and gives it to the sink.
4. The end of a unit or a step writes what waits itself: it is on disk before the script goes on, so no signal
   and no `os._exit` can take it away.
5. An outcome that the sink did not take waits in memory and is tried again; other lines are dropped.
6. What was dropped is reported by a record of its own as soon as something can be written.
7. Between its writes the writer records the heartbeats of units that stay open.
8. At exit, or when asked, the caller's thread empties the queue itself.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from contextlib import suppress
from itertools import accumulate
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, Protocol

from unsnag import clock, process, records
from unsnag.conventions import DROPPED, EVENT_CLIENT_DROPPED
from unsnag.encoding import encode
from unsnag.heartbeat import beats

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from unsnag.context import Scope

INTERVAL_S: Final = 0.1
QUIET_S: Final = 1.0
WAIT_S: Final = 1.0
"""A script waits no longer for the end of a unit to be written: the disk may hang."""
EXIT_S: Final = 1.7
"""What the client may take of an exit; with what the interpreter needs to leave, two seconds in all."""
BATCH: Final = 1000
MANY: Final = 1000
"""Records that wait for the writer no longer: written soon, they are still in the processor's memory."""
OUTCOME_SHARE: Final = 4
"""Outcomes may fill this many times the queue: the script waits for each, so there are never many."""
KEPT_BYTES: Final = 16 * 1024 * 1024
_SPAN_SIZE: Final = 1000
OVERHEAD: Final = 200
"""What a record takes beside its fields."""


def _shorter(one: float | None, other: float | None) -> float | None:
    return min((seconds for seconds in (one, other) if seconds is not None), default=None)


class Sink(Protocol):
    """Where lines go."""

    fault: OSError | None

    def write(self, lines: bytes | bytearray) -> int:
        """Take whole lines and return how many bytes of them are safe, up to the end of a line."""

    def sync(self) -> None:
        """Make them last."""

    def drain(self, within_s: float) -> None:
        """Bring them to where they go, if that is elsewhere."""

    def lost(self) -> int:
        """Return how many lines were given up, of those that were taken, since the last call."""

    def close(self, within_s: float = EXIT_S) -> None:
        """Give back what is held open."""

    def forget(self) -> None:
        """Begin again in a forked child."""


class _Mark:
    """A place in the queue: free as soon as all before it is written."""

    __slots__ = ("reached",)

    def __init__(self) -> None:
        self.reached = threading.Lock()
        self.reached.acquire()


class Output:
    """The queue, its writer thread and the count of what was dropped."""

    def __init__(
        self,
        sink: Sink,
        home: Callable[[], Scope],
        *,
        max_events: int,
        max_bytes: int,
        beat: Callable[[], None],
    ) -> None:
        self.sink = sink
        self._beat = beat
        self._home = home
        self.longest_json = 0
        """Bytes of a line that may be recorded without a look at its fields."""
        self._max_events = max_events
        self._many = min(MANY, max_events)
        self._max_bytes = max_bytes
        self._drop_lock = threading.RLock()  # reentrant: a signal handler may log while we count
        self._warned = ""
        self._begin()

    def _begin(self) -> None:
        self._queue: deque[records.Log | records.Span | _Mark] = deque()
        self._taken: list[records.Log | records.Span | _Mark] = []
        """Out of the queue and not written yet: Ctrl-C may interrupt the thread that writes."""
        self._bytes = 0
        self._dropped = 0
        self._kept: list[bytes] = []
        """Outcomes that the sink did not take."""
        self._renderer = records.Renderer()
        self._lock = threading.Lock()
        self._wake: SimpleQueue[None] = SimpleQueue()  # its put may interrupt itself, unlike Event.set
        self._is_idle = True
        self._is_called = False
        """The writer was woken because much waits, and has not paused since."""
        self._last_work = 0.0
        self._wants_sync = False
        self._synced_at = 0.0
        self._is_syncing = False
        self._is_stuck = False
        """A script has waited in vain, and nothing was written since."""
        self._holder = 0
        """The thread that writes on a script's behalf."""
        self._is_closed = False
        self._thread: threading.Thread | None = None

    def put(self, record: records.Log | records.Span) -> None:
        """Queue a record, or count it as dropped."""
        self._put(record, _SPAN_SIZE if isinstance(record, records.Span) else len(record[2]) + OVERHEAD)

    def put_json(self, body: bytes, scope: Scope, time_ns: int, stamp: Any = "") -> bool:
        """Queue a line of the script that is encoded already: no error, and nothing in it is the scope's.

        Args:
            body: One JSON object without its first brace.
            scope: Where the script was.
            time_ns: When, in nanoseconds since 1970.
            stamp: What stands in it under ``timestamp``; empty where nothing does.

        Returns:
            Whether it was recorded: what is too long or must be looked through is not.
        """
        size = len(body)
        if size >= self.longest_json:
            return False
        self._put((time_ns, scope, body, False, process.next_seq(), False, stamp), size + OVERHEAD)
        return True

    def _put(self, record: records.Log | records.Span, size: int) -> None:
        queue = self._queue
        waiting = self._bytes + size
        if (len(queue) >= self._many or waiting > self._max_bytes) and not self._has_space(record, waiting):
            self.drop(1)
            return
        self._bytes = waiting  # threads may lose each other's additions; every emptying of the queue heals it
        queue.append(record)
        if self._is_idle:
            self.wake()

    def _has_space(self, record: records.Log | records.Span, waiting: int) -> bool:
        """Wake the writer before it is time, since much waits, and say whether a record may wait too."""
        if not self._is_called:
            self._is_called = True
            self.wake()
        share = OUTCOME_SHARE if records.is_outcome(record) else 1
        return len(self._queue) < self._max_events * share and waiting <= self._max_bytes * share

    def drop(self, number: int) -> None:
        """Count records that are lost."""
        with self._drop_lock:
            self._dropped += number

    def settle(self) -> None:
        """Return when all that was recorded is written: a unit or a step ended. Ask for the disk's promise.

        Usually the caller writes: that takes half the time of waiting for the writer thread. While another
        thread writes, its end is waited for, but never longer than a second.
        """
        self._wants_sync = True
        if self._lock.acquire(blocking=False):
            self._holder = threading.get_ident()
            try:
                self._write_waiting()
            finally:
                self._holder = 0
                self._lock.release()
            if self._is_idle:
                self.wake()
        elif self._holder != threading.get_ident():  # else a signal interrupted this thread: it goes on below
            self._wait_for_writer()

    def _wait_for_writer(self) -> None:
        mark = _Mark()
        self._queue.append(mark)
        self.wake()
        if self._thread is not None and self._thread.is_alive() and not self._is_stuck:
            self._is_stuck = not mark.reached.acquire(timeout=WAIT_S)

    def wake(self) -> None:
        """Let the writer look at the queue now."""
        self._is_idle = False
        if self._thread is None:
            self._start()
        self._wake.put(None)

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Write everything that waits, in the caller's thread; False when that did not work in time."""
        deadline = time.monotonic() + timeout_s
        while self._queue or self._taken or self._kept or self._dropped:
            if time.monotonic() > deadline:  # others log faster than the disk takes it
                return False
            if self._holder == threading.get_ident():  # a signal interrupted this thread while it writes
                return False
            if not self._lock.acquire(timeout=max(deadline - time.monotonic(), 0)):
                return False
            self._holder = threading.get_ident()
            try:
                self._write_batch()
            finally:
                self._holder = 0
                self._lock.release()
            if self.sink.fault is not None and not self._queue:
                break
        self._sync()
        self.sink.drain(min(max(deadline - time.monotonic(), 0), EXIT_S))
        return not self._kept

    def close(self, timeout_s: float = EXIT_S) -> None:
        """Write what waits and stop the writer, all in the time given."""
        deadline = time.monotonic() + timeout_s
        self.flush(timeout_s / 2)
        self._is_closed = True
        self._wake.put(None)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(max(deadline - time.monotonic(), 0))
        self._thread = None
        self.sink.close(max(deadline - time.monotonic(), 0))
        self._is_closed = False
        self._is_idle = True

    def after_fork(self) -> None:
        """Begin again in a child: the parent's records are the parent's, its thread did not come along."""
        self._drop_lock = threading.RLock()
        self._begin()
        self.sink.forget()

    def _start(self) -> None:
        with self._drop_lock:
            if self._thread is not None:
                return
            self._thread = threading.Thread(target=self._run, name="unsnag-writer", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # no threads any more: the interpreter is leaving, and flush will write
            self._thread = None

    def _run(self) -> None:
        while not self._is_closed:
            self._beat()
            with self._lock:
                self._write_batch()
            if self._wants_sync and time.monotonic() - self._synced_at >= INTERVAL_S:
                self._sync()
            if not self._queue:
                self._pause()

    def _pause(self) -> None:
        is_quiet = time.monotonic() - self._last_work > QUIET_S and not self._wants_sync
        self._is_idle = is_quiet
        self._is_called = False
        if is_quiet and (self._queue or self._wants_sync):
            self._is_idle = False
            return
        try:
            again_in = QUIET_S if self._kept else None
            self._wake.get(timeout=_shorter(again_in if is_quiet else INTERVAL_S, beats.next_in()))
        except Empty:
            return

    def _sync(self) -> None:
        """Ask for the disk's promise; without the lock, since that may take long."""
        self._wants_sync = False
        self._is_syncing = True
        try:
            self.sink.sync()
        finally:
            self._is_syncing = False
            self._synced_at = time.monotonic()

    def _write_waiting(self) -> None:
        """Write what waits now, and not what others add meanwhile."""
        for _ in range(len(self._queue) // BATCH + 1):
            self._write_batch()

    def _write_batch(self) -> None:
        taken, queue = self._taken, self._queue
        while queue and len(taken) < BATCH:
            taken.append(queue.popleft())
        if not queue:
            self._bytes = 0
        if lost := self.sink.lost():
            self.drop(lost)
        if taken:
            self._last_work = time.monotonic()
        if taken or self._dropped or self._kept:
            self._deliver([record for record in taken if not isinstance(record, _Mark)])
        for mark in [record for record in taken if isinstance(record, _Mark)]:
            mark.reached.release()
        taken.clear()

    def _deliver(self, batch: Sequence[records.Log | records.Span]) -> None:
        reported, report = self._report()
        # One text that grows: a thousand lines that are kept until they are joined take 5 us more each.
        lines = bytearray(report)
        for line in self._kept:
            lines += line
        unreadable = [record for record in batch if not self._render(record, lines)]
        safe = self.sink.write(lines)
        left = [bytes(line) for line in lines[safe:].splitlines(keepends=True)]
        if report and not safe:
            left.pop(0)
        rendered = [record for record in batch if left and record not in unreadable]
        self._kept = self._outcomes(left, rendered) if left else []
        with self._drop_lock:
            self._dropped -= reported if safe else 0
            self._dropped += len(left) - len(self._kept)
        if self.sink.fault is not None:
            self._warn(self.sink.fault)
        else:
            self._is_stuck = False

    def _outcomes(self, left: list[bytes], rendered: Sequence[records.Log | records.Span]) -> list[bytes]:
        """Return the outcomes among the lines that the sink did not take, the last of what it was given."""
        are_outcomes = [True] * len(self._kept) + [records.is_outcome(record) for record in rendered]
        first = len(are_outcomes) - len(left)
        return _within([line for line, is_one in zip(left, are_outcomes[first:]) if is_one], KEPT_BYTES)

    def _render(self, record: records.Log | records.Span, lines: bytearray) -> bool:
        try:
            lines += self._renderer.line(record)
        except Exception:  # noqa: BLE001 - one record that cannot be rendered must not take others along
            self.drop(1)
            return False
        return True

    def _report(self) -> tuple[int, bytes]:
        dropped = self._dropped
        if not dropped:
            return 0, b""
        body = encode(
            {"level": "warning", "event": EVENT_CLIENT_DROPPED, "logger": "unsnag", DROPPED: dropped}
        )
        record = (clock.now_ns(), self._home(), body[1:], False, process.next_seq(), False, "")
        return dropped, self._renderer.line(record)

    def _warn(self, fault: OSError) -> None:
        """Say once for each fault that telemetry is lost; the script's own work goes on."""
        text = (
            f"unsnag: telemetry cannot be written: {fault}. How units end is kept in memory, other lines are "
            "dropped, the program goes on. Free the disk, or set UNSNAG_SPOOL to a folder that can be "
            "written.\n"
        )
        if text != self._warned:
            self._warned = text
            with suppress(OSError):
                os.write(2, text.encode("utf-8", "replace"))


def _within(lines: list[bytes], limit: int) -> list[bytes]:
    """Return the first lines that are no larger than a limit together."""
    sizes = accumulate(map(len, lines))
    return [line for line, size in zip(lines, sizes) if size <= limit]
