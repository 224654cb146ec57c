"""OTLP requests, protobuf or JSON, to rows. One bad record is quarantined; the others go on."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import orjson
from google.protobuf.message import DecodeError

from collectors import messages, otlp_json, parse, spans
from collectors.mapping import chosen
from collectors.normalise import RejectedError, hash64
from collectors.otlp_fields import check_ids, log_fields
from collectors.otlp_json import attributes_of, items, object_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pyarrow as pa

    from collectors.columns.spans import Read
    from collectors.columns.texts import Flags
    from collectors.fields import Fields
    from collectors.mapping import Mapping
    from collectors.normalise import Normaliser
    from collectors.spans import Scope, SpanRecord
    from data.records import Batch

    Reject = Callable[[Any, Exception], None]
    """Takes what a record was read from, and why it is not taken."""
    Append = Callable[[Scope, Iterable[Any], Callable[[Any], Any], Reject], None]

TRACES: Final = "otlp/traces"
LOGS: Final = "otlp/logs"


_entries: Final = messages.Attributes(spans.entry)
_pairs: Final = messages.Attributes(lambda key, value: (key, value))


class Decoder:
    """Decodes requests into one normaliser, and counts what it rejects."""

    def __init__(self, n: Normaliser, mappings: Sequence[Mapping]) -> None:
        self._n = n
        self._mappings = mappings
        self.rejected = 0
        self.reason = ""
        self._scopes: dict[bytes, Scope] = {}
        self._equal: dict[tuple[bytes, bytes], int] = {}
        self._table: pa.Table | None = None

    def batch(self) -> Batch:
        """Return what was decoded."""
        return replace(self._n.batch(), span_table=self._table)

    def _scope(self, resource: Fields, scope: Fields, fallback: Mapping | None = None) -> Scope:
        return spans.scope_of(self._n, resource, scope, chosen(self._mappings, resource) or fallback)

    def _reject(self, raw: bytes, reason: str, source: str) -> None:
        self._n.quarantine(raw, reason, source=source)
        self.rejected += 1
        self.reason = self.reason or reason

    # --- protobuf --------------------------------------------------------------------------------

    def traces(self, body: bytes, by_column: Read | None = None) -> None:
        """Decode an ExportTraceServiceRequest, but for the spans that were read by column.

        Raises:
            DecodeError: the body as a whole is not one.
        """
        if by_column is None:
            self._protobuf(body, TRACES, self._append_spans)
            return
        self._table = by_column.table
        if not by_column.taken.all():
            self._protobuf(body, TRACES, self._append_spans, by_column.taken)

    def logs(self, body: bytes) -> None:
        """Decode an ExportLogsServiceRequest.

        Raises:
            DecodeError: the body as a whole is not one.
        """
        self._protobuf(body, LOGS, self._append_logs)

    def _protobuf(self, body: bytes, source: str, append: Append, taken: Flags | None = None) -> None:
        at = 0
        for part in messages.Request.FromString(body).parts:
            resource: Fields | None = None
            for scope in part.scopes:
                records = scope.records
                if taken is not None:
                    at, done = at + len(records), taken[at : at + len(records)]
                    records = [record for record, is_done in zip(records, done, strict=True) if not is_done]
                    if not records:
                        continue
                if resource is None:
                    resource = dict(map(_pairs, part.resource.attributes))
                name = {
                    "name": messages.string(scope.scope.name),
                    "version": messages.string(scope.scope.version),
                    **_scope_attributes(dict(map(_pairs, scope.scope.attributes))),
                }
                read = _span if source == TRACES else _log
                reject = partial(self._reject_protobuf, part, scope, source)
                append(self._scope(resource, name), records, read, reject)

    def _reject_protobuf(self, part: Any, scope: Any, source: str, raw: bytes, error: Exception) -> None:
        self._reject(_alone(part, scope, raw), str(error), source)

    # --- both forms ------------------------------------------------------------------------------

    def _append_spans(
        self, scope: Scope, records: Iterable[Any], read: Callable[[Any], SpanRecord], reject: Reject
    ) -> None:
        batch = list(_read(records, read, reject))
        parents = {span.parent_span_id for span, _ in batch if span.parent_span_id}
        for span, raw in batch:
            try:
                spans.append(self._n, scope, span, parents)
            except RejectedError as error:
                reject(raw, error)

    def _append_logs(
        self,
        scope: Scope,
        records: Iterable[Any],
        read: Callable[[Any], tuple[Fields, bytes]],
        reject: Reject,
    ) -> None:
        for (fields, content), raw in _read(records, read, reject):
            record_id = self._identity(scope, content)
            try:
                self._n.log(
                    fields,
                    record_id,
                    base=scope.log_base,
                    mapping=scope.mapping,
                    resource=scope.resource,
                    logger=scope.name,
                )
            except RejectedError as error:
                reject(raw, error)

    def _identity(self, scope: Scope, raw: bytes) -> int:
        """Return what a log record is known by: its content, and its number among equal ones."""
        content = (scope.key, raw)
        ordinal = self._equal[content] = self._equal.get(content, 0) + 1
        return hash64(scope.key, raw, b"%d" % ordinal if ordinal > 1 else b"")

    # --- JSON ------------------------------------------------------------------------------------

    def json(self, body: Any, fallback: Mapping | None = None) -> None:
        """Read a parsed OTLP/JSON body: resource spans, resource logs, or both.

        Raises:
            RejectedError: it is neither.
        """
        if not isinstance(body, dict) or not _KEYS.intersection(body):
            raise RejectedError("neither resourceSpans nor resourceLogs is there")
        for part in items(body, "resourceSpans", "resource_spans"):
            self._json_part(part, "Spans", fallback)
        for part in items(body, "resourceLogs", "resource_logs"):
            self._json_part(part, "Logs", fallback)

    def _json_part(self, part: Fields, signal: str, fallback: Mapping | None) -> None:
        for scope in items(part, f"scope{signal}", f"scope_{signal.lower()}"):
            made = self._json_scope(object_of(part, "resource"), object_of(scope, "scope"), fallback)
            if signal == "Spans":
                reject = partial(self._reject_json, part, scope, "spans", TRACES)
                self._append_spans(made, items(scope, "spans"), otlp_json.span_of, reject)
            else:
                reject = partial(self._reject_json, part, scope, "logRecords", LOGS)
                self._append_logs(made, items(scope, "logRecords", "log_records"), otlp_json.log_of, reject)

    def _json_scope(self, resource: Fields, scope: Fields, fallback: Mapping | None) -> Scope:
        # A spool folder brings one span a line, and the same resource with each.
        key = orjson.dumps((resource, scope))
        known = self._scopes.get(key)
        if known is None:
            name = {key: scope[key] for key in ("name", "version") if isinstance(scope.get(key), str)}
            name |= _scope_attributes(attributes_of(scope))
            known = self._scopes[key] = self._scope(attributes_of(resource), name, fallback)
        return known

    def _reject_json(  # noqa: PLR0917 - bound to all but the last two by its callers
        self, part: Fields, scope: Fields, key: str, source: str, record: Fields, error: Exception
    ) -> None:
        signal = "Spans" if source == TRACES else "Logs"
        alone = {"scope": scope.get("scope"), key: [record]}
        request = {f"resource{signal}": [{"resource": part.get("resource"), f"scope{signal}": [alone]}]}
        self._reject(orjson.dumps(request), str(error), source)


def _read(records: Iterable[Any], read: Callable[[Any], Any], reject: Reject) -> Iterator[tuple[Any, Any]]:
    """Yield each record that can be read, with what it was read from."""
    for raw in records:
        try:
            yield read(raw), raw
        except (DecodeError, RejectedError) as error:
            reject(raw, error)


def _scope_attributes(attributes: Fields) -> Fields:
    return {f"attributes.{key}": value for key, value in attributes.items()}


_KEYS: Final = frozenset({"resourceSpans", "resource_spans", "resourceLogs", "resource_logs"})


def _alone(part: Any, scope: Any, raw: bytes) -> bytes:
    """Return a request of one record with its resource and scope, so that it can be replayed."""
    request = messages.Request()
    made = request.parts.add()
    made.resource.CopyFrom(part.resource)
    alone = made.scopes.add()
    alone.scope.CopyFrom(scope.scope)
    alone.records.append(raw)
    return bytes(request.SerializeToString())


# --- protobuf records ----------------------------------------------------------------------------


def _span(raw: bytes) -> SpanRecord:
    span = messages.Span.FromString(raw)
    trace_id, span_id = span.trace_id, span.span_id
    check_ids(trace_id, span_id)
    record = spans.SpanRecord(
        trace_id.hex(),
        span_id.hex(),
        span.parent_span_id.hex() or None,
        messages.string(span.name),
        span.kind,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        span.status.code,
        messages.string(span.status.message),
        [_entries(item) for item in span.attributes],
    )
    if span.events:
        record.events = [_event(item) for item in span.events]
    if span.links:
        record.links = [_link(item) for item in span.links]
    return record


def _event(raw: bytes) -> Fields:
    event = messages.Event.FromString(raw)
    return {
        "time": spans.iso(event.time_unix_nano),
        "name": messages.string(event.name),
        "attributes": dict(map(_pairs, event.attributes)),
    }


def _link(raw: bytes) -> Fields:
    link = messages.Link.FromString(raw)
    return {
        "trace_id": link.trace_id.hex(),
        "span_id": link.span_id.hex(),
        "attributes": dict(map(_pairs, link.attributes)),
    }


def _log(raw: bytes) -> tuple[Fields, bytes]:
    record = messages.LogRecord.FromString(raw)
    body = messages.any_value(messages.AnyValue.FromString(record.body)) if record.body else None
    fields = log_fields(
        body,
        record.time_unix_nano or record.observed_time_unix_nano,
        record.severity_number,
        messages.string(record.severity_text),
        messages.string(record.event_name),
    )
    fields |= map(_pairs, record.attributes)
    fields["trace_id"] = record.trace_id.hex()
    fields["span_id"] = record.span_id.hex()
    return fields, raw


def load(body: bytes) -> Any:
    """Parse an OTLP/JSON body.

    Raises:
        RejectedError: it is not JSON, or nested too deeply.
    """
    try:
        return parse.load(body)
    except parse.UnreadableError as error:
        raise RejectedError(str(error)) from None
