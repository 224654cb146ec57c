"""Writes lines into the spool folder, one file a process, for a collector to read.

A file has one writer and only grows by whole lines: what a full disk cut in two is taken back.
A file that has reached its size is left as it is and the next one is begun.
"""

from __future__ import annotations

import os
import re
import time
from typing import Final

PAUSE_S: Final = 2.0
"""After a fault the folder is left alone for so long; lines of that time are lost, and counted."""

_FLAGS: Final = (
    os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
)


class Spool:
    """The files of one process in the spool folder."""

    def __init__(self, folder: str, service: str, rotate_bytes: int, *, mode: int = 0o777) -> None:
        """`mode` is that of the folder, where it has to be made."""
        self._folder = folder
        self._mode = mode
        self._service = re.sub(r"[^\w.-]+", "-", service)[:60] or "program"
        self._rotate_bytes = rotate_bytes
        self._fd = -1
        self._size = 0
        self._part = 0
        self._identity = ""
        self._not_before = 0.0
        self.paths: list[str] = []
        self.fault: OSError | None = None
        """Why the last write failed."""

    def write(self, lines: bytes | bytearray) -> int:
        """Append whole lines and return how many bytes of them were written, up to the end of a line."""
        if time.monotonic() < self._not_before:
            return 0
        try:
            self._make_ready()
            written = self._append(lines)
        except OSError as fault:
            return self._give_up(fault, 0)
        if written < len(lines):
            return self._give_up(OSError("the disk takes no more"), written)
        self.fault = None
        return written

    def sync(self) -> None:
        """Ask the disk to keep what was written; the writer may leave the file meanwhile."""
        try:
            if (fd := self._fd) >= 0:
                os.fsync(fd)
        except OSError as fault:
            if self._fd == fd:
                self.fault = fault

    def drain(self, within_s: float) -> None:
        """Have nowhere to bring lines: a collector follows the folder."""

    def lost(self) -> int:
        """Return 0: what was written stays."""
        return 0

    def close(self, within_s: float = 0.0) -> None:  # noqa: ARG002 - others need the time
        """Close the file."""
        if self._fd >= 0:
            try:
                os.close(self._fd)
            except OSError as fault:
                self.fault = fault
        self._fd = -1

    def forget(self) -> None:
        """Leave the file to the parent process, after a fork."""
        self.close()
        self._identity = ""
        self._part = 0
        self.paths = []

    def _give_up(self, fault: OSError, written: int) -> int:
        self.fault = fault
        self._not_before = time.monotonic() + PAUSE_S
        self.close()
        return written

    def _make_ready(self) -> None:
        if self._fd >= 0 and (self._size >= self._rotate_bytes or os.fstat(self._fd).st_nlink == 0):
            self.close()
        if self._fd < 0:
            self._open()

    def _open(self) -> None:
        os.makedirs(self._folder, self._mode, exist_ok=True)  # noqa: PTH103 - pathlib costs 10 ms of a script's start
        self._identity = self._identity or f"{self._service}-{os.getpid()}-{os.urandom(4).hex()}"
        name = f"{self._identity}-{self._part}.jsonl" if self._part else f"{self._identity}.jsonl"
        path = os.path.join(self._folder, name)  # noqa: PTH118
        self._fd = os.open(path, _FLAGS, 0o640)
        self._part += 1
        self._size = os.fstat(self._fd).st_size
        self.paths.append(path)

    def _append(self, lines: bytes | bytearray) -> int:
        done = _write_all(self._fd, lines)
        if done < len(lines):  # cut the file after the last whole line
            done = lines.rfind(b"\n", 0, done) + 1
            os.ftruncate(self._fd, self._size + done)
        self._size += done
        return done


def _write_all(fd: int, data: bytes | bytearray) -> int:
    """Write as much as the disk takes; a collector reads while we write, so each call adds whole data."""
    done = 0
    view = memoryview(data)
    try:
        while done < len(data):
            done += os.write(fd, view[done:])
    except OSError:
        return done
    return done
