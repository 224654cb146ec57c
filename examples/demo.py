"""The demonstration: eight weeks of history, then the server, and all example automations at work beside it.

Started by ``make demo``; Ctrl-C stops everything. What the programs print is in ``examples/var/output``.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import httpx

from examples import storage
from server.running import Running

if TYPE_CHECKING:
    from collections.abc import Callable

Process: TypeAlias = "subprocess.Popen[bytes]"

ROOT = Path(__file__).parents[1]
EXPORT = (
    "run", "--flow", "nightly-export", "--service", "nightly-export",
    "--step", "export-invoices", "--idempotent", "--", "examples/nightly_export/export.sh",
)  # fmt: skip
EXPORT_AT_S = 2 * 3600.0
DAY_S = 86_400.0
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
        """Wait for the end; a process that does not end in time is killed."""
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
    busy_hour: float = field(default_factory=lambda: time.time() % DAY_S / 3600)
    """In UTC: the shop is busiest when somebody looks."""

    def run(self) -> int:
        """Make the history, start the server, then keep the automations alive until somebody says stop."""
        started = time.monotonic()
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, lambda *_: self.stopping.set())
        try:
            if not self.make_history():
                return 1
            if not self.arguments.no_server:
                say("starting the server")
                self.children.append(Child("server", self.server_command()))
            if not self.wait_until_ready():
                return 0 if self.stopping.is_set() else 1
            self.children += self.automations()
            say(f"{time.monotonic() - started:.0f} s after the start:")
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
            if self.is_ready():
                return True
        if not self.stopping.is_set():
            say(f"{self.url}/readyz did not answer within {PATIENCE_S:.0f} s")
        return False

    def is_ready(self) -> bool:
        """Ask whether the server is ready: the one that we started, and no other that answers there."""
        try:
            answer = httpx.get(f"{self.url}/readyz", timeout=2.0)
        except httpx.HTTPError:
            return False
        if answer.status_code != httpx.codes.OK:
            return False
        running = Running.find(Path(self.arguments.data))
        return self.arguments.no_server or (
            running is not None and running.instance == answer.json().get("instance")
        )

    def make_history(self) -> bool:
        """Run the weeks before today, unless this store is in use already; say whether to go on."""
        data = Path(self.arguments.data)
        if self.arguments.no_history or self.arguments.no_server:
            return True
        if any(data.glob("*.duckdb")):
            say(f"{data} holds a store already: no new history is made")
            return True
        say("running eight weeks of the automations, and of their operators, on a simulated clock")
        command = [sys.executable, "-m", "examples.history", "--data", str(data)]
        history = self.start("history", [*command, "--config", self.arguments.config])
        while history.poll() is None and not self.stopping.wait(0.2):
            pass
        if history.poll() is None:
            history.terminate()
        if history.wait() and not self.stopping.is_set():
            say(f"the history could not be made; {var('output')}/history.log says why")
            return False
        return not self.stopping.is_set()

    def automations(self) -> list[Child]:
        """Return the programs of the live part."""
        gateway = ["examples.order_to_cash.gateway", "--port", str(self.arguments.gateway_port)]
        return [
            python("gateway", *gateway),
            *(python(name, f"examples.{name}") for name in PROGRAMS),
            *(
                python(
                    f"worker {name}", "unsnag", "worker", "--url", self.url, f"examples/{name}/handlers.py"
                )
                for name in RETRIED
            ),
            Child("nightly-export", [sys.executable, "-m", "unsnag", *EXPORT], DAY_S, due=tonight()),
        ]

    def look_after(self) -> None:
        """Start what is due, note what has ended."""
        for child in self.children:
            child.look_after(time.monotonic(), self.start)

    def start(self, name: str, command: list[str]) -> Process:
        """Start a process; only the server, and how far the history is, goes to the terminal."""
        options: dict[str, Any] = {"cwd": ROOT, "env": self.environment(), "start_new_session": True}
        if name == "server":
            options["env"] |= storage.collected()
            return subprocess.Popen(command, **options)  # noqa: S603 - our own programs
        with (var("output") / f"{name}.log").open("ab") as file:
            if name == "history":
                return subprocess.Popen(command, stdout=sys.stderr, stderr=file, **options)  # noqa: S603
            return subprocess.Popen(command, stdout=file, stderr=file, **options)  # noqa: S603

    def environment(self) -> dict[str, str]:
        """Return what the children find in their environment."""
        named = {
            name: text for name, text in os.environ.items() if name != "UNSNAG_URL"
        }  # they use the spool
        return {
            **named,
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "EXAMPLES_VAR": str(var().absolute()),
            "UNSNAG_SPOOL": str(Path(self.arguments.spool).absolute()),
            "EXAMPLES_BUSY_HOUR": f"{self.busy_hour:.2f}",
            "EXAMPLES_OTLP": self.url,
            "EXAMPLES_GATEWAY": f"http://127.0.0.1:{self.arguments.gateway_port}",
        }

    def stop(self) -> None:
        """Stop the automations, then the server, so that none of their records is lost."""
        say("stopping")
        for group in (self.children[1:], self.children[:1]):
            for child in group:
                child.stop()
            deadline = time.monotonic() + 10.0
            for child in group:
                child.wait(deadline)
        say("stopped")


def tonight() -> float:
    """Return when the nightly script is due next, in monotonic seconds."""
    return time.monotonic() + (EXPORT_AT_S - time.time()) % DAY_S


def var(*parts: str) -> Path:
    """Return a folder of the programs' own data."""
    os.environ.setdefault("EXAMPLES_VAR", str(ROOT / "examples" / "var"))
    return storage.folder(*parts)


