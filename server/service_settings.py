"""What the settings say of service: [service_levels], [calendar], [teams], [[ownership]] and [[escalation]].

`rules` makes of them what `cases.service_rules` keeps. Another loader may hand in the levels of flows
instead, as a mapping from flow to `cases.levels.LevelTable`.
"""

from __future__ import annotations

from datetime import date, time, timedelta
from itertools import product
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from cases.approval import CLASS as APPROVAL
from cases.business_hours import DAYS, Calendar
from cases.case import SEVERITIES
from cases.escalation import TEAM, Escalation, OwnerRule, Step, Team
from cases.levels import Level, LevelTable, ServiceLevels
from cases.service_rules import ServiceRules
from unsnag.conventions import ERROR_CLASSES

if TYPE_CHECKING:
    from collections.abc import Mapping

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Severity = Literal["critical", "high", "medium", "low", "any"]
Klass = Literal["business", "infrastructure", "data", "unknown"]
_YEAR_MINUTES: Final = 366 * 24 * 60
Minutes = Annotated[float, Field(gt=0, le=_YEAR_MINUTES)]
MOST_HOLIDAYS: Final = 2_000
_LINKS: Final = ("https://", "http://", "mailto:", "tel:")


class LevelSettings(BaseModel):
    """How long triage and the end may take; what is left out comes from the next wider entry."""

    model_config = ConfigDict(extra="forbid")

    triage_minutes: Minutes | None = None
    resolve_minutes: Minutes | None = None
    hours: Literal["business", "clock"] | None = None

    def level(self) -> Level:
        """Return it as the rules take it."""
        return Level(
            None if self.triage_minutes is None else timedelta(minutes=self.triage_minutes),
            None if self.resolve_minutes is None else timedelta(minutes=self.resolve_minutes),
            None if self.hours is None else self.hours == "business",
        )


class FlowLevelSettings(BaseModel):
    """Levels by severity, and by class and severity; `any` stands for every severity."""

    model_config = ConfigDict(extra="forbid")

    severity: dict[Severity, LevelSettings] = {}
    klass: dict[Klass | Literal["approval"], dict[Severity, LevelSettings]] = Field({}, alias="class")

    @model_validator(mode="after")
    def _approvals_are_not_taken_up(self) -> Self:
        for severity, level in self.klass.get(APPROVAL, {}).items():
            if level.triage_minutes is not None:
                raise ValueError(
                    f"class.approval.{severity} sets triage_minutes, but nobody takes up an approval: only "
                    "its answer is due. Set resolve_minutes, within which it should be answered"
                )
        return self

    def table(self) -> LevelTable:
        """Return them as the rules take them."""
        return LevelTable(
            _levels(self.severity), {name: _levels(levels) for name, levels in self.klass.items()}
        )


def _levels(entries: Mapping[Severity, LevelSettings]) -> dict[str, Level]:
    return {name: entry.level() for name, entry in entries.items()}


class ServiceLevelSettings(FlowLevelSettings):
    """The section [service_levels]: for every flow, and for single ones."""

    flows: dict[str, FlowLevelSettings] = {}

    def levels(self, calendar: Calendar) -> ServiceLevels:
        """Return all levels over a calendar."""
        flows = {name: flow.table() for name, flow in self.flows.items()}
        return ServiceLevels(self.table(), flows, calendar)

    @model_validator(mode="after")
    def _triage_comes_first(self) -> Self:
        levels = self.levels(Calendar())
        for flow, klass, severity in product((*self.flows, ""), ERROR_CLASSES, SEVERITIES):
            found = levels.of(flow, klass, severity)
            if found.triage > found.resolve:
                where = f"of the flow {flow!r}" if flow in self.flows else "of every flow"
                raise ValueError(
                    f"{severity} exceptions {where}, class {klass}, would have to end in "
                    f"{found.resolve} and be taken up in {found.triage}: triage must not take longer"
                )
        return self


