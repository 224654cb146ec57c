"""A script with a tracer provider sends each span twice, by its exporter and by the client: one record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from collectors import decode
from collectors.decode import Decoder
from collectors.fields import SPAN_INDEX
from collectors.normalise import Normaliser

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.conftest import Ran

SCRIPT = """
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
import unsnag
exporter = InMemorySpanExporter()
provider = TracerProvider(); provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
unsnag.init(flow="f", service="s")
tracer = trace.get_tracer("script")
with tracer.start_as_current_span("GET /orders/ann@example.com", kind=SpanKind.SERVER):
    try:
        with unsnag.unit("SO-1"):
            with tracer.start_as_current_span("theirs", kind=SpanKind.CLIENT, attributes={"a": "x" * 99_999}):
                with unsnag.step("pay"): raise ValueError("no")
    except ValueError: pass
print(encode_spans(exporter.get_finished_spans()).SerializeToString().hex())
"""


def test_both_copies_of_a_span_are_one_record(run_script: Callable[..., Ran]) -> None:
    ran = run_script(SCRIPT)
    theirs, ours = Normaliser("otlp", "otlp", 2**60), Normaliser("spool", "jsonl", 2**60)
    Decoder(theirs, ()).traces(bytes.fromhex(ran.stdout))
    for line in ran.lines:
        if "resourceSpans" in line:
            Decoder(ours, ()).json(decode.load(orjson.dumps(line)))
    assert len(ours.spans) == 4
    name, record_id = SPAN_INDEX["name"], SPAN_INDEX["record_id"]
    assert sorted((row[name], row[record_id]) for row in ours.spans) == sorted(
        (row[name], row[record_id]) for row in theirs.spans
    )
