"""The running system: what pages and REST ask. One per process, set at the start."""

from __future__ import annotations

import secrets
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from access.authority import Authority
from access.directory import Directory
from audit.actor import SYSTEM
from cases import following
from cases.intake import intake, prepare
from collectors import kept_mappings
from collectors.drift import SHORTEST_ROW, Drift, WatchedRow
from collectors.mapping_book import MappingBook
from collectors.quotas import Quotas
from collectors.states import not_collected
from collectors.status import Counts, SourceClock, SourceStatus
from data.clock import stored, utc_now
from data.disk import Disk
from data.errors import UnsnagError
from data.nouns import noun, shallow
from data.store import FILE_NAME, Store
from flows.book import FlowBook
from server import losses
from server.backups import Backups
from server.context import ServerContext
from server.digesting import Digests
from server.events import Events
from server.flow_files import FlowFiles
from server.queue import Queue
from server.retention import Retention
from server.settings import is_loopback
from server.watch import Watch
from traces.clocks import SHOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from access.limits import Limits
    from audit.actor import Actor
    from collectors.sources import Sources
    from flows.model import FlowSettings
    from server.settings import Settings

_CLOCKS: Final = 50
"""Clocks that are off, of all sources, that are listed at most."""


class NotRunningError(UnsnagError):
    """The store is not open yet. Try again in a moment."""


