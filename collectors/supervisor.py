"""Runs the sources: each in a thread of its own, again after it failed, and none because of another.

1. `start` starts every source.
2. A source that raises, or returns without being asked to, is started again: after half a second, then
   after twice as long each time, at most after a minute. Once it was well for a minute it starts afresh.
3. What it raised is shown until the source says that it is well; after half a minute it counts as failed.
4. `stop` asks all to stop, then waits for each in the reverse order of the start. What they sent is
   committed; what was not is read again at the next start.
"""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from collectors.source import Context
from collectors.states import STALLED_S, Signs
from collectors.status import Brought, Counts, SourceStatus
from data.clock import utc_now
from data.errors import StoreClosedError, UnsnagError
from data.logs import event_log
from data.nouns import field_names, shallow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from collectors.mapping import Mapping
    from collectors.normalise import Normaliser
    from collectors.quotas import Quotas
    from collectors.source import Source
    from collectors.states import Condition
    from data.store import Store

_LOG: Final = event_log("collectors")
_COUNTED: Final = field_names(Brought)
"""What the store counts of a source, as its status takes it."""
FIRST_DELAY_S: Final = 0.5
LONGEST_DELAY_S: Final = 60.0
STEADY_S: Final = 60.0
"""Who was well for this long starts at the first delay again."""
STOP_S: Final = 10.0
"""How long all sources together have to stop."""


def delay_s(failures: int) -> float:
    """Return how long a source waits after failing for the n-th time in a row."""
    return float(min(FIRST_DELAY_S * 2 ** min(failures - 1, 20), LONGEST_DELAY_S))


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a source does not run. Moments without a zone are monotonic seconds."""

    reason: str
    since: float
    """When the first of these failures in a row was."""
    next_try_at: datetime


class Supervised:
    """One source, run until it is stopped."""

    def __init__(
        self,
        store: Store,
        source: Source,
        *,
        mapping: Mapping | None = None,
        timezone: str | None = None,
        silent_after_s: float | None = None,
        quotas: Quotas | None = None,
        delay: Callable[[int], float] = delay_s,
    ) -> None:
        self.source = source
        self.silent_after_s = silent_after_s
        self.restarts = 0
        """How often it was started again since the start of the process."""
        self._delay = delay
        self._stopping = threading.Event()
        self.context = Context(
            store, source, self._stopping, mapping=mapping, timezone=timezone, quotas=quotas
        )
        self.context.on_well(self._is_well)
        self._failures = 0
        self._failure: Failure | None = None
        self._failed_at = float("-inf")
        self._thread = threading.Thread(target=self._work, name=f"source-{source.name}", daemon=True)

    # --- life --------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to run, where the store says that the source stopped."""
        self._thread.start()

    def stop(self, within_s: float = STOP_S) -> None:
        """Finish the batch at hand and stop."""
        self.ask_to_stop()
        if self._thread.is_alive():
            self._thread.join(timeout=within_s)

    def ask_to_stop(self) -> None:
        """Ask the source to stop, and do not wait for it."""
        self._stopping.set()

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                self.source.run(self.context)
                failure = None if self._stopping.is_set() else "it ended by itself"
            except StoreClosedError:
                break
            except Exception as error:  # noqa: BLE001 - no source may end another, nor itself for good
                _LOG.exception("source.failed", source=self.source.name)
                failure = f"{type(error).__name__}: {error}"
            if failure is not None and not self._wait_after(failure):
                break
        with contextlib.suppress(UnsnagError):
            self.context.finish()
        self.source.close()

    def _wait_after(self, reason: str) -> bool:
        """Note a failure and wait before the next try; say whether there is one."""
        now = time.monotonic()
        was_steady = self._failure is None and now - self._failed_at > STEADY_S
        self._failures = 1 if was_steady else self._failures + 1
        wait = self._delay(self._failures)
        since = now if self._failure is None else self._failure.since
        self._failure = Failure(reason, since, utc_now() + timedelta(seconds=wait))
        self._failed_at = now
        self.restarts += 1
        try:
            self.context.delivery.resolve()
        except StoreClosedError:
            return False
        except Exception:  # noqa: BLE001 - what the source does after a commit is its own
            _LOG.exception("source.failed", source=self.source.name)
        return not self._stopping.wait(wait)

    def _is_well(self) -> None:
        self._failure = None

    # --- what is shown of it -----------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The source's name."""
        return self.source.name

    @property
    def records(self) -> int:
        """Records stored since the start."""
        return self.context.delivery.records

    def normaliser(self) -> Normaliser:
        """Return an empty batch of this source."""
        return self.context.normaliser()

    def signs(self) -> Signs:
        """Return what the source's state is decided by, but for what the store knows."""
        now, failure = time.monotonic(), self._failure
        backlog, health = self.source.backlog(), self.source.health()
        has_failed = failure is not None and now - failure.since >= STALLED_S
        return Signs(
            unread=backlog.waiting,
            no_progress_s=backlog.no_progress_s(now),
            error=self._stopped() or health.error or (failure.reason if failure and has_failed else None),
            trouble=(failure.reason if failure else None) or health.trouble or self.context.delivery.error,
            missing=health.missing,
            paused=self.context.paused,
            matching=backlog.followed,
            silent_after_s=self.silent_after_s,
            setting=health.setting,
            begin=health.begin,
            repair=health.repair,
        )

    def _stopped(self) -> str | None:
        if self._thread.ident is None or self._thread.is_alive() or self._stopping.is_set():
            return None
        return "The collector of this source has stopped. Restart the server."

    @property
    def last_error(self) -> str | None:
        """What is wrong now, if anything is."""
        signs = self.signs()
        return signs.error or signs.trouble

    @property
    def next_try_at(self) -> datetime | None:
        """When it is started again; None while it runs."""
        failure = self._failure
        return failure.next_try_at if failure else None

    def status(self, found: Condition, counts: Counts, now: datetime) -> SourceStatus:
        """Return its state with what is unread, file by file, and what the store counts of it."""
        monotonic, backlog, health = time.monotonic(), self.source.backlog(), self.source.health()
        return SourceStatus(
            **shallow(backlog.totals(monotonic, now)),
            **shallow(counts, _COUNTED),
            name=self.source.name,
            kind=self.source.kind,
            state=found.state,
            state_since=found.since,
            reason=found.reason,
            next_step=found.next_step,
            files=backlog.largest(monotonic, now),
            untaken_files=health.untaken,
            unreadable_files=health.unreadable,
            last_error=self.last_error,
            restarts=self.restarts,
            next_try_at=self.next_try_at,
        )

    def lag_s(self, now: datetime) -> float:
        """Return the age of the oldest unread record, in seconds."""
        return self.source.backlog().lag(time.monotonic(), now).lag_s


class Supervisor:
    """All sources of the process, in the order in which they start."""

    def __init__(self) -> None:
        self._sources: dict[str, Supervised] = {}

    def add(self, source: Supervised) -> None:
        """Take a source in."""
        self._sources[source.name] = source

    def get(self, name: str) -> Supervised | None:
        """Return the source of a name."""
        return self._sources.get(name)

    def __iter__(self) -> Iterator[Supervised]:
        return iter(self._sources.values())

    def start(self) -> None:
        """Start all sources."""
        for source in self:
            source.start()

    def stop(self) -> None:
        """Stop all sources, the last one that was started first; what they sent is committed before."""
        for source in self:
            source.ask_to_stop()
        until = time.monotonic() + STOP_S
        for source in reversed(list(self)):
            source.stop(max(until - time.monotonic(), 0.1))
