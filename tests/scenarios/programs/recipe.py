"""Two services that put the order's number into baggage, with the code that docs/collectors.md gives."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import SimpleNamespace

from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

BLOCKS = re.findall(r"```python\n(.*?)```", Path(sys.argv[1]).read_text(), re.DOTALL)
(RECIPE,) = [block for block in BLOCKS if "BaggageSpanProcessor" in block]
ORDER = SimpleNamespace(number="SO-55")


def service(name: str) -> TracerProvider:
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
    return provider


shop, warehouse = service("shop"), service("warehouse")
exec(RECIPE, {"tracer_provider": shop, "order": ORDER})  # noqa: S102 - our own documentation
with shop.get_tracer("shop").start_as_current_span("place order", kind=trace.SpanKind.CLIENT):
    carried: dict[str, str] = {}
    propagate.inject(carried)
exec(RECIPE.split("context.attach")[0], {"tracer_provider": warehouse})  # noqa: S102 - our own documentation
received = propagate.extract(carried)
with warehouse.get_tracer("warehouse").start_as_current_span(
    "reserve", context=received, kind=trace.SpanKind.SERVER
) as span:
    span.set_status(trace.StatusCode.ERROR, "no stock")
