"""Records of several lines, while they are put together: where their lines stand, and what came so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collectors import plaintext

GROUP_LINES: Final = 2_000
GROUP_BYTES: Final = 512 * 1024


@dataclass(slots=True)
class Place:
    """Where a line stands."""

    start: int
    crc: int
    last: int
    """Where its last part begins: other records may lie between its parts."""
    stream: str | None = None
    time: Any = None
    parts: list[str] = field(default_factory=list)
    size: int = 0


@dataclass(slots=True)
class Group:
    """A record that is being put together from several lines."""

    place: Place
    record: plaintext.Record
    size: int
    seen_at: int
    """The number of its last line, of all lines read."""
    maybe: tuple[str, Place] | None = None
    """A line that belongs to it if a frame of a stack trace follows."""


def add(group: Group, text: str, place: Place) -> None:
    """Add a line to a group."""
    group.record.add(text)
    group.size += len(text)
    group.place.last = max(group.place.last, place.last)


def has_room(group: Group) -> bool:
    """Return whether a group may take one more line."""
    return len(group.record.lines) < GROUP_LINES and group.size < GROUP_BYTES
