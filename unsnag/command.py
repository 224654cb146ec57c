"""Runs any command as a unit of work: ``unsnag run --flow nightly-export -- ./job.sh``.

The command behaves as it would alone: its output is shown as it comes, signals
reach it, its exit code is ours.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from typing import IO, TYPE_CHECKING, Any, Final, Self

from unsnag import api, classification, clock
from unsnag.errors import AutomationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unsnag import steps, units

KEPT_LINES: Final = 20
_KEPT_BYTES: Final = 16_384
_NOT_FOUND: Final = 127
_NOT_EXECUTABLE: Final = 126
_FORWARDED: Final = ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")


class CommandError(AutomationError):
    """A command ended with an exit code that is not 0."""

    __module__ = "unsnag"

    def __init__(self, command: Sequence[str], exit_code: int, duration_s: float, stderr: str) -> None:
        last = stderr.rstrip().rpartition("\n")[2]
        name = command[0].rpartition("/")[2]
        super().__init__(
            f"{name} ended with exit code {exit_code}" + (f": {last}" if last else ""),
            code=f"exit.{exit_code}",
            exit_code=exit_code,
            duration_s=round(duration_s, 3),
            command=" ".join(command),
            stderr=stderr,
        )
        self.exit_code = exit_code
        self.error_class = classification.of_exit_code(exit_code)  # type: ignore[misc]
        self.stacktrace = stderr or None


def run(command: Sequence[str], unit: units.unit, step: steps.step) -> int:
    """Run a command as the only step of a unit, and return its exit code."""
    try:
        with unit, step:
            _execute_or_raise(command)
    except CommandError as error:
        return error.exit_code
    return 0


def _execute_or_raise(command: Sequence[str]) -> None:
    started = time.monotonic()
    exit_code, stderr = _execute(command)
    if exit_code != 0:
        raise CommandError(command, exit_code, time.monotonic() - started, stderr)


def generated_id(flow: str) -> str:
    """Return an ID for a unit that the business has no name for: flow, time and a random part."""
    at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(clock.now_ns() / 1e9))
    return f"{flow}-{at}-{os.urandom(2).hex()}"


def _execute(command: Sequence[str]) -> tuple[int, str]:
    with _Forwarding() as forwarding:
        try:
            environment = {**os.environ, **api.environment()}
            # The caller's command is what we were asked to run.
            process = subprocess.Popen(command, stderr=subprocess.PIPE, env=environment)  # noqa: S603
        except OSError as error:
            return _not_started(command[0], error)
        forwarding.begin(process)
        tail = _Tail(process.stderr)
        code = process.wait()
        return (code if code >= 0 else 128 - code), tail.text()


def _not_started(name: str, error: OSError) -> tuple[int, str]:
    """Answer as a shell would."""
    text = f"unsnag run: cannot start {name}: {error.strerror}"
    sys.stderr.write(text + "\n")
    return (_NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE), text


class _Forwarding:
    """Passes signals on to the command; what comes before the command has started is kept for it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._kept: list[int] = []
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        numbers = [getattr(signal, name) for name in _FORWARDED if hasattr(signal, name)]
        self._previous = {number: signal.signal(number, self._forward) for number in numbers}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def begin(self, process: subprocess.Popen[bytes]) -> None:
        """Name the command that signals are for."""
        self._process = process
        for number in self._kept:
            process.send_signal(number)

    def _forward(self, number: int, _frame: object) -> None:
        if number == signal.SIGINT and sys.stdin.isatty():
            return  # an interrupt from the terminal reaches the command by itself
        if self._process is None:
            self._kept.append(number)
        else:
            self._process.send_signal(number)


class _Tail:
    """Shows a stream as it comes and keeps its last lines."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        self._stream = stream
        self._lines: deque[bytes] = deque(maxlen=KEPT_LINES)
        self._thread = threading.Thread(target=self._copy, daemon=True)
        self._thread.start()

    def text(self) -> str:
        """Return the last lines; a grandchild that keeps the stream open is not waited for."""
        self._thread.join(1.0)
        return b"".join(self._lines)[-_KEPT_BYTES:].decode("utf-8", "replace")

    def _copy(self) -> None:
        if self._stream is None:
            return
        rest = b""
        while chunk := os.read(self._stream.fileno(), 65_536):
            _show(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            self._lines.extend(line[-_KEPT_BYTES:] + b"\n" for line in lines)
            rest = rest[-_KEPT_BYTES:]
        if rest:
            self._lines.append(rest)
        self._stream.close()


def _show(chunk: bytes) -> None:
    try:
        sys.stderr.buffer.write(chunk)
        sys.stderr.buffer.flush()
    except (OSError, ValueError):  # our own stderr is closed; the command does not suffer for it
        return
