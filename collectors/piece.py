"""A piece of a log file: whole lines as UTF-8, and where they stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collectors.sheet import Sheet


@dataclass(slots=True)
class Piece:
    """Lines as UTF-8, without their ends, and how many bytes of the file each took."""

    lines: Sequence[bytes]
    widths: Sequence[int] | None
    """None: the line's own length and one for its end."""
    start: int
    seed: int
    """Identity of the file's content: with the offset it makes each record's identity."""
    final: bool
    """Nothing will follow: what is still open is complete."""
    sheet: Sheet | None = None
    """The columns, where the file is CSV."""
