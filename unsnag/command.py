"""Runs any command as a unit of work: ``unsnag run --flow nightly-export -- ./job.sh``.

The command behaves as it would alone: its output is shown as it comes, signals
reach it, its exit code is ours.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

from unsnag import api, classification, clock
from unsnag.errors import AutomationError
from unsnag.last_words import error_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from typing_extensions import Self

    from unsnag import steps, units

KEPT_LINES: Final = 20
SEARCHED_LINES: Final = 200
"""An error may be followed by many lines of cleaning up."""
_KEPT_BYTES: Final = 16_384
_SEARCHED_BYTES: Final = 131_072
_NOT_FOUND: Final = 127
_NOT_EXECUTABLE: Final = 126
_FORWARDED: Final = ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    stderr: str
    """Its last lines."""
    named: str
    """The line that names the error, also of a few lines before."""


class CommandError(AutomationError):
    """A command ended with an exit code that is not 0."""

    __module__ = "unsnag"

    def __init__(self, command: Sequence[str], ended: Ended, duration_s: float) -> None:
        name = command[0].rpartition("/")[2]
        super().__init__(
            f"{name} ended with exit code {ended.code}" + (f": {ended.named}" if ended.named else ""),
            code=f"exit.{ended.code}",
            exit_code=ended.code,
            duration_s=round(duration_s, 3),
            command=" ".join(command),
            stderr=ended.stderr,
        )
        self.exit_code = ended.code
        self.error_class = classification.of_exit_code(ended.code)  # type: ignore[misc]
        self.stacktrace = ended.stderr or None


def run(command: Sequence[str], unit: units.unit, step: steps.step) -> int:
    """Run a command as the only step of a unit, and return its exit code."""
    try:
        with unit, step, _Forwarding() as forwarding:
            execute(command, on_start=forwarding.begin)
    except CommandError as error:
        return error.exit_code
    return 0


def execute(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    *,
    folder: str | None = None,
    on_start: Callable[[subprocess.Popen[bytes]], None] | None = None,
) -> None:
    """Run a command in the context of the block at hand, with more variables, and wait for it.

    Raises:
        CommandError: it ended with an exit code that is not 0, or could not be started.
    """
    started = time.monotonic()
    variables = {**os.environ, **api.environment(), **(environment or {})}
    try:
        process = _start(command, variables, folder)
    except OSError as error:
        ended = _not_started(command[0], error)
    else:
        if on_start:
            on_start(process)
        tail = _Tail(process.stderr)
        code = process.wait()
        ended = tail.ended(code if code >= 0 else 128 - code)
    if ended.code != 0:
        raise CommandError(command, ended, time.monotonic() - started)


def _start(
    command: Sequence[str], variables: Mapping[str, str], folder: str | None
) -> subprocess.Popen[bytes]:
    """Start a command; a script whose first line names no interpreter runs in sh, as shells and cron do."""
    try:
        # The caller's command is what we were asked to run.
        return subprocess.Popen(command, stderr=subprocess.PIPE, env=variables, cwd=folder)  # noqa: S603
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
    return subprocess.Popen(  # noqa: S603
        ["/bin/sh", *command], stderr=subprocess.PIPE, env=variables, cwd=folder
    )


def generated_id(flow: str) -> str:
    """Return an ID for a unit that the business has no name for: flow, time and a random part."""
    at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(clock.now_ns() / 1e9))
    return f"{flow}-{at}-{os.urandom(2).hex()}"


def _not_started(name: str, error: OSError) -> Ended:
    """Answer as a shell would."""
    text = f"unsnag run: cannot start {name}: {error.strerror}"
    sys.stderr.write(text + "\n")
    return Ended(_NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE, text, text)


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
        self._lines: deque[bytes] = deque(maxlen=SEARCHED_LINES)
        self._thread = threading.Thread(target=self._copy, daemon=True)
        self._thread.start()

    def ended(self, code: int) -> Ended:
        """Return the end of the command; a grandchild that keeps the stream open is not waited for."""
        self._thread.join(1.0)
        lines = list(self._lines)
        searched = b"".join(lines)[-_SEARCHED_BYTES:].decode("utf-8", "replace")
        kept = b"".join(lines[-KEPT_LINES:])[-_KEPT_BYTES:].decode("utf-8", "replace")
        return Ended(code, kept, error_line(searched))

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
