"""Rows of CSV in a piece of a file that grows, to records."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from collectors import written_times
from collectors.normalise import RejectedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from collectors.normalise import Normaliser
    from collectors.piece import Piece
    from collectors.rows import Row
    from collectors.sheet import Sheet

MOST: Final = 5_000
"""Rows of one piece."""


def read(n: Normaliser, piece: Piece, sheet: Sheet, identity: Callable[[int, int], int]) -> int:
    """Read the rows of a piece, some thousand at most; return the file offset up to which it is consumed."""
    feed = sheet.feed(piece.lines, piece.widths, piece.start)
    for number, row in enumerate(sheet.table.rows(feed, is_whole=piece.final), 1):
        _take(n, sheet, row, identity)
        if number == MOST:
            feed.next_row()
            break
    if feed.done is not None:
        return feed.done.offset
    widths = piece.widths or [len(line) + 1 for line in piece.lines]
    return max(piece.start, min(sheet.begin, piece.start + sum(widths)))


def _take(n: Normaliser, sheet: Sheet, row: Row, identity: Callable[[int, int], int]) -> None:
    """Put a row into the batch, or with its header into the quarantine."""
    reason, offset = row.reason, row.at.offset
    if reason is None:
        try:
            fields = sheet.fields(row)
            n.seen.layouts.add(sheet.layout)
            written_times.complete(fields, n.now, n.local_zone)
            n.log(fields, identity(offset, zlib.crc32(row.raw)), offset)
        except RejectedError as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001 - one row must never stop those behind it
            reason = f"cannot be read: {type(error).__name__}: {error}"
    if reason is not None:
        n.quarantine(sheet.with_header(row.raw), reason, offset)
