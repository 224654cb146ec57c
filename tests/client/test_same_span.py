"""A script with a tracer provider sends each span twice, by its exporter and by the client: one record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from cases.intake import intake
from collectors import decode
from collectors.decode import Decoder
from collectors.fields import SPAN_INDEX
from collectors.normalise import Normaliser
from data.clock import micros, utc_now
from data.store import Store
from unsnag import otlp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from data.records import Batch
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


TASK = """
from opentelemetry import context, propagate, trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, Status, StatusCode
import unsnag
from unsnag.frameworks.entry import Entry
exporter = InMemorySpanExporter()
provider = TracerProvider(resource=Resource({"service.name": "tasks"}))
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
unsnag.init(flow="orders", service="shipping")
tracer = trace.get_tracer("instrumentation")
def run(attempt, parent, is_last):
    "One try as Celery's hook and OpenTelemetry's instrumentation of Celery see it: both in one process."
    entry = Entry(unsnag.unit("SO-2"), "tasks.ship", {}, attempt=attempt, fields={"celery.task_id": "t1"})
    entry.begin()
    parent = propagate.extract(unsnag.headers())
    named = {"celery.task_id": "t1"}
    task = tracer.start_span("run/tasks.ship", context=parent, kind=SpanKind.CONSUMER, attributes=named)
    token = context.attach(trace.set_span_in_context(task))
    error, sent = None, parent
    try:
        open("addresses/SO-2")
    except OSError as fault:
        error = fault
    if is_last:
        task.record_exception(error)
        task.set_status(Status(StatusCode.ERROR, str(error)))
    else:
        entry.try_again()
        with tracer.start_as_current_span("apply_async/tasks.ship", kind=SpanKind.PRODUCER) as again:
            sent = trace.set_span_in_context(trace.NonRecordingSpan(again.get_span_context()))
    task.end()
    context.detach(token)
    entry.finish(error)
    return sent
with tracer.start_as_current_span("apply_async/tasks.ship", kind=SpanKind.PRODUCER) as first:
    sent = trace.set_span_in_context(trace.NonRecordingSpan(first.get_span_context()))
    token = context.attach(sent)
    again = run(1, sent, is_last=False)
    run(2, again, is_last=True)
    context.detach(token)
for span in exporter.get_finished_spans():
    print(encode_spans([span]).SerializeToString().hex())
"""


SHOWN = """
select
    (select list((outcome, attempts, failed_attempts)) from unit where correlation_id = 'SO-2') as unit,
    (select list((step, attempt, outcome) order by started_at) from attempt) as tries,
    (select list((correlation_id, step, occurrences, title)) from exception_case) as cases
"""


def decoded(source: str, kind: str, *bodies: bytes) -> Batch:
    n = Normaliser(source, kind, micros(utc_now()))
    for body in bodies:
        if kind == "otlp":
            Decoder(n, ()).traces(body)
        else:
            Decoder(n, ()).json(decode.load(body))
    return n.batch()


def stated(folder: Path, batches: Iterable[Batch]) -> dict[str, Any]:
    store = Store.open(folder, intake)
    try:
        for each in batches:
            store.append(each).result()
        (row,) = store.act(lambda tx: tx.execute(SHOWN)).result()
        return row
    finally:
        store.close()


def test_whichever_copy_of_a_span_comes_first_states_the_same(
    run_script: Callable[..., Ran], tmp_path: Path
) -> None:
    ran = run_script(TASK)
    theirs = [decoded("otlp", "otlp", bytes.fromhex(line)) for line in ran.stdout.split()]
    lines = [orjson.dumps(line) for line in ran.lines]
    ours = [decoded("spool", "jsonl", line) for line in lines if b"resourceSpans" in line]
    logs = [decoded("spool", "jsonl", otlp.logs_body(otlp.parted(lines).logs, {}))]
    assert len(theirs) == len(ours) == 6
    wanted = {
        "unit": [("failed", 1, 1)],
        "tries": [("tasks.ship", 1, "error"), ("tasks.ship", 2, "error")],
        "cases": [("SO-2", "tasks.ship", 1, "The file addresses/SO-2 does not exist")],
    }
    orders = {}
    for number in range(len(ours)):
        orders[f"ours, but {number}"] = [theirs[number], *ours, *theirs, *logs]
        orders[f"theirs, but {number}"] = [ours[number], *theirs, *ours, *logs]
    found = {first: stated(tmp_path / first, order) for first, order in orders.items()}
    assert found == dict.fromkeys(orders, wanted)
