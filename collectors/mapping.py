"""Foreign names to ours: which attribute of foreign telemetry is the correlation ID, the flow, the value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from collectors import fields as names
from collectors import values
from collectors.text_ids import TextPattern, found

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from collections.abc import Mapping as Dict

    from collectors.settings import HumanRule, MappingSettings

_MESSAGES: Final = frozenset({"message", "event", "body"})
SPAN_NAME: Final = "span.name"
_COLUMNS: Final = (
    "correlation_id", "flow", "step", "run_id", "tenant", "business_unit", "customer", "segment",
    "value_amount", "value_currency",
)  # fmt: skip


def text(value: Any) -> str | None:
    """Return a value as a text column holds it; containers do not fit."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return str(value)


def only(value: Any) -> Any:
    """Return the one value of a list that holds one: instrumentations write headers as lists."""
    return value[0] if value.__class__ is list and len(value) == 1 else value


@dataclass(frozen=True, slots=True)
class Rule:
    """How one column is filled."""

    log: int
    span: int
    convert: Callable[[Any], Any]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping of the config file, ready to be asked."""

    match: tuple[tuple[str, str], ...]
    rules: tuple[Rule, ...]
    success_attribute: str | None = None
    success_value: str | None = None
    success_span: str | None = None
    failure: tuple[str, str] | None = None
    """An attribute, and the value that says that the unit failed."""
    human: tuple[str, frozenset[str], bool] | None = None
    """An attribute, values, and whether one of these says that a person did the step, or any other."""
    drops: tuple[tuple[str, str], ...] = ()
    """Attributes, each with the value of records that are left out."""
    patterns: tuple[TextPattern, ...] = ()
    """Where the text of a log line names IDs."""
    prefix: str = ""
    """Put before IDs that the mapping, an alias or the text names: number ranges may collide."""
    step_is_name: bool = False
    """The step is the span's name: then a span with children is the unit's, not a step."""

    @classmethod
    def of(cls, settings: MappingSettings) -> Mapping:
        """Make ready what the config file says."""
        rules = [
            Rule(
                names.LOG_INDEX[column],
                names.SPAN_INDEX[column],
                values.money if column == "value_amount" else text,
                tuple(getattr(settings, column)),
            )
            for column in _COLUMNS
            if getattr(settings, column)
        ]
        success = settings.success
        return cls(
            match=tuple(settings.match.items()),
            rules=tuple(rules),
            success_attribute=success.attribute if success else None,
            success_value=str(success.equals) if success else None,
            success_span=success.span if success else None,
            failure=(settings.failure.attribute, str(settings.failure.equals)) if settings.failure else None,
            human=_human(settings.human) if settings.human else None,
            drops=tuple((rule.attribute, str(rule.equals)) for rule in settings.drop),
            patterns=tuple(TextPattern.of(pattern) for pattern in settings.ids_in_text),
            prefix=settings.prefix,
            step_is_name=SPAN_NAME in settings.step,
        )

    def matches(self, attributes: Dict[str, Any]) -> bool:
        """Tell whether a resource with these attributes is meant. A mapping without `match` is for files."""
        return bool(self.match) and all(str(attributes.get(name)) == wanted for name, wanted in self.match)

    def fill(self, row: list[Any], where: tuple[Dict[str, Any], ...], span: str | None) -> None:
        """Fill the columns that are empty from attributes; `span` is the name where the row is a span."""
        for rule in self.rules:
            column = rule.log if span is None else rule.span
            if row[column] is None:
                row[column] = rule.convert(_first(rule.names, where, span))

    def ids_in(self, text: str) -> list[str]:
        """Return the IDs that a line's text names, each once."""
        return [self.prefix + name for name in found(self.patterns, text)] if self.patterns else []

    def succeeded(self, where: tuple[Dict[str, Any], ...], message: str | None, span: str | None) -> bool:
        """Tell whether a record is the unit's own success signal."""
        if self.success_span is not None:
            return span == self.success_span
        if self.success_attribute is None:
            return False
        value = _find(self.success_attribute, where)
        if value is None and self.success_attribute in _MESSAGES:
            value = message
        return _said(value) == self.success_value

    def failed(self, where: tuple[Dict[str, Any], ...], message: str | None) -> bool:
        """Tell whether a record says that its unit failed."""
        return self.failure is not None and _says(self.failure, where, message)

    def leaves_out(self, where: tuple[Dict[str, Any], ...], message: str | None) -> bool:
        """Tell whether a record is not to be stored."""
        return any(_says(rule, where, message) for rule in self.drops)

    def by_person(self, where: tuple[Dict[str, Any], ...]) -> bool:
        """Tell whether a person carried out what a record tells of; without the attribute nobody says so."""
        if self.human is None:
            return False
        name, listed, wanted = self.human
        value = _find(name, where)
        return value is not None and (_said(value) in listed) == wanted


def chosen(mappings: Iterable[Mapping], attributes: Dict[str, Any]) -> Mapping | None:
    """Return the first mapping that a resource with these attributes matches."""
    return next((mapping for mapping in mappings if mapping.matches(attributes)), None)


def _human(rule: HumanRule) -> tuple[str, frozenset[str], bool]:
    listed = rule.not_in if rule.in_ is None else rule.in_
    return rule.attribute, frozenset(map(str, listed or ())), rule.in_ is not None


def _says(rule: tuple[str, str], where: tuple[Dict[str, Any], ...], message: str | None) -> bool:
    """Tell whether an attribute has a value; the message counts as one."""
    name, wanted = rule
    value = _find(name, where)
    if value is None and name in _MESSAGES:
        value = message
    return _said(value) == wanted


def _said(value: Any) -> str:
    return str(value)


def _first(wanted: tuple[str, ...], where: tuple[Dict[str, Any], ...], span: str | None) -> Any:
    for name in wanted:
        if name[0] == "'":
            return name.strip("'")
        if name == SPAN_NAME:
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
