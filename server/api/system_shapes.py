"""Sources, quarantined records and figures. See `server.api.shapes`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from server.api.shapes import Time


class SourceFile(BaseModel):
    """A file of a source that has unread bytes, or that cannot be read."""

    path: str
    state: Literal["running", "stalled", "failed"]
    size_bytes: int
    read_bytes: int
    unread_bytes: int
    incomplete_bytes: int = Field(description="Those of the unread bytes that are a line without its end.")
    oldest_unread_at: Time | None
    lag_s: float
    last_error: str | None


class UnreadableFile(BaseModel):
    """A file that cannot be read now, or of which nothing more can be."""

    path: str
    reason: str


class Drift(BaseModel):
    """A field that a mapping relies on, and that the records of a source do not have any more."""

    field: str
    names: str = Field(description="The attributes or patterns that it is taken from.")
    part: str = Field(description="Which resources are meant, where the mapping names some.")
    wrong: str = Field(description="What stands there instead, such as an object; empty where nothing does.")
    since: Time
    without: int = Field(description="Records in a row without it.")
    share: float = Field(description="In how many of the records before it came, from 0 to 1.")
    owner: str = Field(description="Who answers for the flow, as the mapping names them.")


class SourceClock(BaseModel):
    """A clock of a source that is off by more than two seconds, or whose records come late."""

    name: str = Field(description="The host's name, or the process where no host is named.")
    is_host: bool
    fast_s: float = Field(description="Below zero: it is slow by this much, or its records come late.")
    arrivals: int = Field(description="Requests that it was measured by.")
    measured_at: Time


class Source(BaseModel):
    """Where telemetry comes from."""

    name: str
    kind: str | None
    state: Literal["failed", "stalled", "running", "never_received", "silent", "not_collected"]
    state_since: Time | None = Field(description="Since when it is stalled or silent.")
    reason: str = Field(description="Why it is in this state.")
    next_step: str = Field(description="What to do about it; empty where nothing is to be done.")
    lag_s: float | None = Field(description="Age of the oldest unread record; 0 where nothing is unread.")
    unread_bytes: int
    unread_files: int
    unread_items: int = Field(default=0, description="Files, or items of a queue or a list, that are unread.")
    followed_files: int
    oldest_unread_at: Time | None
    read_bytes_per_second: float | None = Field(description="Over the last half minute, while it reads.")
    seconds_left: float | None = Field(description="To read what is unread, at this rate.")
    files: list[SourceFile] = Field(description="At most 50, those with most unread bytes.")
    records: int
    duplicates: int
    quarantined: int
    dropped: int = Field(description="Records that a mapping leaves out.")
    lost: int = Field(default=0, description="Records that clients report as dropped before they came here.")
    lost_at: Time | None = Field(default=None, description="When clients last dropped some.")
    unknown_lines: int = Field(
        default=0, description="Text lines of no known layout: each is the message of an info record."
    )
    unknown_sample: list[str] = Field(default=[], description="Some of these lines, masked.")
    layouts: list[str] = Field(default=[], description="The layouts that its lines were seen to have.")
    varied_at: Time | None = Field(default=None, description="When it last brought anything but info.")
    untaken_files: list[str] = Field(
        default=[], description="Files beside the followed ones that no pattern takes; at most 20."
    )
    unreadable_files: list[UnreadableFile] = Field(
        default=[],
        description="Files that cannot be read, such as binary ones, each with the reason; at most 100.",
    )
    last_ingested_at: Time | None
    last_error: str | None
    restarts: int = Field(default=0, description="How often it failed and was started again.")
    next_try_at: Time | None = Field(
        default=None, description="When it is started again; null while it runs."
    )
    drifts: list[Drift] = Field(
        default=[], description="Fields that the source's mapping relies on, and that have vanished."
    )
    clocks: list[SourceClock] = Field(
        default=[], description="Clocks that were off in the last day, those furthest off first."
    )


class SourceItem(BaseModel):
    """What a source took as a whole, such as a file."""

    name: str
    digest: str = Field(description="SHA-256 of its content.")
    size: int
    records: int
    rejected: int = Field(description="Records of it that could not be read: they are in quarantine.")
    error: str | None = Field(description="Why the rest of it was not read.")
    same_as: str | None = Field(description="The name under which its content was taken; nothing was read.")
    deliveries: int = Field(description="How often the same content came under this name.")
    taken_at: Time


class Quarantined(BaseModel):
    """A record that was not taken; `sender` is its token, where that one is limited."""

    id: str
    source: str
    offset: int | None
    reason: str
    received_at: Time
    size: int
    sender: str | None
    sample: str


class Replayed(BaseModel):
    """How reading a quarantined record again went."""

    id: str
    result: str
