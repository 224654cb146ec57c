"""Who looks after what, and whom an exception goes to when it is not looked after in time. Rules only.

1. A rule names the team that owns a case: by flow, step, tenant and class. Of several that fit, the one that
   names most wins, then the first.
2. Steps say to whom a case goes, and how long after the due time that it missed. A flow may have its own.
3. An approval that nobody answers in time goes to its owner where no steps are set: it always escalates.
4. Taking a case up answers the steps that were taken for its triage: those for its end begin at the first.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - read back by its type
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from cases.case import Case

OWNER: Final = "owner"
PERSON, TEAM = "person", "team"


class Addressee(NamedTuple):
    """A person or a team."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Team:
    """How a team is reached, and who of it gets notices."""

    contact: str | None = None
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OwnerRule:
    """Which cases a team owns; None fits all."""

    team: str
    flow: str | None = None
    step: str | None = None
    tenant: str | None = None
    error_class: str | None = None

    def fits(self, case: Case) -> bool:
        """Return whether the rule speaks of a case."""
        stated = (case.flow, case.step, case.tenant, case.error_class)
        return all(wanted in (None, found) for wanted, found in zip(self._wanted(), stated, strict=True))

    @property
    def names(self) -> int:
        """How much of a case the rule names."""
        return sum(wanted is not None for wanted in self._wanted())

    def _wanted(self) -> tuple[str | None, ...]:
        return self.flow, self.step, self.tenant, self.error_class


@dataclass(frozen=True, slots=True)
class Step:
    """To whom a case goes, and how long after the due time that it missed."""

    after: timedelta
    kind: str
    """owner, person or team."""
    name: str | None = None
    flow: str | None = None
    """None: for every flow without steps of its own."""


_OF_APPROVALS: Final = Step(timedelta(), OWNER)
"""What is done for an approval where no steps are set."""


@dataclass(frozen=True, slots=True)
class Escalation:
    """Teams, what they own, and the steps."""

    teams: Mapping[str, Team] = field(default_factory=dict)
    owners: tuple[OwnerRule, ...] = ()
    steps: tuple[Step, ...] = ()

    def owner_of(self, case: Case) -> str | None:
        """Return the team that owns a case; None where no rule fits."""
        fitting = [rule for rule in self.owners if rule.fits(case)]
        return max(fitting, key=lambda rule: rule.names).team if fitting else None

    def steps_of(self, flow: str | None) -> list[Step]:
        """Return the steps of a flow, the first level first."""
        own = [step for step in self.steps if step.flow == flow]
        return own or [step for step in self.steps if step.flow is None]

    def next_step(self, case: Case) -> Step | None:
        """Return the step that comes next for a case; None after the last."""
        steps, level = self.steps_of(case.flow), case.escalation_level or 0
        if not steps and case.approval_id is not None:
            steps = [_OF_APPROVALS]
        return steps[level] if level < len(steps) else None

    def addressee(self, step: Step, case: Case) -> Addressee | None:
        """Return to whom a step leads; None where it is the owner and nobody owns the case."""
        if step.kind != OWNER:
            return Addressee(step.kind, step.name or "")
        return Addressee(TEAM, case.owner_team) if case.owner_team else None

    def notified(self, to: Addressee | None) -> tuple[str, ...]:
        """Return the people who get a notice of what goes to somebody."""
        if to is None:
            return ()
        return self.teams.get(to.name, Team()).people if to.kind == TEAM else (to.name,)

    def contact(self, team: str | None) -> str | None:
        """Return the link by which a team is reached."""
        return self.teams.get(team, Team()).contact if team else None
