"""Units whose process is lost (semantics 3): its heartbeats stop, or this machine shows that it is gone.

1. A block that stays open longer than a minute sends a heartbeat each minute. When the next one is five
   minutes late, by the time of arrival, the unit has failed: "lost contact".
2. A process that writes into a followed folder of this machine is looked for after 90 s, so that what it
   wrote last has been read. While a source is behind in reading nothing is concluded.
3. A later heartbeat, or the end of the block, takes that back (`traces.failures`).

Open blocks are read from the store, twice a minute and only what arrived in the last minutes: a commit does
nothing for them, and a restart forgets nothing.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cases.intake import settle
from data.nouns import noun
from traces.resolving import Sign
from unsnag import conventions, process

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from data.store import Store

HEARTBEAT_LATE: Final = timedelta(minutes=6)
"""A heartbeat comes each minute, and may be five minutes late."""
PROCESS_UNHEARD: Final = timedelta(seconds=90)
"""A process is looked for this long after its last record arrived."""
_FILES: Final = "jsonl"
"""The kind of the sources that follow files of this machine."""
_EVERY: Final = timedelta(seconds=30)
_BEFORE_START: Final = timedelta(days=1)
_CLOCK_S: Final = 2.0
_PLACE: Final = (conventions.HOST_NAME, conventions.PROCESS_NAMESPACE)
_STATE, _STARTED = 0, 19
"""Places in ``/proc/PID/stat`` after the process's name."""


@dataclass(slots=True)
class _Window:
    """The times of arrival that are looked at next: from `since` until `wait` ago."""

    since: datetime
    wait: timedelta
    first: datetime

    def bounds(self, now: datetime) -> dict[str, datetime] | None:
        """Return the times as the statement takes them; None while there is nothing to look at."""
        return {"since": self.since, "until": now - self.wait} if now >= self.first else None

    def pass_to(self, now: datetime) -> None:
        """Note that everything until then was looked at."""
        self.since = max(self.since, now - self.wait)


@dataclass(frozen=True, slots=True)
class OpenBlock:
    """An open block of a unit, by its last sign of life."""

    trace_id: str
    record_id: int
    time: int
    """Of the sign, in microseconds."""
    beats: bool
    """It sends heartbeats."""
    followed: bool
    """It was read from a file of this machine."""
    pid: int | None
    host: str | None
    namespace: str | None


class Contact:
    """Looks for units whose process is lost, over one store.

    Args:
        store: The store.
        now: When the server started, naive UTC. What was written while it was down may still arrive, so both
            times to wait begin now.
    """

    def __init__(self, store: Store, now: datetime) -> None:
        self._store = store
        self._next = now
        since = now - _BEFORE_START
        self._heartbeats = _Window(since, HEARTBEAT_LATE, now + HEARTBEAT_LATE)
        self._processes = _Window(since, PROCESS_UNHEARD, now + PROCESS_UNHEARD)

    def look(self, now: datetime, is_behind: Callable[[], bool]) -> int:
        """State the units that are lost by now, naive UTC, and return how many.

        `is_behind` returns whether records of followed files wait to be read.
        """
        if now < self._next:
            return 0
        self._next = now + _EVERY
        found = self._state(self._heartbeats, now, lambda block: block.beats)
        return found if is_behind() else found + self._state(self._processes, now, is_lost_here)

    def _state(self, window: _Window, now: datetime, is_lost: Callable[[OpenBlock], bool]) -> int:
        bounds = window.bounds(now)
        blocks = self._open_blocks(bounds) if bounds else []
        lost = [block for block in blocks if is_lost(block)]
        signs = [Sign(block.trace_id, block.record_id, block.time) for block in lost]
        if signs:
            self._store.act(lambda tx: settle(tx, signs)).result()
        if bounds:
            window.pass_to(now)
        return len(signs)

    def _open_blocks(self, bounds: dict[str, datetime]) -> list[OpenBlock]:
        followed = self._store.query("collectors/sources_of_kind", {"kind": _FILES})
        names = [source["name"] for source in followed]
        asked = {**bounds, "followed": names}
        return self._store.query("traces/open_blocks", asked, into=noun(OpenBlock))


def is_lost_here(block: OpenBlock) -> bool:
    """Return whether the process of a block ran on this machine and is gone.

    Host name and process namespace are this server's own: the same number in a container is another process.
    """
    here = process.place()
    is_here = (block.host, block.namespace) == tuple(here.get(name) for name in _PLACE)
    if not (block.followed and block.pid and is_here):
        return False
    return is_gone(block.pid, block.time / 1e6)


def is_gone(pid: int, wrote_at: float) -> bool:
    """Return whether the process of this number that wrote at `wrote_at` (Unix seconds) has ended.

    Another process may have the number by now: it began after what was written.
    """
    stat = _stat(pid)
    if stat is None:
        return not _exists(pid)
    booted_at = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    started_at = booted_at + int(stat[_STARTED]) / os.sysconf("SC_CLK_TCK")
    return stat[_STATE] in "ZX" or started_at > wrote_at + _CLOCK_S


def _stat(pid: int) -> list[str] | None:
    """Return what Linux says of a process, from its state on; None where it says nothing."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (OSError, UnicodeDecodeError):
        return None
    return text.rpartition(")")[2].split()  # its name may hold anything


def _exists(pid: int) -> bool:
    if sys.platform == "win32":
        return True  # there the call would end the process
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
