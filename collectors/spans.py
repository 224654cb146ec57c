"""One span, of protobuf or JSON, to one row. What a failed span means is decided in `traces`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from collectors import fields as names
from collectors import orchestrators, values
from collectors.drift import FITS
from collectors.normalise import Normaliser, hash64
from collectors.slots import verdict_of
from collectors.values import masked_name, only, text
from data.records import SPAN_COLUMNS
from unsnag import conventions as words
from unsnag.masking import mask_text, mask_value

if TYPE_CHECKING:
    from collectors.drift import Mark
    from collectors.fields import Fields
    from collectors.mapping import Mapping

    Row = list[Any]
    Entry = tuple[int, Any, str, Any]

KINDS: Final = ("internal", "internal", "server", "client", "producer", "consumer")
STATUSES: Final = ("unset", "ok", "error")
_ERROR_STATUS: Final = 2

_S: Final = names.SPAN_INDEX
_TYPE: Final = _S["error_type"]
_CLASS, _RULE = (_S[name] for name in ("error_class", "class_rule"))
_NS: Final = 1000
_KIND_COLUMN: Final = -2
_OUTCOME_COLUMN: Final = -3
_REST: Final = -1


@dataclass(slots=True)
class Scope:
    """What all records of one resource and scope have in common."""

    span_base: Row
    log_base: Row
    resource: Fields
    mapping: Mapping | None
    key: bytes
    """What the resource and the scope contribute to the identity of a record that has no id of its own."""
    name: str | None
    """The instrumentation scope's name: the logger of its log records."""


@dataclass(slots=True)
class SpanRecord:
    """A span as read, before it is a row."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    kind: int
    start_ns: int
    end_ns: int
    status: int
    status_message: str
    entries: list[Entry]
    events: list[Fields] = field(default_factory=list)
    links: list[Fields] = field(default_factory=list)


def scope_of(n: Normaliser, resource: Fields, scope: Fields, mapping: Mapping | None) -> Scope:
    """Return what the records of a resource and scope share, made once."""
    shown = {masked_name(key): mask_value(key, value) for key, value in resource.items()}
    given = ((key, value) for key, value in scope.items() if value)
    shown |= {f"otel.scope.{masked_name(key)}": mask_value(key, value) for key, value in given}
    resource_json = orjson.dumps(shown, default=str).decode()
    log_base = n.base(resource, resource_json)
    span_base = [None] * len(SPAN_COLUMNS)
    for name, column in _S.items():
        if name in names.LOG_INDEX:
            span_base[column] = log_base[names.LOG_INDEX[name]]
    key = orjson.dumps(shown, default=str, option=orjson.OPT_SORT_KEYS)
    return Scope(span_base, log_base, resource, mapping, key, scope.get("name") or None)


def entry(key: str, value: Any) -> Entry:
    """Return an attribute's column, the value that fits it, and for the rest the masked value."""
    column = _TEXT.get(key)
    if column is not None and (plain := text(value)) is not None:
        return column, plain, key, value
    if key in _CONVERTED:
        name, convert = _CONVERTED[key]
        if (fit := convert(value)) is not None:
            return _S[name], fit, key, value
    if key == words.KIND:
        return _KIND_COLUMN, value, key, value
    if key == words.OUTCOME and value in _OUTCOMES:
        return _OUTCOME_COLUMN, value, key, value
    return _REST, mask_value(key, value), mask_text(names.RENAMED.get(key, key)), value


_OUTCOMES: Final = (
    words.OUTCOME_SUCCESS, words.OUTCOME_PROGRESS, words.OUTCOME_PARTIAL, words.OUTCOME_FAILED,
)  # fmt: skip
_CONVERTED: Final = names.CONVERTED | names.SPAN_CONVERTED
_TEXT: Final = {
    name: _S[column] for column, known in names.TEXT.items() for name in known if name not in _CONVERTED
}


