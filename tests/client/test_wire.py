"""What client and server exchange is defined once, and nothing in a request is dropped silently."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from server.api import case_shapes
from tests.client.server import running
from unsnag import wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.client.server import Server

LEASE = {
    "id": "a" * 32, "case": "c", "flow": "f", "step": "s", "correlation_id": "SO-1", "idempotency_key": "k",
    "attempt": 2, "traceparent": None, "data": {}, "lease_until": "2026-11-16T09:00:00.000000Z",
}  # fmt: skip


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path) as opened:
        yield opened


def write(server: Server, path: str, body: Any) -> Any:
    return server.http.post(path, json=body, headers={wire.IDEMPOTENCY_KEY: "k"})


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        (wire.LEASE_PATH, {"lease_token": "t"}, "body.lease_token"),
        (wire.LEASE_PATH, {"handlers": [{"flow": "f", "step": "s", "x": 1}]}, "body.handlers.0.x"),
        (wire.report_path("a", "heartbeat"), {"lease_token": "t"}, "body.lease_token"),
        (wire.report_path("a", "complete"), {"class": "data"}, "body.class"),
        (wire.report_path("a", "fail"), {"error_class": "data"}, "body.error_class"),
        (wire.report_path("a", "fail"), {"class": "weather"}, "body.class"),
        ("/api/v1/cases/a/retry", {"why": "because"}, "body.why"),
        ("/api/v1/cases/a/resolve", {"code": "duplicate", "reason": "twice", "who": 1}, "body.who"),
        ("/api/v1/people", {"name": "a", "roles": [{"role": "viewer", "flows": "f"}]}, "body.roles.0.flows"),
        ("/api/v1/tokens/a/rotate", {"hours": 1}, "body.hours"),
        ("/api/v1/audit/pack", {"since": "2026-11-16"}, "body.since"),
    ],
)
def test_an_unknown_field_is_refused_by_its_name(server: Server, path: str, body: Any, place: str) -> None:
    answer = write(server, path, body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"].startswith(f"{place}: ")


def test_a_request_that_takes_no_body_refuses_one(server: Server) -> None:
    answer = write(server, "/api/v1/cases/a/claim", {"reason": "mine"})
    assert (answer.status_code, answer.json()["detail"]) == (422, "body: This request takes no body.")
    assert write(server, "/api/v1/cases/a/claim", {}).status_code == 404


def test_no_request_of_the_server_takes_fields_that_it_does_not_know(server: Server) -> None:
    """Every body that the description names, those of later routes too."""
    description = server.http.get("/api/v1/openapi.json").json()
    schemas = description["components"]["schemas"]
    bodies = {
        name
        for path, item in description["paths"].items()
        if path.startswith("/api/")
        for operation in item.values()
        for name in _named(operation.get("requestBody", {}))
    }
    assert len(bodies) > 8
    assert [name for name in bodies if schemas[name].get("additionalProperties", True)] == []


def _named(body: Any) -> Iterator[str]:
    if isinstance(body, dict):
        if "$ref" in body:
            yield body["$ref"].rpartition("/")[2]
        for part in body.values():
            yield from _named(part)
    if isinstance(body, list):
        for part in body:
            yield from _named(part)


@pytest.mark.parametrize("kind", [wire.Lease, wire.LeaseState])
def test_what_the_server_answers_is_what_the_client_reads(kind: type) -> None:
    answered = getattr(case_shapes, kind.__name__)
    assert issubclass(answered, kind)
    assert [each.name for each in fields(answered)] == [each.name for each in fields(kind)]


def test_a_lease_is_read_and_fields_of_a_later_server_are_left_out() -> None:
    lease = wire.from_json(wire.Lease, {**LEASE, "from_a_later_version": 1})
    assert (lease.correlation_id, lease.attempt) == ("SO-1", 2)
    assert lease.lease_until == datetime(2026, 11, 16, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changed", "words"),
    [({"lease_until": "soon"}, "lease_until is no time: 'soon'"), ({"lease_until": {}}, "is no time")],
)
def test_an_answer_that_cannot_be_read_is_refused(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(wire.ContractError, match=words):
        wire.from_json(wire.Lease, LEASE | changed)


def test_an_answer_that_lacks_fields_names_them() -> None:
    content = {name: value for name, value in LEASE.items() if name not in ("flow", "step")}
    with pytest.raises(wire.ContractError, match="Lease lacks flow, step"):
        wire.from_json(wire.Lease, content)


def test_a_message_is_written_under_its_names_on_the_wire() -> None:
    report = wire.FailReport(worker="w", error_class="data")
    assert wire.to_json(report) == {"worker": "w", "class": "data"}
    wanted = wire.LeaseRequest(flows=[], handlers=[wire.Handler(flow="f", step="s")])
    assert wire.to_json(wanted)["handlers"] == [{"flow": "f", "step": "s"}]
