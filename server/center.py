"""The running system: what pages and REST ask. One per process, set at the start."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from access.authority import Authority
from access.directory import Directory
from access.gate import Asked, Gate
from access.people import People
from access.sessions import Sessions
from access.tokens import Tokens
from collectors.backlog import Backlog
from collectors.states import not_collected
from data.clock import aware, stored, utc_now
from data.errors import UnsnagError
from data.store import Reading, Store
from desk import cases, units
from desk.acts import Acts
from desk.errors import InvalidActError
from desk.intake import intake, prepare
from desk.lifecycle import MIN_REASON
from desk.retries import Retries
from desk.settling import settling
from server.events import Events
from server.settings import is_loopback
from server.watch import Watch
from traces.clocks import SHOWN
from unsnag.masking import mask_text

if TYPE_CHECKING:
    from datetime import datetime

    from audit.actor import Actor
    from collectors.sources import Sources
    from desk.cases import CaseFilter, CasePage
    from server.settings import Settings

    Row = dict[str, Any]

_CLOCKS: Final = 50
"""Clocks that are off, of all sources, that are listed at most."""


class NotRunningError(UnsnagError):
    """The store is not open yet. Try again in a moment."""


class RecordNotFoundError(UnsnagError):
    """There is no such record in quarantine."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The exception center as somebody may see it."""

    reading: Reading

    def case(self, case_id: str) -> Row:
        """See `desk.cases.one`."""
        return cases.one(self.reading, case_id)

    def cases(self, chosen: CaseFilter, limit: int = 50, offset: int = 0) -> CasePage:
        """See `desk.cases.listed`."""
        return cases.listed(self.reading, chosen, limit, offset)

    def counts(self, chosen: CaseFilter, mine: str | None = None) -> dict[str, int]:
        """See `desk.cases.counts`."""
        return cases.counts(self.reading, chosen, mine)

    def settling(self) -> list[Row]:
        """See `desk.settling.settling`."""
        return settling(self.reading)

    def facets(self) -> dict[str, dict[str, int]]:
        """See `desk.cases.facets`."""
        return cases.facets(self.reading)

    def my_claims(self, name: str) -> Row:
        """Return how many cases a person holds, and when the first of these claims runs out."""
        (row,) = self.reading.query("desk/my_claims", {"holder": name})
        return {"count": row["cases"], "soonest_lease_end": aware(row["soonest_lease_end"])}


@dataclass(frozen=True, slots=True)
class Units:
    """Units of work and traces as somebody may see them."""

    reading: Reading

    def unit(self, correlation_id: str) -> Row:
        """See `desk.units.unit`."""
        return units.unit(self.reading, correlation_id)

    def trace(self, trace_id: str) -> Row:
        """See `desk.units.trace`."""
        return units.trace(self.reading, trace_id)

    def recent(self, *, failed: bool = False, named: bool = False) -> list[Row]:
        """See `desk.units.recent`."""
        return units.recent(self.reading, failed=failed, named=named)


@dataclass(frozen=True, slots=True)
class Seat:
    """The running system as one actor may see and use it. Pages and routes ask this, never the store."""

    center: Center
    actor: Actor
    reading: Reading

    @property
    def settings(self) -> Settings:
        """The settings of the process."""
        return self.center.settings

    @property
    def desk(self) -> Desk:
        """The cases within reach."""
        return Desk(self.reading)

    @property
    def units(self) -> Units:
        """The units within reach."""
        return Units(self.reading)

    @property
    def acts(self) -> Acts:
        """The acts on cases; they ask for the actor, and the gate for what it may."""
        return self.center.acts

    def may(self, act: str, case: Row | None = None) -> bool:
        """Tell whether the actor may do an act, on this case or on anything: for what a page offers."""
        if case is None:
            return self.center.authority.may(self.actor, act, anywhere=True)
        return self.center.authority.may(self.actor, act, case["tenant"], case["flow"])

    def search(self, text: str) -> list[Row]:
        """See `desk.units.search`."""
        return units.search(self.reading, text)

    def sources(self) -> list[Row]:
        """See `Center.sources`."""
        return self.center.sources()

    def quarantine(self, limit: int = 50, offset: int = 0) -> tuple[int, list[Row]]:
        """Return how many records could not be read, and a page of them, newest first.

        What tenant and flow such a record is of nobody knows: whoever may not see everything sees none.
        """
        if self.reading.scope is not None:
            return 0, []
        rows = self.reading.query("server/quarantine", {"limit": limit, "offset": offset})
        return (rows[0]["total"] if rows else 0), [_quarantined(row) for row in rows]

    def replay(self, record_id: str, token: str | None = None) -> str:
        """Read a quarantined record again and return how it went.

        Raises:
            RecordNotFoundError: there is none.
        """
        asked = Asked("quarantine.replay", self.actor, token, (record_id,))
        self.center.gate.record(asked, "read again", subject=f"quarantine:{record_id}")
        if not self.reading.query("server/quarantined_bytes", {"id": record_id}):
            raise RecordNotFoundError
        collecting = self.center.collecting
        if collecting is None:
            raise NotRunningError
        return collecting.replay([record_id], self.center.authority.limit_of_token)[record_id]

    def unmasked(self, record_id: str, reason: str) -> bytes:
        """Return a quarantined record as it came. Who saw it, and why, is recorded before.

        Raises:
            InvalidActError: no reason is given.
            RecordNotFoundError: there is none.
        """
        if len(reason.strip()) < MIN_REASON:
            raise InvalidActError(f"Say why you need to see it, in at least {MIN_REASON} characters.")
        rows = self.reading.query("server/quarantined_bytes", {"id": record_id})
        asked = Asked("quarantine.unmask", self.actor, reason=reason.strip())
        told = {"bytes": len(rows[0]["bytes"])} if rows else None
        self.center.gate.record(asked, "seen unmasked", subject=f"quarantine:{record_id}", details=told)
        if not rows:
            raise RecordNotFoundError
        return bytes(rows[0]["bytes"])

    def exported(self, what: str, rows: int, **details: Any) -> None:
        """Record that the actor carries rows away."""
        told = {"rows": rows, **details}
        self.center.gate.record(
            Asked("export", self.actor), "exported", subject=what, details=told, anywhere=True
        )

    def as_of(self) -> datetime | None:
        """Return when the store last took something in."""
        (row,) = self.reading.query("server/as_of")
        return aware(row["as_of"])

    def now(self) -> datetime:
        """Return the present moment."""
        return utc_now()


