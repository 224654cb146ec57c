"""Heartbeats: every 60 s a record that a unit's block is still open, so its process is alive.

1. A block that begins is noted, and taken away when it ends: two steps in a dictionary, no thread, no lock.
2. The writer thread, which every recorded unit needs anyway, looks when the next heartbeat is due.
3. A block that is still there by then gives the record ``unit.heartbeat``, and goes behind the others.

The dictionary is in the order in which heartbeats are due, since all blocks have the same interval.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from unsnag import conventions, process

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unsnag.client import Client
    from unsnag.context import Scope

INTERVAL_S: Final = 60.0
_SHORTEST_S: Final = 0.05


class Beat:
    """An open block of a unit."""

    __slots__ = ("due", "is_over", "scope")

    def __init__(self, scope: Scope, due: float) -> None:
        self.scope = scope
        self.due = due
        self.is_over = False


class Heartbeats:
    """The open blocks of this process."""

    def __init__(self) -> None:
        self.interval_s = INTERVAL_S
        self._open: dict[int, Beat] = {}

    def begin(self, scope: Scope) -> Beat:
        """Note a block that is open from now on."""
        beat = Beat(scope, time.monotonic() + self.interval_s)
        self._open[id(beat)] = beat
        return beat

    def end(self, beat: Beat) -> None:
        """Take a block away; also while the writer notes it again."""
        beat.is_over = True
        self._open.pop(id(beat), None)

    def next_in(self) -> float | None:
        """Return the seconds until a heartbeat is due; None while no block is open."""
        first = self._first()
        return None if first is None else max(first.due - time.monotonic(), 0.0)

    def record_due(self, client: Client) -> None:
        """Record the heartbeats that are due."""
        now = time.monotonic()
        while (first := self._first()) is not None and first.due <= now:
            self._open.pop(id(first), None)
            if not first.is_over:
                client.record("info", conventions.EVENT_UNIT_HEARTBEAT, process.place(), first.scope)
            first.due = now + self.interval_s
            self._open[id(first)] = first
            if first.is_over:  # it has ended meanwhile, and may have found nothing to take away
                self._open.pop(id(first), None)

    def forget(self) -> None:
        """Leave the blocks to the parent process, after a fork."""
        self._open = {}

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Let the blocks that are open now give no heartbeat for a while; for tests of automations."""
        before, self._open = self._open, {}
        try:
            yield
        finally:
            self._open = {key: beat for key, beat in before.items() if not beat.is_over} | self._open

    def _first(self) -> Beat | None:
        while True:
            try:
                return next(iter(self._open.values()), None)
            except RuntimeError:  # another thread changed the dictionary in between: look again
                continue


beats: Final = Heartbeats()


def interval_from_environment() -> float:
    """Return the seconds between two heartbeats."""
    try:
        asked = float(os.environ.get(conventions.ENV_HEARTBEAT) or INTERVAL_S)
    except ValueError:
        return INTERVAL_S
    return max(asked, _SHORTEST_S) if asked < float("inf") else INTERVAL_S
