"""JSON files to rows: an array of objects, lines of objects, or one object after another.

Objects are found by their brackets, one at a time, so that a file of any size is never in memory, and one
that cannot be read costs no other.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from collectors import parse
from collectors.rows import MAX_ROW, BrokenFormError, Place, Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collectors.contents import Charset, Content

_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["{}\[\]]', re.DOTALL)
"""A whole text, a bracket, or the quote of a text that does not end."""
_BETWEEN: Final = b" \t\r\n,"
_SCALAR_ENDS: Final = frozenset(b" \t\r\n,]")
_LONGEST: Final = 16 * MAX_ROW
"""How far the end of an object is looked for."""
_LINES: Final = (".jsonl", ".ndjson")


class JsonRows:
    """The rows of one JSON file."""

    def __init__(self, content: Content, charset: Charset, name: str) -> None:
        """Look at how the file begins; `name` says whether it holds lines."""
        self._content = content
        self._charset = charset
        head = content.head.lstrip()
        self._is_array = head[:1] == b"["
        self._is_lines = name.lower().endswith(_LINES) or _begins_with_line(head)

    def begin(self) -> Place:
        """Return where the first row begins."""
        return Place(self._content.start, 1)

    def rows(self, at: Place) -> Iterator[Row]:
        """Read rows from a place on, where a row begins."""
        return self._line_rows(at) if self._is_lines and not self._is_array else self._value_rows(at)

    def _line_rows(self, at: Place) -> Iterator[Row]:
        buffer = _Buffer(self._content.blocks(at.offset), at)
        while (size := buffer.find_line()) > 0:
            here, raw = buffer.take(size)
            if raw.strip():
                yield self._row(here, buffer.at, raw.rstrip(b"\r\n"))

    def _value_rows(self, at: Place) -> Iterator[Row]:
        buffer = _Buffer(self._content.blocks(at.offset), at)
        begins = self._is_array and at == self.begin()
        while (first := buffer.skip(_BETWEEN)) is not None:
            if begins or (self._is_array and first == b"]"):
                begins = False
                buffer.take(1)
                continue
            size = buffer.find_end() if first in b"{[" else buffer.find_scalar()
            here, raw = buffer.take(size)
            yield self._row(here, buffer.at, raw)

    def _row(self, at: Place, end: Place, raw: bytes) -> Row:
        if len(raw) > MAX_ROW:
            return Row(at, end, raw, reason=f"{len(raw)} bytes, more than {MAX_ROW}")
        try:
            fields = parse.load(self._charset.text(raw).encode("utf-8", "replace"))
        except parse.UnreadableError as error:
            return Row(at, end, raw, reason=str(error))
        if not isinstance(fields, dict):
            return Row(at, end, raw, reason="not an object")
        return Row(at, end, raw, fields)


def _begins_with_line(head: bytes) -> bool:
    """Return whether the first line is an object of its own."""
    line, newline, _ = head.partition(b"\n")
    try:
        return bool(newline) and isinstance(parse.load(line), dict)
    except parse.UnreadableError:
        return False


class _Buffer:
    """What of the content is in memory, and where it begins."""

    def __init__(self, blocks: Iterator[bytes], at: Place) -> None:
        self._blocks = blocks
        self._data = b""
        self._done = 0
        """How much of the data was taken."""
        self._place = at

    @property
    def at(self) -> Place:
        """Where what was not taken begins."""
        return self._place

    def _more(self) -> bool:
        """Read on; say whether there was something."""
        block = next(self._blocks, b"")
        self._data, self._done = self._data[self._done :] + block, 0
        return bool(block)

    def take(self, size: int) -> tuple[Place, bytes]:
        """Take bytes; return where they begin."""
        begin, raw = self._place, self._data[self._done : self._done + size]
        self._done += size
        self._place = Place(begin.offset + size, begin.line + raw.count(b"\n"))
        return begin, raw

    def skip(self, letters: bytes) -> bytes | None:
        """Skip any of these letters; return the first other one, None at the end."""
        while True:
            rest = self._data[self._done : self._done + MAX_ROW]
            left = rest.lstrip(letters)
            self.take(len(rest) - len(left))
            if left:
                return left[:1]
            if self._done >= len(self._data) and not self._more():
                return None

    def find_line(self) -> int:
        """Return the size of the next line with its end; 0 at the end."""
        while (found := self._data.find(b"\n", self._done)) < 0:
            self._check_size()
            if not self._more():
                return len(self._data) - self._done
        return found + 1 - self._done

    def find_scalar(self) -> int:
        """Return the size of a number, a word or a text."""
        size = 1
        while True:
            if self._done + size >= len(self._data):
                self._check_size()
                if not self._more():
                    return len(self._data) - self._done
                continue
            if self._data[self._done + size] in _SCALAR_ENDS:
                return size
            size += 1

    def find_end(self) -> int:
        """Return the size of an object or a list.

        Raises:
            BrokenFormError: it does not end.
        """
        depth = size = 0
        while True:
            found = _TOKEN.search(self._data, self._done + size)
            if found is None or found[0] == b'"':
                size = (len(self._data) if found is None else found.start()) - self._done
                self._check_size()
                if not self._more():
                    raise BrokenFormError(f"what begins in line {self._place.line} does not end")
                continue
            size = found.end() - self._done
            depth += {b"{": 1, b"[": 1, b"}": -1, b"]": -1}.get(found[0], 0)
            if depth == 0:
                return size

    def _check_size(self) -> None:
        if len(self._data) - self._done > _LONGEST:
            raise BrokenFormError(f"what begins in line {self._place.line} does not end in {_LONGEST} bytes")
