"""Spans of several requests to one table with the columns of the table `span`.

What nearly every span is like is read here, for the whole group at once. A span that failed, carries events
or links, speaks of an orchestrator's task, or has anything else that few have, is left to `collectors.spans`,
which reads one at a time: so there is one place for each rare rule, and it stands there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collectors import fields as names
from collectors import orchestrators, spans
from collectors.columns import wire
from collectors.columns.attributes import Attributes
from collectors.columns.glance import suspicious
from collectors.columns.texts import TEXT, as_hex, as_text, converted, dumped, lengths, true
from collectors.otlp_fields import SPAN_BYTES, TRACE_BYTES
from collectors.values import AHEAD_US, masked_name
from data.records import SPAN_COLUMNS
from unsnag import conventions as words
from unsnag.masking import mask_text, mask_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from collectors.columns.texts import Flags, Places

OTLP: Final = "otlp"
_ROLES: Final = pa.array((words.KIND_UNIT, words.KIND_STEP))
_OUTCOMES: Final = pa.array((words.OUTCOME_SUCCESS, words.OUTCOME_PROGRESS, words.OUTCOME_FAILED))
_CONVERTED: Final = names.CONVERTED | names.SPAN_CONVERTED
_TEXT: Final = {
    column: tuple(name for name in known if name not in _CONVERTED) for column, known in names.TEXT.items()
}
_ERROR_TYPES: Final = names.TEXT["error_type"]
_RARE: Final = frozenset(
    (
        *orchestrators.NAMES,
        *names.TASKS,
        *_ERROR_TYPES,
        *(name for name in _CONVERTED if name.startswith("airflow.")),
    )
)
"""Names of attributes whose owners are read one at a time."""
_NS: Final = 1000
_TIME: Final = pa.timestamp("us")


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of one request."""

    table: pa.Table
    taken: Flags
    """Of each of its spans, in their order, whether the table has it."""


def read(bodies: Sequence[bytes], now: int, excluded: Sequence[Flags | None]) -> list[Read | None]:
    """Return what was read of each request: None where it is left to the other path.

    `excluded` says of each request which of its resources are left to the other path: those of mappings.
    """
    try:
        return _read(bodies, now, excluded)
    except ValueError:  # of ptars: it does not say which request it is
        if len(bodies) == 1:
            return [None]
    return [read([body], now, [parts])[0] for body, parts in zip(bodies, excluded, strict=True)]


def _read(bodies: Sequence[bytes], now: int, excluded: Sequence[Flags | None]) -> list[Read | None]:
    group = _Group(wire.decoded(bodies), now, excluded)
    table = group.table()
    taken = np.zeros(len(group.body), bool)
    taken[group.places] = True
    bodies_of_rows = group.body[group.places]
    made: list[Read | None] = []
    for number in range(len(bodies)):
        first, last = np.searchsorted(bodies_of_rows, (number, number + 1))
        made.append(Read(table.slice(first, last - first), taken[group.body == number]))
    return made


