"""Cases follow the rules of service: at a start that finds other rules, live cases get other due times.

Each has an entry of the audit. Where the server is stopped in between, the next start goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from access.commands import SystemCommand, perform
from audit import trail
from audit.actor import SYSTEM
from cases import service_rules
from cases.case import Case
from cases.change import DUE_CHANGED, Change, make
from cases.lifecycle import PENDING
from data.nouns import shallow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from access.context import RequestContext
    from cases.service_rules import ServiceRules
    from data.transaction import Tx

_WHY: Final = "the rules of service in the settings are others now"
_AT_ONCE: Final = 500
"""Cases that are looked at in one transaction: others wait while it lasts."""


def use(rules: ServiceRules, ctx: RequestContext) -> int:
    """Let these rules hold, and return how many live cases got other due times by it."""
    kept = service_rules.latest(ctx.store.query)
    if kept.rules == rules and kept.is_applied:
        return 0
    if kept.rules != rules:
        perform(_Keep(rules), ctx.as_system())
    found = ctx.store.query("cases/live_ids", {"live": sorted(PENDING)}, into=_only_value)
    parts = [found[start : start + _AT_ONCE] for start in range(0, len(found), _AT_ONCE)]
    changed = sum(perform(_Follow(tuple(part)), ctx.as_system()) for part in parts)
    perform(_Followed(), ctx.as_system())
    return changed


def _only_value(row: Mapping[str, Any]) -> str:
    (value,) = row.values()
    return str(value)


@dataclass(frozen=True, slots=True)
class _Keep(SystemCommand[None]):
    """Keep the rules that hold from now on."""

    rules: ServiceRules

    def apply(self, tx: Tx, _decided: None, _ctx: RequestContext, now: datetime) -> None:
        """Write them."""
        kept = {"now": now, "rules": service_rules.as_text(self.rules)}
        tx.run("cases/insert_service_rules", kept)
        tx.memo[service_rules.REMEMBERED] = self.rules
        trail.write(tx, [trail.Entry("service_rules_changed", SYSTEM, subject="settings:service")], now)


@dataclass(frozen=True, slots=True)
class _Follow(SystemCommand[int]):
    """Give some cases the due times that the rules say."""

    ids: Sequence[str]

    def apply(self, tx: Tx, _decided: None, _ctx: RequestContext, now: datetime) -> int:
        """Write the changes and return how many there were."""
        found = tx.run("cases/cases_for_act", {"ids": list(self.ids)}, into=Case.of)
        rules = service_rules.current(tx)
        late = [case for case in found if case.state in PENDING and _differs(case, rules)]
        make(tx, [Change(case, case, DUE_CHANGED, SYSTEM, _WHY) for case in late], now)
        return len(late)


def _differs(case: Case, rules: ServiceRules) -> bool:
    stated = rules.stated_of(case)
    return shallow(case, stated) != stated


@dataclass(frozen=True, slots=True)
class _Followed(SystemCommand[None]):
    """Say that all live cases follow the rules."""

    def apply(self, tx: Tx, _decided: None, _ctx: RequestContext, _now: datetime) -> None:
        """Write it."""
        tx.run("cases/service_rules_applied")
