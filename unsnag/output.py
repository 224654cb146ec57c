"""Hands records from the script's threads to one writer thread, with bounded memory.

1. A script's thread puts a record into the queue: an append, no lock, no input or output.
2. When the queue is full the record is dropped and counted; the script never waits.
3. The writer renders what waits, ten times a second and at once when a unit ends, and gives it to the sink.
4. What was dropped is reported by a record of its own as soon as something can be written.
5. Between its writes it records the heartbeats of units that stay open.
6. At exit, or when asked, the caller's thread empties the queue itself.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final, Protocol

from unsnag import clock, process, records
from unsnag.conventions import DROPPED, EVENT_CLIENT_DROPPED
from unsnag.encoding import encode
from unsnag.heartbeat import beats

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from unsnag.context import Scope

INTERVAL_S: Final = 0.1
QUIET_S: Final = 1.0
BATCH: Final = 1000
_SPAN_SIZE: Final = 1000
_OVERHEAD: Final = 200


def _shorter(one: float | None, other: float | None) -> float | None:
    return min((seconds for seconds in (one, other) if seconds is not None), default=None)


class Sink(Protocol):
    """Where lines go."""

    fault: OSError | None

    def write(self, lines: Sequence[bytes]) -> int:
        """Take lines and return how many are safe."""

    def sync(self) -> None:
        """Make them last."""

    def close(self) -> None:
        """Give back what is held open."""

    def forget(self) -> None:
        """Begin anew in a forked child."""


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
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._drop_lock = threading.RLock()  # reentrant: a signal handler may log while we count
        self._warned = ""
        self._begin()

    def _begin(self) -> None:
        self._queue: deque[records.Log | records.Span] = deque()
        self._bytes = 0
        self._dropped = 0
        self._renderer = records.Renderer()
        self._lock = threading.Lock()
        self._wake: SimpleQueue[None] = SimpleQueue()  # its put may interrupt itself, unlike Event.set
        self._is_idle = True
        self._last_work = 0.0
        self._wants_sync = False
        self._is_closed = False
        self._thread: threading.Thread | None = None

    def put(self, record: records.Log | records.Span) -> None:
        """Queue a record, or count it as dropped."""
        size = _SPAN_SIZE if isinstance(record, records.Span) else len(record[2]) + _OVERHEAD
        if len(self._queue) >= self._max_events or self._bytes + size > self._max_bytes:
            self.drop(1)
            return
        self._bytes += size  # threads may lose each other's additions; every emptying of the queue heals it
        self._queue.append(record)
        if self._is_idle:
            self.wake()

    def drop(self, number: int) -> None:
        """Count records that are lost."""
        with self._drop_lock:
            self._dropped += number

    def settle(self) -> None:
        """Ask for the disk's promise soon: a unit ended."""
        self._wants_sync = True
        self.wake()

    def wake(self) -> None:
        """Let the writer look at the queue now."""
        self._is_idle = False
        if self._thread is None:
            self._start()
        self._wake.put(None)

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Write everything that waits, in the caller's thread; False when that did not work in time."""
        deadline = time.monotonic() + timeout_s
        self._wants_sync = True
        while self._queue or self._wants_sync:
            if time.monotonic() > deadline:  # others log faster than the disk or the network takes it
                return False
            if not self._lock.acquire(timeout=max(deadline - time.monotonic(), 0)):
                return False
            try:
                self._write_batch()
            finally:
                self._lock.release()
        return True

    def close(self, timeout_s: float = 5.0) -> None:
        """Write what waits and stop the writer."""
        self.flush(timeout_s)
        self._is_closed = True
        self._wake.put(None)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)
        self._thread = None
        self.sink.close()
        self._is_closed = False
        self._is_idle = True

    def after_fork(self) -> None:
        """Begin anew in a child: the parent's records are the parent's, its thread did not come along."""
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
            if not self._queue:
                self._pause()

    def _pause(self) -> None:
        is_quiet = time.monotonic() - self._last_work > QUIET_S
        self._is_idle = is_quiet
        if is_quiet and self._queue:
            self._is_idle = False
            return
        try:
            self._wake.get(timeout=_shorter(None if is_quiet else INTERVAL_S, beats.next_in()))
        except Empty:
            return

    def _write_batch(self) -> None:
        wants_sync, self._wants_sync = self._wants_sync, False
        batch = self._take()
        if batch or self._dropped:
            self._deliver(batch)
        if wants_sync and self._queue:
            self._wants_sync = True
        elif wants_sync:
            self.sink.sync()

    def _take(self) -> list[records.Log | records.Span]:
        queue = self._queue
        batch = [queue.popleft() for _ in range(min(len(queue), BATCH))]
        if not queue:
            self._bytes = 0
        if batch:
            self._last_work = time.monotonic()
        return batch

    def _deliver(self, batch: Sequence[records.Log | records.Span]) -> None:
        lines = [line for record in batch if (line := self._render(record))]
        reported, report = self._report()
        safe = self.sink.write([*report, *lines])
        with self._drop_lock:
            self._dropped -= reported if safe else 0
            self._dropped += len(lines) - max(safe - len(report), 0)
        if self.sink.fault is not None:
            self._warn(self.sink.fault)

    def _render(self, record: records.Log | records.Span) -> bytes:
        try:
            return self._renderer.line(record)
        except Exception:  # noqa: BLE001 - one record that cannot be rendered must not take others along
            self.drop(1)
            return b""

    def _report(self) -> tuple[int, list[bytes]]:
        dropped = self._dropped
        if not dropped:
            return 0, []
        body = encode(
            {"level": "warning", "event": EVENT_CLIENT_DROPPED, "logger": "unsnag", DROPPED: dropped}
        )
        return dropped, [self._renderer.line((clock.now_ns(), self._home(), body, False, process.next_seq()))]

    def _warn(self, fault: OSError) -> None:
        """Say once for each fault that telemetry is lost; the script's own work goes on."""
        text = f"unsnag: telemetry cannot be written and is dropped: {fault}. The program goes on.\n"
        if text != self._warned:
            self._warned = text
            with suppress(OSError):
                os.write(2, text.encode("utf-8", "replace"))
