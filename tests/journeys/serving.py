"""The real server as a process of its own: start it, ask it, kill it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from tests.waiting import eventually

if TYPE_CHECKING:
    import ssl

ROOT = Path(__file__).parents[2]
READY_S = 180
STUCK = """
import unsnag
unsnag.init(flow="order-to-cash", spool={spool!r})
try:
    money = dict(value=12.5, currency="EUR")
    with unsnag.unit({unit!r}, tenant="acme", **money), unsnag.step("pay", idempotent=True):
        raise TimeoutError("no answer")
except TimeoutError:
    pass
unsnag.flush()
"""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for this machine that signs itself; return it and its key."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(cert),
         "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    key.chmod(0o600)
    return cert, key


@dataclass
class Server:
    """`python app.py` over a folder of its own."""

    folder: Path
    config: Path | None = None
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    cwd: Path = ROOT
    scheme: str = "http"
    trust: ssl.SSLContext | bool = True
    ready_s: float = READY_S
    """How long a start may take."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """The base of all URLs."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def spool(self) -> Path:
        """The folder that scripts write to."""
        return self.folder / "spool"

    @property
    def data(self) -> Path:
        """The folder of the store."""
        return self.folder / "data"

    def start(self, until: int = 200) -> Server:
        """Start, wait until /readyz answers with this status; end it where that does not come."""
        self.launch()
        try:
            self._wait(until)
        except BaseException:
            self.kill()
            raise
        return self

    def launch(self) -> None:
        """Start, and wait for nothing."""
        self.spool.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable,
            str(ROOT / "app.py"),
            "--port",
            str(self.port),
            "--data",
            str(self.data),
            "--spool",
            str(self.spool),
        ]
        command += ["--config", str(self.config)] if self.config else []
        log = (self.folder / "server.log").open("ab")
        self.process = subprocess.Popen(
            command, cwd=self.cwd, stdout=log, stderr=log, env={**os.environ, **self.environment}
        )
        log.close()

    def _wait(self, status: int) -> None:
        log = self.folder / "server.log"
        eventually(lambda: self._answers(status), log.read_text, self.ready_s)

    def _answers(self, status: int) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "server.log").read_text()
        with suppress(httpx.TransportError):
            answer = httpx.get(f"{self.address}/readyz", timeout=2, verify=self.trust)
            # It answers 503 while it starts, without a name of this start.
            return answer.status_code == status and "instance" in answer.json()
        return False

    def command(self, *words: str) -> str:
        """Run a command beside the server, or without it, and return what it printed."""
        given = [sys.executable, "app.py", *words, "--data", str(self.data)]
        run = subprocess.run(given, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
        assert run.returncode == 0, run.stderr
        return run.stdout.strip()

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(60)
        self.process = None

    def get(self, path: str, **params: Any) -> Any:
        """Return the JSON answer of a route."""
        answer = httpx.get(f"{self.address}{path}", params=params, timeout=10)
        answer.raise_for_status()
        return answer.json()
