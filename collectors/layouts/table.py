"""All layouts, in the order in which they are asked, and which of them a file has.

Which layouts a file has is found by its first lines and remembered: these are asked first. A line that none
of them reads is looked up among all, so a file may change its layout, or hold two. The answer never depends
on what is remembered, only its cost does: no line has two layouts, but for general ones, asked last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from collectors.layouts import aws, dotnet, general, go, java, logfmt, php, python, ruby, syslog, web

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collectors.fields import Fields
    from collectors.layouts.layout import Layout


_FAMILIES: Final = (syslog, java, python, dotnet, go, php, ruby, web, aws, logfmt, general)
LAYOUTS: Final[tuple[Layout, ...]] = tuple(layout for family in _FAMILIES for layout in family.LAYOUTS)

_EXACT: Final = tuple(layout for layout in LAYOUTS if not layout.is_general)
_GENERAL: Final = tuple(layout for layout in LAYOUTS if layout.is_general)
_BY_LETTER: Final = {
    letter: tuple(layout for layout in (*_EXACT, *_GENERAL) if letter in layout.begins)
    for letter in sorted({letter for layout in LAYOUTS for letter in layout.begins})
}
_MOST_REMEMBERED: Final = 3

Found = tuple["Layout", "Fields"]


def find(line: str, first: Sequence[Layout] = ()) -> Found | None:
    """Return the layout of a line and what it reads, asking `first` before all others."""
    letter = line[:1]
    for layout in first:
        if letter in layout.begins and (fields := layout.read(line)) is not None:
            return layout, fields
    for layout in _BY_LETTER.get(letter, ()):
        if layout not in first and (fields := layout.read(line)) is not None:
            return layout, fields
    return None


class Known:
    """The layouts that one file was seen to have, the latest first."""

    __slots__ = ("layouts",)

    def __init__(self) -> None:
        self.layouts: list[Layout] = []

    def find(self, line: str) -> Found | None:
        """Return the layout of a line and what it reads."""
        found = find(line, self.layouts)
        if found is not None and not found[0].is_general and found[0] not in self.layouts[:1]:
            rest = [layout for layout in self.layouts if layout is not found[0]]
            self.layouts[:] = [found[0], *rest[: _MOST_REMEMBERED - 1]]
        return found
