"""Sends what is in the outbox to the server, so that a script never waits for the network.

1. Every line is in a file of the outbox first. A thread posts what is there and removes what was taken.
2. While the endpoint does not answer, or asks to be left alone (``Retry-After``), lines stay in the file.
3. At exit the thread gets what is left of the time for it. What it has not sent then is an orphan, which any
   later process with the same address sends, and ``unsnag flush``.
4. Where the outbox cannot be written, lines wait in memory and are posted from there.
5. A fault is reported once on stderr: a refused token at once, an endpoint that does not answer after ten
   seconds, or at exit when lines are left.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final

from unsnag import outbox, posting
from unsnag.delivery import Delivery
from unsnag.outbox import Outbox
from unsnag.output import EXIT_S

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unsnag.destination import Destination
    from unsnag.posting import Answer

LINGER_S: Final = 0.1
"""Lines that come within this time travel together."""
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0
LONGEST_ASKED_S: Final = 3600.0
ORPHANS_S: Final = 60.0
ORPHANS_AT_EXIT_S: Final = 1.0
_LOOK_S: Final = 0.005
REPORT_S: Final = 10.0
MEMORY_EXIT_S: Final = 5.0
MEMORY_BYTES: Final = 16 * 1024 * 1024
_FOR_GOOD: Final = frozenset({posting.FORBIDDEN, posting.MISPLACED})


class Sender:
    """A sink whose lines reach a server."""

    def __init__(
        self,
        destination: Destination,
        service: str,
        resource: Mapping[str, str],
        *,
        rotate_bytes: int = outbox.FILE_BYTES,
        limit_bytes: int = outbox.LIMIT_BYTES,
    ) -> None:
        self.fault: OSError | None = None
        self._destination = destination
        self._folder = destination.outbox
        self._limit_bytes = limit_bytes
        self._files = Outbox(self._folder, service, resource, rotate_bytes)
        self._resource = resource
        self._is_quiet = False
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()  # between who writes a file and who empties it
        self._delivery = Delivery(self._destination, self._resource)
        self._memory: deque[bytes] = deque()
        self._memory_bytes = 0
        self._lost = 0
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._is_called = False
        self._is_awaited = False
        self._thread: threading.Thread | None = None
        self._until: float | None = None
        """When the process will not wait any longer; None while it does not end."""
        self._not_before = 0.0
        self._pause_s = FIRST_PAUSE_S
        self._orphans_at = 0.0
        self._fault: Answer | None = None
        self._fault_since = 0.0
        self._reported: set[str] = set()

    # --- the sink ------------------------------------------------------------------------------------

    def write(self, lines: bytes | bytearray) -> int:
        """Put lines into the outbox, else into memory; return how many bytes of them are safe."""
        with self._lock:
            safe = self._files.write(lines)
            self.fault = None
            for line in bytes(lines[safe:]).splitlines(keepends=True):
                if self._memory_bytes + len(line) > MEMORY_BYTES:
                    self.fault = self._files.fault
                    break
                self._memory.append(line)
                self._memory_bytes += len(line)
                safe += len(line)
        self._start()
        if not self._is_called and time.monotonic() >= self._not_before:
            self._is_called = True
            self._wake.put(None)
        return safe

    def sync(self) -> None:
        """Ask the disk to keep what is in the outbox."""
        self._files.sync()

    def drain(self, within_s: float) -> None:
        """Wait until all is sent, or until there is no use in trying."""
        until = time.monotonic() + within_s
        self._is_awaited = True
        self._wake.put(None)
        while self._is_of_use() and time.monotonic() < until:
            time.sleep(_LOOK_S)
        self._is_awaited = False

    def _is_of_use(self) -> bool:
        is_sending = self._thread is not None and self._thread.is_alive() and self._fault is None
        return is_sending and (bool(self._memory) or self._files.unsent_bytes() > 0)

    def lost(self) -> int:
        """Return how many lines were refused for good, or did not fit into the outbox, since last asked."""
        if not self._lost:
            return 0
        with self._lock:
            lost, self._lost = self._lost, 0
        return lost

    def close(self, within_s: float = EXIT_S) -> None:
        """Send what can be sent in the time given, and leave the rest to others.

        What is in memory alone, since the outbox cannot be written, is worth waiting longer for.
        """
        if self._memory:
            within_s = max(within_s, MEMORY_EXIT_S)
        self._until = time.monotonic() + within_s
        self._wake.put(None)
        if self._thread is None:
            self._last_round()
        elif self._thread is not threading.current_thread():
            self._thread.join(within_s)
        self._leave()
        self._thread, self._until = None, None

    def forget(self) -> None:
        """Leave files, memory and thread to the parent process, after a fork."""
        self._files.forget()
        self._begin()

    def _leave(self) -> None:
        left = self._files.unsent_bytes() > 0
        self._files.close()
        for path in [] if left else list(self._files.paths):
            outbox.remove(path)
        fault = self._fault or posting.Answer(posting.LATE)
        if self._memory:
            reason = fault.reason or f"not in {MEMORY_EXIT_S:g} s"
            self._say(
                "lost",
                f"{len(self._memory)} events are lost: {self._folder} cannot be written "
                f"({self._files.fault}), and {self._destination.url} did not take them ({reason}).",
            )
        elif left:
            self._report(fault)

    def quiet(self) -> None:
        """Report nothing on stderr: the caller does."""
        self._is_quiet = True

    def unsent_bytes(self) -> int:
        """Return how much is not sent; after `close`, how much was left behind."""
        return self._files.unsent_bytes()

    @property
    def trouble(self) -> Answer | None:
        """The fault that keeps lines from being sent now."""
        return self._fault

    @property
    def rejection(self) -> str:
        """Why the server did not take single events of those that it was sent."""
        return self._delivery.rejection

    # --- the thread ----------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._thread is not None:
            return
        self._thread = threading.Thread(target=self._run, name="unsnag-sender", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # no threads any more: the interpreter is leaving, and close will send
            self._thread = None

    def _run(self) -> None:
        while self._until is None:
            wait_s = self._rest()
            with suppress(Empty):
                self._wake.get(timeout=wait_s)
            if self._until is None and time.monotonic() >= self._not_before:
                self._linger()
                self._try(time.monotonic() + 3600)
        self._last_round()

    def _rest(self) -> float:
        """Return how long there is nothing to do, unless lines come."""
        pause_s = self._not_before - time.monotonic()
        return max(min(pause_s if self._fault else ORPHANS_S, ORPHANS_S), 0.01)

    def _linger(self) -> None:
        """Wait a moment, so that lines travel together; at exit not at all."""
        until = time.monotonic() + LINGER_S
        while not self._is_hurried() and (left_s := until - time.monotonic()) > 0:
            with suppress(Empty):
                self._wake.get(timeout=left_s)

    def _is_hurried(self) -> bool:
        return self._is_awaited or self._until is not None

    def _last_round(self) -> None:
        """Try at exit, unless the endpoint has asked to be left alone or lets everybody wait."""
        fault, until = self._fault, self._until
        is_useless = fault and (fault.what in _FOR_GOOD or fault.wait_s or fault.is_hanging)
        if until is not None and not is_useless:
            self._try(until)

    def _try(self, until: float) -> None:
        """Send what is there, and note how that went."""
        self._is_called = False
        try:
            fault = self._send(until)
        except Exception as error:  # noqa: BLE001 - the thread must go on; the lines are kept
            fault = posting.Answer(posting.SILENT, f"{self._folder}: {type(error).__name__}: {error}")
        if fault is None:
            self._fault, self._pause_s, self._not_before = None, FIRST_PAUSE_S, 0.0
        elif fault.what != posting.LATE:
            self._pause(fault)

    def _pause(self, fault: Answer) -> None:
        """Leave the endpoint alone for as long as it asks, else longer each time."""
        now = time.monotonic()
        if self._fault is None:
            self._fault_since = now
        self._fault = fault
        asked_s = None if fault.wait_s is None else min(fault.wait_s, LONGEST_ASKED_S)
        self._not_before = now + (self._pause_s if asked_s is None else asked_s)
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
        if fault.what in _FOR_GOOD or now - self._fault_since >= REPORT_S:
            self._report(fault)

    # --- sending -------------------------------------------------------------------------------------

    def _send(self, until: float) -> Answer | None:
        """Send this process's files, what waits in memory, and what others left behind."""
        for path in list(self._files.paths):
            while True:
                lines, end = self._files.next_lines(path)
                if fault := self._deliver(lines, until):
                    return fault
                self._files.sent(path, end)
                with self._lock:
                    if not lines and self._files.retire(path):
                        break
        return self._send_memory(until) or self._send_orphans(until)

    def _send_memory(self, until: float) -> Answer | None:
        while self._memory:
            lines = [self._memory[at] for at in range(min(len(self._memory), outbox.BATCH_LINES))]
            if fault := self._deliver(lines, until):
                return fault
            with self._lock:
                for line in lines:
                    self._memory_bytes -= len(line)
                    self._memory.popleft()
        return None

    def _send_orphans(self, until: float) -> Answer | None:
        """Send files that earlier processes left; once a minute, and at exit."""
        if self._until is None and time.monotonic() < self._orphans_at:
            return None
        self._orphans_at = time.monotonic() + ORPHANS_S
        self._lose(outbox.trim(self._folder, self._limit_bytes))
        if self._until is not None:
            until = min(until, time.monotonic() + ORPHANS_AT_EXIT_S)
        return self.send_left(until)

    def send_left(self, until: float) -> Answer | None:
        """Send files that no living process holds, and remove each; return the fault that ended it."""
        for path in [path for path in outbox.waiting(self._folder) if path not in self._files.paths]:
            with outbox.claimed(path) as is_ours:
                fault = self._send_orphan(path, until) if is_ours else None
            if fault:
                return fault
        return None

    def _send_orphan(self, path: str, until: float) -> Answer | None:
        lines, end = outbox.read(path, 0)
        try:
            while lines:
                if fault := self._deliver(lines, until):
                    return fault
                lines, end = outbox.read(path, end)
        finally:
            self._delivery.own_again()
        outbox.remove(path)
        return None

    def _deliver(self, lines: Sequence[bytes], until: float) -> Answer | None:
        if not lines:
            return None
        fault = self._delivery.deliver(lines, until)
        if self._delivery.rejection:
            self._say(
                "rejected", f"{self._destination.url} took events, but {self._delivery.rejection[:300]}."
            )
        if fault is None and self._delivery.refused:
            refused = self._delivery.refused
            path = outbox.set_aside(self._folder, f"{os.getpid()}-{int(time.time())}.jsonl", refused)
            self._lose(len(refused))
            self._say(
                "refused",
                f"{self._destination.url} refuses single lines ({refused[0][1][:200]}). "
                f"They are set aside in {os.path.dirname(path)}, each with its reason.",  # noqa: PTH120
            )
        return fault

    def _lose(self, number: int) -> None:
        with self._lock:
            self._lost += number

    # --- what is reported on stderr -------------------------------------------------------------------

    def _report(self, fault: Answer) -> None:
        kept = f"Lines are kept in {self._folder}"
        if self._memory:
            kept = f"{self._folder} cannot be written either, and {len(self._memory)} lines wait in memory"
        self._say(fault.what, explanation(self._destination.url, fault, kept))

    def _say(self, key: str, text: str) -> None:
        if key not in self._reported and not self._is_quiet:
            self._reported.add(key)
            with suppress(OSError):
                os.write(2, f"unsnag: {text}\n".encode("utf-8", "replace"))


def explanation(url: str, fault: Answer, kept: str) -> str:
    """Return in a sentence what happened, what became of the lines, and what to do."""
    if fault.what == posting.FORBIDDEN:
        return (
            f"{url} does not take telemetry with this token ({fault.reason}). {kept}; set UNSNAG_TOKEN to a "
            "token with the role sender, then `unsnag flush` sends them."
        )
    if fault.what == posting.MISPLACED:
        return f"nothing at {url} takes telemetry ({fault.reason}). {kept}; set UNSNAG_URL to the server."
    later = f"{kept}; the next run sends them, and so does `unsnag flush`."
    if fault.what == posting.LATE:
        return f"not everything was sent to {url} in {EXIT_S:g} s. {later}"
    if fault.reason.startswith(posting.TLS):
        later += " SSL_CERT_FILE names the certificate of an authority of your own."
    return f"{url} does not take telemetry now ({fault.reason}). {later}"
