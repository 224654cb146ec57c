"""Takes part in a tracer provider that the script has set already.

Our spans are then made by the script's provider, so each nests in the other and the script's exporter
sees both; a span processor of ours records what ends.
Without a provider nothing of OpenTelemetry is imported and the client makes its own light spans.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from unsnag import client as clients
from unsnag import clock, conventions, failures, process
from unsnag.context import EMPTY, Scope
from unsnag.encoding import readable_str
from unsnag.records import Span

if TYPE_CHECKING:
    from collections.abc import Mapping

LIBRARY: Final = "unsnag"
MAX_OPEN: Final = 10_000

joined: Any = None
"""The script's provider; without one every scope is as it is."""


def join(client: clients.Client) -> None:
    """Add our span processor to the script's provider, if there is one that takes it."""
    global joined  # noqa: PLW0603 - one process has one provider
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return
    provider = trace.get_tracer_provider()
    if provider is joined or not hasattr(provider, "add_span_processor"):
        return
    provider.add_span_processor(Recorder())
    joined = provider
    client.output.settle()


def adjusted(scope: Scope) -> Scope:
    """Return the scope with the ids of the script's own innermost span."""
    if joined is None:
        return scope
    from opentelemetry import trace  # noqa: PLC0415 - imported by the script already

    innermost = trace.get_current_span().get_span_context()
    ids = _ids(innermost) if innermost.is_valid else {}
    if not ids or ids[conventions.FIELD_SPAN_ID] == scope.span_id:
        return scope
    inner = scope.inner(ids)
    inner.tracestate = innermost.trace_state.to_header()
    return inner


class Joined:
    """A span of ours, made by the script's provider and current while it lasts."""

    def __init__(self, name: str, outer: Scope) -> None:
        from opentelemetry import context, trace  # noqa: PLC0415

        self._context = context
        tracer = joined.get_tracer(LIBRARY)
        self._span = tracer.start_span(name, context=_parent(outer), start_time=clock.now_ns())
        self.ids = _ids(self._span.get_span_context())
        self.is_recorded: bool = self._span.is_recording()
        """False when the script's sampler left it out: then it is ours to record."""
        self._with_span = trace.set_span_in_context(self._span)
        self._token = context.attach(self._with_span)

    def pause(self) -> None:
        """Stop being current."""
        self._context.detach(self._token)

    def resume(self) -> None:
        """Be current again."""
        self._token = self._context.attach(self._with_span)

    def end(
        self, attributes: Mapping[str, Any], error: BaseException | None, end_ns: int, status: str | None
    ) -> None:
        """End it, with what became of it."""
        from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415

        self._context.detach(self._token)
        # The script's own exporter sends this span as well: its copy has the same place in the order.
        own = {conventions.SEQ: process.next_seq(), conventions.SERVICE_INSTANCE: process.instance}
        attributes = {**attributes, **own}
        self._span.set_attributes(
            {key: _attribute(item) for key, item in attributes.items() if item is not None}
        )
        if error is not None:
            event_fields = failures.exception_fields(error, attributes.get(conventions.CORRELATION_ID))
            self._span.add_event("exception", event_fields, timestamp=end_ns)
        if status is not None:
            self._span.set_status(Status(StatusCode.ERROR, status))
        self._span.end(end_time=end_ns)


def start_span(name: str, outer: Scope) -> Joined | None:
    """Start a span by the script's provider, or return None when there is none."""
    return None if joined is None else Joined(name, outer)


class Recorder:
    """A span processor: notes in which unit a span began, and records it when it ends."""

    def __init__(self) -> None:
        self._begun: OrderedDict[int, Scope] = OrderedDict()

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        """Note the unit; the span itself stays as the script made it."""
        del parent_context
        self._begun[span.get_span_context().span_id] = clients.current()
        if len(self._begun) > MAX_OPEN:
            self._begun.popitem(last=False)

    def on_end(self, span: Any) -> None:
        """Record it."""
        try:
            client = clients.active()
            scope = self._begun.pop(span.get_span_context().span_id, EMPTY)
            if client is not None:
                client.span(_recorded(span, scope, client))
        except Exception as fault:  # noqa: BLE001
            clients.own_fault(fault)

    def _on_ending(self, span: Any) -> None:
        """Take part in the protocol of newer SDKs."""

    def shutdown(self) -> None:
        """Leave what waits to the output."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Write what waits."""
        client = clients.active()
        return client is None or client.output.flush(timeout_millis / 1000)


def _recorded(span: Any, scope: Scope, client: clients.Client) -> Span:
    is_ours = span.instrumentation_scope is not None and span.instrumentation_scope.name == LIBRARY
    inherited = client.root.fields if is_ours else _of_unit(scope)
    return Span(
        scope=Scope({**inherited, **_ids(span.get_span_context())}),
        name=span.name,
        parent_id=f"{span.parent.span_id:016x}" if span.parent else None,
        start_ns=span.start_time,
        end_ns=span.end_time,
        attributes=dict(span.attributes or {}),
        error=(span.status.description or "") if span.status.status_code.name == "ERROR" else None,
        events=[(event.timestamp, event.name, dict(event.attributes or {})) for event in span.events],
        links=[(f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}") for link in span.links],
        resource=client.settings.resource,
        seq=process.next_seq(),
        kind=span.kind.value + 1,
        library=span.instrumentation_scope.name if span.instrumentation_scope else "",
    )


def _of_unit(scope: Scope) -> dict[str, Any]:
    """Return in which unit a span of the script began: never a try of the step around it."""
    return {key: item for key, item in scope.fields.items() if key not in _OF_A_TRY}


_OF_A_TRY: Final = frozenset({conventions.STEP, conventions.ATTEMPT})


def _ids(span_context: Any) -> dict[str, str]:
    return {
        conventions.FIELD_TRACE_ID: f"{span_context.trace_id:032x}",
        conventions.FIELD_SPAN_ID: f"{span_context.span_id:016x}",
    }


def _parent(outer: Scope) -> Any:
    """Return the script's current span as parent, or what another program handed over."""
    from opentelemetry import context, trace  # noqa: PLC0415

    if trace.get_current_span().get_span_context().is_valid or not (outer.trace_id and outer.span_id):
        return context.get_current()
    remote = trace.SpanContext(
        int(outer.trace_id, 16),
        int(outer.span_id, 16),
        is_remote=True,
        trace_flags=trace.TraceFlags(1),
        trace_state=trace.TraceState.from_header([outer.tracestate]),
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(remote))


def _attribute(value: Any) -> Any:
    return value if isinstance(value, (str, bool, int, float)) else readable_str(value)
