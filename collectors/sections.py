"""What sections of the config file are made of: mappings, and the settings that every source has.

A source's own settings are a subclass of `SourceSettings` in the source's file. `collectors.settings` puts
all sections together, so no source may import it while it runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    create_model,
    field_validator,
    model_validator,
)

from collectors import extract
from collectors.quotas import QuotaSettings
from collectors.sample import Sample  # noqa: TC001 - pydantic reads annotations while it runs
from collectors.text_ids import TextPattern
from collectors.values import level
from unsnag.fields import MAPPED

if TYPE_CHECKING:
    from collections.abc import Container
    from collections.abc import Mapping as Dict

SPOOL: Final = "spool"


def listed(value: object) -> object:
    """Return a text, or a table, as a list of one."""
    return [value] if isinstance(value, (str, dict)) else value


def in_a_list(value: object) -> object:
    """Return a value as a list of one."""
    return value if isinstance(value, list) else [value]


def known_zone(name: str | None) -> str | None:
    """Return the name of a time zone.

    Raises:
        ValueError: there is none of this name.
    """
    if name is not None:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"there is no time zone {name!r}: use a name such as Europe/Berlin") from error
    return name


def known_encoding(name: str | None) -> str | None:
    """Return the name of an encoding.

    Raises:
        ValueError: there is none of this name.
    """
    if name is not None:
        try:
            b"a".decode(name)  # of no bytes at all Python looks no encoding up
        except UnicodeError:
            return name
        except LookupError as error:
            raise ValueError(f"there is no encoding {name!r}: use a name such as utf-8 or cp1252") from error
    return name


def without_quotes(text: str | None) -> str | None:
    """Return a text that a mapping can hold as a constant.

    Raises:
        ValueError: it has quotes.
    """
    if text is not None and "'" in text:
        raise ValueError("quotes cannot be part of it")
    return text


def within_a_folder(patterns: list[str]) -> list[str]:
    """Return patterns of file names.

    Raises:
        ValueError: one leads out of its folder.
    """
    for pattern in patterns:
        if not pattern or Path(pattern).is_absolute() or ".." in Path(pattern).parts:
            raise ValueError(f"{pattern!r} does not stay within the folder")
    return patterns


Letter = Annotated[str, Field(min_length=1, max_length=1)]
Constant = Annotated[str | None, AfterValidator(without_quotes)]
Values = Annotated[list[str | int | bool], BeforeValidator(in_a_list), Field(min_length=1)]
"""Values of an attribute, one or several."""


class PatternRule(BaseModel):
    """A part of a text: of the message, the file's path or an attribute, as a pattern of RE2 finds it."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    from_: str = Field(alias="from", min_length=1, max_length=200)
    pattern: str = Field(min_length=1, max_length=extract.LONGEST)
    """With one group, or none: the part that counts."""
    prefix: str = Field("", max_length=100)

    @field_validator("pattern")
    @classmethod
    def _a_pattern(cls, pattern: str) -> str:
        extract.re2_pattern(pattern)
        return pattern


def _kind_of(value: object) -> str:
    return "attribute" if isinstance(value, str) else "pattern"


Name = Annotated[
    Annotated[str, Tag("attribute")] | Annotated[PatternRule, Tag("pattern")], Discriminator(_kind_of)
]
Names = Annotated[list[Name], BeforeValidator(listed)]
"""Names of attributes, the first that is there counts; `'quoted'` is a constant; a table is a pattern."""


def _known_patterns(patterns: list[str]) -> list[str]:
    for pattern in patterns:
        TextPattern.of(pattern)
    return patterns


TextPatterns = Annotated[list[str], BeforeValidator(listed), AfterValidator(_known_patterns)]
"""Where a line's text names the ID: `SO-{digits}`, or `order ({word})` with brackets around the ID."""

SilentAfter = Annotated[float | None, Field(gt=0)]
"""A source is silent after this long without a record. Unset: after longer than its usual pause."""


class Section(BaseModel):
    """A part of the config file; a key that it does not know is refused by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SuccessRule(Section):
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


class FailureRule(Section):
    """What a unit's failure looks like where no error says so: an attribute with a value."""

    attribute: str
    equals: str | int | bool


