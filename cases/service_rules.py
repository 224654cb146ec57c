"""The rules of service that hold in a store, as the writer remembers them. `cases.following` changes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter

from cases.escalation import Escalation
from cases.levels import ServiceLevels, timed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cases.case import Case
    from data.transaction import Tx

REMEMBERED: Final = "cases.service_rules"


@dataclass(frozen=True, slots=True)
class ServiceRules:
    """What a team has promised about exceptions."""

    levels: ServiceLevels = field(default_factory=ServiceLevels)
    escalation: Escalation = field(default_factory=Escalation)

    def stated_of(self, case: Case) -> dict[str, Any]:
        """Return what the rules say of a live case: its due times, and the team that owns it."""
        owner = self.escalation.owner_of(case) if self.escalation.owners else None
        return timed(case, self.levels) | {"owner_team": owner}


@dataclass(frozen=True, slots=True)
class KeptRules:
    """Rules as the store keeps them."""

    rules: ServiceRules = field(default_factory=ServiceRules)
    is_applied: bool = True
    """Whether the due times of all live cases follow them."""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> KeptRules:
        """Return the rules of a stored row."""
        text, is_applied = row.values()
        return cls(_json().validate_json(text), is_applied)


@cache
def _json() -> TypeAdapter[ServiceRules]:
    return TypeAdapter(ServiceRules)


def as_text(rules: ServiceRules) -> str:
    """Return rules as the JSON that is kept."""
    return _json().dump_json(rules).decode()


def latest(run: Callable[..., list[KeptRules]]) -> KeptRules:
    """Return the rules that a store keeps; the built-in ones where it keeps none."""
    return next(iter(run("cases/service_rules", into=KeptRules.of)), KeptRules())


def current(tx: Tx) -> ServiceRules:
    """Return the rules that hold, as the writer remembers them."""
    if REMEMBERED not in tx.memo:
        tx.memo[REMEMBERED] = latest(tx.run).rules
    found: ServiceRules = tx.memo[REMEMBERED]
    return found
