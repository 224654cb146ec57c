"""Queues, schedulers and functions under their real servers: each task is the block of its unit."""

from __future__ import annotations

import queue
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

import pytest

from tests.scenarios import frameworks, plays
from tests.scenarios.frameworks import CLOCKS_AGREE_S, Addresses, Example, example
from tests.scenarios.unsnag_server import UnsnagServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.scenarios.world import World

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(900), pytest.mark.usefixtures("environment")]

GARBLED = b"\xff"
"""An address that cannot be decoded."""


class Place:
    """An Unsnag, and the folder in which an example runs."""

    def __init__(self, unsnag: UnsnagServer, world: World, addresses: Addresses) -> None:
        self.unsnag = unsnag
        self.world = world
        self.addresses = addresses

    def write(self, heading: str) -> Example:
        """Write what the guide shows under a heading."""
        found = example(heading)
        found.write(self.world.folder)
        return found

    def run(self, *command: str, **environment: str) -> int:
        """Run a program that may fail; return its exit code."""
        own = self.world.environment(PYTHONPATH=str(self.world.folder), **environment)
        return subprocess.run(
            command, cwd=self.world.folder, env=own, check=False, timeout=300, capture_output=True
        ).returncode

    @contextmanager
    def serving(self, *command: str, **environment: str) -> Iterator[None]:
        """Run the example's server."""
        with self.world.serving(*command, PYTHONPATH=str(self.world.folder), **environment):
            yield


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with UnsnagServer(tmp_path / "unsnag") as server:
        yield Place(server, *frameworks.world(tmp_path / "shop", server))


def two_tries(place: Place, send: Any) -> None:
    """Give a program an order whose first try fails and whose second one goes well: no failure."""
    place.addresses.hold("SO-4")
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(send, "SO-4")
        place.addresses.replace("SO-4", GARBLED)
        sent.result()
    frameworks.wait_for(place.unsnag, SO_4="success")
    (row,) = place.unsnag.store.act(
        lambda tx: tx.execute("select attempts, failed_attempts from unit where correlation_id = 'SO-4'")
    ).result()
    assert row["failed_attempts"] == 1


def tries(place: Place) -> list[tuple[int, str]]:
    """Return the tries of the only case."""
    return [(one["attempt"], one["outcome"]) for one in frameworks.the_case(place.unsnag)["attempts"]]


def test_celery_tasks(place: Place) -> None:
    found = place.write("Celery")
    with plays.redis(place.world) as redis:

        def send(order: str) -> None:
            assert place.run("python", "send.py", order, REDIS=redis) == 0

        with place.serving(*found.commands[0], REDIS=redis):
            frameworks.two_orders(place.unsnag, place.addresses, send)
            frameworks.wait_until(place.unsnag, lambda: len(tries(place)) == 2)
            assert tries(place) == [(1, "error"), (2, "error")]
            assert frameworks.the_case(place.unsnag)["step"] == "tasks.ship"
            two_tries(place, send)
            assert frameworks.the_case(place.unsnag)["state"] == "open"
            frameworks.ship_again(place.unsnag, place.addresses, send, after_s=CLOCKS_AGREE_S)


TRACED = """
from celery.signals import worker_process_init, worker_process_shutdown


@worker_process_init.connect(weak=False)
def begin_tracing(*args, **kwargs):
    from opentelemetry.instrumentation.auto_instrumentation import initialize

    initialize()


@worker_process_shutdown.connect(weak=False)
def end_tracing(*args, **kwargs):
    from opentelemetry import trace

    trace.get_tracer_provider().shutdown()
"""
"""How OpenTelemetry's own documentation starts its instrumentation in the processes of a Celery worker."""


def spans_of_opentelemetry(place: Place) -> int:
    """Return how many spans of tasks OpenTelemetry's instrumentation has sent."""
    sql = "select count(*) as n from span where name = 'run/tasks.ship'"
    (row,) = place.unsnag.store.act(lambda tx: tx.execute(sql)).result()
    found: int = row["n"]
    return found


def test_celery_tasks_beside_opentelemetry(place: Place) -> None:
    found = place.write("Celery")
    tasks = place.world.folder / "tasks.py"
    tasks.write_text(tasks.read_text() + TRACED)
    with plays.redis(place.world) as redis:

        def send(order: str) -> None:
            assert place.run(plays.INSTRUMENTED, "python", "send.py", order, REDIS=redis) == 0

        with place.serving(*found.commands[0], REDIS=redis):
            frameworks.two_orders(place.unsnag, place.addresses, send)
            # Two tries of SO-2, and SO-1: each is in a span of either maker.
            frameworks.wait_until(place.unsnag, lambda: spans_of_opentelemetry(place) == 3)
            frameworks.wait_until(place.unsnag, lambda: len(tries(place)) == 2)
            assert tries(place) == [(1, "error"), (2, "error")]
            assert frameworks.the_case(place.unsnag)["step"] == "tasks.ship"
            two_tries(place, send)
            assert frameworks.the_case(place.unsnag)["state"] == "open"
            frameworks.ship_again(place.unsnag, place.addresses, send, after_s=CLOCKS_AGREE_S)
            assert traces_of_several_orders(place) == []