class DropRule(Section):
    """Which records are left out: by the value of an attribute, or because a pattern finds something."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    attribute: str | None = None
    equals: str | int | bool | None = None
    from_: str | None = Field(None, alias="from", min_length=1, max_length=200)
    pattern: str | None = Field(None, min_length=1, max_length=extract.LONGEST)

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        by_value = self.attribute is not None and self.equals is not None
        by_pattern = self.from_ is not None and self.pattern is not None
        given = sum(value is not None for value in (self.attribute, self.equals, self.from_, self.pattern))
        if by_value == by_pattern or given != 2:  # noqa: PLR2004
            raise ValueError("give either attribute and equals, or from and pattern")
        if self.pattern is not None:
            extract.re2_pattern(self.pattern)
        return self


class HumanRule(Section):
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


def _known_levels(levels: dict[str, str]) -> dict[str, str]:
    for value, name in levels.items():
        if level(name) is None:
            known = "trace, debug, info, warning, error or critical"
            raise ValueError(f"{value!r} cannot mean {name!r}: use {known}")
    return levels


Levels = Annotated[dict[str, str], AfterValidator(_known_levels)]
"""What the values of a level mean: `{ "E" = "error", "10" = "info" }`."""

_COLUMNS: Final[dict[str, Any]] = {field.name: (Names, []) for field in MAPPED}
_Columns: Final = create_model("_Columns", __base__=Section, **_COLUMNS)


class MappingSettings(_Columns, Section):
    """Which attributes of foreign telemetry say what: `unsnag.fields` names the columns."""

    match: dict[str, str] = {}
    owner: str = Field("", max_length=200)
    """Who answers for the flow: named where a field that the mapping relies on vanishes."""
    ids_in_text: TextPatterns = []
    prefix: str = Field("", max_length=100)
    severity: Levels = {}
    severity_from: Names = []
    """Where the level stands; unset: wherever a level usually does."""
    timezone: Annotated[str | None, AfterValidator(known_zone)] = None
    """Of times that carry none; counts instead of the source's own."""
    success: SuccessRule | None = None
    failure: FailureRule | None = None
    human: HumanRule | None = None
    drop: Annotated[list[DropRule], BeforeValidator(in_a_list)] = []

    def attributes(self, column: str) -> tuple[str | PatternRule, ...]:
        """Return the attributes and patterns that fill a column."""
        return tuple(getattr(self, column))

    def names_of(self, column: str) -> tuple[str, ...]:
        """Return the attributes that fill a column, without the patterns."""
        return tuple(name for name in self.attributes(column) if isinstance(name, str))


class SourceSettings(Section):
    """What every source may say."""

    sample: ClassVar[Sample | None] = None
    """For the page Connect."""
    name: str = Field(min_length=1)
    """Shown as the source of its records; unique."""
    mapping: str | None = None
    timezone: Annotated[str | None, AfterValidator(known_zone)] = None
    """Of times that carry none. Unset: structlog's are UTC, all others this machine's."""
    silent_after_minutes: SilentAfter = None

    def mapping_name(self) -> str:
        """Return what its mapping is called, also where none was made yet."""
        return self.mapping or self.name

    def field_mapping(
        self, mappings: Dict[str, MappingSettings], saved: Container[str] = ()
    ) -> MappingSettings | None:
        """Return which fields of its records say what.

        Args:
            mappings: All that there are.
            saved: The names of those that people saved: one that is called as the source is for it.
        """
        if self.mapping is None and self.name not in saved:
            return None
        return mappings[self.mapping_name()]


class CommonSettings(Section):
    """What the section [collectors] says of all sources."""

    spool: Path | None = None
    """The folder scripts write to, where the command line names none."""
    silent_after_minutes: SilentAfter = None
    """Of every source that does not say its own."""
    mappings: dict[str, MappingSettings] = {}
    quotas: QuotaSettings = QuotaSettings()

    def silent_after_s(self, own_minutes: float | None = None) -> float | None:
        """Return after how many seconds a source is silent that says these minutes of its own."""
        minutes = self.silent_after_minutes if own_minutes is None else own_minutes
        return None if minutes is None else minutes * 60
