"""Trace requests of spans that have what few have, for both ways of reading them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from collectors.values import AHEAD_US
from tests.client import mask_forms
from unsnag import conventions as words

if TYPE_CHECKING:
    import random

NOW = 1_780_000_000_000_000
NAMES = [
    words.CORRELATION_ID,
    words.FLOW,
    words.STEP,
    words.TENANT,
    words.KIND,
    words.OUTCOME,
    words.ATTEMPT,
    words.VALUE_AMOUNT,
    words.PARTIAL_FAILED,
    words.IDEMPOTENT,
    words.ERROR_CLASS,
    words.VERDICT,
    "error.type",
    "exception.type",
    "correlation_id",
    "x-correlation-id",
    "request_id",
    "celery.task_id",
    "celery.action",
    "airflow.dag_id",
    "airflow.task_instance.map_index",
    "prefect.run.type",
    "prefect.run.id",
    "http.route",
    "url.template",
    "server.address",
    "peer.service",
    "http.response.status_code",
    "http.status_code",
    "code.function",
    "code.function.name",
    "password",
    "order_id",
    "card",
    "note",
    "service.name",
    "host.name",
    "service.instance.id",
    "k8s.node.name",
    "otel.scope.name",
    "deployment.environment",
    'a"b',
    "mail@x.example",
    "user token",
    "",
]
TEXTS = [
    "SO-1",
    "shop",
    "",
    "success",
    "progress",
    "partial",
    "failed",
    "unit",
    "step",
    "entry",
    "task",
    "run",
    "business",
    "200",
    "129.90",
    "true",
    'quote"d',
    "back\\slash",
    "new\nline",
    "nul\0",
    "ü",
    "é日",
    "ann@x.example",
    "4111111111111111",
    "Bearer abcdef123456",
    "password=hunter2",
    "-1",
    "\x7f",
    *(form.text for form in mask_forms.FORMS),
]


def value(given: Any) -> AnyValue:
    made = AnyValue()
    match given:
        case bool():
            made.bool_value = given
        case int():
            made.int_value = given
        case float():
            made.double_value = given
        case str():
            made.string_value = given
        case bytes():
            made.bytes_value = given
        case list():
            made.array_value.values.extend(map(value, given))
        case dict():
            for key, item in given.items():
                made.kvlist_value.values.add(key=key).value.CopyFrom(value(item))
    return made


ODD_VALUES = [
    True,
    False,
    0,
    1,
    200,
    404,
    -5,
    4111111111111111,
    10**12,
    2**31,
    -(2**63),
    2**63 - 1,
    0.0,
    5.0,
    -0.5,
    1e300,
    float("nan"),
    float("inf"),
    1e16,
    0.1,
    None,
    b"\0\xff",
    [],
    ["SO-2"],
    ["a", "b"],
    {"password": "x", "a": 1},
]
ODD: dict[str, list[Any]] = {
    "trace_id": [bytes(16), b"\1" * 15, b""],
    "span_id": [bytes(8), b"\3" * 7, b""],
    "parent_span_id": [b"\2" * 8, b"\7" * 3],
    "name": ["", "mail ann@x.example", "n\0", 'a"b', "sum\tup"],
    "kind": list(range(8)),
    "start": [1, 0, NOW + AHEAD_US, NOW + AHEAD_US + 1, 2**54],
    "length": [0, 1, -1000],
    "status": [(0, ""), (1, ""), (2, "boom"), (1, "fine"), (3, "")],
    "events": [["exception"], ["note"]],
    "links": [True],
}
"""What a span may have that few have."""


def odd_attributes(rng: random.Random, most: int) -> list[tuple[str, Any]]:
    texts = TEXTS if rng.random() < 0.6 else ODD_VALUES
    return [(rng.choice(NAMES), rng.choice(texts)) for _ in range(rng.randint(0, most))]


def odd_span(rng: random.Random, number: int) -> dict[str, Any]:
    """Return a span that differs from a plain one in little, so that half are read by column."""
    own = {"attributes": [("note", f"n {number}"), *odd_attributes(rng, 2)]}
    for name in rng.sample([*ODD], rng.choice([0, 0, 0, 1, 2])):
        own[name] = rng.choice(ODD[name])
    return plain(rng.randrange(1 << 20) if rng.random() < 0.9 else number % 3, **own)


def odd_request(rng: random.Random) -> bytes:
    parts = []
    for _ in range(rng.randint(0, 4)):
        resource = [("service.name", "shop"), *(odd_attributes(rng, 2) if rng.random() < 0.3 else ())]
        scope = (
            rng.choice(["", "lib", "lib ann@x.example"]),
            rng.choice(["", "1.0"]),
            ["x"] if rng.random() < 0.1 else [],
        )
        parts.append((resource, scope, [odd_span(rng, number) for number in range(rng.randint(0, 20))]))
    return body(parts)


def body(parts: list[Any]) -> bytes:
    made = ExportTraceServiceRequest()
    for resource, (name, version, extra), some in parts:
        part = made.resource_spans.add()
        for key, given in resource:
            part.resource.attributes.add(key=key).value.CopyFrom(value(given))
        scope = part.scope_spans.add()
        scope.scope.name, scope.scope.version = name, version
        for key in extra:
            scope.scope.attributes.add(key=key).value.string_value = "y"
        for span in some:
            add(scope, **span)
    return made.SerializeToString()


def add(
    scope: Any,
    *,
    start: int,
    length: int,
    attributes: Any,
    status: Any,
    events: Any,
    links: bool,
    **fields: Any,
) -> None:
    begin = start * 1000
    span = scope.spans.add(start_time_unix_nano=begin, end_time_unix_nano=max(begin + length, 0), **fields)
    for key, given in attributes:
        span.attributes.add(key=key).value.CopyFrom(value(given))
    if status:
        span.status.code, span.status.message = status
    for name in events:
        event = span.events.add(name=name, time_unix_nano=begin)
        event.attributes.add(key="exception.message").value.string_value = "boom"
    if links:
        span.links.add(trace_id=b"\7" * 16, span_id=b"\7" * 8)


def plain(number: int, **more: Any) -> dict[str, Any]:
    fields = {
        "trace_id": b"\1" * 16,
        "span_id": (number + 1).to_bytes(8),
        "parent_span_id": b"",
        "name": "work",
        "kind": 2,
    }
    rest = {"start": NOW, "length": 5000, "attributes": [], "status": None, "events": [], "links": False}
    return fields | rest | more
