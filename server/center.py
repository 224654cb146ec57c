"""The running system: what pages and REST ask. One per process, set at the start."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from data.clock import aware, utc_now
from data.errors import UnsnagError
from data.store import Store
from desk import cases, units
from desk.acts import Acts
from desk.intake import intake
from desk.retries import Retries
from server.events import Events
from unsnag.masking import mask_text

if TYPE_CHECKING:
    from datetime import datetime

    from collectors.sources import Sources
    from desk.audit import Actor
    from desk.cases import CaseFilter, CasePage
    from server.settings import Settings

    Row = dict[str, Any]


class NotRunningError(UnsnagError):
    """The store is not open yet. Try again in a moment."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The exception center as pages use it: the acts, and what there is to see."""

    store: Store
    acts: Acts

    def claim(self, case_id: str, *, actor: Actor, token: str | None = None) -> Row:
        """See `desk.acts.Acts.claim`."""
        return self.acts.claim(case_id, actor=actor, token=token)

    def release(self, case_id: str, *, actor: Actor, token: str | None = None) -> Row:
        """See `desk.acts.Acts.release`."""
        return self.acts.release(case_id, actor=actor, token=token)

    def retry(
        self, case_id: str, *, actor: Actor, reason: str | None = None, token: str | None = None
    ) -> Row:
        """See `desk.acts.Acts.retry`."""
        return self.acts.retry(case_id, actor=actor, reason=reason, token=token)

    def resolve(self, case_id: str, *, actor: Actor, code: str, reason: str, token: str | None = None) -> Row:
        """See `desk.acts.Acts.resolve`."""
        return self.acts.resolve(case_id, actor=actor, code=code, reason=reason, token=token)

    def case(self, case_id: str) -> Row:
        """See `desk.cases.one`."""
        return cases.one(self.store, case_id)

    def cases(self, chosen: CaseFilter, limit: int = 50, offset: int = 0) -> CasePage:
        """See `desk.cases.listed`."""
        return cases.listed(self.store, chosen, limit, offset)

    def counts(self, chosen: CaseFilter, mine: str | None = None) -> dict[str, int]:
        """See `desk.cases.counts`."""
        return cases.counts(self.store, chosen, mine)

    def facets(self) -> dict[str, dict[str, int]]:
        """See `desk.cases.facets`."""
        return cases.facets(self.store)

    def my_claims(self, name: str) -> Row:
        """Return how many cases a person holds, and when the first of these claims runs out."""
        (row,) = self.store.query("desk/my_claims", {"holder": name})
        return {"count": row["cases"], "soonest_lease_end": aware(row["soonest_lease_end"])}


@dataclass(frozen=True, slots=True)
class Units:
    """Units of work and traces as pages use them."""

    store: Store

    def unit(self, correlation_id: str) -> Row:
        """See `desk.units.unit`."""
        return units.unit(self.store, correlation_id)

    def trace(self, trace_id: str) -> Row:
        """See `desk.units.trace`."""
        return units.trace(self.store, trace_id)


@dataclass(slots=True)
class Center:
    """Everything that a page or a route may ask."""

    settings: Settings
    store: Store
    events: Events
    desk: Desk
    retries: Retries
    units: Units
    collecting: Sources | None = None
    started_at: datetime = field(default_factory=utc_now)

    @classmethod
    def open(cls, settings: Settings) -> Center:
        """Open the store and everything over it; nothing is collected yet."""
        events = Events()
        store = Store.open(settings.data, intake, events.bump)
        limits = settings.desk.limits()
        return cls(
            settings=settings,
            store=store,
            events=events,
            desk=Desk(store, Acts(store, limits)),
            retries=Retries(store, limits),
            units=Units(store),
        )

    def search(self, text: str) -> list[Row]:
        """See `desk.units.search`."""
        return units.search(self.store, text)

    def sources(self) -> list[Row]:
        """Return each source with its state, its lag and what it brought."""
        live = {source["name"]: source for source in self.collecting.sources()} if self.collecting else {}
        stored = {row["name"]: row for row in self.store.query("server/sources")}
        names = [*live, *(name for name in stored if name not in live)]
        return [_source(name, live.get(name, {}), stored.get(name, {})) for name in names]

    def quarantine(self, limit: int = 50, offset: int = 0) -> tuple[int, list[Row]]:
        """Return how many records could not be read, and a page of them, newest first."""
        rows = self.store.query("server/quarantine", {"limit": limit, "offset": offset})
        return (rows[0]["total"] if rows else 0), [_quarantined(row) for row in rows]

    def as_of(self) -> datetime | None:
        """Return when the store last took something in."""
        (row,) = self.store.query("server/as_of")
        return aware(row["as_of"])

    def now(self) -> datetime:
        """Return the present moment."""
        return utc_now()


def _source(name: str, live: Row, stored: Row) -> Row:
    return {
        "name": name,
        "kind": live.get("kind") or stored.get("kind"),
        "state": live.get("state", "idle"),
        "lag_s": live.get("lag_s"),
        "records": stored.get("records", 0),
        "duplicates": stored.get("duplicates", 0),
        "quarantined": stored.get("quarantined", 0),
        "last_ingested_at": aware(stored.get("last_ingested_at")),
        "last_error": live.get("last_error"),
    }


def _quarantined(row: Row) -> Row:
    return {
        "id": row["id"],
        "source": row["source"],
        "offset": row["source_offset"],
        "reason": row["reason"],
        "received_at": aware(row["received_at"]),
        "size": row["size"],
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
