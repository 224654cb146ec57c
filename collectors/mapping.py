"""Foreign names to ours: which attribute of foreign telemetry is the correlation ID, the flow, the value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from collectors import fields as names
from collectors.drift import FITS, Relied, kind_of
from collectors.extract import Extract, re2_pattern
from collectors.log_columns import MESSAGE
from collectors.text_ids import TextPattern, found
from collectors.values import level, only
from unsnag.fields import MAPPED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from collections.abc import Mapping as Dict
    from datetime import tzinfo

    from collectors.sections import DropRule, HumanRule, MappingSettings, PatternRule
    from unsnag.fields import Field

_MESSAGES: Final = frozenset({"message", "event", "body"})
SPAN_NAME: Final = "span.name"
_LEVELS: Final = (*names.LEVEL, *names.LEVEL_NUMBER, *names.PYTHON_LEVEL, *names.SYSLOG_LEVEL)


@dataclass(frozen=True, slots=True)
class Rule:
    """How one column is filled."""

    log: int
    span: int
    convert: Callable[[Any], Any]
    names: tuple[str | Extract, ...]


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping, ready to be asked."""

    match: tuple[tuple[str, str], ...]
    rules: tuple[Rule, ...]
    success_attribute: str | None = None
    success_value: str | None = None
    success_span: str | None = None
    failure: tuple[str, str] | None = None
    """An attribute, and the value that says that the unit failed."""
    human: tuple[str, frozenset[str], bool] | None = None
    """An attribute, values, and whether one of these says that a person did the step, or any other."""
    drops: tuple[tuple[str, str] | Extract, ...] = ()
    """Which records are left out: an attribute and its value, or where a pattern finds something."""
    levels: Dict[str, int] = field(default_factory=dict)
    """What the values of a level mean, as severity numbers."""
    level_names: tuple[str | Extract, ...] = _LEVELS
    zone: tzinfo | None = None
    """Of times that carry none."""
    amounts: frozenset[str] = frozenset()
    """The attributes that hold the value."""
    patterns: tuple[TextPattern, ...] = ()
    """Where the text of a log line names IDs."""
    prefix: str = ""
    """Put before IDs that the mapping, an alias or the text names: number ranges may collide."""
    step_is_name: bool = False
    """The step is the span's name: then a span with children is the unit's, not a step."""
    owner: str = ""
    """Who answers for the flow."""
    relied: tuple[Relied, ...] = ()
    """What is watched: the columns of `rules`, then what `asked` finds, then what each record may state."""
    asked: tuple[tuple[int, str], ...] = ()
    """Attributes that a rule compares with values, each with its bit."""
    of_logs: tuple[tuple[int, int], ...] = ()
    """Bits and the columns of logs that they stand for."""
    of_spans: tuple[tuple[int, int], ...] = ()
    others_at: int = 0
    """The place of the first bit that stands for what a record may state, as `brought` takes them."""

    @classmethod
    def of(cls, settings: MappingSettings) -> Mapping:
        """Make ready what the config file says."""
        rules = [
            Rule(
                names.LOG_INDEX[column.name],
                names.SPAN_INDEX[column.name],
                names.READ[column.name],
                tuple(map(_ready, settings.attributes(column.name))),
            )
            for column in _mapped(settings)
        ]
        success = settings.success
        compared = _compared(settings)
        return cls(
            match=tuple(settings.match.items()),
            rules=tuple(rules),
            success_attribute=success.attribute if success else None,
            success_value=str(success.equals) if success else None,
            success_span=success.span if success else None,
            failure=(settings.failure.attribute, str(settings.failure.equals)) if settings.failure else None,
            human=_human(settings.human) if settings.human else None,
            drops=tuple(map(_drop, settings.drop)),
            levels={value: number for value, name in settings.severity.items() if (number := level(name))},
            level_names=tuple(map(_ready, settings.severity_from)) or _LEVELS,
            zone=ZoneInfo(settings.timezone) if settings.timezone else None,
            amounts=frozenset(settings.names_of("value_amount")),
            patterns=tuple(TextPattern.of(pattern) for pattern in settings.ids_in_text),
            prefix=settings.prefix,
            step_is_name=SPAN_NAME in settings.attributes("step"),
            owner=settings.owner,
            relied=(
                *(_relied(settings, column) for column in _mapped(settings)),
                *compared,
                *_always(settings),
            ),
            asked=tuple((1 << len(rules) + number, one.names) for number, one in enumerate(compared)),
            of_logs=tuple((1 << number, rule.log) for number, rule in enumerate(rules)),
            of_spans=tuple((1 << number, rule.span) for number, rule in enumerate(rules)),
            others_at=len(rules) + len(compared),
        )

    @property
    def part(self) -> str:
        """Which resources are meant, as text."""
        return ", ".join(f"{name}={value}" for name, value in self.match)

    def matches(self, attributes: Dict[str, Any]) -> bool:
        """Return whether a resource with these attributes is meant. Without `match` it is for files."""
        return bool(self.match) and all(str(attributes.get(name)) == wanted for name, wanted in self.match)

    def fill(
        self, row: list[Any], where: tuple[Dict[str, Any], ...], span: str | None, path: str | None = None
    ) -> dict[int, str]:
        """Fill the columns that are empty from attributes and by patterns.

        Args:
            row: A row of the columns of logs, or of spans where `span` is given.
            where: Its attributes, and those of its resource.
            span: The name of the span.
            path: The path of the file that a log line is from.

        Returns:
            The types of values that do not fit, by the number of the rule.
        """
        message = row[MESSAGE] if span is None else None
        wrong = FITS
        for number, rule in enumerate(self.rules):
            column = rule.log if span is None else rule.span
            if row[column] is None:
                value = _first(rule.names, where, span, message, path)
                row[column] = rule.convert(value)
                if value is not None and row[column] is None:
                    wrong = {**wrong, number: kind_of(value)}
        return wrong

    def brought(
        self, row: list[Any], where: tuple[Dict[str, Any], ...], others: int, *, is_span: bool
    ) -> int:
        """Return which of `relied` a record has, as bits in their order.

        Args:
            row: Its row, filled.
            where: Its attributes, and those of its resource.
            others: The bits of what it states: a success, a level, a time, an ID in its text.
            is_span: Whether it is a span.
        """
        bits = others << self.others_at
        for bit, column in self.of_spans if is_span else self.of_logs:
            if row[column] is not None:
                bits |= bit
        for bit, name in self.asked:
            if _find(name, where) is not None:
                bits |= bit
        return bits

    def ids_in(self, text: str) -> list[str]:
        """Return the IDs that a line's text names, each once."""
        return [self.prefix + name for name in found(self.patterns, text)] if self.patterns else []

    def succeeded(self, where: tuple[Dict[str, Any], ...], message: str | None, span: str | None) -> bool:
        """Return whether a record is the unit's own success signal."""
        if self.success_span is not None:
            return span == self.success_span
        if self.success_attribute is None:
            return False
        value = _find(self.success_attribute, where)
        if value is None and self.success_attribute in _MESSAGES:
            value = message
        return _as_text(value) == self.success_value

    def failed(self, where: tuple[Dict[str, Any], ...], message: str | None) -> bool:
        """Return whether a record says that its unit failed."""
        return self.failure is not None and _says(self.failure, where, message)

    def leaves_out(
        self, where: tuple[Dict[str, Any], ...], message: str | None, path: str | None = None
    ) -> bool:
        """Return whether a record is not to be stored."""
        return any(
            _says(rule, where, message)
            if isinstance(rule, tuple)
            else _part(rule, where, message, path) is not None
            for rule in self.drops
        )

    def level(self, where: tuple[Dict[str, Any], ...], message: str | None, path: str | None) -> int | None:
        """Return the severity number that a log record's level means here; None where nothing says so."""
        if not self.levels:
            return None
        value = _first(self.level_names, where, None, message, path)
        return None if value is None else self.levels.get(str(value).strip())

    def by_person(self, where: tuple[Dict[str, Any], ...]) -> bool:
        """Return whether a person carried out what a record describes; without the attribute no."""
        if self.human is None:
            return False
        name, listed, wanted = self.human
        value = _find(name, where)
        return value is not None and (_as_text(value) in listed) == wanted


