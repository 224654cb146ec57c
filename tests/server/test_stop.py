"""The server ends as quietly as it ran, also while requests wait for an answer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from server.running import Running
from tests.journeys.serving import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


class Started:
    """`python app.py` in a process group of its own, as a terminal starts it."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        options = ["--port", str(port), "--data", str(self.data), "--spool", str(folder / "spool")]
        self.process = subprocess.Popen(
            [sys.executable, "app.py", *options], cwd=ROOT, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip

    def wait_until_ready(self) -> dict[str, Any]:
        """Return what /readyz answers."""
        while self.process.poll() is None:
            try:
                answer = httpx.get(f"{self.url}/readyz")
            except httpx.TransportError:
                continue
            if answer.status_code == 200:
                return dict(answer.json())
        raise AssertionError(self.process.communicate()[1])

    def interrupt(self) -> tuple[int, str]:
        """Press Ctrl-C; return the exit code and what the terminal shows."""
        os.killpg(self.process.pid, signal.SIGINT)
        printed = self.process.communicate(timeout=60)[1]
        return self.process.returncode, printed


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Started]:
    started = Started(tmp_path)
    yield started
    if started.process.poll() is None:
        os.killpg(started.process.pid, signal.SIGKILL)
        started.process.communicate()


@pytest.mark.slow
def test_ctrl_c_ends_the_server_and_prints_nothing_even_while_a_worker_waits(server: Started) -> None:
    ready = server.wait_until_ready()
    running = Running.find(server.data)
    assert running
    assert running.instance == ready["instance"]
    worker = HTTPConnection(server.url.removeprefix("http://"), timeout=60)
    body = json.dumps({"flows": ["any"], "wait_s": 20, "worker": "w"})
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    worker.request("POST", "/api/v1/retries/lease", body, headers)
    with httpx.stream("GET", f"{server.url}/api/v1/events", timeout=60) as events:
        next(events.iter_raw())  # what was sent before is being worked on by now
        code, printed = server.interrupt()
    assert code == 0
    assert printed == f"Unsnag on {server.url}\n"
    assert worker.getresponse().status == 204
    worker.close()
