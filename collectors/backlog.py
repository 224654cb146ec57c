"""What a source has not stored yet: of each file and in all, how old it is, how fast it shrinks."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from collectors.decode import Decoder
from collectors.lines import Reader
from collectors.states import STALLED_S, SourceState
from collectors.status import FileStatus, Lag, Unread, UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collectors.normalise import Normaliser
    from collectors.piece import Piece

MOST_FILES: Final = 50
"""Files that are listed one by one, those with most unread bytes."""
MOST_UNREADABLE: Final = 100
_WINDOW_S: Final = 30.0
_SHORTEST_S: Final = 1.5


@dataclass(frozen=True, slots=True)
class FileBacklog:
    """What one file holds and the store does not. Moments without a zone are monotonic seconds."""

    path: str
    size: int
    unread: int
    half: int
    """Bytes of `unread` that are a line without its end yet."""
    waiting_since: float
    """When a byte of it was last stored, or else when the first unread one was seen."""
    first_seen: float
    oldest: datetime | None
    """The time of the oldest unread record, where its line says one."""
    error: str | None = None
    is_broken: bool = False
    """It cannot be read until somebody changes it: what is left of it is given up."""

    @property
    def ready(self) -> int:
        """Unread bytes that can be read."""
        return 0 if self.is_broken else max(self.unread - self.half, 0)

    def oldest_at(self, monotonic: float, now: datetime) -> datetime | None:
        """Return the time of the oldest unread record, or else when its bytes were first seen."""
        if not self.ready:
            return None
        return self.oldest or now - timedelta(seconds=max(monotonic - self.first_seen, 0))


@dataclass(frozen=True, slots=True)
class Backlog:
    """What a source holds and the store does not, at one moment: files, or items of a queue or a list."""

    files: Sequence[FileBacklog] = ()
    followed: int = 0
    stored_at: float = 0.0
    """When something of the source was last stored."""
    rate: float | None = None
    """Bytes on disk that are stored in a second; None where it is not known."""
    items: int = 0
    """Items that are unread, of a source that reads no files."""
    oldest_item: datetime | None = None
    """The time of the oldest of these items."""

    @property
    def unread(self) -> int:
        """Unread bytes, without files that are given up."""
        return sum(file.unread for file in self.files if not file.is_broken)

    @property
    def ready(self) -> int:
        """Unread bytes that can be read."""
        return sum(file.ready for file in self.files)

    @property
    def unread_files(self) -> int:
        """Files of which something can be read."""
        return sum(file.ready > 0 for file in self.files)

    @property
    def unread_items(self) -> int:
        """Files and items that can be read."""
        return self.unread_files + self.items

    @property
    def waiting(self) -> int:
        """Unread bytes and items that can be read: above zero where anything waits."""
        return self.ready + self.items

    @property
    def unreadable(self) -> tuple[UnreadableFile, ...]:
        """The files that cannot be read now, or not until somebody changes them; a hundred at most."""
        found = (UnreadableFile(file.path, file.error) for file in self.files if file.error)
        return tuple(sorted(found)[:MOST_UNREADABLE])

    def no_progress_s(self, monotonic: float) -> float:
        """Return how long no unread byte was stored, of the file that waits longest."""
        waits = [self._waits(file, monotonic) for file in self.files if file.ready]
        if self.items:
            waits.append(max(monotonic - self.stored_at, 0.0))
        return max(waits, default=0.0)

    def _waits(self, file: FileBacklog, monotonic: float) -> float:
        # A file that waits for its turn waits for the source: others may be before it.
        since = file.waiting_since if file.error else max(file.waiting_since, self.stored_at)
        return max(monotonic - since, 0.0)

    def largest(self, monotonic: float, now: datetime) -> list[FileStatus]:
        """Return the files that have something unread or cannot be read, most unread bytes first."""
        chosen = sorted(self.files, key=lambda file: -file.unread)[:MOST_FILES]
        return [self._status(file, monotonic, now) for file in chosen]

    def _status(self, file: FileBacklog, monotonic: float, now: datetime) -> FileStatus:
        is_stalled = file.ready and self._waits(file, monotonic) >= STALLED_S
        reading = SourceState.STALLED if is_stalled else SourceState.RUNNING
        late = lag(file.oldest_at(monotonic, now), now)
        return FileStatus(
            path=file.path,
            state=SourceState.FAILED if file.is_broken else reading,
            size_bytes=file.size,
            read_bytes=file.size - file.unread,
            unread_bytes=file.unread,
            incomplete_bytes=file.half,
            oldest_unread_at=late.oldest_unread_at,
            lag_s=late.lag_s,
            last_error=file.error,
        )

    def lag(self, monotonic: float, now: datetime) -> Lag:
        """Return the lag of the oldest record that is unread in any file or item."""
        moments = [self.oldest_item, *(file.oldest_at(monotonic, now) for file in self.files)]
        return lag(min((moment for moment in moments if moment is not None), default=None), now)

    def totals(self, monotonic: float, now: datetime) -> Unread:
        """Return what is unread in all, how old it is, and the time to read it."""
        late = self.lag(monotonic, now)
        return Unread(
            oldest_unread_at=late.oldest_unread_at,
            lag_s=late.lag_s,
            unread_bytes=self.unread,
            unread_files=self.unread_files,
            unread_items=self.unread_items,
            followed_files=self.followed,
            read_bytes_per_second=None if self.rate is None else round(self.rate, 1),
            seconds_left=round(self.ready / self.rate, 1) if self.rate and self.ready else None,
        )


def lag(oldest: datetime | None, now: datetime) -> Lag:
    """Return the time of the oldest unread record, and its age in seconds."""
    age = 0.0 if oldest is None else max((now - oldest).total_seconds(), 0.0)
    return Lag(oldest, round(age, 1))


def time_of(piece: Piece, n: Normaliser) -> datetime | None:
    """Return the time that a line states, read into an empty batch; None where it states none."""
    # This line is only inspected here: it must not count as a failure that was reported already.
    Reader(n, Decoder(n, ())).read(piece)
    batch = n.batch()
    times = [*batch.logs["time"], *batch.spans["time"]]
    if not times or times[0] == n.now:
        return None
    return datetime.fromtimestamp(times[0] / 1_000_000, UTC)


@dataclass(slots=True)
class Pace:
    """How fast a source is read: bytes on disk a second, over half a minute. Times are monotonic."""

    _samples: deque[tuple[float, int]] = field(default_factory=deque)

    def note(self, total: int, now: float, *, reading: bool) -> None:
        """Note how many bytes were stored since the start, and whether there is more to read."""
        if not reading:
            self._samples.clear()
            return
        self._samples.append((now, total))
        while now - self._samples[0][0] > _WINDOW_S:
            self._samples.popleft()

    @property
    def rate(self) -> float | None:
        """Bytes a second; None where nothing was stored, or too little time has passed to tell."""
        if len(self._samples) < 2:  # noqa: PLR2004 - a rate lies between two
            return None
        (first, before), (last, after) = self._samples[0], self._samples[-1]
        if last - first < _SHORTEST_S or after == before:
            return None
        return (after - before) / (last - first)
