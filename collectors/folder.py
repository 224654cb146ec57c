"""The files that the patterns of a source name: found, opened, closed, and read to their end when lost.

A file is closed for good only when all that it holds is stored. Until then it is kept open, so that it can be
read when it is renamed or deleted. A file that is closed, because nothing was written to it for long,
is looked for beside its old place when it is gone: something may have been written just before.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections import deque
from glob import glob, has_magic
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Final

from collectors.exclude import Exclude
from collectors.files import Tail
from collectors.links import Within
from collectors.losses import Fault
from collectors.no_text import NoTextError
from collectors.packed import BLOCK_BYTES, BROKEN
from collectors.patience import UNFINISHED_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from collectors.sheet import SheetForm
    from data.records import FileOffset

    Inode = tuple[int, int]

RETRY_S: Final = 5.0
"""A file that cannot be read for a reason outside of it is tried again this often."""
MAX_OPEN: Final = 256
"""Files that one source holds open. More wait until others of them are stored."""
_COPY_S: Final = 2.0
"""How long a truncated file waits for its copy to be found."""


class Folder:
    """The files of one source. All times are monotonic seconds."""

    def __init__(
        self,
        patterns: Sequence[str],
        encoding: str | None,
        idle_s: float,
        links: Sequence[str] = (),
        exclude: Sequence[str] = (),
        *,
        rows: SheetForm | None = None,
    ) -> None:
        """`idle_s`: a stored file that did not grow for this long is closed.

        `links`: folders to which symbolic links may lead. `exclude`: patterns of files that are left out.
        `rows`: the form of CSV; None where no file is read as such.
        """
        self.tails: dict[Inode, Tail] = {}
        self.refused: list[tuple[str, bytes]] = []
        """Why content was given up, and what is left of it: for the quarantine."""
        self.missing: str | None = None
        """The folder that is not there."""
        self.error: str | None = None
        """Why a folder cannot be listed."""
        self._patterns = patterns
        self._bases = sorted({base(pattern) for pattern in patterns})
        self._known_bases: set[str] = set()
        self._within = Within([*self._bases, *links])
        self.exclude = Exclude(exclude)
        self._encoding = encoding
        self._rows = rows
        self._idle_s = idle_s
        self._marks: Mapping[str, FileOffset] = {}
        self._is_first = True

    def resume(self, marks: Mapping[str, FileOffset]) -> None:
        """Go on in each file where these marks say, from the first scan on."""
        self._marks = marks

    def close(self) -> None:
        """Give all files back."""
        for tail in self.tails.values():
            tail.close()

    # --- finding ---------------------------------------------------------------------------------

    def scan(self, now: float) -> None:
        """Look for files that are new, changed or gone."""
        self._check_bases()
        seen: set[Inode] = set()
        for path in self.paths():
            try:
                status = Path(path).stat()
            except OSError:
                continue
            inode = (status.st_dev, status.st_ino)
            if S_ISREG(status.st_mode) and inode not in seen:
                seen.add(inode)
                self._found(path, inode, status, now)
        if self._is_first:
            self._find_rotated(now)
            self._is_first = False
        for inode in [inode for inode in self.tails if inode not in seen]:
            self._lost(inode, now)
        for tail in self.tails.values():
            self._miss_dropped(tail, now)

    def _check_bases(self) -> None:
        troubles = {folder: _trouble(folder) for folder in self._bases}
        there = {folder for folder, error in troubles.items() if not isinstance(error, _NOT_THERE)}
        self._known_bases |= there
        # Of several folders some may never be there; one that was is missed.
        missed = (name for name in self._bases if name not in there)
        self.missing = next((name for name in missed if name in self._known_bases or not there), None)
        refused = ((name, error) for name, error in troubles.items() if name in there and error)
        self.error = next((_cannot_list(name, error) for name, error in refused), None)

    def paths(self) -> list[str]:
        """Return the files that the patterns take now."""
        # Path.glob refuses absolute patterns.
        found = {path for pattern in self._patterns for path in glob(pattern, recursive=True)}  # noqa: PTH207
        return self.exclude.kept(self._within.kept(sorted(found)))

    def _found(self, path: str, inode: Inode, status: os.stat_result, now: float) -> None:
        tail = self.tails.get(inode)
        if tail is None:
            tail = self.tails[inode] = self._tail(path, inode)
        if tail.path != path:
            tail.path, tail.moved = path, True
        tail.gone = tail.homeless = False
        tail.see(status.st_size, now)
        if tail.is_open:
            self._close_if_idle(tail, now)
        elif tail.fault or tail.closed_stamp != (status.st_size, status.st_mtime_ns):
            self._open(tail, now)

    def _tail(self, path: str, inode: Inode) -> Tail:
        unfinished = UNFINISHED_S * min(self._idle_s / 60, 1)
        rows = self._rows if self._rows is not None and self._rows.expects(path) else None
        return Tail(path, inode, self._encoding, rows, unfinished_s=unfinished)

    def _close_if_idle(self, tail: Tail, now: float) -> bool:
        return now - tail.grew_at > self._idle_s and tail.close_if_stored(now)

    # --- opening ---------------------------------------------------------------------------------

    def _open(self, tail: Tail, now: float) -> None:
        stamp = _stamp(tail.path)
        fault = tail.fault
        unchanged = fault is not None and fault.stamp == stamp
        if fault is not None and unchanged and now - fault.at < self._pause(fault):
            return
        if not self._has_room(now):
            return
        try:
            tail.open(is_final=fault is not None and fault.ends_early and unchanged)
            if not tail.head:
                self._resume(tail)
            tail.look(now)
        except BROKEN as error:
            self.cannot_read(tail, error, now)

    def _pause(self, fault: Fault) -> float:
        """Return after how many seconds a file that has not changed is tried again."""
        if fault.is_broken:
            return float("inf")
        return self._idle_s if fault.ends_early else RETRY_S

    def _has_room(self, now: float) -> bool:
        held = [tail for tail in self.tails.values() if tail.is_open]
        if len(held) < MAX_OPEN:
            return True
        held.sort(key=lambda tail: tail.grew_at)
        return any(tail.close_if_stored(now) for tail in held if not tail.gone)

    def _resume(self, tail: Tail) -> None:
        same_path = [mark for path, mark in self._marks.items() if path == tail.path]
        others = [mark for mark in self._marks.values() if _inode(mark) == tail.inode]
        any(tail.resume(mark) for mark in same_path + others)

    def cannot_read(self, tail: Tail, error: Exception, now: float) -> None:
        """Note a file that cannot be read. It is tried again when it changes, or after a while.

        What is wrong with its content goes to quarantine; what is wrong around it, such as a missing
        permission, is no bad record, and a file that is no text has none.
        """
        was_broken = tail.is_broken
        ends_early = isinstance(error, EOFError) and not tail.is_final
        broken = isinstance(error, _BAD_CONTENT) and not ends_early
        if broken and not was_broken and not isinstance(error, NoTextError):
            reason = f"the file {tail.path} cannot be read behind byte {tail.offset}: {error}"
            self.refused.append((reason, tail.rest()))
        tail.close()
        tail.fault = Fault(_reason(error), _stamp(tail.path), now, broken, ends_early)

    # --- losing ----------------------------------------------------------------------------------

    def _lost(self, inode: Inode, now: float) -> None:
        """A file that no pattern names any more is read to its end, then let go."""
        tail = self.tails[inode]
        if not tail.gone:
            tail.gone = True
            self._find_beside(tail)
        if not tail.is_open and not tail.homeless:
            self._open(tail, now)
        if self._is_over(tail, now):
            self._miss(tail)
            tail.close()
            del self.tails[inode]

    def _find_beside(self, tail: Tail) -> None:
        path = _listed(Path(tail.path).parent).get(tail.inode)
        tail.homeless = path is None
        if path is not None:
            tail.path, tail.moved = path, True

    def _is_over(self, tail: Tail, now: float) -> bool:
        if tail.is_open:
            return self._close_if_idle(tail, now)
        return tail.homeless or tail.is_broken or _stamp(tail.path) == _NO_STAMP

    def _miss(self, tail: Tail) -> None:
        if tail.unread_bytes and not tail.is_broken:
            reason = f"the file {tail.path} was removed while {tail.unread_bytes} bytes of it were unread"
            self.refused.append((reason, b""))

    def _miss_dropped(self, tail: Tail, now: float) -> None:
        """Report what was unread when a file was truncated, unless a copy of it is followed."""
        dropped = tail.dropped
        if dropped is None or now - dropped.at < _COPY_S:
            return
        tail.dropped = None
        if not any(other.head == dropped.head for other in self.tails.values() if other is not tail):
            reason = (
                f"the file {tail.path} was truncated while {dropped.size} bytes of it were unread, "
                "and no copy of them is followed: follow the copy, too, or rotate by renaming"
            )
            self.refused.append((reason, b""))

    def _find_rotated(self, now: float) -> None:
        """Find files that were renamed while nobody followed them, to a name that no pattern names."""
        paths = {tail.path for tail in self.tails.values()}
        listed: dict[Path, dict[Inode, str]] = {}
        for mark in self._marks.values():
            inode = _inode(mark)
            if inode in self.tails or not _belongs(mark.path, paths):
                continue
            folder = Path(mark.path).parent
            if folder not in listed:
                listed[folder] = _listed(folder)
            if inode in listed[folder]:
                self._follow_rotated(listed[folder][inode], inode, now)

    def _follow_rotated(self, path: str, inode: Inode, now: float) -> None:
        tail = self._tail(path, inode)
        tail.gone = True
        self._open(tail, now)
        if tail.head:
            self.tails[inode] = tail
        else:
            tail.close()  # another file has this inode by now

    # --- reading ---------------------------------------------------------------------------------

    def turns(self) -> deque[Tail]:
        """Return the open files in the order in which they are read.

        What was served longest ago comes first, and small files come before large ones, of which one is
        always served: neither keeps the other waiting.
        """
        held = sorted((tail for tail in self.tails.values() if tail.is_open), key=lambda tail: tail.served)
        large = [tail for tail in held if tail.unread_bytes > BLOCK_BYTES]
        small = [tail for tail in held if tail.unread_bytes <= BLOCK_BYTES]
        return deque(large[:1] + small + large[1:])

    def unread(self) -> Iterator[Tail]:
        """Return the files that have something unread or cannot be read."""
        return (tail for tail in self.tails.values() if tail.fault or not tail.is_stored)


_PACKED_BADLY: Final = (gzip.BadGzipFile, zlib.error, EOFError)
_BAD_CONTENT: Final = (*_PACKED_BADLY, NoTextError)


def _reason(error: Exception) -> str:
    """Return why a file cannot be read, for people."""
    if isinstance(error, _PACKED_BADLY):
        return f"its gzip content is broken: {error}"
    return getattr(error, "strerror", None) or str(error)


def base(pattern: str) -> str:
    """Return the folder of a pattern that is there whatever its wildcards stand for."""
    parts = Path(pattern).parts[:-1]
    plain = next((index for index, part in enumerate(parts) if has_magic(part)), len(parts))
    return str(Path(*parts[:plain]))


_NOT_THERE: Final = (FileNotFoundError, NotADirectoryError)


def _cannot_list(folder: str, error: OSError) -> str:
    return f"The folder {folder} cannot be listed: {error.strerror}."


def _trouble(folder: str) -> OSError | None:
    """Return why a folder cannot be listed."""
    try:
        os.scandir(folder).close()
    except OSError as error:
        return error
    return None


def _listed(folder: Path) -> dict[Inode, str]:
    """Return the files of a folder by inode."""
    try:
        with os.scandir(folder) as entries:
            return dict(_by_inode(entries))
    except OSError:
        return {}


def _by_inode(entries: Iterable[os.DirEntry[str]]) -> Iterator[tuple[Inode, str]]:
    for entry in entries:
        if entry.is_file(follow_symlinks=False):
            status = entry.stat(follow_symlinks=False)
            yield (status.st_dev, status.st_ino), entry.path


def _belongs(path: str, followed: Iterable[str]) -> bool:
    """Return whether a path is a followed one, or one that rotation makes of it: `a.log` to `a.log.1`."""
    return any(path.startswith(other) for other in followed)


def _inode(mark: FileOffset) -> Inode:
    device, inode, *_ = mark.identity.split(":")
    return int(device), int(inode)


_NO_STAMP: Final = (0, 0, 0)


def _stamp(path: str) -> tuple[int, ...]:
    """Return what changes when a file is written or its permissions are."""
    try:
        status = Path(path).stat()
    except OSError:
        return _NO_STAMP
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