class _Group:
    """The spans of several requests, and the columns that are made of them."""

    def __init__(self, requests: pa.ListArray, now: int, excluded: Sequence[Flags | None]) -> None:
        self.now = now
        self.parts = requests.flatten()
        self.scopes = self.parts.field("scopes").flatten()
        self.part_of_scope: Places = pc.list_parent_indices(self.parts.field("scopes")).to_numpy()
        self.resource = Attributes(self.parts.field("resource").field("attributes"), masked_name)
        every = self.scopes.field("spans").flatten()
        scope: Places = pc.list_parent_indices(self.scopes.field("spans")).to_numpy()
        body_of_part: Places = pc.list_parent_indices(requests).to_numpy()
        self.body: Places = body_of_part[self.part_of_scope[scope]]
        """Of each span, also of those that are left out, the number of its request."""
        self.resource_columns = self._resource_columns()
        odd = (self._odd_scopes() | self._odd_parts(excluded, body_of_part)[self.part_of_scope])[scope]
        self.places: Places = np.flatnonzero(~(odd | _odd_spans(every, now)))
        """Which spans are in the table."""
        self.spans = every.take(pa.array(self.places))
        self.scope = scope[self.places]
        self.part = self.part_of_scope[self.scope]
        self.attributes = Attributes(self.spans.field("attributes"), _shown_as)

    def table(self) -> pa.Table:
        """Return the spans that are not odd in any way."""
        made = self._plain() | self._times() | self._context() | self._converted()
        ours, stated = self._of_our_client()
        made |= stated
        made |= self._concluded(made, pa.array(~ours)) | self._constants()
        made |= {
            "attributes": pc.binary_join_element_wise("{", self.attributes.json_members(), "}", ""),
            "record_id": _identities(made),
        }
        rows = len(self.spans)
        table = pa.table(
            {
                name: pc.cast(made[name], kind) if name in made else pa.nulls(rows, kind)
                for name, kind in SPAN_COLUMNS.items()
            }
        )
        odd = self.attributes.odd
        if odd.any():
            table, self.places = table.filter(pa.array(~odd)), self.places[~odd]
        return table

    # --- resources and scopes ------------------------------------------------------------------

    def _resource_columns(self) -> dict[str, pa.Array]:
        """Return what each resource gives its spans: the first of a column's names that has a value."""
        own = self.resource
        own.refuse(own.places((*_ERROR_TYPES, *_masked_names())))
        found = {column: own.named(*known) for column, known in {**names.TEXT, "host": names.HOSTS}.items()}
        return {column: pc.coalesce(*known) for column, known in found.items() if known}

    def _odd_parts(self, excluded: Sequence[Flags | None], body_of_part: Places) -> Flags:
        odd = self.resource.odd.copy()
        odd[self.resource.owner[self.resource.places(_SCOPE_MEMBERS)]] = True
        for number, parts in enumerate(excluded):
            if parts is not None:
                odd[body_of_part == number] |= parts
        return odd

    def _odd_scopes(self) -> Flags:
        attributes = self.scopes.field("scope").field("attributes")
        return true(pc.greater(pc.list_value_length(attributes), 0))

    def _resources(self) -> pa.Array:
        """Return the resource of each scope as JSON, with the scope's name and version."""
        of_resource = self.resource.json_members().take(pa.array(self.part_of_scope))
        scope = self.scopes.field("scope")
        given = (as_text(scope.field(name)).to_pylist() for name in ("name", "version"))
        pairs = [*zip(*given, strict=True)]
        made = {pair: _scope_members(*pair) for pair in set(pairs)}
        of_scope = pa.array([made[pair] for pair in pairs], TEXT)
        both = true(pc.greater(pc.binary_length(of_resource), 0)) & true(
            pc.greater(pc.binary_length(of_scope), 0)
        )
        comma = pc.if_else(pa.array(both), ",", "")
        return pc.binary_join_element_wise("{", of_resource, comma, of_scope, "}", "")

    # --- columns -------------------------------------------------------------------------------

    def _plain(self) -> dict[str, pa.Array]:
        parent = self.spans.field("parent_span_id")
        has_parent = lengths(parent) > 0
        parents = as_hex(parent.filter(pa.array(has_parent)), SPAN_BYTES)
        name = as_text(self.spans.field("name"))
        kind = self.spans.field("kind").to_numpy()
        status = pc.fill_null(self.spans.field("status").field("code"), 0)
        return {
            "trace_id": as_hex(self.spans.field("trace_id"), TRACE_BYTES),
            "span_id": as_hex(self.spans.field("span_id"), SPAN_BYTES),
            "parent_span_id": parents.take(pa.array(np.cumsum(has_parent) - 1, mask=~has_parent)),
            "name": converted(name, suspicious(name), masked_name),
            "kind": _KINDS.take(pa.array(np.where((kind < 0) | (kind >= len(_KINDS)), 0, kind))),
            "status": _STATUSES.take(status),
        }

    def _times(self) -> dict[str, pa.Array]:
        start, end = (self.spans.field(name).to_numpy() for name in ("start", "end"))
        return {
            "time": _moments(start // _NS),
            "end_time": _moments(end // _NS),
            "duration_ns": pa.array((end - start).astype(np.int64)),
        }

    def _constants(self) -> dict[str, pa.Array]:
        rows = len(self.spans)
        return {
            "source": pa.repeat(pa.scalar(OTLP), rows),
            "ingested_at": _moments(np.full(rows, self.now)),
            "events": pa.repeat(pa.scalar("[]"), rows),
            "links": pa.repeat(pa.scalar("[]"), rows),
            "resource": self._resources().take(pa.array(self.scope)),
        }

    def _context(self) -> dict[str, pa.Array]:
        """Return the columns of texts: the span's own attribute, else its resource's."""
        own = self.attributes
        own.refuse(own.places(_RARE))
        part = pa.array(self.part)
        made = {column: values.take(part) for column, values in self.resource_columns.items()}
        for column, known in _TEXT.items():
            if len(at := own.places(known)):
                given, own.kept[at] = own.column(at, own.texts(at)), False
                made[column] = pc.coalesce(given, made[column]) if column in made else given
        return made

    def _converted(self) -> dict[str, pa.Array]:
        """Return the columns of values that are no texts, or not any text."""
        own, made = self.attributes, {}
        for name, (column, convert) in _CONVERTED.items():
            if len(at := own.places((name,))):
                values = pa.array([convert(value) for value in own.values(at)], SPAN_COLUMNS[column])
                own.refuse(at[true(values.is_null())])
                made[column], own.kept[at] = own.column(at, values), False
        return made

    def _of_our_client(self) -> tuple[Flags, dict[str, pa.Array]]:
        """Return which spans our client wrote, and what it says of them."""
        own, ours = self.attributes, np.zeros(len(self.spans), bool)
        kind, outcome = own.places((words.KIND,)), own.places((words.OUTCOME,))
        ours[own.owner[kind]], own.kept[kind] = True, False
        roles, outcomes = _among(_ROLES, own.texts(kind)), _among(_OUTCOMES, own.texts(outcome))
        own.refuse(outcome[true(outcomes.is_null())])
        own.kept[outcome] = False
        return ours, {"role": own.column(kind, roles), "outcome": own.column(outcome, outcomes)}

    def _concluded(self, made: dict[str, pa.Array], foreign: pa.Array) -> dict[str, pa.Array]:
        """Return what is concluded of foreign spans, where our client would have stated it."""
        own, nothing = self.attributes, pa.nulls(len(self.spans), TEXT)

        def first(wanted: Iterable[str]) -> pa.Array:
            found = own.named(*wanted)
            return pc.if_else(foreign, pc.coalesce(*found), None) if found else nothing

        known = made.get("correlation_id", nothing)
        alias = first(names.CORRELATION_ALIASES)
        correlation = pc.coalesce(known, alias)
        is_step = pc.and_(foreign, pc.is_valid(made.get("step", nothing)))
        return {
            "correlation_id": correlation,
            "technical_id": pc.if_else(pc.is_null(correlation), first(names.TECHNICAL_IDS), None),
            "route": first(names.ROUTES),
            "peer": first(names.PEERS),
            "http_status": pc.if_else(foreign, self._http_status(), None),
            "role": pc.if_else(is_step, words.KIND_STEP, made.get("role")),
        }

    def _http_status(self) -> pa.Array:
        own = self.attributes
        found = [self._numbers(at) for name in names.HTTP_STATUS if len(at := own.places((name,)))]
        return pc.coalesce(*found) if found else pa.nulls(len(self.spans), pa.int64())

    def _numbers(self, at: Places) -> pa.Array:
        """Return whole numbers from 0 that fit 32 bits; owners of other values are left to the other path."""
        values = self.attributes.ints.take(pa.array(at))
        fits = pc.and_(pc.greater_equal(values, 0), pc.less(values, _INT32))
        self.attributes.refuse(at[~true(fits)])
        return self.attributes.column(at, pc.if_else(fits, values, None))


_INT32: Final = 2**31
_KINDS: Final = pa.array(spans.KINDS)
_STATUSES: Final = pa.array(spans.STATUSES)
_SCOPE_MEMBERS: Final = ("otel.scope.name", "otel.scope.version")


def _odd_spans(every: pa.StructArray, now: int) -> Flags:
    """Say which spans have what few have: what is wrong with them, or what they tell, is read elsewhere."""
    trace, span, parent = (lengths(every.field(name)) for name in ("trace_id", "span_id", "parent_span_id"))
    status = every.field("status")
    code = pc.fill_null(status.field("code"), 0).to_numpy()
    start, end = (every.field(name).to_numpy() // _NS for name in ("start", "end"))
    latest = now + AHEAD_US
    odd: Flags = (
        (trace != TRACE_BYTES)
        | (span != SPAN_BYTES)
        | ((parent != 0) & (parent != SPAN_BYTES))
        | true(pc.equal(every.field("trace_id"), bytes(TRACE_BYTES)))
        | true(pc.equal(every.field("span_id"), bytes(SPAN_BYTES)))
        | ((code != 0) & (code != 1))
        | (lengths(status.field("message")) > 0)
        | true(pc.greater(pc.list_value_length(every.field("events")), 0))
        | true(pc.greater(pc.list_value_length(every.field("links")), 0))
        | (start <= 0) | (start > latest) | (end > latest) | (end < start)
    )  # fmt: skip
    return odd


def _identities(made: dict[str, pa.Array]) -> pa.Array:
    columns = (made[name].to_pylist() for name in ("trace_id", "span_id", "parent_span_id", "name", "kind"))
    times = (made[name].view(pa.int64()).to_pylist() for name in ("time", "end_time"))
    found = [spans.identity(*row) for row in zip(*columns, *times, strict=True)]
    return pa.array(found, pa.uint64())


def _moments(micros: Any) -> pa.Array:
    return pa.array(micros.astype(np.int64)).view(_TIME)


def _among(allowed: pa.Array, texts: pa.Array) -> pa.Array:
    return pc.if_else(pc.is_in(texts, allowed), texts, None)


def _shown_as(name: str) -> str:
    return mask_text(names.RENAMED.get(name, name))


def _masked_names() -> list[str]:
    """Return names in a resource whose values are masked on their way into a text column."""
    return [name for known in names.TEXT.values() for name in known if name in _CONVERTED]


def _scope_members(name: str | None, version: str | None) -> str:
    given = (("name", name), ("version", version))
    return ",".join(f'"otel.scope.{key}":{dumped(mask_value(key, value))}' for key, value in given if value)
