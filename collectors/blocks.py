"""Records that a file spreads over lines by their form: pretty-printed JSON, and the journal's export format.

A JSON object begins with a line that is `{` alone and ends with a line that is `}` at the same indentation;
what lies between is indented deeper.
An entry of the journal begins with its cursor and ends with an empty line; a value of several lines has its
size before it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from collectors import parse

if TYPE_CHECKING:
    from collectors.fields import Fields

_CURSOR: Final = b"__CURSOR="
_NAME: Final = re.compile(rb"[A-Z_][A-Z0-9_]{0,63}")
_SIZE: Final = 8
MOST_BYTES: Final = parse.MAX_LINE
"""A block that is longer is given up."""


def opens(line: bytes) -> bool:
    """Return whether a block begins with this line."""
    return line.strip() == b"{" or line.startswith(_CURSOR)


@dataclass(slots=True)
class Block:
    """The lines of a block, with the places where they begin."""

    start: int
    lines: list[bytes] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    size: int = 0
    is_complete: bool = False
    _length: bytes | None = None
    _value_ends: int = 0

    def add(self, line: bytes, place: int) -> bool:
        """Add a line; return whether it can belong to the block."""
        if self.lines and not self._fits(line):
            return False
        self.lines.append(line)
        self.places.append(place)
        self.size += len(line) + 1
        return True

    @property
    def is_journal(self) -> bool:
        """Whether it is an entry of the journal."""
        return self.lines[0].startswith(_CURSOR)

    def _fits(self, line: bytes) -> bool:
        if self.size + len(line) > MOST_BYTES:
            return False
        if self.is_journal:
            return self._continues_the_entry(line)
        indent, own = _indent(self.lines[0]), _indent(line)
        self.is_complete = own == indent and line.strip() in {b"}", b"},"}
        return self.is_complete or own > indent

    def _continues_the_entry(self, line: bytes) -> bool:
        """Return whether a line is a field of the journal's entry, or lies in a value of a stated size."""
        if self.size < self._value_ends:
            if self._length is not None:
                self._measure(self._length + line + b"\n")
            return self._value_ends <= MOST_BYTES
        self.is_complete = not line.strip()
        name, equals, _ = line.partition(b"=")
        if not equals:
            self._length, self._value_ends = b"", self.size + len(line) + 1 + _SIZE + 1
        return self.is_complete or _NAME.fullmatch(name) is not None

    def _measure(self, length: bytes) -> None:
        """Take what stands behind a name without a value: its first bytes are the value's length."""
        self._length = length if len(length) <= _SIZE else None
        if self._length is None:
            self._value_ends += int.from_bytes(length[:_SIZE], "little")

    def fields(self) -> Fields:
        """Return the fields of the record.

        Raises:
            UnreadableError: it is not what it looks like.
        """
        if self.is_journal:
            found = journal_entry(self.lines)
            if found is None:
                raise parse.UnreadableError("an entry of the journal that breaks off")
            return found
        value: Fields = parse.load(b"\n".join(self.lines).strip().removesuffix(b","))
        return value


def _indent(line: bytes) -> int:
    return len(line) - len(line.lstrip(b" \t"))


def journal_entry(lines: list[bytes]) -> Fields | None:
    """Return the fields of an entry of the journal; None where a value is not whole."""
    raw, at = b"\n".join(lines).rstrip(b"\n") + b"\n", 0
    fields: Fields = {}
    while at < len(raw):
        end = raw.index(b"\n", at)
        name, equals, value = raw[at:end].partition(b"=")
        at = end + 1
        if not equals:
            size = int.from_bytes(raw[at : at + _SIZE], "little")
            value, at = raw[at + _SIZE : at + _SIZE + size], at + _SIZE + size + 1
            if at > len(raw):
                return None
        fields[name.decode("ascii", "replace")] = value.decode("utf-8", "replace")
    return fields


def elements(line: bytes) -> list[Fields] | None:
    """Return the objects of a line that is an array of them, or an element of one; None for any other."""
    text = line.strip().removesuffix(b",")
    if not (text.startswith((b"[{", b"{")) and text.endswith((b"}]", b"}"))):
        return None
    try:
        value = parse.load(text)
    except parse.UnreadableError:
        return None
    found = value if isinstance(value, list) else [value]
    return found if all(isinstance(one, dict) for one in found) else None
