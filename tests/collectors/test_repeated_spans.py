"""Spans that come again, and different spans that have the same id, through the receiver and the SDK."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import StatusCode

from cases import units
from cases.intake import intake
from collectors.otlp import Requests
from data.store import Store
from tests.collectors.test_otlp import serve
from tests.shown import cases as shown_cases

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from opentelemetry.sdk.trace import ReadableSpan

NOW = time.time_ns()


class SameIds(IdGenerator):
    """What a forked process does whose random numbers were seeded."""

    def generate_span_id(self) -> int:
        return 0xABCDEF0123456789

    def generate_trace_id(self) -> int:
        return 0x0AF7651916CD43DD8448EB211C80319C


TRACE = f"{SameIds().generate_trace_id():032x}"


def span(name: str, order: str, *, at: int = 0, fails: bool = False, **added: str) -> ReadableSpan:
    tracer = TracerProvider(id_generator=SameIds()).get_tracer("t")
    made = tracer.start_span(name, attributes={"unsnag.correlation_id": order, **added}, start_time=NOW + at)
    if fails:
        made.set_status(StatusCode.ERROR, "no answer")
    made.end(NOW + at + 1_000_000)
    return made  # type: ignore[return-value]


@pytest.fixture
def url(store: Store) -> Iterator[str]:
    with serve(store) as served:
        yield served.address


def export(url: str, *spans: ReadableSpan) -> None:
    OTLPSpanExporter(f"{url}/v1/traces").export(spans)


def shown(store: Store) -> list[tuple[str, bool]]:
    found = units.trace(store.everything(), TRACE)
    return sorted((span.name, span.id_reused) for span in found.spans)


CHARGE, REFUND = span("charge", "SO-1"), span("refund", "SO-2", at=5_000_000, fails=True)
BOTH = [("charge", True), ("refund", True)]


@pytest.mark.parametrize(
    "order",
    [*itertools.permutations([CHARGE, REFUND, CHARGE]), *itertools.permutations([REFUND, CHARGE, REFUND])],
)
def test_a_different_span_is_kept_and_a_repetition_adds_nothing(
    store: Store, url: str, order: Sequence[ReadableSpan]
) -> None:
    for item in order:
        export(url, item)
    assert shown(store) == BOTH
    export(url, *order)
    assert shown(store) == BOTH
    (row,) = store.query("server/sources")
    assert (row["records"], row["duplicates"]) == (2, 4)


def test_both_in_one_request_and_a_day_apart(store: Store, url: str) -> None:
    late = span("refund", "SO-2", at=-86_400_000_000_000)
    export(url, CHARGE, late, CHARGE)
    export(url, late)
    assert shown(store) == BOTH


def test_a_span_alone_is_not_marked(store: Store, url: str) -> None:
    export(url, CHARGE)
    export(url, CHARGE)
    assert shown(store) == [("charge", False)]


def test_the_same_span_with_more_attributes_is_a_repetition(store: Store, url: str) -> None:
    """An agent adds attributes; our client and the script's own exporter send the same span, too."""
    export(url, CHARGE)
    export(url, span("charge", "SO-1", agent="x"))
    assert shown(store) == [("charge", False)]


@pytest.mark.parametrize("order", [(CHARGE, REFUND), (REFUND, CHARGE)])
def test_each_belongs_to_its_own_unit_and_the_one_that_failed_opens_its_exception(
    tmp_path: Path, order: Sequence[ReadableSpan]
) -> None:
    store = Store.open(tmp_path / "own", intake)
    try:
        for item in order:
            store.append(
                Requests().decode("otlp/traces", _body(item), "application/x-protobuf").batch
            ).result()
        assert [case["correlation_id"] for case in shown_cases(store)] == ["SO-2"]
        for unit, name in (("SO-1", "charge"), ("SO-2", "refund")):
            (only,) = units.unit(store.everything(), unit).spans
            assert (only.name, only.id_reused) == (name, True)
    finally:
        store.close()


def _body(item: ReadableSpan) -> bytes:
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans  # noqa: PLC0415

    return encode_spans([item]).SerializeToString()
