"""What the section [collectors] of the config file may say."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads annotations while it runs
from typing import Annotated, Final, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from collectors.text_ids import TextPattern
from unsnag.conventions import DEFAULT_SPOOL

SPOOL: Final = "spool"
OTLP: Final = "otlp"
_RESERVED: Final = (SPOOL, OTLP)


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _in_a_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _known_zone(name: str | None) -> str | None:
    if name is not None:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"there is no time zone {name!r}: use a name such as Europe/Berlin") from error
    return name


def _known_encoding(name: str | None) -> str | None:
    if name is not None:
        try:
            b"".decode(name)
        except LookupError as error:
            raise ValueError(f"there is no encoding {name!r}: use a name such as utf-8 or cp1252") from error
    return name


Values = Annotated[list[str | int | bool], BeforeValidator(_in_a_list), Field(min_length=1)]
"""Values of an attribute, one or several."""

Names = Annotated[list[str], BeforeValidator(_listed)]
"""Names of attributes, the first that is there counts; `'quoted'` is a constant."""


def _known_patterns(patterns: list[str]) -> list[str]:
    for pattern in patterns:
        TextPattern.of(pattern)
    return patterns


TextPatterns = Annotated[Names, AfterValidator(_known_patterns)]
"""Where a line's text names the ID: `SO-{digits}`, or `order ({word})` with brackets around the ID."""

SilentAfter = Annotated[float | None, Field(gt=0)]
"""A source is silent after this long without a record. Unset: after longer than its usual pause."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SuccessRule(_Section):
    """What a unit's own success looks like: a log record's attribute, or a span's name."""

    attribute: str | None = None
    equals: str | int | bool | None = None
    span: str | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        by_attribute = self.attribute is not None and self.equals is not None
        if by_attribute == (self.span is not None) or (self.attribute is None) != (self.equals is None):
            raise ValueError("give either attribute and equals, or span")
        return self


class FailureRule(_Section):
    """What a unit's failure looks like where no error says so: an attribute with a value."""

    attribute: str
    equals: str | int | bool


class DropRule(_Section):
    """Which records are left out: those of an attribute with a value."""

    attribute: str
    equals: str | int | bool


class HumanRule(_Section):
    """Which steps a person carried out: an attribute with one of these values, or with another one."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    attribute: str
    in_: Values | None = Field(None, alias="in")
    not_in: Values | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.in_ is None) == (self.not_in is None):
            raise ValueError("give either in or not_in")
        return self


class MappingSettings(_Section):
    """Which attributes of foreign telemetry say what."""

    match: dict[str, str] = {}
    correlation_id: Names = []
    flow: Names = []
    step: Names = []
    run_id: Names = []
    tenant: Names = []
    business_unit: Names = []
    customer: Names = []
    segment: Names = []
    value_amount: Names = []
    value_currency: Names = []
    ids_in_text: TextPatterns = []
    prefix: str = Field("", max_length=100)
    success: SuccessRule | None = None
    failure: FailureRule | None = None
    human: HumanRule | None = None
    drop: Annotated[list[DropRule], BeforeValidator(_in_a_list)] = []


class JsonlSettings(_Section):
    """Files that are followed as one source."""

    name: str = Field(min_length=1)
    paths: Annotated[list[str], BeforeValidator(_listed)] = Field(min_length=1)
    mapping: str | None = None
    timezone: Annotated[str | None, AfterValidator(_known_zone)] = None
    """Of times that carry none. Unset: structlog's are UTC, all others this machine's."""
    encoding: Annotated[str | None, AfterValidator(_known_encoding)] = None
    """Unset: UTF-8, UTF-16 by its mark, and what does not fit is guessed."""
    silent_after_minutes: SilentAfter = None


class OtlpSettings(_Section):
    """Limits of the OTLP receiver."""

    max_body_mb: int = Field(16, ge=1, le=512)
    """Of one request, before and after decompression."""
    max_requests: int = Field(64, ge=1)
    """Requests whose body is whole and that are worked on at once; more are asked to come again."""
    max_receiving: int = Field(256, ge=1)
    """Requests whose body is not whole yet."""
    max_held_mb: int | None = Field(None, ge=1)
    """Of all bodies at once, from their first byte to the answer.

    None: 256, or four bodies where that is more.
    """
    sender_share: float = Field(0.5, gt=0, le=1)
    """What one sender may have of each of these, as a part of what the others leave."""
    requests_per_second: float = Field(1000, gt=0)
    """Of one sender, with ten times as many at once."""

    silent_after_minutes: SilentAfter = None

    @property
    def held_mb(self) -> int:
        """How many MB of bodies are held at once."""
        return self.max_held_mb or max(256, 4 * self.max_body_mb)

    @model_validator(mode="after")
    def _one_body_fits(self) -> Self:
        if self.held_mb < self.max_body_mb:
            raise ValueError(
                f"max_held_mb = {self.held_mb} is less than one body may have: "
                f"max_body_mb = {self.max_body_mb}"
            )
        return self


class CollectorSettings(_Section):
    """The section [collectors]."""

    spool: Path | None = None
    """The folder scripts write to, where the command line names none. See also `DEFAULT_SPOOL`."""
    silent_after_minutes: SilentAfter = None
    """Of every source that does not say its own."""
    jsonl: list[JsonlSettings] = []
    mappings: dict[str, MappingSettings] = {}
    otlp: OtlpSettings = OtlpSettings()

    def silent_after_s(self, own_minutes: float | None = None) -> float | None:
        """Return after how many seconds a source is silent that says these minutes of its own."""
        minutes = self.silent_after_minutes if own_minutes is None else own_minutes
        return None if minutes is None else minutes * 60

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        names = [source.name for source in self.jsonl]
        for name in names:
            if name in _RESERVED or names.count(name) > 1:
                raise ValueError(f"the source name {name!r} is taken: choose another")
        for source in self.jsonl:
            if source.mapping is not None and source.mapping not in self.mappings:
                known = ", ".join(self.mappings) or "none"
                raise ValueError(
                    f"source {source.name!r} names the mapping {source.mapping!r}, "
                    f"which is not among [collectors.mappings]: {known}"
                )
        return self


__all__ = [
    "DEFAULT_SPOOL",
    "OTLP",
    "SPOOL",
    "CollectorSettings",
    "JsonlSettings",
    "MappingSettings",
    "OtlpSettings",
    "SuccessRule",
]
