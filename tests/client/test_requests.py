"""Requests as blocks of units, under uvicorn and under the standard library's WSGI server."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.applications import Starlette
from starlette.routing import Mount

import unsnag
from tests.hosted import Hosted
from tests.waiting import eventually
from unsnag import testing
from unsnag.frameworks import asgi, wsgi

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

log = logging.getLogger("shop")
RULE = ("header:X-Order-ID", "/orders/{unit}")
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CALLER = {"traceparent": f"00-{TRACE}-{PARENT}-01"}


def fastapi_app(meeting: threading.Barrier) -> FastAPI:
    app, orders = FastAPI(), APIRouter(prefix="/orders")
    app.add_middleware(asgi.UnitMiddleware, unit=RULE)

    @orders.post("/{order_id}/{how}")
    async def work(order_id: str, how: str) -> Any:
        if how == "meet":
            await asyncio.to_thread(meeting.wait, 30)
            await asyncio.gather(*(asyncio.to_thread(log.warning, "packing %s", order_id) for _ in range(2)))
        if how == "crash":
            raise ConnectionError(f"no carrier for {order_id}")
        if how == "answer":
            try:
                {}[order_id]
            except KeyError:
                log.exception("cannot ship")
                return JSONResponse({}, 502)
        if how == "stream":
            return StreamingResponse(pieces())
        if how == "inner":
            with unsnag.unit(order_id, value=80, currency="EUR") as unit:
                unit.fail("Nothing left")
        return JSONResponse({"seen": unsnag.correlation_id()}, int(how) if how.isdigit() else 200)

    @app.post("/broken")
    def broken() -> None:
        raise ValueError("no order")

    app.include_router(orders)
    return app


async def pieces() -> AsyncIterator[bytes]:
    yield unsnag.correlation_id().encode()  # type: ignore[union-attr]
    raise ConnectionError("the printer is off")


@contextmanager
def serving(app: Any) -> Iterator[httpx.Client]:
    """Run uvicorn in a thread of this process."""
    once = httpx.Limits(max_keepalive_connections=0)
    with (
        Hosted(app, log_config=None, log_level=None) as hosted,
        httpx.Client(base_url=hosted.address, timeout=60, limits=once) as http,
    ):
        yield http


@pytest.fixture
def events() -> Iterator[testing.Events]:
    with testing.captured("order-to-cash") as found:
        yield found


@pytest.fixture(autouse=True)
def plain_loggers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let uvicorn log as in a process of its own: servers of other tests leave its loggers silent."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        monkeypatch.setattr(logger, "handlers", [])
        monkeypatch.setattr(logger, "propagate", True)
        monkeypatch.setattr(logger, "disabled", False)
        monkeypatch.setattr(logger, "level", logging.INFO)
        logger.manager._clear_cache()


@pytest.fixture
def http(events: testing.Events) -> Iterator[httpx.Client]:
    assert events.lines == []
    with serving(fastapi_app(threading.Barrier(2))) as client:
        yield client


def errors(events: testing.Events, number: int) -> list[dict[str, Any]]:
    """Return so many errors, once they were logged."""
    eventually(lambda: sum(line["level"] == "error" for line in events.logs) >= number)
    return [line for line in events.logs if line["level"] == "error"]


def ended(events: testing.Events) -> dict[str, str | None]:
    """Return how the unit of each request ended, once all have."""

    def blocks() -> list[dict[str, Any]]:
        return [span for span in events.spans if "unsnag.attempt" not in span and "unsnag.step" in span]

    outermost = {record["span_id"] for record in events.named("unit.started")}
    eventually(lambda: outermost <= {span["spanId"] for span in blocks()})
    return {
        span["unsnag.correlation_id"]: span.get("unsnag.outcome")
        for span in blocks()
        if span["spanId"] in outermost
    }


def test_two_requests_at_a_time_keep_their_units_in_tasks_and_threads(
    http: httpx.Client, events: testing.Events
) -> None:
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda order: http.post(f"/orders/{order}/meet").json(), ["SO-1", "SO-2"]))
    assert [answer["seen"] for answer in answers] == ["SO-1", "SO-2"]
    lines = [
        (line["event"], line["unsnag.correlation_id"]) for line in events.logs if line["logger"] == "shop"
    ]
    assert sorted(lines) == 2 * [("packing SO-1", "SO-1")] + 2 * [("packing SO-2", "SO-2")]
    assert ended(events) == {"SO-1": "success", "SO-2": "success"}


@pytest.mark.parametrize(
    ("how", "outcome"),
    [
        ("200", "success"),
        ("302", "success"),
        ("404", None),
        ("409", None),
        ("500", "failed"),
        ("503", "failed"),
    ],
)
def test_the_status_of_an_answer_decides(
    http: httpx.Client, events: testing.Events, how: str, outcome: str | None
) -> None:
    http.post(f"/orders/SO-1/{how}")
    assert ended(events) == {"SO-1": outcome}
    failed = [record["error.message"] for record in events.named("unit.failed")]
    assert failed == ([f"The request was answered with HTTP status {how}."] if outcome == "failed" else [])
    (span,) = events.spans
    assert span["unsnag.kind"] == ("unit" if outcome else "entry")


def test_an_exception_that_leaves_is_one_failure_of_the_route_also_in_the_servers_log(
    http: httpx.Client, events: testing.Events
) -> None:
    assert http.post("/orders/SO-1/crash").status_code == 500
    found = errors(events, 2)
    assert {line["logger"] for line in found} == {"unsnag", "uvicorn.error"}
    assert {(line["unsnag.correlation_id"], line["unsnag.step"]) for line in found} == {
        ("SO-1", "POST /orders/{order_id}/{how}")
    }
    assert len({line["unsnag.exception.id"] for line in found}) == 1


def test_an_exception_that_was_logged_before_the_answer_is_the_failure(
    http: httpx.Client, events: testing.Events
) -> None:
    assert http.post("/orders/SO-1/answer").status_code == 502
    logged, failed = errors(events, 2)
    assert (logged["logger"], failed["event"]) == ("shop", "unit.failed")
    assert failed["exception.type"] == "KeyError"
    assert logged["unsnag.exception.id"] == failed["unsnag.exception.id"]


def test_an_answer_that_breaks_while_it_is_streamed_is_a_failure(
    http: httpx.Client, events: testing.Events
) -> None:
    with pytest.raises(httpx.TransportError):
        http.post("/orders/SO-1/stream")
    assert ended(events) == {"SO-1": "failed"}


def test_a_block_inside_adds_the_value_and_decides(http: httpx.Client, events: testing.Events) -> None:
    assert http.post("/orders/SO-1/inner").status_code == 200
    assert ended(events) == {"SO-1": "failed"}
    assert {span.get("unsnag.value.amount") for span in events.spans} == {"80.00", None}


def test_a_request_without_an_id_makes_no_unit_and_its_errors_have_a_trace(
    http: httpx.Client, events: testing.Events
) -> None:
    assert http.post("/broken").status_code == 500
    assert http.post("/broken", headers=CALLER).status_code == 500
    own, handed_over = errors(events, 2)
    assert events.spans == []
    assert "unsnag.correlation_id" not in own
    assert len(own["trace_id"]) == 32
    assert (handed_over["trace_id"], handed_over["span_id"]) == (TRACE, PARENT)


def test_what_the_caller_handed_over_is_continued(http: httpx.Client, events: testing.Events) -> None:
    baggage = {"baggage": "unsnag.correlation_id=SO-7,unsnag.tenant=acme,unsnag.flow=returns"}
    http.post("/orders/SO-1/200", headers=CALLER)
    http.post("/broken", headers={**CALLER, **baggage})
    assert ended(events) == {"SO-1": "success", "SO-7": "failed"}
    first, second = events.spans
    assert (first["traceId"], first["parentSpanId"]) == (TRACE, PARENT)
    assert (first["unsnag.correlation_id"], first["unsnag.flow"]) == ("SO-1", "order-to-cash")
    assert (second["unsnag.correlation_id"], second["unsnag.flow"]) == ("SO-7", "returns")
    assert (second["unsnag.tenant"], second["unsnag.outcome"]) == ("acme", "failed")


def test_a_request_that_only_reads_is_no_part_of_a_units_way(
    http: httpx.Client, events: testing.Events
) -> None:
    http.get("/orders/SO-1/200", headers={**CALLER, "baggage": "unsnag.correlation_id=SO-1"})
    assert ended(events) == {}
    assert events.named("unit.started") == []


def test_the_route_of_a_mounted_application_is_named_in_full(events: testing.Events) -> None:
    inner = fastapi_app(threading.Barrier(1))
    outer = Starlette(routes=[Mount("/shop", inner)])
    outer.add_middleware(asgi.UnitMiddleware, unit="/shop/orders/{unit}")
    with serving(outer) as http:
        http.post("/shop/orders/SO-1/200")
    assert ended(events) == {"SO-1": "success"}
    assert {span["unsnag.step"] for span in events.spans} == {"POST /shop/orders/{order_id}/{how}"}


def test_refusals_may_count_as_failures_and_reading_as_work(events: testing.Events) -> None:
    app = asgi.UnitMiddleware(
        fastapi_app(threading.Barrier(1)), "/orders/{unit}", methods=["get"], failed_from=400
    )
    with serving(app) as http:
        assert http.get("/orders/SO-1/200").status_code == 405
    assert ended(events)["SO-1"] == "failed"


# --- WSGI ----------------------------------------------------------------------------------------


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class Body:
    """Is made while it is sent, and may break then."""

    def __init__(self, pieces: list[bytes], *, breaks: bool) -> None:
        self.pieces, self.breaks, self.is_closed = pieces, breaks, False

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces
        if self.breaks:
            raise ConnectionError("the printer is off")
        log.warning("sent")

    def close(self) -> None:
        self.is_closed = True


@contextmanager
def served(app: Callable[..., Any]) -> Iterator[str]:
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("breaks", [False, True])
def test_a_wsgi_block_lasts_until_the_answer_was_sent(
    events: testing.Events, capfd: pytest.CaptureFixture[str], *, breaks: bool
) -> None:
    body = Body([b"label"], breaks=breaks)

    def app(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Body:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return body

    with served(wsgi.UnitMiddleware(app, lambda environ: environ["PATH_INFO"][1:])) as address:
        httpx.post(f"{address}/SO-1")
        httpx.post(f"{address}/SO-2")
    assert body.is_closed
    assert capfd.readouterr().err.count("ConnectionError: the") == 2 * breaks
    outcome = "failed" if breaks else "success"
    assert ended(events) == {"SO-1": outcome, "SO-2": outcome}
    sent = [line["unsnag.correlation_id"] for line in events.logs if line["event"] == "sent"]
    assert sent == ([] if breaks else ["SO-1", "SO-2"])
    assert {span["unsnag.step"] for span in events.spans} == {"POST /{unit}"}


def test_a_block_that_a_server_never_closed_is_not_that_of_the_next_request(events: testing.Events) -> None:
    seen = []

    def app(_environ: dict[str, Any], _start_response: Callable[..., Any]) -> list[bytes]:
        seen.append(unsnag.correlation_id())
        return []

    hooked = wsgi.UnitMiddleware(app, "header:X-Order-ID")
    for order in ({"HTTP_X_ORDER_ID": "SO-1"}, {}):
        hooked({"REQUEST_METHOD": "POST", "PATH_INFO": "/", **order}, lambda *_: None)
    assert seen == ["SO-1", None]
    assert [record["unsnag.correlation_id"] for record in events.named("unit.started")] == ["SO-1"]
