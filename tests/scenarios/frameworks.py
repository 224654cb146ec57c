"""The examples of docs/frameworks.md as real programs, and the orders that are given to them.

Every example ships orders: it reads the address of an order from the folder ``addresses``. An order without
an address fails. The address of an order may be a pipe: then the work on that order waits in the middle of
its block until the test writes the address. So two orders are at work at the same time on any machine.
"""

from __future__ import annotations

import os
import re
import shlex
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.scenarios.world import ROOT, World
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.scenarios.unsnag_server import UnsnagServer

    Send = Callable[[str], object]

GUIDE = ROOT / "docs" / "frameworks.md"
STATED_S = 300
CLOCKS_AGREE_S = 2.5
"""A success of another process must be later than a failure by more than two seconds."""
_BLOCKS = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Example:
    """What the guide shows under one heading."""

    files: dict[str, str]
    """Code by the file's name, which its first line states."""
    commands: list[list[str]]
    """Lines after a prompt."""

    def write(self, folder: Path) -> None:
        """Write its files, word for word."""
        for name, code in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(code)


def example(heading: str) -> Example:
    """Return what the guide shows under a heading."""
    _, found, rest = GUIDE.read_text().partition(f"\n## {heading}\n")
    assert found, heading
    blocks = _BLOCKS.findall(rest.partition("\n## ")[0])
    codes = [code for language, code in blocks if language == "python"]
    lines = [line for language, text in blocks if language == "console" for line in text.splitlines()]
    return Example(
        {code.splitlines()[0].removeprefix("# "): code for code in codes if code.startswith("# ")},
        [shlex.split(line.removeprefix("$ ")) for line in lines if line.startswith("$ ")],
    )


@dataclass
class Addresses:
    """The folder that the examples read."""

    folder: Path
    held: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir()

    def add(self, order: str) -> None:
        """Let an order have an address."""
        (self.folder / order).unlink(missing_ok=True)
        (self.folder / order).write_text("1 High Street")

    def hold(self, order: str) -> None:
        """Let the work on an order wait."""
        os.mkfifo(self.folder / order)

    def release(self, order: str, address: bytes = b"1 High Street") -> None:
        """Let it go on, once the program has opened the pipe."""
        pipe = self._opened(order)
        os.write(pipe, address)
        os.close(pipe)

    def replace(self, order: str, address: bytes) -> None:
        """Let it go on with this address, and let the next try find another one."""
        pipe = self._opened(order)
        self.add(order)
        os.write(pipe, address)
        os.close(pipe)

    def _opened(self, order: str) -> int:

        def pipe() -> int | None:
            with suppress(OSError):  # nobody reads yet
                return os.open(self.folder / order, os.O_WRONLY | os.O_NONBLOCK)
            return None

        return eventually(pipe, lambda: f"the program does not read the address of {order}", STATED_S) or 0


def stated(server: UnsnagServer) -> dict[str, str]:
    """Return how the server says that each unit ended."""
    sql = "select correlation_id, outcome from unit"
    rows = server.store.act(lambda tx: tx.execute(sql)).result()
    return {row["correlation_id"]: row["outcome"] for row in rows}


def cases(server: UnsnagServer) -> list[dict[str, Any]]:
    """Return all cases of whatever state."""
    found: list[dict[str, Any]] = server.get("/api/v1/cases", limit=1000)["items"]
    return [server.get(f"/api/v1/cases/{case['id']}") for case in found]


def wait_until(server: UnsnagServer, is_so: Callable[[], bool]) -> None:
    """Wait until something is stated."""
    eventually(is_so, lambda: _account(server), STATED_S)


def _account(server: UnsnagServer) -> str:
    """Return what is known, for a test that waited in vain."""
    brief = [
        tuple(case.get(name) for name in ("correlation_id", "state", "message", "note"))
        for case in cases(server)
    ]
    sql = "select name, correlation_id, outcome, status, seq, instance, end_time from span order by end_time"
    spans = server.store.act(lambda tx: tx.execute(sql)).result()
    return "\n".join(map(str, [stated(server), *brief, *spans]))


def wait_for(server: UnsnagServer, **outcomes: str) -> None:
    """Wait until units ended so; an ID is written with an underscore: ``SO_1="success"``."""
    wanted = {name.replace("_", "-"): outcome for name, outcome in outcomes.items()}
    wait_until(server, lambda: wanted.items() <= stated(server).items())


def two_orders(server: UnsnagServer, addresses: Addresses, send: Send) -> None:
    """Give a program SO-1, which waits, and SO-2, which fails meanwhile; then let SO-1 go on."""
    addresses.hold("SO-1")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(send, "SO-1")
        try:
            wait_for(server, SO_1="in_flight")
            send("SO-2")
            wait_for(server, SO_2="failed")
            assert stated(server)["SO-1"] == "in_flight"
        finally:
            addresses.release("SO-1")
        first.result()
    wait_for(server, SO_1="success", SO_2="failed")


def the_case(server: UnsnagServer, order: str = "SO-2") -> dict[str, Any]:
    """Return the only case, once all that belongs to it has come: of this order, and of what was raised."""
    wanted = [(order, 1)]
    wait_until(
        server, lambda: [(case["correlation_id"], case["occurrences"]) for case in cases(server)] == wanted
    )
    found = cases(server)
    assert len(found) == 1, [(case["correlation_id"], case["title"], case["message"]) for case in found]
    (case,) = found
    assert "FileNotFoundError" in str(case)
    return case


def ship_again(
    server: UnsnagServer, addresses: Addresses, send: Send, order: str = "SO-2", *, after_s: float = 0
) -> None:
    """Let the order that failed have an address, and give it to the program again: it is recovered."""
    time.sleep(after_s)
    addresses.add(order)
    send(order)
    wait_until(server, lambda: cases(server)[0]["state"] == "recovered")
    assert the_case(server, order)["state"] == "recovered"
    assert stated(server)[order] == "success"


def world(folder: Path, server: UnsnagServer) -> tuple[World, Addresses]:
    """Return where an example runs, and the addresses that it reads."""
    folder.mkdir()
    return World(folder, server.address, server.arrived), Addresses(folder / "addresses")
