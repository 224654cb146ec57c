"""One table of the fields that log records and spans have in common, and of what becomes of each.

Client, collectors, joining, cases, figures, REST and screens read it, so a context field takes two files:

1. A row of `FIELDS` here; for an argument of ``unsnag.unit`` also its line in `UnitContext`.
2. A migration that adds its column to `log` and `span`; to `unit` and `exception_case` where these keep it.

Standard library only: both sides depend on this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypedDict

from unsnag import conventions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Type = Literal["text", "integer", "long", "boolean", "money"]
Place = Literal["rest", "unit page", "exception panel"]


class UnitContext(TypedDict, total=False):
    """Whose work a unit is: keyword arguments of ``unsnag.unit``, each a text."""

    tenant: str | None
    business_unit: str | None
    customer: str | None
    segment: str | None
    routing: str | None


class Field(NamedTuple):
    """One field: what it is called, and what becomes of it.

    A frozen dataclass would cost the start of each hooked script 2 ms more.
    """

    name: str
    """Column, REST field, key of a mapping, and argument of the client. SQL text is made of it."""
    attribute: str | None
    """OpenTelemetry attribute, also on JSON lines. None: only the server concludes it."""
    type: Type = "text"
    argument: Literal["init", "unit", "step"] | None = None
    """Which call of the client takes it. The context of a unit is taken as `UnitContext` says."""
    is_context: bool = False
    """Whose work it is: a text that a unit inside another one does not inherit."""
    on_unit: bool = False
    """The unit's row keeps it: the greatest of several values, whatever the order of arrival."""
    on_case: bool = False
    """The case keeps it, and inherits it from its unit where the failure does not name it."""
    split: int | None = None
    """A KPI can be split by it: its place among the choices, the most useful first."""
    is_mapped: bool = False
    """A mapping of the config file may fill it."""
    is_masked: bool = False
    """The server masks its value. Our client masks every value before it is written."""
    in_baggage: bool = False
    """It travels to other programs in W3C baggage. Never a customer, never a value."""
    shown: frozenset[Place] = frozenset()
    label: str = ""
    """Its name on screens."""
    meaning: str = ""


_EVERYWHERE: Final[frozenset[Place]] = frozenset(("rest", "unit page", "exception panel"))
_NOT_ON_PANEL: Final[frozenset[Place]] = frozenset(("rest", "unit page"))

FIELDS: Final = (
    # --- identity of the work ---
    Field("correlation_id", conventions.CORRELATION_ID, argument="unit", is_mapped=True, in_baggage=True),
    Field("flow", conventions.FLOW, argument="init", is_mapped=True, in_baggage=True),
    Field("step", conventions.STEP, argument="step", is_mapped=True),
    Field("attempt", conventions.ATTEMPT, "integer"),
    Field("run_id", conventions.RUN_ID, is_mapped=True, in_baggage=True),
    # --- whose work it is ---
    Field(
        "tenant",
        conventions.TENANT,
        argument="unit",
        is_context=True,
        split=2,
        is_mapped=True,
        in_baggage=True,
        shown=_EVERYWHERE,
        label="Tenant",
        meaning="Whose work it is.",
    ),
    Field(
        "business_unit",
        "unsnag.business_unit",
        argument="unit",
        is_context=True,
        on_unit=True,
        on_case=True,
        split=3,
        is_mapped=True,
        in_baggage=True,
        shown=_NOT_ON_PANEL,
        label="Business unit",
        meaning="Part of the organisation.",
    ),
    Field(
        "customer",
        "unsnag.customer",
        argument="unit",
        is_context=True,
        on_unit=True,
        on_case=True,
        is_mapped=True,
        shown=_EVERYWHERE,
        label="Customer",
        meaning="Identity of the customer; never a name.",
    ),
    Field(
        "segment",
        "unsnag.segment",
        argument="unit",
        is_context=True,
        on_unit=True,
        on_case=True,
        split=1,
        is_mapped=True,
        shown=_EVERYWHERE,
        label="Segment",
        meaning="Part of the business, such as retail.",
    ),
    Field(
        "environment",
        conventions.ENVIRONMENT,
        argument="init",
        on_unit=True,
        on_case=True,
        label="Environment",
        meaning="Where it runs, such as production.",
    ),
    Field(
        "routing",
        conventions.ROUTING,
        argument="unit",
        is_context=True,
        on_unit=True,
        label="Routing",
        meaning="What decides who handles its exceptions.",
    ),
    # --- what is known of the record ---
    Field("service", conventions.SERVICE_NAME, argument="init"),
    Field("actor_type", conventions.ACTOR_TYPE),  # human, where a person carried out the step
    Field("part", conventions.PART, argument="unit"),
    Field("map_index", None, is_mapped=True),  # which of several tasks of the step
    Field("map_total", None, "integer", is_mapped=True),  # of how many
    Field("technical_id", None),
    Field("exception_id", conventions.EXCEPTION_ID),
    Field("seq", conventions.SEQ, "long"),
    Field("instance", conventions.SERVICE_INSTANCE),
    Field("host", None),
    Field("peer", None),
    Field("http_status", None, "integer"),
    Field("verdict", conventions.VERDICT),
    Field("completes", conventions.COMPLETES, "boolean", argument="unit"),
    Field("dependency", conventions.DEPENDENCY, argument="step"),
    Field("idempotency_key", conventions.IDEMPOTENCY_KEY),
    Field("idempotent", conventions.IDEMPOTENT, "boolean", argument="step"),
    Field("retry_id", conventions.RETRY_ID),
    Field("error_class", conventions.ERROR_CLASS),
    Field("class_rule", conventions.ERROR_RULE),
    Field("error_type", conventions.ERROR_TYPE),
    Field("value_amount", conventions.VALUE_AMOUNT, "money", argument="unit", is_mapped=True),
    Field("value_currency", conventions.VALUE_CURRENCY, argument="unit", is_mapped=True),
)


def names(wanted: Callable[[Field], bool]) -> tuple[str, ...]:
    """Return the names of some fields, in the order of the table."""
    return tuple(field.name for field in FIELDS if wanted(field))


CONTEXT: Final = tuple(field for field in FIELDS if field.is_context)
CONTEXT_ATTRIBUTES: Final = {field.name: field.attribute for field in CONTEXT if field.attribute}
ON_UNIT: Final = names(lambda field: field.on_unit)
ON_CASE: Final = names(lambda field: field.on_case)
MAPPED: Final = tuple(field for field in FIELDS if field.is_mapped)
SPLITS: Final = tuple(
    field.name for field in sorted(FIELDS, key=lambda one: one.split or 0) if field.split is not None
)
BAGGAGE: Final = tuple(field.attribute for field in FIELDS if field.in_baggage and field.attribute)


def shown_on(place: Place) -> tuple[Field, ...]:
    """Return the fields that a place shows, in the order of the table."""
    return tuple(field for field in FIELDS if place in field.shown)


def context_attributes(arguments: Mapping[str, object]) -> dict[str, object]:
    """Return the arguments of a unit's context by their attributes.

    Raises:
        TypeError: there is no such argument, as for any call.
    """
    try:
        return {CONTEXT_ATTRIBUTES[name]: value for name, value in arguments.items()}
    except KeyError as unknown:
        raise TypeError(f"unit() got an unexpected keyword argument {unknown}") from None