def chosen(mappings: Iterable[Mapping], attributes: Dict[str, Any]) -> Mapping | None:
    """Return the first mapping that a resource with these attributes matches."""
    return next((mapping for mapping in mappings if mapping.matches(attributes)), None)


def _mapped(settings: MappingSettings) -> list[Field]:
    """Return the columns that a mapping fills."""
    return [column for column in MAPPED if settings.attributes(column.name)]


def _relied(settings: MappingSettings, column: Field) -> Relied:
    """Return what is watched of a column; one that has a constant to fall back on never vanishes."""
    wanted = settings.attributes(column.name)
    is_watched = not any(isinstance(name, str) and name[0] == "'" for name in wanted)
    return Relied(column.name, ", ".join(map(_written, wanted)), is_watched, is_watched)


def _written(name: str | PatternRule) -> str:
    return name if isinstance(name, str) else f"{name.pattern} in {name.from_}"


def _compared(settings: MappingSettings) -> list[Relied]:
    """Return the attributes that rules compare; what a message says differs from record to record."""
    rules = (("success", settings.success), ("failure", settings.failure), ("human", settings.human))
    found = ((field, rule.attribute) for field, rule in rules if rule is not None)
    return [Relied(field, name) for field, name in found if name is not None and name not in _MESSAGES]


