"""Where foreign programs run: an environment of their own, and a receiver that their exporters send to."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from tests.journeys.serving import free_port
from tests.scenarios.capture import Recording
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.scenarios.capture import Sent

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"
NODE = HERE / "node"
BIN = ROOT / ".venv-scenarios" / "bin"
AIRFLOW = ROOT / ".venv-airflow" / "bin"
"""Airflow has an environment of its own: what it pins is older than what others need."""
READY_S = 900
ENDED_S = 300


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
    bin: Path = BIN
    """Where the programs' environment is."""

    def wait_for(self, *names: str, times: int = 1) -> None:
        """Wait until so many spans or log records of each of these names have arrived."""

        def missing() -> list[str]:
            return [name for name in names if self.arrived(name) < times]

        eventually(lambda: not missing(), lambda: f"{missing()} did not arrive; see {self.folder}")

    def environment(self, **more: str) -> dict[str, str]:
        """Return what a deployment sets: where to send, under which name. Nothing of Unsnag."""
        foreign = ("OTEL_", "UNSNAG_", "TRACE", "BAGGAGE", "PREFECT_", "AIRFLOW_", "PYTHON")
        kept = {key: text for key, text in os.environ.items() if not key.startswith(foreign)}
        return {
            **kept,
            "PATH": f"{self.bin}:{kept['PATH']}",
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
            start_new_session=True,
        )
        try:
            if port is not None:
                _wait_for_port(process, port, Path(log.name))
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(ENDED_S)
            finally:
                # Also what it started and left behind, as `airflow standalone` does.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
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
    def is_open() -> bool:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    eventually(is_open, log.read_text, READY_S)


__all__ = ["AIRFLOW", "BIN", "NODE", "PROGRAMS", "ROOT", "World", "free_port"]
