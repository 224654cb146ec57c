"""What a source of telemetry is, and what it is given to run.

A source's life:

1. A line of its file registers it (`collectors.registry`); the config file names it with its settings.
2. The supervisor starts a thread and calls `run`. The source asks for its cursor, reads what comes next,
   and sends each batch with the cursor behind it: both are committed together, or none.
3. When `run` raises, the supervisor says so and calls it again, later each time. The new run begins at the
   cursor that is committed, so nothing is lost or repeated.
4. When the server stops, `context.stopping` is set; `run` returns, what was sent is committed, and `close`
   gives back what the source holds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable
from zoneinfo import ZoneInfo

import orjson

from collectors.backlog import Backlog
from collectors.delivery import Delivery
from collectors.normalise import Normaliser
from collectors.zones import local_zone
from data.clock import micros, utc_now
from data.errors import StoreClosedError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence

    from collectors.mapping import Mapping as FieldMapping
    from collectors.quotas import Quotas
    from collectors.status import UnreadableFile
    from data.records import Batch, FileOffset, SourceItem
    from data.store import Store


_PAUSED_S: Final = 1.0
"""How often a source that is over its quota looks whether it may go on."""


@dataclass(frozen=True, slots=True)
class Health:
    """What a source says of itself, in sentences for a person."""

    error: str | None = None
    """What a person has to change."""
    trouble: str | None = None
    """What is tried again by itself."""
    missing: str | None = None
    """The folder that is not there."""
    setting: str = "`paths` in the config file"
    """The setting that names what is read."""
    begin: str | None = None
    """What to do until the first record arrives. None: a source that reads files."""
    repair: str | None = None
    """What to do about `error`. None: correct or remove what it names."""
    untaken: Sequence[str] = ()
    """Files beside those that are read that no pattern takes."""
    unreadable: Sequence[UnreadableFile] = ()


class Source(Protocol):
    """Where telemetry comes from. Inherit from it: what a source does not define is answered here."""

    name: str
    """Of this one among all sources: what its records are stored under."""
    kind: str
    """The key of its section in the config file."""

    def run(self, context: Context) -> None:
        """Bring records until `context.stopping` is set. What it raises is shown, and it is run again."""

    def backlog(self) -> Backlog:
        """Return what is not stored yet; asked by other threads."""
        return Backlog()

    def health(self) -> Health:
        """Return what is wrong now, if anything is; asked by other threads."""
        return Health()

    def close(self) -> None:
        """Give back what is held: `run` is not called again."""


@runtime_checkable
class Rereads(Protocol):
    """A source that reads its quarantined records again in a way of its own."""

    def read_again(self, n: Normaliser, source: str, raw: bytes) -> None:
        """Read a record from quarantine into an empty batch.

        Raises:
            ValueError: it cannot be read; the message says why.
        """


@runtime_checkable
class TakesMappings(Protocol):
    """A source whose records come from several places, each with a mapping of its own."""

    def use(self, mappings: Sequence[FieldMapping]) -> None:
        """Let these mappings count for what is read from now on."""


@runtime_checkable
class Tests(Protocol):
    """A source that can tell before it runs whether its settings will do."""

    def test(self) -> str | None:
        """Return what is wrong with the settings as things are now, in a sentence."""


class Context:
    """What a source is given to run: where it stopped, the way into the store, and when to stop."""

    def __init__(
        self,
        store: Store,
        source: Source,
        stopping: threading.Event,
        *,
        mapping: FieldMapping | None = None,
        timezone: str | None = None,
        quotas: Quotas | None = None,
    ) -> None:
        self.stopping = stopping
        self._store = store
        self._source = source
        self.mapping = mapping
        """Of the batches that begin from now on."""
        self._zone = ZoneInfo(timezone) if timezone else None
        self._quotas = quotas
        self.paused: str | None = None
        """Why the source waits before it reads on, if it does."""
        self._well: Callable[[], None] = _nothing
        self.delivery = Delivery(store, source.name, source.kind, stopping)

    # --- where it stopped --------------------------------------------------------------------------

    def cursor(self) -> Any:
        """Return the cursor that was committed last, as it was sent; None before the first."""
        rows = self._store.query("store/source_cursor", {"source": self._source.name})
        return orjson.loads(rows[0]["value"]) if rows else None

    def file_offsets(self) -> Mapping[str, FileOffset]:
        """Return how far each followed file was read, by path: the cursor of sources that follow files."""
        return self._store.file_offsets()

    def items(self) -> Sequence[SourceItem]:
        """Return what the source took as a whole so far, the oldest first; see `Batch.items`."""
        return self._store.source_items(self._source.name)

    # --- the way into the store --------------------------------------------------------------------

    def normaliser(self, path: str | None = None) -> Normaliser:
        """Return an empty batch of this source, with its mapping and its time zone; `path` is of its file."""
        return Normaliser(
            self._source.name,
            self._source.kind,
            micros(utc_now()),
            mapping=self.mapping,
            zone=self._zone,
            local_zone=local_zone(),
            path=path,
        )

    def send(self, batch: Batch, *, cursor: Any = None, committed: Callable[[], None] | None = None) -> None:
        """Hand a batch to the store once the one before it is committed; read on meanwhile.

        `cursor` is any JSON value, committed with the batch; without one the last stays. `committed` is
        called, in this thread, once the batch is. A commit that fails is repeated until it is done.

        Raises:
            StoreClosedError: the store is closed, or the source is to stop.
        """
        if cursor is not None:
            batch = replace(batch, cursor=orjson.dumps(cursor).decode())
        self.delivery.send(self._within_quota(batch), committed or _nothing)

    def _within_quota(self, batch: Batch) -> Batch:
        """Wait until a quota lets the batch in, and return it with what it takes."""
        if self._quotas is None:
            return batch
        while reason := self._quotas.pause(self._source.name, batch):
            self.paused = reason
            self.delivery.settle()
            self.delivery.while_waiting()
            if self.stopping.wait(_PAUSED_S):
                raise StoreClosedError
        self.paused = None
        return self._quotas.count(self._source.name, batch)

    def settle(self) -> None:
        """Note the commit of the batch that was sent last, if it is there already."""
        self.delivery.settle()

    def finish(self) -> None:
        """Wait for the commit of the batch that was sent last."""
        self.delivery.finish()

    # --- what others see meanwhile -----------------------------------------------------------------

    def while_waiting(self, work: Callable[[], None]) -> None:
        """Call `work` twice a second while a commit lasts, so that what is shown stays fresh."""
        self.delivery.while_waiting = work

    def on_well(self, work: Callable[[], None]) -> None:
        """Call `work` whenever the source says that it is well; the supervisor listens."""
        self._well = work

    def well(self) -> None:
        """Say that a round was made without an error: what was wrong before is over."""
        self._well()

    def pause(self, seconds: float) -> bool:
        """Wait; say whether the source is to stop."""
        return self.stopping.wait(seconds)


def _nothing() -> None:
    """Do nothing."""