@dataclass(slots=True)
class Container:
    """Everything that runs over one store."""

    settings: Settings
    store: Store
    events: Events
    directory: Directory
    authority: Authority
    limits: Limits
    watch: Watch
    mappings: MappingBook
    backups: Backups
    retention: Retention
    flows: FlowBook
    flow_files: FlowFiles
    quotas: Quotas
    digests: Digests
    _followed: Mapping[str, FlowSettings] | None = None
    """The settings of flows whose service levels hold."""
    collectors: Sources | None = None
    started_at: datetime = field(default_factory=utc_now)
    instance: str = field(default_factory=lambda: secrets.token_hex(8))
    """Of this start: who started the server knows by it that it is this one that answers."""
    queue: Queue = field(init=False)
    command_secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    def __post_init__(self) -> None:
        """Make what needs the others."""
        self.queue = Queue(self.instance, lambda: self.events.revision("case"))

    @classmethod
    def open(cls, settings: Settings) -> Container:
        """Open the store and everything over it; nothing is collected yet."""
        events, directory, mappings = Events(), Directory(), MappingBook(settings.collectors.mappings)
        flows = FlowBook()

        def committed(topics: set[str]) -> None:
            if "access" in topics:
                directory.load(store)
            if "mapping" in topics:
                mappings.use(kept_mappings.active(store))
            if "flow" in topics:
                flows.use(store)
            events.bump(topics)

        store = _opened(settings, committed)
        directory.load(store)
        mappings.use(kept_mappings.active(store))
        flows.use(store)
        local, limits = _is_local(settings, directory), settings.access.limits()
        authority = Authority(directory, local=local, limits=limits)
        try:
            watch = Watch(store, settings)
        except UnsnagError:
            store.close()
            raise
        container = cls(
            settings=settings,
            store=store,
            events=events,
            directory=directory,
            authority=authority,
            limits=settings.cases.limits(),
            watch=watch,
            mappings=mappings,
            backups=Backups(store, settings),
            retention=Retention(store, settings.retention),
            flows=flows,
            flow_files=FlowFiles(settings.flow_folder, flows, events),
            quotas=Quotas(store, settings.collectors.quotas),
            digests=Digests(settings),
        )
        container.use_service_rules()
        return container

    def use_service_rules(self) -> None:
        """Let the rules of service hold that the settings state, and those of flows; live cases follow."""
        flows = self.flows.settings
        if self.store.held or flows is self._followed:
            return
        rules = self.settings.rules()
        # A flow's own file wins over the section [service_levels.flows].
        levels = replace(rules.levels, flows={**rules.levels.flows, **self.flows.levels()})
        following.use(replace(rules, levels=levels), self.as_system())
        self._followed = flows

    def warnings(self) -> list[str]:
        """Return what an operator should do something about while everything still works, as sentences."""
        disk, witness, audit = self.store.disk, self.store.witness, self.watch.state
        found = (
            disk.warning() if disk else None,
            witness.trouble if witness else None,
            self.backups.trouble,
            *(audit.warnings if audit else ()),
            self.digests.trouble,
        )
        return [*(warning for warning in found if warning), *self.flows.warnings()]

    def sources(self) -> list[SourceStatus]:
        """Return each source with its state, its lag and what it brought."""
        kept = {counts.name: counts for counts in self.store.query("server/sources", into=noun(Counts))}
        found = self.collectors.sources(kept, utc_now()) if self.collectors else []
        collected = {source.name for source in found}
        found += [_not_collected(counts) for name, counts in kept.items() if name not in collected]
        clocks, drifts = self._clocks(), self._drifts()
        return [replace(source, clocks=clocks[source.name], drifts=drifts[source.name]) for source in found]

    def _drifts(self) -> dict[str, list[Drift]]:
        """Return the fields that each source brought before and does not any more."""
        found: dict[str, list[Drift]] = defaultdict(list)
        for kept in self.store.query(
            "server/watched_fields", {"shortest": SHORTEST_ROW}, into=noun(WatchedRow)
        ):
            if (drift := kept.drift()) is not None:
                found[drift.source].append(drift)
        return found

    def _clocks(self) -> dict[str, list[SourceClock]]:
        """Return the clocks of each source that are off, those furthest off first."""
        asked = {"since": stored(utc_now() - SHOWN), "most": _CLOCKS}
        found: dict[str, list[SourceClock]] = defaultdict(list)
        for clock in self.store.query("server/clocks", asked, into=noun(SourceClock)):
            found[clock.source].append(clock)
        return found

    def close(self) -> None:
        """Write the last checkpoint and give the store back."""
        self.digests.stop()
        self.flow_files.stop()
        self.retention.stop()
        self.backups.stop()
        self.watch.stop()
        self.store.close()

    def context(self, actor: Actor) -> ServerContext:
        """Return the system as this actor may see and use it.

        Raises:
            SignedOutError: the session or token behind the actor is no longer valid.
        """
        self.authority.scope(actor)
        return ServerContext(actor, self.store, self.authority, self.limits, self)

    def as_system(self) -> ServerContext:
        """Return the system as it uses itself: for what time does, and before somebody is signed in."""
        return ServerContext(SYSTEM, self.store, self.authority, self.limits, self)


def _opened(settings: Settings, committed: Callable[[set[str]], None]) -> Store:
    """Return the store, which writes nothing where acknowledged commits are missing from it."""
    store = Store.open(settings.data, intake, committed, settings.witness, settings.upgrades)
    store.act(prepare).result()
    reserve = int(settings.store.reserve_mb * 10**6)
    store.disk = Disk(settings.data / FILE_NAME, reserve, store.reusable_bytes)
    if store.loss:
        store.hold(losses.explained(store.loss))
    return store


def _is_local(settings: Settings, directory: Directory) -> bool:
    """Return whether everybody at this machine may do everything: nobody was added, nobody else can come."""
    if settings.access.sign_in is not None:
        return not settings.access.sign_in
    return is_loopback(settings.host) and not directory.people


def _not_collected(counts: Counts) -> SourceStatus:
    found = not_collected()
    return SourceStatus(**shallow(counts), state=found.state, reason=found.reason, next_step=found.next_step)


_installed: list[Container] = []


def install(container: Container | None) -> None:
    """Make `container` the running one, or none."""
    _installed[:] = [container] if container else []


def current() -> Container:
    """Return the running container.

    Raises:
        NotRunningError: the store is not open.
    """
    if not _installed:
        raise NotRunningError
    return _installed[0]
