"""Files of lines that wait to be sent, in a folder that all processes of a user share for one address.

1. A process writes into a file of its own and holds a lock on it as long as it lives, however it ends.
2. What was sent is cut off the file; a file that was left for the next one is removed when it was sent.
3. A file without a lock is an orphan: any later process sends it and removes it.
4. Lines that the receiver will never take go into the folder ``refused``, with the reason.
5. When the folder holds more than its limit, the oldest file is removed and its lines are counted as lost.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from unsnag.encoding import encode
from unsnag.folders import user_mark
from unsnag.otlp import RESOURCE
from unsnag.spool import Spool

try:
    import fcntl
except ImportError:  # Windows: there a file that another process has open cannot be renamed
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FILE_BYTES: Final = 1024 * 1024
"""An orphan is sent as a whole, so it must not take long."""
LIMIT_BYTES: Final = 1024 * 1024 * 1024
BATCH_LINES: Final = 500
BATCH_BYTES: Final = 1024 * 1024
REFUSED: Final = "refused"
_YOUNG_S: Final = 60.0
"""An empty file of this age may be one that its process has not locked yet."""


class Outbox(Spool):
    """The files of this process."""

    def __init__(
        self, folder: str, service: str, resource: Mapping[str, str], rotate_bytes: int = FILE_BYTES
    ) -> None:
        super().__init__(folder, service, min(rotate_bytes, FILE_BYTES), mode=0o700)
        self._first_line = encode({RESOURCE: dict(resource)}) + b"\n"
        self._sent: dict[str, int] = {}

    def _open(self) -> None:
        super()._open()
        _lock(self._fd)
        if os.fstat(self._fd).st_nlink == 0:  # another process took it for an orphan in between
            self.paths.pop()
            super()._open()
            _lock(self._fd)

    def _append(self, lines: bytes | bytearray) -> int:
        """Say in the first line whose the others are: another process may send them."""
        first = b"" if self._size else self._first_line
        return max(super()._append(first + lines) - len(first), 0)

    def forget(self) -> None:
        """Leave the files to the parent process, after a fork."""
        super().forget()
        self._sent = {}

    def next_lines(self, path: str) -> tuple[list[bytes], int]:
        """Return lines of a file that were not sent yet, and where they end."""
        return read(path, self._sent.get(path, 0))

    def sent(self, path: str, end: int) -> None:
        """Note that all up to here was sent."""
        self._sent[path] = end

    def retire(self, path: str) -> bool:
        """Empty or remove a file that was sent; False when more was written into it meanwhile."""
        if self._fd >= 0 and path == self.paths[-1] and os.fstat(self._fd).st_nlink > 0:
            if self._size > self._sent.get(path, 0):
                return False
            os.ftruncate(self._fd, 0)
            self._size = self._sent[path] = 0
            return True
        if _size(path) > self._sent.get(path, 0):
            return False
        remove(path)
        self._sent.pop(path, None)
        if path in self.paths:
            self.paths.remove(path)
        return True

    def unsent_bytes(self) -> int:
        """Return how much of this process's lines is not sent."""
        return sum(_size(path) - self._sent.get(path, 0) for path in self.paths)


def read(path: str, offset: int) -> tuple[list[bytes], int]:
    """Return whole lines of a file from an offset on, and where they end; none when it is gone."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib costs 10 ms of a script's start
            file.seek(offset)
            lines = file.readlines(BATCH_BYTES)[:BATCH_LINES]
    except FileNotFoundError:
        return [], offset
    if lines and not lines[-1].endswith(b"\n"):
        lines.pop()
    return lines, offset + sum(map(len, lines))


def waiting(folder: str) -> list[str]:
    """Return all files of a folder, the oldest first."""
    try:
        with os.scandir(folder) as entries:
            found = [(entry.stat().st_mtime_ns, entry.path) for entry in entries if _is_file(entry)]
    except OSError:
        return []
    return [path for _, path in sorted(found)]


def folders(spool: str) -> list[str]:
    """Return the outboxes of this user in a spool folder: one for each address."""
    try:
        with os.scandir(os.path.join(spool, f"outbox{user_mark()}")) as entries:  # noqa: PTH118
            return sorted(entry.path for entry in entries if entry.is_dir())
    except OSError:
        return []


def count_refused(folder: str) -> int:
    """Return how many lines of an outbox were set aside."""
    try:
        with os.scandir(os.path.join(folder, REFUSED)) as entries:  # noqa: PTH118
            return sum(_count(entry.path) for entry in entries)
    except OSError:
        return 0


def _is_file(entry: os.DirEntry[str]) -> bool:
    return entry.name.endswith(".jsonl") and entry.is_file(follow_symlinks=False)


@contextmanager
def claimed(path: str) -> Iterator[bool]:
    """Hold a file while it is sent; False when a living process holds it, or it is gone."""
    try:
        fd = os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        yield False
        return
    try:
        status = os.fstat(fd)
        is_young = status.st_size == 0 and time.time() - status.st_mtime < _YOUNG_S
        yield not is_young and _lock(fd) and os.fstat(fd).st_nlink > 0 and _is_free(path, fd)
    finally:
        os.close(fd)


def remove(path: str) -> None:
    """Remove a file; it may be gone."""
    with suppress(OSError):
        os.unlink(path)  # noqa: PTH108


def set_aside(folder: str, name: str, refused: Sequence[tuple[bytes, str]]) -> str:
    """Keep lines that are never taken, with the reason of each; return the file."""
    path = os.path.join(folder, REFUSED, name)  # noqa: PTH118
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120
    kept = ({"reason": reason, "line": line.decode("utf-8", "replace")} for line, reason in refused)
    with open(path, "ab") as file:  # noqa: PTH123
        file.writelines(encode(each) + b"\n" for each in kept)
    return path


def trim(folder: str, limit: int = LIMIT_BYTES) -> int:
    """Remove the oldest files until the folder is within its limit; return how many lines that loses."""
    lost, files = 0, waiting(folder)
    size = sum(map(_size, files))
    for path in files:
        if size <= limit:
            break
        with claimed(path) as is_ours:
            if is_ours:
                size -= _size(path)
                lost += _count(path)
                remove(path)
    return lost


def _count(path: str) -> int:
    with suppress(OSError), open(path, "rb") as file:  # noqa: PTH123
        return sum(1 for _ in file)
    return 0


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116
    except OSError:
        return 0


def _lock(fd: int) -> bool:
    """Hold a file for this process; the system gives it back when the process ends, in whatever way."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_free(path: str, fd: int) -> bool:
    """On Windows: say whether nobody else has the file open."""
    if fcntl is not None:
        return True
    del fd
    try:
        os.rename(path, path)  # noqa: PTH104
    except OSError:
        return False
    return True
