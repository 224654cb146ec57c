"""What was seen of the lines of a batch: layouts, lines without one, and fields that mappings rely on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from data.records import TextLines
from unsnag.masking import mask_text

if TYPE_CHECKING:
    from collectors.drift import Mark

MOST_SHOWN: Final = 5
_LOOKED_AT: Final = 500
"""Unknown lines of a batch that the sample is chosen from."""
_LONGEST: Final = 300
_DIGITS: Final = re.compile(r"\d{1,100}")


class Seen:
    """The layouts of the text lines of one batch, those without one, and what its records brought."""

    __slots__ = ("layouts", "marks", "unknown")

    def __init__(self) -> None:
        self.layouts: set[str] = set()
        self.unknown: list[tuple[int, str]] = []
        """Where the lines that have no layout begin, and how."""
        self.marks: list[Mark] = []
        """What each record brought of the fields that its mapping relies on."""

    def add_unknown(self, offset: int, line: str) -> None:
        """Note a line that has no layout."""
        self.unknown.append((offset, line[:_LONGEST]))

    @property
    def counts(self) -> tuple[int, int]:
        """How much is noted so far."""
        return len(self.unknown), len(self.marks)

    def forget(self, counts: tuple[int, int], consumed: int) -> None:
        """Leave out what lies behind an offset, but for what was noted before: it is read again."""
        unknown, marks = counts
        self.unknown[unknown:] = [entry for entry in self.unknown[unknown:] if entry[0] < consumed]
        self.marks[marks:] = [mark for mark in self.marks[marks:] if mark[0] is None or mark[0] < consumed]

    def summary(self) -> TextLines:
        """Return the counts, and a sample of lines that differ in more than their numbers, masked."""
        shapes: dict[str, str] = {}
        for _, line in self.unknown[:_LOOKED_AT]:
            if len(shapes) == MOST_SHOWN:
                break
            shapes.setdefault(_DIGITS.sub("0", line), line)
        sample = [mask_text(line) for line in shapes.values()]
        return TextLines(len(self.unknown), sample, sorted(self.layouts))
