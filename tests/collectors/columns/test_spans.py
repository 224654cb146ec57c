"""Spans read by column are the same as spans read one by one."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from google.protobuf.message import DecodeError
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from collectors.columns import spans
from collectors.decode import Decoder
from collectors.normalise import Normaliser
from data.records import SPAN_COLUMNS, Batch, columns_of, to_arrow
from tests.client import mask_forms
from tests.collectors.columns.odd_requests import NOW, body, odd_request, plain


def by_row(bodies: list[bytes]) -> list[Batch]:
    made = []
    for content in bodies:
        decoder = Decoder(Normaliser("otlp", "otlp", NOW), ())
        decoder.traces(content)
        made.append(decoder.batch())
    return made


def by_column(bodies: list[bytes]) -> list[Batch]:
    made = []
    for content, read in zip(bodies, spans.read(bodies, NOW, [None] * len(bodies)), strict=True):
        decoder = Decoder(Normaliser("otlp", "otlp", NOW), ())
        decoder.traces(content, read)
        made.append(decoder.batch())
    return made


def rows(batch: Batch) -> list[dict[str, Any]]:
    """Return a batch's spans in an order that does not depend on how they were read."""
    table = to_arrow(batch.by_row().spans, SPAN_COLUMNS)
    return sorted(table.to_pylist(), key=lambda row: (row["record_id"], repr(sorted(row.items(), key=str))))


def assert_same(bodies: list[bytes]) -> None:
    for one, other in zip(by_row(bodies), by_column(bodies), strict=True):
        assert rows(one) == rows(other)
        assert [(q.raw, q.reason) for q in one.quarantined] == [(q.raw, q.reason) for q in other.quarantined]
        assert len(one) == len(other)


@pytest.mark.parametrize("seed", range(40))
def test_odd_spans_are_the_same_by_column_and_by_row(seed: int) -> None:
    rng = random.Random(seed)
    requests = [odd_request(rng) for _ in range(10)]
    assert_same(requests)
    read = [one for one in spans.read(requests, NOW, [None] * len(requests)) if one is not None]
    assert 0.2 < sum(one.taken.sum() for one in read) / sum(len(one.taken) for one in read) < 0.9


@pytest.mark.parametrize("form", mask_forms.FORMS, ids=lambda form: form.name)
def test_each_form_is_masked_by_column_as_by_row(form: mask_forms.Form) -> None:
    attributes = [("note", form.text), ("app.other", f"before {form.text} behind"), (form.text[:60], "x")]
    request = body(
        [
            (
                [("service.name", "shop"), ("note", form.text)],
                (form.text, "1", []),
                [plain(1, attributes=attributes)],
            )
        ]
    )
    (read,) = spans.read([request], NOW, [None])
    assert read is not None
    assert read.taken.all()
    assert_same([request])


def test_nearly_all_spans_of_a_plain_request_are_read_by_column() -> None:
    some = [
        plain(number, attributes=[("unsnag.correlation_id", f"SO-{number}"), ("n", number)])
        for number in range(50)
    ]
    some[7]["status"] = (2, "boom")
    (read,) = spans.read([body([([("service.name", "shop")], ("lib", "", []), some)])], NOW, [None])
    assert read is not None
    assert read.taken.tolist() == [number != 7 for number in range(50)]
    assert read.table.num_rows == 49
    assert read.table["correlation_id"].to_pylist()[:2] == ["SO-0", "SO-1"]


def test_what_the_sdk_and_airflow_sent_is_the_same() -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource.create({"service.name": "shop", "host.name": "db-1"}))
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("orders", "1.2", attributes={"team": "a"})
    for number in range(20):
        with (
            tracer.start_as_current_span("order", attributes={"order.id": number, "tags": ["a", "b"]}),
            tracer.start_as_current_span(
                "pay", attributes={"http.route": "/pay", "http.status_code": 200}
            ) as span,
        ):
            span.add_event("sent", {"bytes": number}) if number % 3 == 0 else None
            if number % 5 == 0:
                span.record_exception(ValueError("no card"))
    recorded = (Path(__file__).parents[1] / "recorded" / "airflow-3.3.2.traces").read_bytes()
    assert_same([encode_spans(kept.get_finished_spans()).SerializeToString(), recorded])


def test_broken_bytes_have_the_same_verdict_and_rows() -> None:
    whole = body(
        [
            (
                [("service.name", "shop")],
                ("lib", "1", []),
                [plain(n, attributes=[("note", "hello")]) for n in range(6)],
            )
        ]
    )
    rng = random.Random(4)
    verdicts = set()
    for _ in range(2_000):
        broken = bytearray(whole)
        for _ in range(rng.randint(1, 3)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        verdicts.add(is_same_verdict(bytes(broken)))
    assert verdicts == {True, False}


def is_same_verdict(content: bytes) -> bool:
    """Compare both paths; return whether the request could be read."""
    try:
        by_row([content])
    except DecodeError:
        with pytest.raises(DecodeError):
            by_column([content])
        return False
    assert_same([content])
    return True


def test_a_batch_of_columns_can_be_looked_at_row_by_row() -> None:
    (batch,) = by_column(
        [
            body(
                [
                    (
                        [],
                        ("", "", []),
                        [plain(n, attributes=[("unsnag.value.amount", "1.5")]) for n in range(3)],
                    )
                ]
            )
        ]
    )
    assert batch.spans_by_column == 3
    again = batch.by_row()
    assert again.spans_by_column == 0
    assert again.spans == columns_of(batch.span_table, SPAN_COLUMNS)
    assert to_arrow(again.spans, SPAN_COLUMNS).equals(pa.table(batch.span_table))


def test_resources_that_a_mapping_is_for_are_left_to_the_other_path() -> None:
    parts = [([("service.name", name)], ("", "", []), [plain(n)]) for n, name in enumerate(("shop", "desk"))]
    (read,) = spans.read([body(parts)], NOW, [np.array([False, True])])
    assert read is not None
    assert read.taken.tolist() == [True, False]
