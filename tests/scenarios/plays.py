"""How each scenario's programs are started, and what is asked of them."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from tests.scenarios.records import records
from tests.scenarios.world import NODE, PROGRAMS, World, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.scenarios.capture import Recording

    Play = Callable[[World], Recording]

CLOCK_OFF_S = 20
CLOCKS_AGREE_S = 2.5
"""A success must be later than a failure by more than two seconds."""
INSTRUMENTED = "opentelemetry-instrument"
_API_LOGS = {"ship": "carrier unreachable", "orders": "order received"}
NODE_TELEMETRY = str(NODE / "telemetry.js")
"""OpenTelemetry's set-up with the processor that writes baggage to spans."""


# --- web servers ---------------------------------------------------------------------------------


def flask(*paths: str) -> Play:
    """Return the play: the Flask shop under gunicorn, auto-instrumented, answers these requests."""
    return partial(_flask, paths=paths)


def _flask(world: World, paths: tuple[str, ...], app: str = "shop:app") -> Recording:
    port = free_port()
    command = (INSTRUMENTED, "gunicorn", "--threads", "4", "--bind", f"127.0.0.1:{port}", app)
    with world.serving(*command, port=port, OTEL_SERVICE_NAME="shop", SHOP_PORT=str(port)):
        for path in paths:
            world.post(port, path)
    return world.recording()


def both(path: str) -> Play:
    """Return the play: a Flask service hooks our client and is auto-instrumented as well."""
    return partial(_flask, paths=(path,), app="hooked_shop:app")


def fastapi(*paths: str) -> Play:
    """Return the play: the FastAPI service under uvicorn, auto-instrumented, answers these requests."""
    return partial(_fastapi, paths=paths)


def _fastapi(world: World, paths: tuple[str, ...]) -> Recording:
    port = free_port()
    command = (INSTRUMENTED, "uvicorn", "--port", str(port), "api:app")
    with world.serving(*command, port=port, OTEL_SERVICE_NAME="api"):
        for path in paths:
            world.post(port, path)
        # uvicorn ends by the signal that it was sent: nothing is flushed at the exit.
        routes = [path.split("/")[1] for path in paths]
        logged = [_API_LOGS[route] for route in routes if route in _API_LOGS]
        world.wait_for(*(f"POST /{route}/{{order_id}}" for route in routes), *logged)
    return world.recording()


def hooked_api(path: str) -> Play:
    """Return the play: a FastAPI service hooks our client, without OpenTelemetry."""
    return partial(_hooked_api, path=path)


def _hooked_api(world: World, path: str) -> Recording:
    port = free_port()
    with world.serving("uvicorn", "--port", str(port), "hooked_api:app", port=port):
        world.post(port, path)
        world.wait_for("unit order-to-cash", "Exception in ASGI application")  # see _fastapi
    return world.recording()


# --- Node ----------------------------------------------------------------------------------------


def node(
    path: str, *, setup: str = "@opentelemetry/auto-instrumentations-node/register", **headers: str
) -> Play:
    """Return the play: an Express service asks a second one, which fails."""
    return partial(_node, path=path, setup=setup, headers=headers)


def _node(world: World, path: str, setup: str, headers: dict[str, str]) -> Recording:
    front, back = free_port(), free_port()
    node_ = ("node", "--require", setup)
    named = {"OTEL_NODE_RESOURCE_DETECTORS": "env", "NODE_PATH": str(NODE / "node_modules")}
    with (
        world.serving(*node_, NODE / "back.js", port=back, PORT=str(back), OTEL_SERVICE_NAME="back", **named),
        world.serving(
            *node_, NODE / "front.js", port=front, PORT=str(front), OTEL_SERVICE_NAME="front",
            PAYMENTS=f"http://127.0.0.1:{back}", **named,
        ),
    ):  # fmt: skip
        world.post(front, path, **headers)
    return world.recording()


# --- scripts -------------------------------------------------------------------------------------


