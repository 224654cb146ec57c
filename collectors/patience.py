"""How long the end of a followed file is waited for: half lines, records that may go on, open rows."""

from __future__ import annotations

from typing import Final

QUIET_S: Final = 1.0
"""A plain-text record is complete when nothing followed for this long: a stack trace comes at once."""
ABANDONED_S: Final = 2.0
"""A half line of a file that was rotated away is taken after this long."""
UNFINISHED_S: Final = 600.0
"""A half line of any other file is taken after this long: a script that writes in blocks leaves half a
line until its next block is full."""
OPEN_ROW_S: Final = 10.0
"""A row of CSV that does not end in this time has a stray quote: a row is written at once. Other rows may
come meanwhile, so it counts from its first byte."""


def takes_half(half: bytes, quiet_s: float, unfinished_s: float, *, is_gone: bool) -> bool:
    """Return whether a line without an end is taken: nobody is going to finish it."""
    if quiet_s < ABANDONED_S:
        return False
    return is_gone or half.rstrip().endswith(b"}") or quiet_s >= unfinished_s


def takes_open_row(quiet_s: float, waiting_s: float, *, is_gone: bool) -> bool:
    """Return whether the end of a row is not waited for any more."""
    return waiting_s >= OPEN_ROW_S or (is_gone and quiet_s >= ABANDONED_S)
