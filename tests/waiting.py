"""Wait for what must come to be: one loop for all tests, as patient as a busy machine needs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PATIENCE_S: Final = 60.0
"""A test that waits this long has failed; one that passes never waits longer than it has to."""
PAUSE_S: Final = 0.02


def eventually(
    look: Callable[[], T], account: Callable[[], object] | None = None, within_s: float = PATIENCE_S
) -> T:
    """Return the first true answer of `look`.

    Raises:
        AssertionError: there is none within the time; with what `account` returns, or the last answer.
    """
    end = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < end, account() if account else found
        time.sleep(PAUSE_S)
    return found
