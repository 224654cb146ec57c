"""The audit as somebody may read it: search, check, export, evidence packs. Carrying away is recorded."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import IO, TYPE_CHECKING, Any

from access.gate import Asked
from access.roles import granting
from audit import evidence
from data import sheet
from data.store import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from audit.actor import Actor
    from audit.evidence import Made, Wanted
    from server.center import Center
    from server.watch import ChainState

    Row = dict[str, Any]

_PAGE = 5_000


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries; None leaves a field open. Times are naive UTC."""

    text: str | None = None
    kind: str | None = None
    actor: str | None = None
    verb: str | None = None
    flow: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def params(self) -> Row:
        """Return the filter as the parameters of a query."""
        told = asdict(self)
        return {"from": told.pop("since"), "to": told.pop("until"), **told}


class Trails:
    """The audit of one center for one actor. All raise ForbiddenError and SignedOutError."""

    def __init__(self, center: Center, actor: Actor) -> None:
        self._center = center
        self._actor = actor

    def listed(self, chosen: AuditFilter, limit: int, offset: int) -> tuple[int, list[Row]]:
        """Return how many entries pass the filter, and a page of them, newest first."""
        reading = self._reading("audit.read")
        rows = reading.query("audit/search", {**chosen.params(), "limit": limit, "offset": offset})
        return (rows[0]["total"] if rows else 0), [_without_total(row) for row in rows]

    def facets(self) -> dict[str, list[str]]:
        """Return the actors and the verbs that there are, the most frequent first."""
        found: dict[str, list[str]] = {"actor": [], "verb": []}
        for row in self._reading("audit.read").query("audit/facets"):
            found[row["name"]].append(row["value"])
        return found

    def check(self) -> ChainState:
        """Check the whole chain now."""
        self._center.authority.decide(self._actor, "audit.verify", anywhere=True)
        return self._center.watch.check_all()

    def export(self, chosen: AuditFilter, out: IO[bytes]) -> int:
        """Write all entries that pass the filter as CSV; return how many."""
        reading = self._reading("audit.export")
        (total, _) = self.listed(chosen, 1, 0)
        self._record("audit exported", {"entries": total, **_told(chosen.params())})
        return sheet.write(_all(reading, chosen), evidence.COLUMNS, out)

    def pack(self, wanted: Wanted, out: IO[bytes]) -> Made:
        """Write an evidence pack; what lies outside the actor's scope is withheld in it."""
        authority = self._center.authority
        authority.decide(self._actor, "audit.export", anywhere=True)
        given = authority.grants(self._actor)
        told = {"from": wanted.since, "to": wanted.until, "flow": wanted.flow}
        self._record("evidence packed", _told(told))

        def whole(row: Row) -> bool:
            return granting(given, "audit.export", row.get("tenant"), row.get("flow")) is not None

        watch = self._center.watch
        watch.look()  # a checkpoint that has seen the last entry
        return evidence.pack(self._center.store, wanted, whole, out, watch.checkpoints, watch.checkpoints.key)

    def _reading(self, act: str) -> Reading:
        authority = self._center.authority
        authority.decide(self._actor, act, anywhere=True)
        return Reading(self._center.store, authority.scope(self._actor, act))

    def _record(self, verb: str, details: Row) -> None:
        asked = Asked("audit.export", self._actor)
        self._center.gate.record(asked, verb, subject="audit", details=details, anywhere=True)


def _all(reading: Reading, chosen: AuditFilter) -> Iterator[Row]:
    offset = 0
    while rows := reading.query("audit/search", {**chosen.params(), "limit": _PAGE, "offset": offset}):
        yield from rows
        offset += len(rows)


def _without_total(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "total"}


def _told(details: Row) -> Row:
    return {name: str(value) for name, value in details.items() if value is not None}
