"""Trace requests that wait together are decoded together, and each gets its own answer."""

from __future__ import annotations

import gzip
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from starlette.applications import Starlette

from access.roles import Grant
from access.sending import SenderLimit
from collectors import receiver
from collectors.otlp import BadBodyError, BodyTooLargeError, Decoded, OtlpSettings, Requests
from collectors.together import LEAST_BYTES, Body, Waiting
from tests.hosted import Hosted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from data.store import Store

PROTOBUF = {"content-type": "application/x-protobuf"}
SPANS = 200


def request(number: int, tenant: str = "acme", spans: int = SPANS) -> bytes:
    made = ExportTraceServiceRequest()
    part = made.resource_spans.add()
    part.resource.attributes.add(key="service.name").value.string_value = "shop"
    scope, now = part.scope_spans.add(), time.time_ns()
    for place in range(spans):
        span = scope.spans.add(
            trace_id=(number * spans + place + 1).to_bytes(16),
            span_id=(place + 1).to_bytes(8),
            name="work",
            start_time_unix_nano=now,
            end_time_unix_nano=now + 1_000_000,
        )
        values = {"unsnag.tenant": tenant, "unsnag.correlation_id": f"SO-{number}-{place}", "note": "x" * 300}
        for key, value in values.items():
            span.attributes.add(key=key).value.string_value = value
    made.resource_spans[0].scope_spans[0].spans[3].span_id = b"bad"
    return made.SerializeToString()


def test_each_request_of_a_group_gets_its_own_answer(store: Store) -> None:
    bodies = [request(number) for number in range(24)]
    bodies[5], bodies[11] = b"no request", gzip.compress(bodies[11])
    with Hosted(Starlette(routes=receiver.routes(lambda: store)), log_level="warning") as served:

        def post(number: int) -> httpx.Response:
            headers = PROTOBUF | ({"content-encoding": "gzip"} if number == 11 else {})
            return httpx.post(
                f"{served.address}/v1/traces", content=bodies[number], headers=headers, timeout=60
            )

        with ThreadPoolExecutor(24) as senders:
            answers = list(senders.map(post, range(24)))
    assert [answer.status_code for answer in answers] == [400 if number == 5 else 200 for number in range(24)]
    rejected = [
        ExportTraceServiceResponse.FromString(answer.content).partial_success.rejected_spans
        for answer in answers
        if answer.status_code == 200
    ]
    assert rejected == [1] * 23
    (row,) = store.query("server/sources")
    assert (row["records"], row["quarantined"]) == (23 * (SPANS - 1), 23 + 1)
    assert len(store.query("server/quarantine", {"limit": 50, "offset": 0, "behind": None})) == 24


def test_what_cannot_be_unpacked_is_the_answer_of_its_request_alone() -> None:
    requests = Requests(OtlpSettings(max_body_mb=1))
    bomb = gzip.compress(bytes(2 << 20))
    good = Body(request(1))
    found = requests.traces([good, Body(bomb, "gzip"), Body(b"\1\2", "gzip"), Body(b"no request"), good])
    kinds = [Decoded, BodyTooLargeError, BadBodyError, BadBodyError, Decoded]
    assert [type(one) for one in found] == kinds
    assert [len(one.batch) for one in found if isinstance(one, Decoded)] == [SPANS, SPANS]


def test_large_requests_are_read_by_column_and_small_ones_by_row() -> None:
    large, small = request(1, spans=500), request(1, spans=10)
    assert len(large) > LEAST_BYTES > len(small)
    for content, is_large in ((large, True), (small, False)):
        (found,) = Requests().traces([Body(content)])
        assert isinstance(found, Decoded)
        assert bool(found.batch.spans_by_column) == is_large


def test_a_sender_of_one_tenant_stays_within_it() -> None:
    limit = SenderLimit("shop", (Grant("sender", "acme", None),))
    contents = [request(number, tenant, 500) for number, tenant in enumerate(("acme", "globex"))]
    inside, outside = Requests().traces([Body(content, "", limit) for content in contents])
    assert isinstance(inside, Decoded)
    assert isinstance(outside, Decoded)
    assert (len(inside.batch.spans["record_id"]), inside.rejected) == (499, 1)
    assert (len(outside.batch.spans["record_id"]), outside.rejected) == (0, 500)


def test_what_waits_is_taken_together() -> None:
    begun, go, sizes = threading.Event(), threading.Event(), []

    def work(asked: Sequence[int]) -> list[int | Exception]:
        begun.set()
        assert go.wait(30)
        sizes.append(len(asked))
        return [ValueError(str(one)) if one == 4 else one * 10 for one in asked]

    waiting: Waiting[int, int] = Waiting(work, "test")
    first = waiting.submit(0)
    assert begun.wait(30)
    others = [waiting.submit(number) for number in range(1, 12)]
    go.set()
    assert first.result(30) == 0
    with pytest.raises(ValueError, match="4"):
        others[3].result(30)
    assert [one.result(30) for one in others if one is not others[3]] == [
        n * 10 for n in range(1, 12) if n != 4
    ]
    assert sizes == [1, 8, 3]
