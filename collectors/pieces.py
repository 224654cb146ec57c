"""A block of a file to whole lines as UTF-8, whatever the file's encoding is."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from collectors import charsets
from collectors.no_text import NoTextError, unreadable
from collectors.packed import BEGIN_BYTES
from collectors.piece import Piece
from collectors.sheet import OpenHeaderError, sheet_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from collectors.sheet import Sheet, SheetForm

MAX_LINES: Final = 5_000


@dataclass(frozen=True, slots=True)
class Oversize:
    """A line too long to be read: its beginning, and its whole size."""

    sample: bytes
    offset: int
    size: int
    end: int


class Splitter:
    """Splits the blocks of one file; remembers what its encoding is."""

    def __init__(self, encoding: str | None, rows: SheetForm | None = None) -> None:
        """`encoding` is what the source's setting says; `rows` the form of its CSV, where it may be one."""
        self._encoding = encoding
        self._rows = rows
        self.sheet: Sheet | None = None
        """The columns of the file, where it is CSV."""
        self._is_known = rows is None
        self._guessed: str | None = None
        self.wide: str | None = None
        """The UTF-16 encoding of the file, if it is in one."""

    def know_head(self, head: bytes, look: bytes) -> None:
        """Learn how the file begins: `head` in short, `look` as far as it is looked at.

        Raises:
            NoTextError: it is no text, or not in the encoding that is set.
        """
        reason = unreadable(look, self._encoding)
        if reason is not None:
            raise NoTextError(reason)
        self.wide = charsets.wide(head, self._encoding)

    def forget(self) -> None:
        """The file holds another content."""
        self.wide = self._guessed = self.sheet = None
        self._is_known = self._rows is None

    def knows_columns(self, begin: Callable[[int], bytes], *, is_all: bool) -> bool:
        """Find out once whether the file is CSV, by how it begins; say whether that is known.

        `is_all`: nothing was added for long, so a header that does not end never will.

        Raises:
            NoTextError: it has no header, and the settings say that it is CSV.
        """
        if not self._is_known and self._rows is not None:
            block = begin(BEGIN_BYTES)
            cut = charsets.last_line_end(block, self.wide) or len(block)
            first = self.split(block[:cut], 0, 0, final=False)
            with suppress(OpenHeaderError):
                is_all = is_all or len(block) >= BEGIN_BYTES
                self.sheet = sheet_of(first.lines, first.widths, self._rows, is_all=is_all)
                self._is_known = True
        return self._is_known

    def split(self, block: bytes, offset: int, seed: int, *, final: bool) -> Piece:
        """Return a block that begins at an offset as whole lines, some thousand at most."""
        if self.wide is not None:
            return self._split_wide(block, offset, seed, final=final)
        most = MAX_LINES if self.sheet is None else len(block)  # a row may take any number of lines
        lines = block.split(b"\n", most)
        whole = not lines[-1] or len(lines) > most
        if whole:
            behind = lines.pop()
            final = final and not behind
        widths = None if whole else [*(len(line) + 1 for line in lines[:-1]), len(lines[-1])]
        if offset == 0 and lines[0].startswith(charsets.UTF8_MARK):
            widths = widths or [len(line) + 1 for line in lines]
            lines[0] = lines[0][len(charsets.UTF8_MARK) :]
        if not block.isascii() and not charsets.is_utf8(block):
            widths = widths or [len(line) + 1 for line in lines]
            lines = self._as_utf8(lines)
        return Piece(lines, widths, offset, seed, final, self.sheet)

    def _split_wide(self, block: bytes, offset: int, seed: int, *, final: bool) -> Piece:
        codec = self.wide or "utf-16-le"
        parts = block.decode(codec, "replace").split("\n")
        whole = not parts[-1]
        if whole:
            parts.pop()
        widths = [len(part.encode(codec, "surrogatepass")) + 2 for part in parts]
        if not whole:
            widths[-1] = len(block) - sum(widths[:-1])
        lines = [part.removeprefix("\ufeff").encode("utf-8", "replace") for part in parts]
        return Piece(lines, widths, offset, seed, final, self.sheet)

    def _as_utf8(self, lines: Sequence[bytes]) -> list[bytes]:
        """Re-encode the lines that are not UTF-8, from the encoding that was set or is guessed."""
        encoding = self._encoding or self._guessed
        if encoding is None:
            bad = [line for line in lines if not charsets.is_utf8(line)]
            if not bad:
                return list(lines)
            encoding = self._guessed = charsets.guess(bad)
        strict = self._encoding is not None
        return [
            line
            if not strict and charsets.is_utf8(line)
            else line.decode(encoding, "replace").encode("utf-8", "replace")
            for line in lines
        ]