class CalendarSettings(BaseModel):
    """The section [calendar]: business hours."""

    model_config = ConfigDict(extra="forbid")

    zone: str | None = None
    """None: the zone of the settings."""
    days: list[Day] = Field(list(DAYS[:5]), min_length=1)
    opens: time = time(9)
    closes: time = time(17)
    holidays: list[date] = Field([], max_length=MOST_HOLIDAYS)

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str | None) -> str | None:
        return zone if zone is None else known_zone(zone)

    @field_validator("opens", "closes", mode="before")
    @classmethod
    def _end_of_day(cls, clock: object) -> object:
        return "00:00" if clock == "24:00" else clock

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Self:
        if time(0) < self.closes <= self.opens:
            raise ValueError(
                f"business hours from {self.opens:%H:%M} to {self.closes:%H:%M} are none; "
                "hours over midnight are not supported, 24:00 is the end of a day"
            )
        return self

    def calendar(self, zone: str) -> Calendar:
        """Return it as the rules take it."""
        return Calendar(
            self.zone or zone, tuple(self.days), self.opens, self.closes, frozenset(self.holidays)
        )


class TeamSettings(BaseModel):
    """One of [teams.NAME]: how a team is reached, and who of it gets notices."""

    model_config = ConfigDict(extra="forbid")

    contact: str | None = Field(None, max_length=500)
    people: list[str] = Field([], max_length=100)

    @field_validator("contact")
    @classmethod
    def _a_link(cls, contact: str | None) -> str | None:
        if contact is not None and not contact.startswith(_LINKS):
            raise ValueError(f"{contact!r} is no link: it begins with one of {', '.join(_LINKS)}")
        return contact


class OwnershipSettings(BaseModel):
    """One of [[ownership]]: which exceptions a team owns; what is left out fits all."""

    model_config = ConfigDict(extra="forbid")

    team: str = Field(min_length=1, max_length=80)
    flow: str | None = None
    step: str | None = None
    tenant: str | None = None
    klass: Klass | None = Field(None, alias="class")


class EscalationSettings(BaseModel):
    """One of [[escalation]]: to whom an exception goes, and how long after the due time that it missed."""

    model_config = ConfigDict(extra="forbid")

    after_minutes: float = Field(0, ge=0, le=_YEAR_MINUTES)
    to: str = Field(pattern=r"^(owner|(team|person):.{1,80})$")
    flow: str | None = None

    def step(self) -> Step:
        """Return it as the rules take it."""
        kind, _, name = self.to.partition(":")
        return Step(timedelta(minutes=self.after_minutes), kind, name or None, self.flow)


def known_zone(zone: str) -> str:
    """Return the name of a zone.

    Raises:
        ValueError: there is none of this name.
    """
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"there is no time zone {zone!r}: use a name such as Europe/Berlin") from error
    return zone


class ServiceSettings(BaseModel):
    """The sections about service, as part of all settings."""

    zone: str = "UTC"
    service_levels: ServiceLevelSettings = ServiceLevelSettings()
    calendar: CalendarSettings = CalendarSettings()
    teams: dict[str, TeamSettings] = {}
    ownership: list[OwnershipSettings] = []
    escalation: list[EscalationSettings] = []

    @field_validator("zone")
    @classmethod
    def _a_zone(cls, zone: str) -> str:
        return known_zone(zone)

    @model_validator(mode="after")
    def _teams_are_there(self) -> Self:
        steps = [entry.step() for entry in self.escalation]
        named = [entry.team for entry in self.ownership]
        named += [step.name or "" for step in steps if step.kind == TEAM]
        for name in named:
            if name not in self.teams:
                raise ValueError(f"there is no team {name!r}: add [teams.{name!r}]")
        return self

    def rules(self) -> ServiceRules:
        """Return the rules of service that the settings state."""
        levels = self.service_levels.levels(self.calendar.calendar(self.zone))
        teams = {name: Team(team.contact, tuple(team.people)) for name, team in self.teams.items()}
        owners = tuple(OwnerRule(o.team, o.flow, o.step, o.tenant, o.klass) for o in self.ownership)
        return ServiceRules(levels, Escalation(teams, owners, tuple(e.step() for e in self.escalation)))
