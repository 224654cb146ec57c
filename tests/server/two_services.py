"""Two services of foreign make over real HTTP: OpenTelemetry's SDK, an exporter each, nothing of Unsnag.

What each of them would export is kept, so that a test can send it in any order.
"""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self
from urllib import request
from urllib.error import HTTPError

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from unsnag.conventions import VALUE_AMOUNT, VALUE_CURRENCY

if TYPE_CHECKING:
    from collections.abc import Callable

_CONTEXT = TraceContextTextMapPropagator()


class DatabaseGoneError(Exception):
    """What payments fails with."""


class OrderRejectedError(Exception):
    """What the shop fails with, whatever the reason."""


class Service:
    """A web service with a tracer of its own; `answer` gets each path, and what it raises is a status 500."""

    def __init__(self, name: str, answer: Callable[[str], None]) -> None:
        self.name, self._kept = name, InMemorySpanExporter()
        provider = TracerProvider(resource=Resource({"service.name": name, "service.instance.id": name}))
        provider.add_span_processor(SimpleSpanProcessor(self._kept))
        tracer = provider.get_tracer("web")

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                status = 500
                route = self.path.rpartition("/")[0] + "/{id}"
                about = {"http.route": route, VALUE_AMOUNT: 40, VALUE_CURRENCY: "EUR"}
                try:
                    within = _CONTEXT.extract({name.lower(): value for name, value in self.headers.items()})
                    with tracer.start_as_current_span(f"POST {route}", within, SpanKind.SERVER, about):
                        answer(self.path)
                    status = 200
                finally:
                    self.send_response(status)
                    self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                pass

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def exported(self) -> bytes:
        """Return what its exporter sends, and forget it."""
        spans = self._kept.get_finished_spans()
        self._kept.clear()
        return encode_spans(spans).SerializeToString()

    def __enter__(self) -> Self:
        """Begin to serve."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End, once every request is answered."""
        self._server.shutdown()
        self._server.server_close()


def post(address: str, *, traced: bool = True) -> int:
    """Send a request, within the trace that runs here if there is one; return the status of its answer."""
    headers: dict[str, str] = {}
    if traced:
        _CONTEXT.inject(headers)
    try:
        with request.urlopen(request.Request(address, b"", headers, method="POST"), timeout=30) as answer:  # noqa: S310
            return int(answer.status)
    except HTTPError as error:
        error.close()
        return error.code
