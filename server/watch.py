"""The audit under watch: checkpoints are written outside the store, and the chain is checked as it grows.

All of it is checked at the start and once a day, what is new once a minute, so that the badge on every page
says something that was looked at.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from audit import chain, trail
from audit.checkpoints import CheckpointError, Checkpoints
from audit.differences import differences
from audit.signing import SigningKey
from data.background import Background
from data.clock import utc_now
from data.errors import UnsnagError
from data.logs import event_log

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from audit.differences import Difference
    from data.store import Store
    from server.settings import Settings

_LOG: Final = event_log("audit")
_ALL_ANEW_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class ChainState:
    """What the last look at the chain found, and when; `trouble` says why checkpoints fail, if they do."""

    verdict: chain.Verdict
    checked_at: datetime
    trouble: str | None = None
    differences: tuple[Difference, ...] = ()
    """What the store holds other than the audit says, as the last look at all of it found."""
    missing: str | None = None
    """That the file of checkpoints was not there when the server started."""

    @property
    def warnings(self) -> list[str]:
        """What an operator should look at, although the chain holds."""
        count = len(self.differences)
        differs = (
            f"{count} rows of the store are other than the audit says: run `audit verify`." if count else None
        )
        return [text for text in (self.trouble, self.missing, differs) if text]


class Watch(Background):
    """Checks the chain of one store and writes its checkpoints."""

    def __init__(self, store: Store, settings: Settings) -> None:
        key = SigningKey.read(settings.audit.signing_key) if settings.audit.signing_key else None
        self.checkpoints = Checkpoints(settings.checkpoints, key, settings.second_checkpoints)
        self.state: ChainState | None = None
        self._store = store
        self._every_s = settings.audit.checkpoint_seconds
        self._lock = threading.Lock()
        self._all_at = 0.0
        self._started = trail.text_of(utc_now())
        self._missing: str | None = None
        super().__init__("audit-watch")

    @property
    def is_intact(self) -> int:
        """1 while nothing was found broken."""
        return int(self.state is None or self.state.verdict.intact)

    def stop(self) -> None:
        """Write a last checkpoint and end."""
        super().stop()
        self._look(full=False)

    def look(self) -> ChainState:
        """Check what is new since the last look."""
        return self._look(full=False)

    def check_all(self) -> ChainState:
        """Check the whole chain now, against every checkpoint."""
        return self._look(full=True)

    def set_aside(self, moment: datetime) -> Path | None:
        """Move checkpoints aside that saw entries which the store lost; return the file with all of them.

        Raises:
            CheckpointError: their file cannot be read or written.
        """
        with self._lock:
            aside = [
                file.set_aside(lambda mark: not trail.holds(self._store, mark), moment)
                for file in self.checkpoints.files
            ]
            return aside[0]

    def _run(self) -> None:
        while True:
            is_full = time.monotonic() - self._all_at > _ALL_ANEW_S or self.state is None
            self._look(full=is_full)
            if self._stopping.wait(self._every_s):
                return

    def _look(self, *, full: bool) -> ChainState:
        with self._lock:
            before = self.state
            full = full or before is None or not before.verdict.intact
            found = before.differences if before else ()
            try:
                self._note_missing(full=full)
                verdict = self._verdict(before, full=full)
                found = differences(self._store) if full else found
                trouble = self._mark(verdict)
            except CheckpointError as error:
                _LOG.error("audit.checkpoints_failed", reason=str(error))
                verdict = trail.verify(self._store) if before is None else before.verdict
                trouble = str(error)
            except UnsnagError as error:  # the store is being closed
                verdict, trouble = before.verdict if before else chain.Verdict(0, chain.START), str(error)
            if not verdict.intact:
                _LOG.error("audit.broken", entry=verdict.broken_at, reason=verdict.reason)
            for one in found if full else ():
                _LOG.error("audit.differs", reason=one.text)
            self.state = ChainState(verdict, utc_now(), trouble, found, self._missing)
            return self.state

    def _verdict(self, before: ChainState | None, *, full: bool) -> chain.Verdict:
        if full:
            self._all_at = time.monotonic()
            return trail.verify(self._store, self.checkpoints)
        assert before is not None  # noqa: S101 - full otherwise
        return trail.verify_on(self._store, before.verdict, self.checkpoints)

    def _mark(self, verdict: chain.Verdict) -> str | None:
        """Write a checkpoint of what was found intact; never over a chain that is broken.

        Return why it could not be written everywhere: what fails in one folder stops nothing in the other.
        """
        troubles = []
        for file in self.checkpoints.files if verdict.intact and verdict.entries else ():
            try:
                last = file.last()
                if last is None or last.seq < verdict.entries:
                    file.write(verdict.entries, verdict.head, utc_now())
            except CheckpointError as error:
                _LOG.error("audit.checkpoints_failed", reason=str(error))
                troubles.append(str(error))
        return " ".join(troubles) or None

    def _note_missing(self, *, full: bool) -> None:
        """Note that there is no file of checkpoints although the audit is older than this server."""
        if not full or self.checkpoints.path.exists():
            return
        first = trail.entries_after(self._store, 0, 1)
        if first and first[0]["time"] < self._started:
            self._missing = (
                f"The checkpoint file {self.checkpoints.path} is missing, although the audit has entries. "
                "Whether the audit's end was cut before this start cannot be seen. Find out who removed it."
            )
            _LOG.warning("audit.checkpoints_missing", reason=self._missing)
