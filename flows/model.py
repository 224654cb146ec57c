"""What the settings of a flow may say. Every key has an effect; others are refused (`NOT_OF_A_FLOW`)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from cases.approval import CLASS as APPROVAL
from cases.levels import ANY, Level, LevelTable
from data.formats import duration
from kpis.definition import definitions
from unsnag.conventions import ERROR_CLASSES  # noqa: TC001 - pydantic reads it while it runs

SEVERITIES: Final = ("critical", "high", "medium", "low")
CRITICALITIES: Final = ("critical", "high", "medium", "low")
NOT_OF_A_FLOW: Final = {
    "completing_step": "The unit's own end, or `success` of the mapping, decides when a unit is complete.",
    "success": "The unit's own end, or `success` of the mapping, decides whether a unit succeeded.",
    "touchless": "Acts of people, and `human` of the mapping, decide what is touchless.",
    "value": "The value is what records carry, or what `value_amount` of the mapping reads.",
    "cost_rates": "No figure of costs exists.",
    "reporting_currency": "One currency counts for all flows: `unsnag rates --reporting EUR`.",
}
"""Keys that earlier versions kept and that never changed anything, and what decides instead."""

_UNITS: Final = {"s": 1, "sec": 1, "min": 60, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_ONE: Final = r"([0-9]{1,6}(?:\.[0-9]{1,3})?) ?([a-z]{1,3}) ?"
_DURATION: Final = re.compile(rf"\A{_ONE}(?:{_ONE})?(?:{_ONE})?(?:{_ONE})?\Z")


def seconds(text: object) -> object:
    """Return a duration such as `30 min` or `1 h 30 min` in seconds.

    Raises:
        ValueError: it is none, or not above zero.
    """
    found = _DURATION.match(text.strip().lower()) if isinstance(text, str) else None
    if found is None:
        raise ValueError("it is no duration: write 30 min, 4 h, 2 d or 1 h 30 min")
    parts = [pair for pair in zip(found.groups()[::2], found.groups()[1::2], strict=True) if pair[0]]
    if unknown := [unit for _, unit in parts if unit not in _UNITS]:
        raise ValueError(f"the unit {unknown[0]} is not known: use s, min, h, d or w")
    total = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if total <= 0:
        raise ValueError("it must be longer than nothing")
    return round(total)


def _text(value: object) -> object:
    if isinstance(value, (bool, int, float)) or (
        value is not None and not isinstance(value, (str, dict, list))
    ):
        raise ValueError(f"YAML reads this as {type(value).__name__} and not as text: put it in quotes")
    return value


Text = Annotated[str, Field(min_length=1, max_length=200), BeforeValidator(_text)]
Seconds = Annotated[int, BeforeValidator(seconds)]


class Part(BaseModel):
    """A block of the file; a key that it does not know is refused by name."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ServiceLevel(Part):
    """Until when exceptions of a class and severity are claimed and closed."""

    error_class: Literal[*ERROR_CLASSES, APPROVAL] | None = Field(None, alias="class")  # type: ignore[valid-type]
    severity: Literal[*SEVERITIES] | None = None  # type: ignore[valid-type]
    triage: Seconds | None = None
    resolve: Seconds | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.triage is None and self.resolve is None:
            raise ValueError("give triage, resolve or both, such as triage: 30 min")
        if self.error_class == APPROVAL and self.triage is not None:
            raise ValueError("nobody takes up an approval: set resolve, within which it should be answered")
        if self.triage is not None and self.resolve is not None and self.triage > self.resolve:
            raise ValueError(
                f"triage ({duration(self.triage)}) is later than resolve ({duration(self.resolve)})"
            )
        return self


class Target(Part):
    """The target of a KPI in this flow, in the KPI's unit, and who answers for it."""

    target: float | None = Field(None, allow_inf_nan=False)
    owner: Text | None = None


def _target(value: object) -> object:
    return {"target": value} if isinstance(value, (int, float)) and not isinstance(value, bool) else value


class FlowSettings(Part):
    """All that a file says of a flow."""

    flow: Text
    owner: Text | None = None
    contact: Text | None = None
    criticality: Literal[*CRITICALITIES] | None = None  # type: ignore[valid-type]
    service_levels: list[ServiceLevel] = Field([], max_length=100)
    targets: dict[str, Annotated[Target, BeforeValidator(_target)]] = Field({}, max_length=100)

    @field_validator("targets")
    @classmethod
    def _known_kpis(cls, targets: dict[str, Target]) -> dict[str, Target]:
        unknown = [kpi for kpi in targets if kpi not in definitions()]
        if unknown:
            raise UnknownTargetError(unknown[0])
        return targets

    @field_validator("service_levels")
    @classmethod
    def _each_once(cls, levels: list[ServiceLevel]) -> list[ServiceLevel]:
        seen = set()
        for place, one in enumerate(levels):
            if (about := (one.error_class, one.severity)) in seen:
                raise ValueError(f"entry {place + 1} is about the same class and severity as one above it")
            seen.add(about)
        return levels


class UnknownTargetError(ValueError):
    """A target names a KPI that does not exist."""

    def __init__(self, kpi: str) -> None:
        self.kpi = kpi
        super().__init__(f"there is no figure {kpi}: known are {', '.join(definitions())}")


def levels(settings: FlowSettings) -> LevelTable:
    """Return the service levels of a flow as the rules of service take them."""
    severities: dict[str, Level] = {}
    classes: dict[str, dict[str, Level]] = {}
    for one in settings.service_levels:
        table = severities if one.error_class is None else classes.setdefault(one.error_class, {})
        table[one.severity or ANY] = Level(_length(one.triage), _length(one.resolve))
    return LevelTable(severities, classes)


def _length(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