def _always(settings: MappingSettings) -> list[Relied]:
    """Return what is watched of success that is a text or a span, of the level and of the time."""
    success = settings.success
    by_text = success is not None and success.attribute in _MESSAGES
    by_span = success is not None and success.span is not None
    by_pattern = bool(settings.ids_in_text) and not settings.attributes("correlation_id")
    names_of = str((success.span or success.equals) if success is not None else "")
    return [
        Relied("success", names_of, by_text, by_span or by_text),
        Relied("severity", "the level", of_spans=False),
        Relied("time", "the time", of_spans=False),
        Relied("correlation_id", ", ".join(settings.ids_in_text), by_pattern, of_spans=False),
    ]


def _human(rule: HumanRule) -> tuple[str, frozenset[str], bool]:
    listed = rule.not_in if rule.in_ is None else rule.in_
    return rule.attribute, frozenset(map(str, listed or ())), rule.in_ is not None


def _says(rule: tuple[str, str], where: tuple[Dict[str, Any], ...], message: str | None) -> bool:
    """Return whether an attribute has a value; the message counts as one."""
    name, wanted = rule
    value = _find(name, where)
    if value is None and name in _MESSAGES:
        value = message
    return _as_text(value) == wanted


def _as_text(value: Any) -> str:
    return str(value)


def _ready(name: str | PatternRule) -> str | Extract:
    return name if isinstance(name, str) else Extract(name.from_, re2_pattern(name.pattern), name.prefix)


def _drop(rule: DropRule) -> tuple[str, str] | Extract:
    if rule.from_ is not None and rule.pattern is not None:
        return Extract(rule.from_, re2_pattern(rule.pattern))
    return str(rule.attribute), str(rule.equals)


def _part(
    extract: Extract, where: tuple[Dict[str, Any], ...], message: str | None, path: str | None
) -> str | None:
    text = {"message": message, "path": path}.get(extract.source)
    value = only(_find(extract.source, where)) if text is None else text
    return None if value is None else extract.part(str(value))


def _first(
    wanted: tuple[str | Extract, ...],
    where: tuple[Dict[str, Any], ...],
    span: str | None,
    message: str | None,
    path: str | None,
) -> Any:
    for name in wanted:
        if isinstance(name, Extract):
            if part := _part(name, where, message, path):
                return part
        elif name[0] == "'":
            return name.strip("'")
        elif name == SPAN_NAME:
            if span is not None:
                return span
        elif (value := only(_find(name, where))) not in (None, ""):
            return value
    return None


def _find(name: str, where: tuple[Dict[str, Any], ...]) -> Any:
    for attributes in where:
        value = attributes.get(name)
        if value is None and "." in name:
            value = _inside(name, attributes)
        if value is not None:
            return value
    return None


def _inside(path: str, attributes: Dict[str, Any]) -> Any:
    """Follow a dotted path into nested objects, whose own names may hold dots."""
    for at, letter in enumerate(path):
        inner = attributes.get(path[:at]) if letter == "." else None
        if isinstance(inner, dict):
            found = inner.get(path[at + 1 :])
            return found if found is not None else _inside(path[at + 1 :], inner)
    return None