def script(name: str, *words: str, service: str) -> Play:
    """Return the play: a Python program that sets OpenTelemetry up itself runs to its end."""
    return partial(_script, name=name, words=words, service=service)


def _script(world: World, name: str, words: tuple[str, ...], service: str) -> Recording:
    world.run("python", PROGRAMS / name, *words, OTEL_SERVICE_NAME=service)
    return world.recording()


def log_file(name: str, file: str) -> Play:
    """Return the play: a program writes a log file and sends nothing."""
    return partial(_log_file, name=name, file=file)


def _log_file(world: World, name: str, file: str) -> Recording:
    world.run("python", PROGRAMS / name)
    return world.recording(files=(file,))


def prefect(*how: str) -> Play:
    """Return the play: a Prefect flow, instrumented, against a Prefect server that is not."""
    return partial(_prefect, how=how)


def _prefect(world: World, how: tuple[str, ...]) -> Recording:
    port = free_port()
    own = {"PREFECT_HOME": str(world.folder / "prefect"), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    server = ("prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port))
    with world.serving(*server, port=port, OTEL_SDK_DISABLED="true", **own):
        world.run(
            INSTRUMENTED, "python", PROGRAMS / "orchestrated.py", *how, code=1, OTEL_SERVICE_NAME="prices",
            PREFECT_API_URL=f"http://127.0.0.1:{port}/api", **own,
        )  # fmt: skip
    world.wait_for("tonight")
    return world.recording()


# --- our client ----------------------------------------------------------------------------------


def block(how: str, *, code: int = 0) -> Play:
    """Return the play: a script whose unit's block goes as named."""
    return partial(_block, how=how, code=code)


def _block(world: World, how: str, code: int) -> Recording:
    world.run("python", PROGRAMS / "blocks.py", how, code=code)
    return world.recording()


def spooled(how: str) -> Play:
    """Return the play: the same without an endpoint, so that the client writes to its spool folder."""
    return partial(_spooled, how=how)


def _spooled(world: World, how: str) -> Recording:
    world.run("python", PROGRAMS / "blocks.py", how, OTEL_EXPORTER_OTLP_ENDPOINT="")
    return world.recording()


def urllib3_again(world: World) -> Recording:
    """Run a script whose HTTP library tries again, as the other side breaks the first connection."""
    with _breaking_once() as url:
        world.run("python", PROGRAMS / "blocks.py", "urllib3_again", url)
    return world.recording()


@contextmanager
def _breaking_once() -> Iterator[str]:
    """Listen; close the first connection without an answer, and answer the second."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for answer in (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        thread.join()


def under_run(*command: str, flow: str, code: int) -> Play:
    """Return the play: `unsnag run` starts a program of this folder."""
    return partial(_under_run, command=command, flow=flow, code=code)


def _under_run(world: World, command: tuple[str, ...], flow: str, code: int) -> Recording:
    name, *words = command
    world.run("unsnag", "run", "--flow", flow, "--", "python", PROGRAMS / name, *words, code=code)
    return world.recording()


@dataclass(frozen=True)
class Part:
    """One run of one of a flow's programs."""

    words: str
    after_s: float = 0.0
    """How long it begins after the one before: rules about time need time to pass."""
    host: str = "alpha"
    clock: str = ""
    """How far the host's clock is off, as faketime says it."""
    within_s: float = 0.0
    """How long after the begin of the run before it must have ended, or the row proves nothing."""


def parts(*runs: Part) -> Play:
    """Return the play: programs of one flow run one after the other, on their hosts."""
    return partial(_parts, runs=runs)


def _parts(world: World, runs: tuple[Part, ...]) -> Recording:
    began = time.monotonic()
    for run in runs:
        time.sleep(run.after_s)
        before, began = began, time.monotonic()
        off = ("faketime", "-f", run.clock) if run.clock else ()
        world.run(
            *off, "python", PROGRAMS / "part.py", *run.words.split(),
            OTEL_RESOURCE_ATTRIBUTES=f"host.name={run.host}",
        )  # fmt: skip
        took = time.monotonic() - before
        assert not run.within_s or took < run.within_s, f"too slow to prove anything: {took} s"
    _assert_clocks_were_off(world, {run.host for run in runs if run.clock}, {run.host for run in runs})
    return world.recording()


def _assert_clocks_were_off(world: World, hosts: set[str], all_hosts: set[str]) -> None:
    """Refuse a recording in which the clocks of exactly these hosts are not off.

    A record may name the machine itself beside the host that the play gave it.
    """
    off = {
        record.attributes["host.name"]
        for sent in world.requests
        for record in records([sent])
        if abs(sent.at - record.time_ns / 1e9) > CLOCK_OFF_S
    }
    assert off & all_hosts == hosts, f"clocks are off on {off}, not on {hosts}"


# --- queues --------------------------------------------------------------------------------------


@contextmanager
def redis(world: World) -> Iterator[str]:
    """Run Redis while the block runs; give its URL."""
    port = free_port()
    command = ("redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
    with world.serving(*command, port=port):
        yield f"redis://127.0.0.1:{port}/0"


def celery(module: str, *orders: str, span: str) -> Play:
    """Return the play: a Celery worker with two processes takes orders from Redis."""
    return partial(_celery, module=module, orders=orders, span=span)


def _celery(world: World, module: str, orders: tuple[str, ...], span: str) -> Recording:
    with _worker(world, module) as url:
        world.run("python", PROGRAMS / "send_tasks.py", module, *orders, REDIS=url, OTEL_SDK_DISABLED="true")
        world.wait_for(span, times=len(orders))  # each of the two processes has an exporter of its own
    return world.recording()


def celery_group(*orders: str) -> Play:
    """Return the play: a traced job sends a group of orders, and a Celery worker takes them from Redis."""
    return partial(_celery_group, orders=orders)


def _celery_group(world: World, orders: tuple[str, ...]) -> Recording:
    with _worker(world, "tasks") as url:
        job = ("python", PROGRAMS / "group_job.py", *orders)
        world.run(*job, REDIS=url, OTEL_SERVICE_NAME="nightly")
        world.wait_for("run/tasks.ship", times=len(orders))
    return world.recording()


def celery_batch(*again: str) -> Play:
    """Return the play: a Celery group of four fails in part; then these positions are sent again."""
    return partial(_celery_batch, again=again)


def _celery_batch(world: World, again: tuple[str, ...]) -> Recording:
    with _worker(world, "batch_tasks") as url:
        send = ("python", PROGRAMS / "send_batch.py", "B-29")
        sender = {"REDIS": url, "OTEL_SDK_DISABLED": "true"}
        world.run(*send, "down", "0", "1", "2", "3", **sender)
        world.wait_for("run/batch_tasks.ship", times=4)
        if again:
            time.sleep(CLOCKS_AGREE_S)
            world.run(*send, "up", *again, **sender)
            world.wait_for("run/batch_tasks.ship", times=4 + len(again))
    return world.recording()


@contextmanager
def _worker(world: World, module: str) -> Iterator[str]:
    worker = ("celery", "--app", module, "worker", "--concurrency", "2", "--loglevel", "INFO")
    with redis(world) as url, world.serving(*worker, REDIS=url, OTEL_SERVICE_NAME="shipping"):
        yield url


def rq(function: str, *orders: str, instrumented: bool) -> Play:
    """Return the play: an RQ worker works through its queue and ends."""
    return partial(_rq, function=function, orders=orders, instrumented=instrumented)


def _rq(world: World, function: str, orders: tuple[str, ...], *, instrumented: bool) -> Recording:
    with redis(world) as url:
        world.run("python", PROGRAMS / "enqueue.py", function, *orders, REDIS=url)
        # SimpleWorker: the other kind leaves each job by os._exit, and the SDK's last batch with it.
        burst = ("rq", "worker", "--burst", "--worker-class", "rq.SimpleWorker", "--url", url)
        world.run(*((INSTRUMENTED,) if instrumented else ()), *burst, OTEL_SERVICE_NAME="shipping")
    return world.recording()
