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
from typing import TYPE_CHECKING, Any, Final

from desk.intake import settle
from traces.joining import Sign
from unsnag import conventions, process

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from access.gate import Gate

    Row = dict[str, Any]

HEARTBEAT_LATE: Final = timedelta(minutes=6)
"""A heartbeat comes each minute, and may be five minutes late."""
PROCESS_UNHEARD: Final = timedelta(seconds=90)
"""A process is looked for this long after its last record arrived."""
_EVERY: Final = timedelta(seconds=30)
_BEFORE_START: Final = timedelta(days=1)
_CLOCK_S: Final = 2.0
_PLACE: Final = {"host": conventions.HOST_NAME, "namespace": conventions.PROCESS_NAMESPACE}
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


class Contact:
    """Looks for units whose process is lost, over one store.

    Args:
        gate: The gate over the store.
        now: When the server started, naive UTC. What was written while it was down may still arrive, so both
            times to wait begin now.
    """

    def __init__(self, gate: Gate, now: datetime) -> None:
        self._gate = gate
        self._next = now
        since = now - _BEFORE_START
        self._heartbeats = _Window(since, HEARTBEAT_LATE, now + HEARTBEAT_LATE)
        self._processes = _Window(since, PROCESS_UNHEARD, now + PROCESS_UNHEARD)

    def look(self, now: datetime, is_behind: Callable[[], bool]) -> int:
        """State the units that are lost by now, naive UTC, and return how many.

        `is_behind` tells whether records of followed files wait to be read.
        """
        if now < self._next:
            return 0
        self._next = now + _EVERY
        found = self._state(self._heartbeats, now, lambda row: bool(row["beats"]))
        return found if is_behind() else found + self._state(self._processes, now, is_lost_here)

    def _state(self, window: _Window, now: datetime, is_lost: Callable[[Row], bool]) -> int:
        bounds = window.bounds(now)
        rows = self._gate.store.query("traces/open_blocks", bounds) if bounds else []
        signs = [Sign(row["trace_id"], row["record_id"], row["time"]) for row in rows if is_lost(row)]
        if signs:
            self._gate.store.act(lambda tx: settle(tx, signs)).result()
        if bounds:
            window.pass_to(now)
        return len(signs)


def is_lost_here(row: Row) -> bool:
    """Tell whether the process of a row of `traces/open_blocks` ran on this machine and is gone.

    Host name and process namespace are this server's own: the same number in a container is another process.
    """
    here = process.place()
    is_here = all(row[column] == here.get(name) for column, name in _PLACE.items())
    return bool(row["followed"] and row["pid"] and is_here) and is_gone(row["pid"], row["time"] / 1e6)


def is_gone(pid: int, wrote_at: float) -> bool:
    """Tell whether the process with this number that wrote something at `wrote_at` (Unix seconds) has ended.

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
