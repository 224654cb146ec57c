"""All collectors of the process: the sources that the settings name, with the state of each; and replay."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from collectors.jsonl import spool_of
from collectors.latest import HasFiles, Lines, of_files, of_store
from collectors.mapping import Mapping
from collectors.mapping_book import MappingBook
from collectors.pauses import Pauses
from collectors.replay import KeptRecord, Replay, no_limit_known
from collectors.sections import SourceSettings
from collectors.source import TakesMappings, Tests
from collectors.states import SILENT_FLOOR_S, condition
from collectors.status import Counts
from collectors.supervisor import Supervised, Supervisor
from data.logs import event_log
from data.nouns import noun

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from collections.abc import Mapping as Rows
    from datetime import datetime
    from pathlib import Path

    from access.sending import SenderLimit
    from collectors.quotas import Quotas
    from collectors.registry import Registered
    from collectors.sections import MappingSettings, Section
    from collectors.settings import CollectorSettings
    from collectors.source import Source
    from collectors.status import SourceStatus
    from data.store import Store

_LOG: Final = event_log("collectors")
BEHIND_S: Final = 30.0
"""From this age of the oldest unread record on, a source is behind in reading."""


class Sources:
    """The sources that the settings name, and the spool folders."""

    def __init__(
        self,
        store: Store,
        settings: CollectorSettings,
        spools: Sequence[Path] = (),
        address: str = "",
        book: MappingBook | None = None,
        *,
        quotas: Quotas | None = None,
    ) -> None:
        """`address` is where the server is reached; without a `book` the mappings of the settings count."""
        self._store = store
        self._quotas = quotas
        self._settings = settings
        self.book = book or MappingBook(settings.mappings)
        self._sections: dict[str, SourceSettings] = {}
        """What the config file says of the sources whose records it may map."""
        self._pauses = Pauses(store)
        self._supervisor = Supervisor()
        self._replay = Replay(store, self._supervisor)
        if spools:
            self._supervisor.add(self._watched(spool_of(spools, address), settings.silent_after_s()))
        for kind, section in settings.sources():
            self._supervisor.add(self._supervised(kind, section))
        self.book.on_change = self.use_mappings
        self.use_mappings()

    def _supervised(self, kind: Registered, section: Section) -> Supervised:
        source = kind.make(section, self._settings)
        minutes = getattr(section, "silent_after_minutes", None)
        silent_after_s = self._settings.silent_after_s(minutes)
        if not isinstance(section, SourceSettings):
            return self._watched(source, silent_after_s)
        self._sections[section.name] = section
        return self._watched(source, silent_after_s, section.timezone)

    def _watched(self, source: Source, silent_after_s: float | None, zone: str | None = None) -> Supervised:
        return Supervised(
            self._store, source, timezone=zone, silent_after_s=silent_after_s, quotas=self._quotas
        )

    def use_mappings(self) -> None:
        """Let the mappings of the book count for what is read from now on."""
        for supervised in self._supervisor:
            if isinstance(supervised.source, TakesMappings):
                supervised.source.use(self.book.of_resources)
                continue
            found = self.mapping_of(supervised.name)
            supervised.context.mapping = Mapping.of(found) if found else None

    def mapping_of(self, source: str) -> MappingSettings | None:
        """Return the mapping that counts for a source, with what its section adds."""
        section = self._sections.get(source)
        return self.book.of_name(source) if section is None else self.book.of_source(section)

    def mappable(self) -> list[str]:
        """Return the sources that have a mapping of their own, or may have one."""
        return [one.name for one in self._supervisor if not isinstance(one.source, TakesMappings)]

    def latest(self, source: str) -> Lines:
        """Return the last lines that a source brought, as they came."""
        supervised = self._supervisor.get(source)
        found = None
        if supervised is not None and isinstance(supervised.source, HasFiles):
            found = of_files(supervised.source.paths(), supervised.source.rows)
        return found or of_store(self._store, source)

    def with_section(self, source: str, settings: MappingSettings) -> MappingSettings:
        """Return a mapping as it counts for a source: with what the source's section adds."""
        section = self._sections.get(source)
        if section is None:
            return settings
        name = section.mapping_name()
        return section.field_mapping({name: settings}, (name,)) or settings

    def mapping_name(self, source: str) -> str:
        """Return what the mapping of a source is called, also where none was made yet."""
        section = self._sections.get(source)
        return source if section is None else section.mapping_name()

    def start(self) -> None:
        """Start all sources, after asking those that can say whether their settings will do."""
        for supervised in self._supervisor:
            source = supervised.source
            fault = source.test() if isinstance(source, Tests) else None
            if fault:
                _LOG.warning("source.settings", source=source.name, fault=fault)
        self._supervisor.start()

    def stop(self) -> None:
        """Stop all sources; what they read is handed over first."""
        self._supervisor.stop()

    def sources(self, kept: Rows[str, Counts], now: datetime) -> list[SourceStatus]:
        """Return each source with its state; `kept` is what the store counts of each, by name."""
        found = [
            self._status(source, kept.get(source.name) or Counts(name=source.name), now)
            for source in self._supervisor
        ]
        sources = [one.source for one in self._supervisor]
        taken = frozenset().union(*(source.followed for source in sources if isinstance(source, HasFiles)))
        return [
            replace(one, untaken_files=[path for path in one.untaken_files if path not in taken])
            for one in found
        ]

    def is_behind(self, now: datetime) -> bool:
        """Return whether a record of a source has waited to be read for longer than a moment."""
        return any(source.lag_s(now) > BEHIND_S for source in self._supervisor)

    def _status(self, source: Supervised, counts: Counts, now: datetime) -> SourceStatus:
        received = counts.last_ingested_at
        signs = replace(source.signs(), received_at=received)
        if received is not None and (now - received).total_seconds() > SILENT_FLOOR_S:
            signs = replace(signs, longest_pause_s=self._pauses.longest_s(source.name, now))
        return source.status(condition(signs, now), counts, now)

    def replay(
        self, ids: Sequence[str], limit_of: Callable[[str], SenderLimit | None] = no_limit_known
    ) -> dict[str, str]:
        """Read quarantined records again, as the collectors read today; return what became of each.

        `limit_of` returns what the token of a limited sender may send for now, and raises UnsnagError
        where that token is no longer valid: its records stay in quarantine.
        """
        found = self._store.query("collectors/quarantined", {"ids": list(ids)}, into=noun(KeptRecord))
        return {record.id: self._replay.one(record, limit_of) for record in found}
