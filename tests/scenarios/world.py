"""Where foreign programs run: an environment of their own, and a receiver that their exporters send to."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from tests.journeys.serving import free_port
from tests.scenarios.capture import Recording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.scenarios.capture import Sent

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"
NODE = HERE / "node"
BIN = ROOT / ".venv-scenarios" / "bin"
READY_S = 60
ENDED_S = 60
ARRIVED_S = 30


@dataclass
class World:
    """One scenario's programs, its folder and what they sent."""

    folder: Path
    endpoint: str
    """Where programs send: to a capture, or to Unsnag itself."""
    arrived: Callable[[str], int]
    """Tells how many spans of this name, and log records that hold this text, have arrived there."""
    requests: list[Sent] = field(default_factory=list)
    """What the capture has kept."""

    def wait_for(self, *names: str, times: int = 1) -> None:
        """Wait until so many spans or log records of each of these names have arrived."""
        until = time.monotonic() + ARRIVED_S
        while missing := [name for name in names if self.arrived(name) < times]:
            assert time.monotonic() < until, f"{missing} did not arrive; see {self.folder}"
            time.sleep(0.05)

    def environment(self, **more: str) -> dict[str, str]:
        """Return what a deployment sets: where to send, under which name. Nothing of Unsnag."""
        foreign = ("OTEL_", "UNSNAG_", "TRACE", "BAGGAGE", "PREFECT_", "PYTHON")
        kept = {key: text for key, text in os.environ.items() if not key.startswith(foreign)}
        return {
            **kept,
            "PATH": f"{BIN}:{kept['PATH']}",
            "PYTHONPATH": str(PROGRAMS),
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_LOGS_EXPORTER": "otlp",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_BLRP_SCHEDULE_DELAY": "100",
            "UNSNAG_SPOOL": str(self.folder / "spool"),
            **more,
        }

    def run(self, *command: str | Path, code: int = 0, says: str | None = None, **environment: str) -> str:
        """Run a program to its end; return what it printed.

        Raises:
            AssertionError: its exit code is another than `code`.
        """
        done = subprocess.run(
            [str(word) for word in command],
            cwd=self.folder,
            env=self.environment(**environment),
            input=says,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == code, f"{command}\n{done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @contextlib.contextmanager
    def serving(self, *command: str | Path, port: int | None = None, **environment: str) -> Iterator[Any]:
        """Run a server while the block runs, and end it as an operator would: SIGTERM, and wait.

        With `port`, the block begins when the server listens there.
        """
        log = (self.folder / f"{Path(str(command[0])).name}-{port or 0}.log").open("wb")
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=self.folder,
            env=self.environment(**environment),
            stdout=log,
            stderr=log,
        )
        try:
            if port is not None:
                _wait_for_port(process, port, Path(log.name))
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(ENDED_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            finally:
                log.close()

    def post(self, port: int, path: str, **headers: str) -> int:
        """Send a request to a program and return the status."""
        answer = httpx.post(f"http://127.0.0.1:{port}{path}", headers=headers, timeout=30)
        return answer.status_code

    def recording(self, *, files: tuple[str, ...] = ()) -> Recording:
        """Return what the programs left behind, now that they have ended."""
        spool = sorted((self.folder / "spool").glob("*.jsonl")) if (self.folder / "spool").exists() else []
        return Recording(list(self.requests), [self.folder / name for name in files], spool)


def _wait_for_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError(log.read_text())


__all__ = ["BIN", "NODE", "PROGRAMS", "ROOT", "World", "free_port"]