def python(name: str, module: str, *options: str, every_s: float | None = None) -> Child:
    """Return a child that runs a module."""
    return Child(name, [sys.executable, "-m", module, *options], every_s)


def taken(host: str, port: int) -> str | None:
    """Return why a port cannot be listened on; None if it can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.strerror
    return None


def say(text: str) -> None:
    """Print a line for the person at the terminal."""
    sys.stderr.write(f"demo: {text}\n")
    sys.stderr.flush()


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--gateway-port", type=int, help="the payment gateway's port; 9 above --port")
    parser.add_argument("--spool", default="data/var/spool", help="where the automations' telemetry goes")
    parser.add_argument("--data", default="data/var", help="where the server keeps its store")
    parser.add_argument("--config", default="examples/unsnag.toml", help="the server's settings")
    parser.add_argument("--no-server", action="store_true", help="use a server that runs already")
    parser.add_argument("--no-history", action="store_true", help="start without the weeks before today")
    given = parser.parse_args()
    given.gateway_port = given.gateway_port or given.port + 9
    return given


def refusal(given: argparse.Namespace) -> str | None:
    """Return why the demonstration cannot run on its ports; None if it can."""
    if not given.no_server and (reason := taken(given.host, given.port)):
        return (
            f"{given.host}:{given.port} cannot be used: {reason}. Nothing was changed. "
            "Stop the program that uses it, or choose another port: make demo PORT=8600"
        )
    if reason := taken("127.0.0.1", given.gateway_port):
        return (
            f"127.0.0.1:{given.gateway_port}, for the payment gateway, cannot be used: {reason}. "
            "Nothing was changed. Choose another port with --gateway-port, or for both: make demo PORT=8600"
        )
    return None


def main() -> int:
    """Run, unless a port or the folder of the programs' data is in use already."""
    given = arguments()
    if reason := refusal(given):
        say(reason)
        return 2
    with (var() / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another demo runs with {var()}; stop it, or set EXAMPLES_VAR to another folder")
            return 2
        return Demo(given).run()


if __name__ == "__main__":
    sys.exit(main())