def append(n: Normaliser, scope: Scope, span: SpanRecord, parents: set[str]) -> None:
    """Append one span's row, unless its mapping leaves it out.

    `parents` are the spans of this request that have children in it.

    Raises:
        RejectedError: its sender may not send it.
    """
    if _is_left_out(scope, span):
        n.dropped.append(None)
        return
    row = scope.span_base.copy()
    rest: Fields = {}
    ours = _place(row, rest, span.entries)
    row[_S["trace_id"]] = span.trace_id
    row[_S["span_id"]] = span.span_id
    row[_S["parent_span_id"]] = span.parent_span_id
    row[_S["name"]] = masked_name(span.name)
    row[_S["kind"]] = KINDS[span.kind] if 0 <= span.kind < len(KINDS) else KINDS[0]
    row[_S["record_id"]] = _identity(span, row[_S["name"]], row[_S["kind"]])
    failed = span.status == _ERROR_STATUS
    row[_S["status"]] = STATUSES[span.status] if 0 <= span.status < len(STATUSES) else STATUSES[0]
    row[_S["status_message"]] = mask_text(span.status_message) if span.status_message else None
    _times(n, row, rest, span)
    if not ours:
        mark = _read_foreign(row, scope, span, failed=failed, has_children=span.span_id in parents)
        n.seen.marks += [mark] if mark is not None else []
    elif row[_S["outcome"]] == words.OUTCOME_PARTIAL and row[_S["partial_failed"]] is None:
        # Clients before 0.2 called it partial when a later part completes the unit.
        row[_S["outcome"]] = words.OUTCOME_PROGRESS
    if failed or span.events:
        _read_exception(row, span, failed=failed)
    if row[_TYPE] is not None:
        row[_TYPE] = masked_name(row[_TYPE])
    row[_S["attributes"]] = orjson.dumps(rest).decode() if rest else "{}"
    row[_S["events"]] = orjson.dumps(_masked(span.events)).decode() if span.events else "[]"
    row[_S["links"]] = orjson.dumps(_masked(span.links)).decode() if span.links else "[]"
    n.place(row, _S)
    n.spans.append(row)


