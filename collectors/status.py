"""A source as pages, REST and metrics show it: its state, what is unread, what it brought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from collectors.drift import Drift
    from collectors.states import SourceState


class Lag(NamedTuple):
    """The time of the oldest unread record, and its age in seconds."""

    oldest_unread_at: datetime | None
    lag_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStatus:
    """A file of a source that has unread bytes, or that cannot be read."""

    path: str
    state: SourceState
    size_bytes: int
    read_bytes: int
    unread_bytes: int
    incomplete_bytes: int
    """Those of the unread bytes that are a line without its end."""
    oldest_unread_at: datetime | None
    lag_s: float
    last_error: str | None


class UnreadableFile(NamedTuple):
    """A file that cannot be read now, or of which nothing more can be, and why."""

    path: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Unread:
    """What a source has not stored yet, and how long that takes."""

    unread_bytes: int = 0
    unread_files: int = 0
    unread_items: int = 0
    """Files, or items of a queue or a list."""
    followed_files: int = 0
    oldest_unread_at: datetime | None = None
    lag_s: float | None = None
    """Age of the oldest unread record; None where nothing is collected."""
    read_bytes_per_second: float | None = None
    seconds_left: float | None = None


@dataclass(frozen=True, kw_only=True)
class Brought:
    """What the store counts of what a source brought."""

    records: int = 0
    duplicates: int = 0
    quarantined: int = 0
    dropped: int = 0
    lost: int = 0
    """Records that clients report as dropped before they came here."""
    lost_at: datetime | None = None
    unknown_lines: int = 0
    """Text lines that have no known layout: each is the message of an info record."""
    unknown_sample: Sequence[str] = ()
    """Some of these, masked."""
    layouts: Sequence[str] = ()
    """The layouts that its lines were seen to have."""
    varied_at: datetime | None = None
    """When it last brought anything but info."""
    first_ingested_at: datetime | None = None
    last_ingested_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Counts(Brought):
    """What the store counts of a source; nothing of one that brought nothing."""

    name: str
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class SourceClock:
    """A clock of a source that is off, or whose records come late."""

    source: str
    name: str
    """The host's name, or the process where no host is named."""
    is_host: bool
    fast_s: float
    """Below zero: it is slow by this much, or its records come late."""
    arrivals: int
    measured_at: datetime


@dataclass(frozen=True, kw_only=True)
class SourceStatus(Unread, Brought):
    """Where telemetry comes from."""

    name: str
    kind: str | None
    state: SourceState
    state_since: datetime | None = None
    reason: str
    next_step: str
    files: Sequence[FileStatus] = ()
    untaken_files: Sequence[str] = ()
    """Files beside the followed ones that no pattern takes."""
    unreadable_files: Sequence[UnreadableFile] = ()
    """Files that cannot be read, each with the reason."""
    last_error: str | None = None
    restarts: int = 0
    next_try_at: datetime | None = None
    """When it is started again; None while it runs."""
    clocks: Sequence[SourceClock] = ()
    drifts: Sequence[Drift] = ()
    """Fields that its mapping relies on and that its records do not have any more."""


ONLY_INFO_S: Final = 86_400.0
"""A source of one layout that has brought nothing but info for this long: its level may not be understood."""
STILL_INFO_S: Final = 30 * ONLY_INFO_S
"""The same for one that brought something else before: a day without an error is a good day."""


def brings_only_info(source: SourceStatus, now: datetime) -> bool:
    """Return whether a source that still brings records of one layout has brought only info for too long."""
    if source.first_ingested_at is None or source.last_ingested_at is None or len(source.layouts) > 1:
        return False
    since, limit = source.first_ingested_at, ONLY_INFO_S
    if source.varied_at is not None:
        since, limit = source.varied_at, STILL_INFO_S
    is_fresh = (now - source.last_ingested_at).total_seconds() < ONLY_INFO_S
    return is_fresh and (source.last_ingested_at - since).total_seconds() >= limit


@dataclass(frozen=True, slots=True)
class TakenItem:
    """What a source took as a whole, such as a file; see `data.records.SourceItem`."""

    source: str
    name: str
    digest: str
    size: int
    records: int
    rejected: int
    error: str | None
    same_as: str | None
    deliveries: int
    taken_at: datetime
