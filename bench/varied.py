"""Telemetry whose values differ as those of real systems do: no two spans, lines or requests are the same."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING, Any, Final

import orjson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collectors.spans import iso

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SPANS: Final = 512
"""Of one request."""
STEPS: Final = ("shop-intake", "credit-check", "reserve-stock", "capture-payment", "issue-invoice")
FLOWS: Final = ("order-to-cash", "returns", "invoicing", "onboarding", "claims-intake")
TENANTS: Final = ("acme", "globex", "initech", "umbrella")
SERVICES: Final = tuple(
    f"{place}-{kind}" for place in ("order", "stock", "card", "label") for kind in ("api", "job")
)
ERRORS: Final = (
    "psycopg.errors.DeadlockDetected", "requests.exceptions.ReadTimeout", "KeyError", "ValueError",
)  # fmt: skip
_SYLLABLES: Final = [
    "ba",
    "ke",
    "lo",
    "mi",
    "ra",
    "ten",
    "sor",
    "vin",
    "hil",
    "hil",
    "gar",
    "dov",
    "pin",
    "quu",
    "rix",
    "zan",
    "mon",
    "tri",
    "fel",
    "oss",
    "und",
]


def request(number: int, now: int, failed: float = 0.02) -> bytes:
    """Return an export request of 512 spans: 64 traces of one order each; `failed` is the share that failed.

    A span has 13 attributes, half of whose values no other span has, and some 600 bytes.
    """
    rng, made = random.Random(number), ExportTraceServiceRequest()
    parts: dict[str, Any] = {}
    for _ in range(SPANS // 8):
        order = {
            "unsnag.correlation_id": f"SO-{rng.randrange(10**9)}-{rng.randbytes(3).hex()}",
            "unsnag.flow": rng.choice(FLOWS),
            "unsnag.tenant": rng.choice(TENANTS),
        }
        trace, ids = rng.randbytes(16), [rng.randbytes(8) for _ in range(8)]
        start = now - rng.randrange(500 * 10**9)
        for place in range(8):
            begun = start + place * 3_000_000
            span = _scope(made, parts, rng).spans.add(
                trace_id=trace,
                span_id=ids[place],
                parent_span_id=ids[rng.randrange(place)] if place else b"",
                name=f"POST /{word(rng)}/{{id}}",
                kind=3 if place else 2,
                start_time_unix_nano=begun,
                end_time_unix_nano=begun + rng.randrange(10**9),
            )
            _fill(span, order | _details(rng))
            if rng.random() < failed:
                _fail(span, rng)
    return made.SerializeToString()


def _scope(request: Any, parts: dict[str, Any], rng: random.Random) -> Any:
    service = rng.choice(SERVICES)
    if service not in parts:
        part = request.resource_spans.add()
        resource = {
            "service.name": service,
            "host.name": f"ip-10-0-{rng.randrange(9)}",
            "service.version": "4.1",
        }
        _fill(part.resource, resource)
        parts[service] = part.scope_spans.add()
        parts[service].scope.name = "opentelemetry.instrumentation.fastapi"
    return parts[service]


def _details(rng: random.Random) -> dict[str, Any]:
    number = rng.randrange(10**8)
    return {
        "enduser.id": f"u{rng.randrange(200_000)}",
        "thread.name": f"worker-{rng.randrange(64)}",
        "http.request.method": rng.choice(("GET", "POST", "PUT")),
        "http.response.status_code": rng.choice((200, 201, 204, 404)),
        "url.full": f"https://shop.example.net/orders/{number}?{word(rng)}={rng.randrange(10**6)}&q={word(rng)}",
        "client.address": ".".join(str(rng.randrange(1, 255)) for _ in range(4)),
        "db.query.text": f"{word(rng)}, {word(rng)} of {word(rng)} where id = {number}, at most 20 rows",
        "db.response.returned_rows": rng.randrange(200),
        "app.amount": round(rng.random() * 5000, 2),
        "app.note": f"{word(rng)} {word(rng)} {rng.randrange(10**7)}",
    }


def _fail(span: Any, rng: random.Random) -> None:
    kind = rng.choice(ERRORS)
    span.status.code, span.status.message = 2, f"{kind}: {word(rng)} {rng.randrange(10**6)}"
    event = span.events.add(time_unix_nano=span.end_time_unix_nano, name="exception")
    frames = "".join(
        f'  File "/srv/app/{word(rng)}.py", line {rng.randrange(900)}, in {word(rng)}\n    {word(rng)}()\n'
        for _ in range(rng.randint(3, 12))
    )
    raised = {
        "exception.type": kind,
        "exception.message": f"order {rng.randrange(10**8)} failed after {rng.randrange(30)} s",
        "exception.stacktrace": f"Traceback (most recent call last):\n{frames}{kind}: failed",
    }
    _fill(event, raised)


def _fill(owner: Any, values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        made = owner.attributes.add(key=key).value
        if isinstance(value, str):
            made.string_value = value
        elif isinstance(value, int):
            made.int_value = value
        else:
            made.double_value = value


def log_line(number: int, begun: int) -> bytes:
    """Return one log record as the client writes it, with 18 fields; one in 2,000 is a failure."""
    rng, unit = random.Random(number), number // 20
    of_unit, step = random.Random(unit), STEPS[number % len(STEPS)]
    failed = number % 2_000 == 7
    fields = {
        "timestamp": iso(begun + number * 1_000_000),
        "unsnag.record_id": f"{rng.getrandbits(64):016x}",
        "unsnag.correlation_id": f"SO-{of_unit.randrange(10**9)}-{unit}",
        "unsnag.flow": of_unit.choice(FLOWS),
        "unsnag.step": step,
        "unsnag.run_id": f"{number // 500:016x}",
        "unsnag.tenant": of_unit.choice(TENANTS),
        "unsnag.attempt": 1,
        "service.name": step,
        "deployment.environment.name": "production",
        "trace_id": f"{of_unit.getrandbits(128):032x}",
        "span_id": f"{rng.getrandbits(64):016x}",
        "url": f"https://shop.example.net/o/{rng.randrange(10**7)}?{word(rng)}={rng.randrange(10**6)}",
        "amount": round(rng.random() * 900, 2),
        "order_lines": rng.randrange(99),
        "note": f"{word(rng)} {word(rng)} {rng.randrange(10**7)}",
        "level": "error" if failed else "info",
        "event": "unit.failed" if failed else f"{word(rng)} finished",
    }
    if failed:
        fields |= {
            "exception.type": rng.choice(ERRORS),
            "exception.message": f"gateway did not answer within {rng.randrange(30)} s",
        }
    return orjson.dumps(fields)


def word(rng: random.Random) -> str:
    """Return a word of two or three syllables."""
    return "".join(rng.choices(_SYLLABLES, k=rng.randint(2, 3)))


def check(bodies: Sequence[bytes]) -> None:
    """Refuse bodies that repeat: what answers them may be a memory of the first.

    Raises:
        ValueError: two bodies are the same.
    """
    if len({hashlib.sha256(body).digest() for body in bodies}) < len(bodies):
        raise ValueError("A body repeats: the figures would be those of a memory. Vary the seed of each.")