def _identity(span: SpanRecord, name: str, kind: str) -> int:
    ids = span.trace_id, span.span_id, span.parent_span_id
    return identity(*ids, name, kind, span.start_ns // _NS, span.end_ns // _NS)


def identity(  # noqa: PLR0917 - as the columns of the table `span` stand
    trace_id: str, span_id: str, parent_span_id: str | None, name: str, kind: str, start: int, end: int
) -> int:
    """Return what a span is known by: its ids, and what no copy of it has otherwise. Times are in µs.

    A span may come twice with other attributes, from our client and from the script's own exporter, or
    through an agent. A different span with the same ids differs in name, kind, parent or times. Agents
    that speak another protocol keep microseconds only.
    """
    content = "\0".join((trace_id, span_id, parent_span_id or "", kind, name))
    return hash64(content.encode("utf-8", "surrogatepass"), b"%d %d" % (start, end))


def _place(row: Row, rest: Fields, entries: list[Entry]) -> bool:
    """Fill columns and rest from the attributes; return whether our client wrote the span."""
    ours = False
    for column, value, key, raw in entries:
        if column >= 0:
            before = row[column]
            row[column] = value
            if key in names.TEXT["error_type"] and before is not None and before != value:
                rest[key] = raw
        elif column == _REST:
            rest[key] = value
        elif column == _OUTCOME_COLUMN:
            row[_S["outcome"]] = value
        else:
            ours = True
            if value in (words.KIND_UNIT, words.KIND_STEP):
                row[_S["role"]] = value
    return ours


def _times(n: Normaliser, row: Row, rest: Fields, span: SpanRecord) -> None:
    start, end = span.start_ns // _NS, span.end_ns // _NS
    if not 0 < start <= n.latest or not 0 < end <= n.latest or end < start:
        rest[words.ORIGINAL_TIME] = [_iso(span.start_ns), _iso(span.end_ns)]
        start = start if 0 < start <= n.latest else n.now
        end = end if start <= end <= n.latest else start
        row[_S["duration_ns"]] = (end - start) * _NS
    else:
        row[_S["duration_ns"]] = span.end_ns - span.start_ns
    row[_S["time"]] = start
    row[_S["end_time"]] = end


def _is_left_out(scope: Scope, span: SpanRecord) -> bool:
    mapping = scope.mapping
    if mapping is None or not mapping.drops:
        return False
    return mapping.leaves_out(({key: raw for _, _, key, raw in span.entries}, scope.resource), None)


def _read_foreign(
    row: Row, scope: Scope, span: SpanRecord, *, failed: bool, has_children: bool
) -> Mark | None:
    """Conclude from a mapping what our client would have stated; return what the span brought of it."""
    attributes = {key: raw for _, _, key, raw in span.entries}
    where = (attributes, scope.resource)
    mapping = scope.mapping
    wrong = _read_identity(row, scope, span, attributes)
    orchestrators.read_span(row, attributes, row[_S["status"]])
    row[_S["route"]] = _named(attributes, names.ROUTES)
    row[_S["peer"]] = _named(attributes, names.PEERS)
    row[_S["http_status"]] = values.int32(
        next((attributes[k] for k in names.HTTP_STATUS if k in attributes), None)
    )
    is_success = mapping is not None and not failed and mapping.succeeded(where, None, span.name)
    if is_success:
        row[_S["role"]], row[_S["outcome"]] = words.KIND_UNIT, words.OUTCOME_SUCCESS
    elif mapping is not None and mapping.failed(where, None):
        row[_S["outcome"]] = words.OUTCOME_FAILED
    elif mapping is not None and mapping.step_is_name and has_children and span.parent_span_id is None:
        # The trace's first span frames the steps: its own name is no step.
        row[_S["role"]], row[_S["step"]] = words.KIND_UNIT, None
        row[_S["outcome"]] = words.OUTCOME_FAILED if failed else words.OUTCOME_PROGRESS
    elif row[_S["step"]] is not None:
        row[_S["role"]] = words.KIND_STEP
    if mapping is None:
        return None
    brought = mapping.brought(row, where, is_success, is_span=True)
    return None, mapping, True, brought, wrong


def _read_identity(row: Row, scope: Scope, span: SpanRecord, attributes: Fields) -> dict[int, str]:
    """Read which unit a foreign span belongs to, and whether a person carried it out.

    Returns:
        The types of mapped values that do not fit, see `Mapping.fill`.
    """
    mapping, where = scope.mapping, (attributes, scope.resource)
    # An ID that our client names is complete; others may need the mapping's prefix.
    prefix = mapping.prefix if mapping is not None and row[_S["correlation_id"]] is None else ""
    wrong = FITS
    if mapping is not None:
        wrong = mapping.fill(row, where, span.name)
        if row[_S["actor_type"]] is None and mapping.by_person(where):
            row[_S["actor_type"]] = words.ACTOR_HUMAN
    if row[_S["correlation_id"]] is None:
        row[_S["correlation_id"]] = _named(attributes, names.CORRELATION_ALIASES)
        if row[_S["correlation_id"]] is None:
            row[_S["technical_id"]] = _named(attributes, names.TECHNICAL_IDS)
    if prefix and row[_S["correlation_id"]] is not None:
        row[_S["correlation_id"]] = prefix + row[_S["correlation_id"]]
    if any(attributes.get(name) == value for name, value in names.TASKS.items()):
        row[_S["technical_id"]] = row[_S["technical_id"]] or row[_S["run_id"]]
        row[_S["run_id"]] = None
    return wrong


def _named(attributes: Fields, wanted: tuple[str, ...]) -> str | None:
    return next((found for name in wanted if (found := text(only(attributes.get(name)))) is not None), None)


def _read_exception(row: Row, span: SpanRecord, *, failed: bool) -> None:
    raised = _exception(span)
    if failed:
        if row[_TYPE] is None or words.EXCEPTION_TYPE in raised:
            row[_TYPE] = text(raised.get(words.EXCEPTION_TYPE)) or row[_TYPE]
        if raised:
            row[_S["exception_message"]] = mask_text(text(raised.get(words.EXCEPTION_MESSAGE)) or "")
            row[_S["stacktrace"]] = mask_text(text(raised.get(words.EXCEPTION_STACKTRACE)) or "") or None
        row[_S["exception_id"]] = row[_S["exception_id"]] or text(raised.get(words.EXCEPTION_ID))
    if failed and row[_CLASS] is None:
        message = span.status_message or text(raised.get(words.EXCEPTION_MESSAGE))
        attributes = ((key, raw) for _, _, key, raw in span.entries)
        found = verdict_of(row[_TYPE], message or "", dict(attributes))
        row[_CLASS], row[_RULE] = found.error_class, found.why


def _exception(span: SpanRecord) -> Fields:
    """Return the attributes of the span's last exception event."""
    found = [event["attributes"] for event in span.events if event["name"] == "exception"]
    return found[-1] if found else {}


def _masked(items: list[Fields]) -> list[Fields]:
    return [
        {
            **item,
            **({"name": masked_name(name)} if (name := item.get("name")) else {}),
            "attributes": {masked_name(k): mask_value(k, v) for k, v in item["attributes"].items()},
        }
        for item in items
    ]


def iso(nanos: int) -> str | None:
    """Return a moment as text, or None where no calendar holds it."""
    try:
        moment = datetime.fromtimestamp(nanos // 1_000_000_000, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanos // _NS % 1_000_000:06d}Z"


def _iso(nanos: int) -> str:
    return iso(nanos) or str(nanos)


def status_of(value: Any) -> int:
    """Return a status code given as number or by its name."""
    return _enum(value, {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2})


def kind_of(value: Any) -> int:
    """Return a span kind given as number or by its name."""
    return _enum(value, {f"SPAN_KIND_{name.upper()}": number for number, name in enumerate(KINDS) if number})


def _enum(value: Any, known: dict[str, int]) -> int:
    if isinstance(value, str):
        return known.get(value.upper(), int(value) if value in _DIGITS else 0)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


_DIGITS: Final = frozenset("0123456789")

__all__ = ["Scope", "SpanRecord", "append", "entry", "identity", "iso", "kind_of", "scope_of", "status_of"]
