"""Ends programs in every bad way, and counts what they reported at a real server.

Between program and server stands a gate that hangs, is gone, or refuses. A program of each run fails one unit
and finishes another one; whatever ended it, ``unsnag flush`` and the server's own follower get the rest.
"""

from __future__ import annotations

import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from collectors.sources import Sources
from tests.client.conftest import clean_environment
from tests.client.server import Server, running
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHUNK = 1 << 16
PROGRAM = """
import os, resource, signal, sys, time, unsnag
unit, end = sys.argv[1:3]
if end == "full disk":
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
unsnag.init(flow="losing", service="losing")

def work(unit=unit):
    try:
        with unsnag.unit(unit, value=5, currency="EUR"):
            with unsnag.step("good"):
                pass
            with unsnag.step("bad"):
                raise ValueError("no stock")
    except ValueError:
        pass
    with unsnag.unit(unit + "-b"):
        pass
    if end == "killed worker":
        os.kill(os.getpid(), signal.SIGKILL)

if end == "killed worker":
    import multiprocessing
    pool = multiprocessing.get_context("fork").Pool(1)
    worker = pool._pool[0]
    pool.apply_async(work)
    worker.join()
    pool.terminate()
else:
    work()
print("ended", flush=True)
if end == "SIGTERM":
    os.kill(os.getpid(), signal.SIGTERM)
if end == "os._exit":
    os._exit(0)
if end == "SIGKILL":
    time.sleep(60)
"""
EXPECTED = Counter(
    ["first failed", "second completed", "unit losing", "unit losing", "step good", "step bad", "case 1",
     "step.failed", "unit.failed"]
)  # fmt: skip


@dataclass
class Gate:
    """What programs take for the server: it forwards, hangs, is gone, or answers with a status."""

    server: int
    how: str = "pass"
    port: int = 0
    _listener: socket.socket | None = None
    _held: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def become(self, how: str) -> None:
        """Behave otherwise from the next connection on."""
        self.how = how
        for each in self._held:
            each.close()
        self._held.clear()
        if how == "dead":
            self._close()
        elif self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port))
            self.port = self._listener.getsockname()[1]
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _close(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def end(self) -> None:
        self.become("dead")

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client = listener.accept()[0]
            except OSError:
                return
            if self.how == "hang":
                self._held.append(client)
            else:
                threading.Thread(target=self._answer, args=(client, self.how), daemon=True).start()

    def _answer(self, client: socket.socket, how: str) -> None:
        with client:
            if how == "pass":
                self._forward(client)
                return
            _read_request(client)
            status = {"401": "401 Unauthorized", "503": "503 Busy\r\nRetry-After: 30"}[how]
            client.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())

    def _forward(self, client: socket.socket) -> None:
        with (
            socket.create_connection(("127.0.0.1", self.server)) as server,
            selectors.DefaultSelector() as both,
        ):
            both.register(client, selectors.EVENT_READ, server)
            both.register(server, selectors.EVENT_READ, client)
            with suppress(OSError):
                while True:
                    for key, _ in both.select():
                        data = key.fileobj.recv(_CHUNK)  # type: ignore[union-attr]
                        if not data:
                            return
                        key.data.sendall(data)


def _read_request(client: socket.socket) -> None:
    """Read a request to its end, or until the client leaves."""
    got = b""
    while not _is_whole(got) and (received := client.recv(_CHUNK)):
        got += received


def _is_whole(got: bytes) -> bool:
    head, end, body = got.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)


@dataclass
class Ended:
    """How a program's run went."""

    exit_s: float
    """From the program's last statement to its process's end."""
    stderr: list[str]
    missing: list[str]


@dataclass
class Scene:
    """A server that follows a spool folder, a gate before it, and the folders of programs."""

    server: Server
    gate: Gate
    folder: Path
    number: int = 0

    def run(self, gate: str, end: str) -> Ended:
        """Run a program once, let the rest of its lines be sent, and count."""
        self.number += 1
        unit = f"SO-{self.number}"
        if gate == "spool":
            own = {"UNSNAG_SPOOL": str(self.server.container.settings.spool)}
        else:
            self.gate.become(gate)
            own = {"UNSNAG_SPOOL": str(self.folder / "outboxes"), "UNSNAG_URL": self.gate.url}
        environment = clean_environment(**own)
        exit_s, stderr = _ended(unit, end, environment)
        if gate != "spool":
            self.gate.become("pass")
            _flush(environment)
        return Ended(exit_s, stderr, self._missing(unit))

    def _missing(self, unit: str) -> list[str]:
        def missing() -> list[str]:
            return sorted((EXPECTED - self._arrived(unit)).elements())

        eventually(lambda: not missing(), missing)
        return [f"{each} twice" for each in (self._arrived(unit) - EXPECTED).elements()]

    def _arrived(self, unit: str) -> Counter[str]:
        failed, done = (self._get(f"/api/v1/units/{name}") for name in (unit, f"{unit}-b"))
        logs = [log["message"] for log in failed["logs"] if log["message"].endswith(".failed")]
        spans = [span["name"] for span in (*failed["spans"], *done["spans"])]
        states = [f"first {failed['state']}", f"second {done['state']}"]
        return Counter([*logs, *spans, *states, *(f"case {case['occurrences']}" for case in failed["cases"])])

    def _get(self, path: str) -> dict[str, Any]:
        answer = self.server.http.get(path)
        nothing: dict[str, Any] = {"logs": [], "spans": [], "cases": [], "state": "unknown"}
        return answer.json() if answer.is_success else nothing


def _ended(unit: str, end: str, environment: dict[str, str]) -> tuple[float, list[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, unit, end],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ended\n"
    ended = time.monotonic()
    if end == "SIGKILL":
        time.sleep(0.2)
        os.kill(process.pid, signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    return time.monotonic() - ended, errors.splitlines()


def _flush(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "unsnag", "flush"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


@contextmanager
def scene(folder: Path) -> Iterator[Scene]:
    with running(folder) as server:
        settings = server.container.settings
        server.container.collectors = Sources(server.container.store, settings.collectors, settings.spools)
        server.container.collectors.start()
        gate = Gate(int(str(server.http.base_url).rpartition(":")[2].strip("/")))
        gate.become("pass")
        try:
            yield Scene(server, gate, folder)
        finally:
            gate.end()
            server.container.collectors.stop()
