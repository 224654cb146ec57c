"""The audit as an actor may read it: search, check, export, evidence packs. Exports are recorded."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import IO, TYPE_CHECKING, Any, ClassVar, Final

from access.commands import Command, Target, perform
from access.roles import granting
from audit import evidence, trail
from data import paging, sheet
from data.nouns import noun
from data.paging import PageRequest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from access.context import RequestContext
    from audit.chain import Sealed
    from audit.differences import Difference
    from audit.evidence import Made, Wanted
    from data.nouns import Page
    from data.store import Reading
    from data.transaction import Tx
    from server.context import ServerContext
    from server.watch import ChainState

_PAGE: Final = 5_000
_EXPORT: Final = "audit.export"


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

    def params(self) -> dict[str, object]:
        """Return the filter as the parameters of a query."""
        chosen = asdict(self)
        return {"from": chosen.pop("since"), "to": chosen.pop("until"), **chosen}


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry of the audit, as it was sealed; null fields are left out of what is hashed."""

    seq: int
    v: int | None
    time: str
    actor: str
    actor_type: str
    kind: str
    verb: str
    act: str | None
    door: str | None
    credential: str | None
    subject: str | None
    case_id: str | None
    correlation_id: str | None
    flow: str | None
    step: str | None
    tenant: str | None
    from_state: str | None
    to_state: str | None
    case_version: int | None
    holder: str | None
    reason: str | None
    details: str | None
    """JSON."""
    salt: str | None
    prev_hash: str
    hash: str


def listed(ctx: RequestContext, chosen: AuditFilter, wanted: PageRequest) -> Page[AuditEntry]:
    """Return a page of the entries that pass the filter, newest first."""
    return paging.read(_reading(ctx, "audit.read"), "audit/search", chosen.params(), wanted, noun(AuditEntry))


def facets(ctx: RequestContext) -> dict[str, list[str]]:
    """Return the actors and the verbs that there are, the most frequent first."""
    found: dict[str, list[str]] = {"actor": [], "verb": []}
    for row in _reading(ctx, "audit.read").query("audit/facets"):
        found[row["name"]].append(row["value"])
    return found


def check(ctx: ServerContext) -> ChainState:
    """Check the whole chain now."""
    ctx.authority.decide(ctx.actor, "audit.verify", anywhere=True)
    return ctx.container.watch.check_all()


def differences_in_scope(ctx: ServerContext, state: ChainState) -> list[str]:
    """Return what differs from the audit, as sentences; what the actor may not see is only counted."""
    given = ctx.authority.grants(ctx.actor)

    def may_see(one: Difference) -> bool:
        act = "person.change" if one.is_access else "audit.verify"
        return granting(given, act, one.tenant, one.flow) is not None

    shown = [one.text for one in state.differences if may_see(one)]
    hidden = len(state.differences) - len(shown)
    return shown + ([f"{hidden} more, outside of what you may see."] if hidden else [])


def export(ctx: RequestContext, chosen: AuditFilter, out: IO[bytes]) -> int:
    """Write all entries that pass the filter as CSV; return how many."""
    reading = _reading(ctx, "audit.export")
    total = listed(ctx, chosen, PageRequest(1)).total
    perform(RecordAuditExport("audit exported", {"entries": total, **_as_text(chosen.params())}), ctx)
    return sheet.write(_all(reading, chosen), evidence.COLUMNS, out)


def pack(ctx: ServerContext, wanted: Wanted, out: IO[bytes]) -> Made:
    """Write an evidence pack; what lies outside the actor's scope is withheld in it."""
    ctx.authority.decide(ctx.actor, _EXPORT, anywhere=True)
    given = ctx.authority.grants(ctx.actor)
    chosen = {"from": wanted.since, "to": wanted.until, "flow": wanted.flow}
    perform(RecordAuditExport("evidence packed", _as_text(chosen)), ctx)

    def is_whole(row: Sealed) -> bool:
        return granting(given, _EXPORT, row.get("tenant"), row.get("flow")) is not None

    watch = ctx.container.watch
    watch.look()  # a checkpoint that has seen the last entry
    return evidence.pack(ctx.store, wanted, is_whole, out, watch.checkpoints, watch.checkpoints.key)


@dataclass(frozen=True, slots=True)
class RecordAuditExport(Command[None, None, None]):
    """Record that the actor exports entries of the audit, within their scope."""

    act: ClassVar = _EXPORT
    verb: str
    details: Mapping[str, object]

    def authorize(self, _loaded: None) -> Target:
        """Return the audit."""
        return Target(subject="audit", anywhere=True)

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> None:
        """Write the entry."""
        trail.write(tx, [trail.Entry(self.verb, ctx.actor, subject="audit", details=self.details)], now)


def _reading(ctx: RequestContext, act: str) -> Reading:
    ctx.authority.decide(ctx.actor, act, anywhere=True)
    return ctx.reading_for(act)


def _all(reading: Reading, chosen: AuditFilter) -> Iterator[dict[str, Any]]:
    wanted: PageRequest | None = PageRequest(_PAGE)
    while wanted:
        found = paging.read(reading, "audit/search", chosen.params(), wanted, dict)
        yield from found.items
        wanted = PageRequest(_PAGE, behind=found.after) if found.after else None


def _as_text(details: Mapping[str, object]) -> dict[str, object]:
    return {name: str(value) for name, value in details.items() if value is not None}