def traces_of_several_orders(place: Place) -> list[str]:
    """Return the traces that name more than one order."""
    sql = "select trace_id from span group by trace_id having count(distinct correlation_id) > 1"
    rows = place.unsnag.store.act(lambda tx: tx.execute(sql)).result()
    return [row["trace_id"] for row in rows]


def test_rq_jobs(place: Place) -> None:
    found = place.write("RQ")
    with plays.redis(place.world) as redis:

        def send(order: str) -> None:
            assert place.run("python", "send.py", order, REDIS=redis) == 0

        command = [redis if word == "$REDIS" else word for word in found.commands[0]]
        with place.serving(*command):
            frameworks.two_orders(place.unsnag, place.addresses, send)
            assert frameworks.the_case(place.unsnag)["step"] == "jobs.ship"
            two_tries(place, send)
            assert frameworks.the_case(place.unsnag)["state"] == "open"
            frameworks.ship_again(place.unsnag, place.addresses, send, after_s=CLOCKS_AGREE_S)


def test_apscheduler_jobs(place: Place) -> None:
    found = place.write("APScheduler")
    orders = place.world.folder / "orders"
    orders.mkdir()
    with place.serving(*found.commands[0]):

        def send(order: str) -> None:
            (orders / order).touch()

        frameworks.two_orders(place.unsnag, place.addresses, send)
        assert frameworks.the_case(place.unsnag)["step"] == "ship"
        frameworks.ship_again(place.unsnag, place.addresses, send)


def test_prefect_tasks(place: Place) -> None:
    found = place.write("Prefect")
    port = plays.free_port()
    own = {
        "PREFECT_HOME": str(place.world.folder / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
    }
    command = ("prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port))
    with place.world.serving(*command, port=port, OTEL_SDK_DISABLED="true", **own):

        def send(order: str) -> None:
            place.run(*found.commands[0][:2], order, **own)

        frameworks.two_orders(place.unsnag, place.addresses, send)
        frameworks.wait_until(place.unsnag, lambda: len(tries(place)) == 2)
        assert frameworks.the_case(place.unsnag)["step"] == "ship"
        two_tries(place, send)
        frameworks.ship_again(place.unsnag, place.addresses, send, after_s=CLOCKS_AGREE_S)


# --- AWS Lambda ----------------------------------------------------------------------------------


class RuntimeApi:
    """The side of AWS that a function's runtime asks for events."""

    def __init__(self) -> None:
        self._events: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._answers: dict[str, queue.Queue[str]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def invoke(self, order: str) -> str:
        """Let the function work on an order; return `response` or `error`."""
        name = f"invocation-{len(self._answers)}"
        self._answers[name] = queue.Queue()
        self._events.put((name, b'{"order_id": "%b"}' % order.encode()))
        return self._answers[name].get(timeout=60)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                name, body = api._events.get()
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", name)
                self.send_header("Lambda-Runtime-Deadline-Ms", "4102444800000")
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu:1:function:ship")
                self.send_header(
                    "Lambda-Runtime-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0"
                )
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()
                *_, name, what = self.path.split("/")
                api._answers[name].put(what)

        return Handler


def test_lambda_invocations(place: Place) -> None:
    found = place.write("AWS Lambda")
    function = {"AWS_LAMBDA_FUNCTION_NAME": "ship", "AWS_LAMBDA_FUNCTION_VERSION": "1",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "AWS_LAMBDA_LOG_GROUP_NAME": "g",
                "AWS_LAMBDA_LOG_STREAM_NAME": "s", "AWS_REGION": "eu"}  # fmt: skip
    with RuntimeApi() as api, ExitStack() as processes:
        for _ in range(2):
            command = place.serving(*found.commands[0], AWS_LAMBDA_RUNTIME_API=api.address, **function)
            processes.enter_context(command)
        answers = []
        frameworks.two_orders(place.unsnag, place.addresses, lambda order: answers.append(api.invoke(order)))
        assert sorted(answers) == ["error", "response"]
        assert frameworks.the_case(place.unsnag)["step"] == "ship"
        frameworks.ship_again(place.unsnag, place.addresses, api.invoke, after_s=CLOCKS_AGREE_S)
