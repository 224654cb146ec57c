"""The demonstration: the server, a back-dated week, and all example automations at work beside it.

Started by ``make demo``; Ctrl-C stops everything. What the programs print is in ``examples/var/output``.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable

Process: TypeAlias = "subprocess.Popen[bytes]"

ROOT = Path(__file__).parents[1]
EXPORT = (
    "run", "--flow", "nightly-export", "--service", "nightly-export",
    "--step", "export-invoices", "--idempotent", "--", "examples/nightly_export/export.sh",
)  # fmt: skip
PATIENCE_S = 60.0
PROGRAMS = (
    "order_to_cash.shop_intake",
    "order_to_cash.credit_check",
    "order_to_cash.stock",
    "order_to_cash.payment",
    "order_to_cash.invoice",
    "order_to_cash.storefront",
    "order_to_cash.backoffice",
    "shipping.shipping",
    "returns.returns_desk",
)
RETRIED = ("order_to_cash", "nightly_export")


@dataclass
class Child:
    """A process that is started again when it ends: a crash with a note, a scheduled job in silence."""

    name: str
    command: list[str]
    every_s: float | None = None
    process: Process | None = None
    due: float = 0.0
    crashes: int = 0

    def look_after(self, now: float, start: Callable[[str, list[str]], Process]) -> None:
        """Start the process when it is due; notice when it has ended."""
        if self.process is None and now >= self.due:
            self.process = start(self.name, self.command)
            self.due = now + self.every_s if self.every_s else now
        elif self.process is not None and self.process.poll() is not None:
            if self.every_s is None:
                self._note_crash(now)
            self.process = None

    def stop(self) -> None:
        """Ask the process to leave."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def wait(self, until: float) -> None:
        """Wait for the end; whoever does not leave in time is killed."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _note_crash(self, now: float) -> None:
        self.crashes += 1
        pause = min(30, 2**self.crashes)
        self.due = now + pause
        code = self.process.returncode if self.process else None
        say(f"{self.name} ended with code {code}; it starts again in {pause} s")


@dataclass
class Demo:
    """All processes of the demonstration, and their end."""

    arguments: argparse.Namespace
    stopping: threading.Event = field(default_factory=threading.Event)
    children: list[Child] = field(default_factory=list)

    def run(self) -> int:
        """Start the server, load the week, then keep the automations alive until somebody says stop."""
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, lambda *_: self.stopping.set())
        try:
            if not self.arguments.no_server:
                self.children.append(Child("server", self.server_command()))
            if not self.wait_until_ready():
                return 1
            self.load_week()
            self.children += self.automations()
            say(f"ready: {self.url}  (Ctrl-C stops everything)")
            while not self.stopping.wait(0.5):
                self.look_after()
        finally:
            self.stop()
        return 0

    @property
    def url(self) -> str:
        """Return the server's address."""
        return f"http://{self.arguments.host}:{self.arguments.port}"

    def server_command(self) -> list[str]:
        """Return how the server is started."""
        named = ("host", "port", "spool", "data", "config")
        options = [part for name in named for part in (f"--{name}", str(getattr(self.arguments, name)))]
        return [sys.executable, "app.py", *options]

    def wait_until_ready(self) -> bool:
        """Wait for the server; say so when it does not come."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and not self.stopping.wait(0.3):
            self.look_after()
            if ready(self.url):
                return True
        if not self.stopping.is_set():
            say(f"{self.url}/readyz did not answer within {PATIENCE_S:.0f} s")
        return False

    def load_week(self) -> None:
        """Run the back-dated week, unless this store has it."""
        marker = Path(self.arguments.data) / "demo-week"
        if marker.exists() or self.arguments.no_week or self.stopping.is_set():
            return
        say("running a week of the automations on a simulated clock: about half a minute")
        week = self.start("week", [sys.executable, "-m", "examples.backfill"])
        while week.poll() is None and not self.stopping.wait(0.2):
            self.look_after()
        if week.poll() is None:
            week.terminate()
        if week.wait() == 0:
            marker.parent.mkdir(parents=True, exist_ok=True)
            marker.touch()
        elif not self.stopping.is_set():
            say("the week could not be loaded; examples/var/output/week.log says why")

    def automations(self) -> list[Child]:
        """Return the programs of the live part."""
        gateway = ["examples.order_to_cash.gateway", "--port", str(self.arguments.gateway_port)]
        return [
            python("gateway", *gateway),
            *(python(name, f"examples.{name}") for name in PROGRAMS),
            *(
                python(f"worker {name}", "unsnag", "worker", f"examples/{name}/handlers.py")
                for name in RETRIED
            ),
            python("nightly-export", "unsnag", *EXPORT, every_s=90.0),
        ]

    def look_after(self) -> None:
        """Start what is due, note what has ended."""
        for child in self.children:
            child.look_after(time.monotonic(), self.start)

    def start(self, name: str, command: list[str]) -> Process:
        """Start a process; only the server may write to the terminal."""
        options: dict[str, Any] = {"cwd": ROOT, "env": self.environment(), "start_new_session": True}
        if name == "server":
            return subprocess.Popen(command, **options)  # noqa: S603 - our own programs
        with (var("output") / f"{name}.log").open("ab") as file:
            return subprocess.Popen(command, stdout=file, stderr=file, **options)  # noqa: S603

    def environment(self) -> dict[str, str]:
        """Return what the children find in their environment."""
        return {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "EXAMPLES_VAR": str(var().absolute()),
            "UNSNAG_SPOOL": str(Path(self.arguments.spool).absolute()),
            "UNSNAG_URL": self.url,
            "EXAMPLES_OTLP": self.url,
            "EXAMPLES_GATEWAY": f"http://127.0.0.1:{self.arguments.gateway_port}",
        }

    def stop(self) -> None:
        """Stop the automations, then the server, so that nothing they said is lost."""
        say("stopping")
        for group in (self.children[1:], self.children[:1]):
            for child in group:
                child.stop()
            deadline = time.monotonic() + 10.0
            for child in group:
                child.wait(deadline)


def var(*parts: str) -> Path:
    """Return a folder of the programs' own data."""
    path = Path(os.environ.get("EXAMPLES_VAR", ROOT / "examples" / "var"), *parts)
    path.mkdir(parents=True, exist_ok=True)
    return path


def python(name: str, module: str, *options: str, every_s: float | None = None) -> Child:
    """Return a child that runs a module."""
    return Child(name, [sys.executable, "-m", module, *options], every_s)


def ready(url: str) -> bool:
    """Ask whether the server is ready."""
    try:
        return httpx.get(f"{url}/readyz", timeout=2.0).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def say(text: str) -> None:
    """Tell the person at the terminal."""
    sys.stderr.write(f"demo: {text}\n")
    sys.stderr.flush()


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--gateway-port", type=int, default=8510)
    parser.add_argument("--spool", default="data/var/spool", help="where the automations' telemetry goes")
    parser.add_argument("--data", default="data/var", help="where the server keeps its store")
    parser.add_argument("--config", default="examples/unsnag.toml", help="the server's settings")
    parser.add_argument("--no-server", action="store_true", help="use a server that runs already")
    parser.add_argument("--no-week", action="store_true", help="do not load the back-dated week")
    return parser.parse_args()


def main() -> int:
    """Run, unless the folder of the programs' data is in use already."""
    told = arguments()
    with (var() / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another demo runs with {var()}; stop it, or set EXAMPLES_VAR to another folder")
            return 2
        return Demo(told).run()


if __name__ == "__main__":
    sys.exit(main())
