"""Rows of a file that is read as a whole, and where each stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_ROW: Final = 1 << 20
"""Bytes of one row; a longer one is rejected."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row begins: the offset in the content, and the line, counted from 1."""

    offset: int
    line: int


@dataclass(frozen=True, slots=True)
class Row:
    """A row that could be read, or why it could not."""

    at: Place
    end: Place
    """Behind it: where the next one begins."""
    raw: bytes
    fields: dict[str, Any] | None = None
    reason: str | None = None


class Rows(Protocol):
    """The rows of one file."""

    def begin(self) -> Place:
        """Return where the first row begins."""

    def rows(self, at: Place) -> Iterator[Row]:
        """Read rows from a place on, where a row begins."""


class BrokenFormError(ValueError):
    """A file of which nothing more can be read, with the reason as its message."""
