"""How long each class of data is kept, how much there is of it, and what a purge would remove.

Nothing is removed until an operator sets a policy: a default that deletes would take away what somebody has
to keep by law, and how long that is only they know.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from cases import units
from cases.removal import REMOVED
from data import formats
from data.clock import stored, utc_now
from server import removing
from server.removing import CASES, LOGS, PAYLOAD, QUARANTINE, SPANS, Removal

if TYPE_CHECKING:
    from data.store import Reading, Store
    from server.context import ServerContext
    from server.settings import RetentionSettings

_NAMED: Final = 5
"""Units of a removed trace that are named."""
_FOREVER: Final = {
    "audit": "its entries are one chain, and figures count acts of people",
    "figures": "frozen weeks are one chain, and targets and comments belong to them",
}
"""Classes that are never removed, and why."""
_WORDS: Final = {
    LOGS: "log records",
    SPANS: "spans",
    PAYLOAD: "attributes, span events and data of records",
    CASES: "messages, data and stack traces of ended exceptions",
    QUARANTINE: "quarantined records",
}
_BANDS: Final = {0: "up to 7 days", 7: "7 to 30 days", 30: "30 to 90 days", 90: "90 to 365 days",
                 365: "over 365 days"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Policy:
    """How long a class of data is kept."""

    data: str
    days: float | None
    """None: for ever."""
    words: str

    def before(self, now: datetime) -> datetime:
        """Return what is older goes, as naive UTC."""
        return stored(now - timedelta(days=self.days or 0))


def policies(settings: RetentionSettings) -> list[Policy]:
    """Return the policy of each class of data."""
    days = {
        PAYLOAD: settings.payload_days,
        LOGS: settings.logs_days,
        SPANS: settings.spans_days,
        CASES: settings.cases_days,
        QUARANTINE: settings.quarantine_days,
    }
    found = [Policy(data, kept, _explained(_WORDS[data], kept, settings)) for data, kept in days.items()]
    return found + [Policy(data, None, f"kept: {why}") for data, why in _FOREVER.items()]


def _explained(words: str, days: float | None, settings: RetentionSettings) -> str:
    if days is None:
        return f"{words}: kept, no policy is set"
    approved = f", approved by {settings.approved_by}" if settings.approved_by else ""
    on = f" on {settings.approved_on}" if settings.approved_by and settings.approved_on else ""
    return f"{words} older than {days:g} days{approved}{on}"


# --- what there is, and what a purge would remove ---------------------------------------------------


@dataclass(frozen=True, slots=True)
class Band:
    """Rows of a class that are of one age."""

    age: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Kept:
    """One class of data: its policy, what there is, and what a purge would remove now."""

    policy: Policy
    bands: list[Band]
    rows: int
    bytes: int
    """About, without compression; on the disk it is a fraction."""
    would_remove: int
    would_free: int


def preview(ctx: ServerContext) -> list[Kept]:
    """Return what is kept of each class, and what a purge would remove; nothing is changed."""
    ctx.authority.decide(ctx.actor, "store.purge")
    now = utc_now()
    each, counted = sizes(ctx.store), _ages(ctx.store, now)
    found = []
    for policy in policies(ctx.settings.retention):
        size, of_class = each[policy.data], counted.get(policy.data, {})
        bands = [Band(_BANDS[days], rows, rows * size) for days, rows in sorted(of_class.items())]
        gone = 0
        if policy.days is not None:
            gone = removing.would_remove(ctx.store, policy.data, policy.before(now))
        rows = sum(band.rows for band in bands)
        found.append(Kept(policy, bands, rows, rows * size, gone, gone * size))
    return found


def _ages(store: Store, now: datetime) -> dict[str, dict[int, int]]:
    rows = store.query("retention/ages", {"now": stored(now)})
    rows += store.query("retention/ages_of_state", {"now": stored(now), "mark": REMOVED})
    found: dict[str, dict[int, int]] = {}
    for data, days, records in (row.values() for row in rows):
        found.setdefault(data, {})[days] = records
    return found


def sizes(store: Store) -> dict[str, int]:
    """Return about how many bytes a row of each class takes, without compression."""
    (telemetry,) = store.query("retention/sizes")
    (state,) = store.query("retention/sizes_of_state", {"mark": REMOVED})
    return telemetry | state


def removals(reading: Reading, limit: int = 100) -> list[Removal]:
    """Return what was removed, the newest first."""
    return reading.query("retention/removals", {"limit": limit}, into=Removal.of)


def removed_of(reading: Reading, first: datetime, last: datetime) -> list[Removal]:
    """Return for each class of telemetry the purge that removed what lies between two times (aware).

    Where several did, the first after which nothing of them was left.
    """
    found: dict[str, Removal] = {}
    for one in removals(reading):
        if one.data not in (LOGS, SPANS, PAYLOAD) or one.before <= first or not one.removed:
            continue
        if one.data not in found or one.before > last:
            found[one.data] = one
    return [found[data] for data in sorted(found)]


def removed_words(one: Removal, zone: str) -> str:
    """Return what was removed, when and why, as a sentence."""
    names = {LOGS: "log records", SPANS: "spans", PAYLOAD: "attributes"}
    at, before = (formats.clock(moment, zone) for moment in (one.finished_at or one.started_at, one.before))
    return (
        f"Details removed on {at} under the policy “{one.policy}”: {names[one.data]} from before "
        f"{before}. The summary, exceptions and figures are kept."
    )


def removed_trace(reading: Reading, trace_id: str) -> str | None:
    """Return that the records of a trace were removed, and of which units they were; else None."""
    known = units.units_of_trace(reading, trace_id)
    if not known:
        return None
    times = min(one.first_seen for one in known), max(one.last_seen for one in known)
    found = removed_of(reading, *times)
    names = ", ".join(sorted({one.correlation_id for one in known})[:_NAMED])
    return f"{removed_words(found[0], 'UTC')} It belonged to {names}." if found else None
