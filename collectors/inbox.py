"""A folder of files that are each taken once: what is there, what is complete, and what was taken before."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISREG
from typing import IO, TYPE_CHECKING, Any, Final

from collectors.backlog import FileBacklog
from collectors.links import Within
from collectors.rows import BrokenFormError
from data.records import SourceItem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

TAKEN: Final = "taken"
"""The folder inside of it that files may be moved to."""
SCAN_S: Final = 1.0
_UNDER_WAY: Final = (".part", ".partial", ".tmp", ".filepart", ".crdownload", ".uploading", "~")
_HASHED: Final = 1 << 20
_FEW: Final = 1_000
_MANY: Final = 100_000
"""A file is given up after so many rejected rows; after a few, where they are more than half."""


@dataclass(slots=True)
class WaitingFile:
    """A file that was not taken yet. Moments are monotonic seconds."""

    name: str
    """Its path within the folder."""
    path: Path
    stamp: str
    size: int
    arrived: datetime
    """When it came under this name, or was written last."""
    first_seen: float
    unchanged_since: float
    is_complete: bool = False
    stored: int = 0
    """Bytes on disk whose rows are committed."""
    stored_at: float | None = None
    error: str | None = None
    retry_at: float = 0.0

    def backlog(self) -> FileBacklog:
        """Return what of it is unread; a file that is not complete is no backlog yet."""
        unread = max(self.size - self.stored, 1)  # also an empty file waits
        return FileBacklog(
            path=str(self.path),
            size=self.size,
            unread=unread,
            half=0 if self.is_complete else unread,
            waiting_since=self.stored_at or self.first_seen,
            first_seen=self.first_seen,
            oldest=self.arrived,
            error=self.error,
        )


@dataclass(slots=True)
class Progress:
    """How far a file was read; it is committed with the rows it brought."""

    name: str
    stamp: str
    digest: str
    size: int
    seed: str
    """The digest by which its rows are named: a file that grew keeps it."""
    offset: int = 0
    line: int = 1
    records: int = 0
    rejected: int = 0
    guessed: str | None = None

    @classmethod
    def of(cls, item: SourceItem) -> Progress:
        """Return how far a file was read that was taken as a whole."""
        stamp, offset, line = item.stamp.rsplit(":", 2)
        counts = item.records, item.rejected
        return cls(item.name, stamp, item.digest, item.size, item.digest, int(offset), int(line), *counts)

    def check(self) -> None:
        """Give a file up that is no file of rows at all.

        Raises:
            BrokenFormError: too many rows were rejected.
        """
        bad = self.rejected
        if bad >= _MANY or (bad >= _FEW and bad > self.records):
            raise BrokenFormError(f"{bad:,} of {bad + self.records:,} rows could not be read")

    def item(self, **more: Any) -> SourceItem:
        """Return its entry in the manifest."""
        stamp = f"{self.stamp}:{self.offset}:{self.line}"
        return SourceItem(self.name, self.digest, stamp, self.size, self.records, self.rejected, **more)


@dataclass(slots=True)
class Manifest:
    """What was taken before."""

    by_name: dict[str, SourceItem] = field(default_factory=dict)
    by_digest: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, items: Sequence[SourceItem]) -> Manifest:
        """Return the manifest of these entries, the oldest first."""
        made = cls()
        for item in items:
            made.note(item)
        return made

    def note(self, item: SourceItem) -> None:
        """Add an entry. A file that was given up may be read again when it is put in again."""
        self.by_name[item.name] = item
        if item.error is None and item.same_as is None:
            self.by_digest.setdefault(item.digest, item.name)

    def knows(self, name: str, stamp: str) -> bool:
        """Return whether this very file was taken, not only one of its name."""
        item = self.by_name.get(name)
        return item is not None and item.stamp.startswith(f"{stamp}:")


@dataclass(slots=True)
class Inbox:
    """The files of one folder."""

    root: Path
    patterns: Sequence[str]
    done: str | None
    """The ending of the marker that makes a file complete; None: it is when it has settled."""
    settle_s: float
    manifest: Manifest = field(default_factory=Manifest)
    waiting: dict[str, WaitingFile] = field(default_factory=dict)
    taken: dict[str, Path] = field(default_factory=dict)
    """Files that are still there although they were taken."""
    matching: int = 0
    missing: str | None = None
    """The folder, if it is not there."""
    error: str | None = None
    """Why the folder cannot be listed."""
    _scan_at: float = 0.0
    _within: Within = field(init=False)
    _ready: list[WaitingFile] = field(default_factory=list)
    """Complete files, the one that came first at the end."""

    def __post_init__(self) -> None:
        self._within = Within([str(self.root)])

    def scan(self, now: float) -> bool:
        """Look for files, unless that was just done; say whether it was. Large folders are spared."""
        if now < self._scan_at:
            return False
        self._scan_at = now + SCAN_S
        self._look_at_root()
        if not self.is_readable:
            return True  # what was there is still taken to be: the folder may come back
        found = dict(self._found())
        self.waiting = {name: file for name, file in self.waiting.items() if name in found}
        self.taken.clear()
        for name, (path, status) in found.items():
            self._see(name, path, status, now)
        self.matching = len(found)
        complete = (file for file in self.waiting.values() if file.is_complete)
        complete = (file for file in complete if not self.manifest.knows(file.name, file.stamp))
        self._ready = sorted(complete, key=lambda file: (file.arrived, file.name), reverse=True)
        self._scan_at = now + max(SCAN_S, 20 * (time.monotonic() - now))
        return True

    @property
    def is_readable(self) -> bool:
        """Return whether the folder could be listed the last time."""
        return self.missing is None and self.error is None

    def _look_at_root(self) -> None:
        self.missing = self.error = None
        try:
            os.scandir(self.root).close()
        except (FileNotFoundError, NotADirectoryError):
            self.missing = str(self.root)
        except OSError as error:
            self.error = f"The folder {self.root} cannot be listed: {error.strerror}."

    def next(self, now: float) -> WaitingFile | None:
        """Return the complete file that came first, once after each scan."""
        while self._ready:
            file = self._ready.pop()
            if self.waiting.get(file.name) is file and file.retry_at <= now:
                return file
        return None

    def put_away(self, path: Path, item: SourceItem) -> str | None:
        """Move a file that was taken, and its marker, to `taken/`; return why that cannot be done.

        A file that was put under its name meanwhile stays: it is not read yet.
        """
        marker = self.marker(path)
        try:
            if not _is_that(path, item):
                return None
            moved = move(path, self.root / TAKEN / item.name, item.digest)
            if not _is_that(moved, item) and not path.exists():  # replaced between the look and the move
                moved.replace(path)
                return None
            if marker is not None:
                marker.replace(self.marker(moved) or moved)
        except FileNotFoundError:
            return None  # who put it there took it away
        except OSError as error:
            return f"{item.name} is taken and cannot be moved to {TAKEN}: {error.strerror}"
        return None

    def marker(self, path: Path) -> Path | None:
        """Return the marker of a file; None where none is used."""
        return path.with_name(path.name + self.done) if self.done else None

    def _found(self) -> Iterator[tuple[str, tuple[Path, os.stat_result]]]:
        found = {str(path) for pattern in self.patterns for path in self.root.glob(pattern)}
        for path in map(Path, self._within.kept(sorted(found))):
            within = path.relative_to(self.root)
            name = os.fsencode(within).decode("utf-8", "replace")
            if self._is_no_file_of_rows(within.parts, name.lower()):
                continue
            try:
                status = path.lstat()
            except OSError:
                continue
            if S_ISREG(status.st_mode):
                yield name, (path, status)

    def _is_no_file_of_rows(self, parts: Sequence[str], name: str) -> bool:
        hidden = any(part.startswith(".") for part in parts)
        is_marker = self.done is not None and name.endswith(self.done.lower())
        return hidden or is_marker or parts[0] == TAKEN or name.endswith(_UNDER_WAY)

    def _see(self, name: str, path: Path, status: os.stat_result, now: float) -> None:
        stamp = stamp_of(status)
        if self.manifest.knows(name, stamp):
            self.taken[name] = path
            return
        file = self.waiting.get(name)
        if file is None or file.stamp != stamp:
            first_seen = now if file is None else file.first_seen
            arrived = datetime.fromtimestamp(status.st_ctime, UTC)
            file = WaitingFile(name, path, stamp, status.st_size, arrived, first_seen, now)
            self.waiting[name] = file
        file.is_complete = self._is_complete(file, now)

    def _is_complete(self, file: WaitingFile, now: float) -> bool:
        marker = self.marker(file.path)
        return marker.exists() if marker else now - file.unchanged_since >= self.settle_s


def stamp_of(status: os.stat_result) -> str:
    """Return what distinguishes a file from another of the same name; it changes when the file is written."""
    return f"{status.st_ino}:{status.st_size}:{status.st_mtime_ns}"


def digests(raw: IO[bytes], size: int, is_stopped: Callable[[], bool]) -> tuple[str, str] | None:
    """Return the SHA-256 of a file's first `size` bytes and of all of it; None when this is to stop."""
    raw.seek(0)
    whole, begun, left = hashlib.sha256(), "", size
    while block := raw.read(min(_HASHED, left) if left else _HASHED):
        if is_stopped():
            return None
        whole.update(block)
        if left:
            left -= len(block)
            begun = "" if left else whole.hexdigest()
    return begun, whole.hexdigest()


def _is_that(path: Path, item: SourceItem) -> bool:
    """Say whether the file there is the one that was taken, and not another of its name."""
    return item.stamp.startswith(f"{stamp_of(path.lstat())}:")


def move(path: Path, target: Path, digest: str) -> Path:
    """Move a file; a name that is taken there gets a part of the digest. Return where it is now.

    Raises:
        OSError: it cannot be moved.
    """
    if target.exists():
        target = target.with_name(f"{target.stem}.{digest[:8]}{target.suffix}")
    target.parent.mkdir(parents=True, exist_ok=True)
    return path.replace(target)