@dataclass(slots=True)
class Center:
    """Everything that runs over one store."""

    settings: Settings
    store: Store
    events: Events
    directory: Directory
    authority: Authority
    gate: Gate
    acts: Acts
    retries: Retries
    people: People
    sessions: Sessions
    tokens: Tokens
    watch: Watch
    collecting: Sources | None = None
    started_at: datetime = field(default_factory=utc_now)
    command_secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @classmethod
    def open(cls, settings: Settings) -> Center:
        """Open the store and everything over it; nothing is collected yet."""
        events, directory = Events(), Directory()

        def committed(topics: set[str]) -> None:
            if "access" in topics:
                directory.load(store)
            events.bump(topics)

        store = Store.open(settings.data, intake, committed)
        store.act(prepare).result()
        directory.load(store)
        authority = Authority(
            directory, local=_is_local(settings, directory), limits=settings.access.limits()
        )
        gate, limits = Gate(store, authority), settings.desk.limits()
        try:
            watch = Watch(store, settings)
        except UnsnagError:
            store.close()
            raise
        return cls(
            settings=settings,
            store=store,
            events=events,
            directory=directory,
            authority=authority,
            gate=gate,
            acts=Acts(gate, limits),
            retries=Retries(gate, limits),
            people=People(gate, directory),
            sessions=Sessions(gate, directory),
            tokens=Tokens(gate, directory),
            watch=watch,
        )

    def sources(self) -> list[Row]:
        """Return each source with its state, its lag and what it brought."""
        kept = {row["name"]: row for row in self.store.query("server/sources")}
        collected = self.collecting.sources(kept, utc_now()) if self.collecting else []
        live = {source["name"]: source for source in collected}
        names = [*live, *(name for name in kept if name not in live)]
        clocks = self._clocks()
        return [
            {**_source(name, live.get(name, {}), kept.get(name, {})), "clocks": clocks.get(name, [])}
            for name in names
        ]

    def _clocks(self) -> dict[str, list[Row]]:
        """Return the clocks of each source that are off, those furthest off first."""
        found: dict[str, list[Row]] = {}
        for row in self.store.query("server/clocks", {"since": stored(utc_now() - SHOWN), "most": _CLOCKS}):
            one = {**row, "measured_at": aware(row["measured_at"])}
            found.setdefault(one.pop("source"), []).append(one)
        return found

    def close(self) -> None:
        """Write the last checkpoint and give the store back."""
        self.watch.stop()
        self.store.close()

    def seat(self, actor: Actor) -> Seat:
        """Return the system as this actor may see and use it.

        Raises:
            SignedOutError: the session or token behind the actor is no longer valid.
        """
        return Seat(self, actor, Reading(self.store, self.authority.scope(actor)))


def _is_local(settings: Settings, directory: Directory) -> bool:
    """Tell whether everybody at this machine may do everything: nobody was added, nobody else can come."""
    if settings.access.sign_in is not None:
        return not settings.access.sign_in
    return is_loopback(settings.host) and not directory.people


def _source(name: str, live: Row, stored: Row) -> Row:
    return {
        **(live or _not_collected(name, stored)),
        "records": stored.get("records", 0),
        "duplicates": stored.get("duplicates", 0),
        "quarantined": stored.get("quarantined", 0),
        "dropped": stored.get("dropped", 0),
        "last_ingested_at": aware(stored.get("last_ingested_at")),
    }


def _not_collected(name: str, stored: Row) -> Row:
    found = not_collected()
    return {
        "name": name,
        "kind": stored.get("kind"),
        "state": found.state,
        "state_since": None,
        "reason": found.reason,
        "next_step": found.next_step,
        "last_error": None,
        **Backlog().totals(0.0, utc_now()),
        "lag_s": None,
        "files": [],
    }


def _quarantined(row: Row) -> Row:
    return {
        "id": row["id"],
        "source": row["source"],
        "offset": row["source_offset"],
        "reason": row["reason"],
        "received_at": aware(row["received_at"]),
        "size": row["size"],
        "sender": row["sender"],
        # The bytes are kept as they came, so that they can be read again; what is shown is masked.
        "sample": mask_text(row["sample"].decode("utf-8", "replace")),
        "replayed_at": aware(row["replayed_at"]),
        "replay_result": row["replay_result"],
    }


_installed: list[Center] = []


def install(center: Center | None) -> None:
    """Make `center` the running one, or none."""
    _installed[:] = [center] if center else []


def current() -> Center:
    """Return the running center.

    Raises:
        NotRunningError: the store is not open.
    """
    if not _installed:
        raise NotRunningError
    return _installed[0]
