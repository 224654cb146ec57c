"""Open queue pages while exceptions change: CPU of the server, script runs, and how long an act takes.

A page is what a browser keeps open: Streamlit's socket, the event stream, the strip every five seconds, and
what the page does when a case changes. `rerun` runs the script of the page's fragment, as a page does that
draws its table itself; `fetch` asks for the rows, as the queue's component does. The acts are claims and
releases by REST, five a second.
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
import time
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect

from bench.figures import line, percentile
from bench.groups import fill
from data.store import Store
from server.identity import HEADER
from tests.journeys.serving import Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from websockets.asyncio.client import ClientConnection

PAGES: Final = 50
STORED: Final = 1_042
"""Of which 4 % have recovered: 1,000 are open."""
ACTS_PER_S: Final = 5
LASTS_S: Final = 20
STRIP_S: Final = 5
_PAUSE_S: Final = 0.4
"""What a page that runs again waits for, so that a burst makes one run."""
_SETTLES_S: Final = 5
_WAIT_S: Final = 300
_LOOKS: Final = 100


@dataclass
class Page:
    """One open page, without a browser."""

    server: Server
    way: str
    who: str
    """Each is another person: one may hold fifty streams open."""
    runs: int = 0
    fetched: int = 0
    tag: str | None = None
    _fragments: dict[float, str] = field(default_factory=dict)
    _running: asyncio.Lock = field(default_factory=asyncio.Lock)
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[tuple[httpx.AsyncClient, ClientConnection]]:
        """Give a client and the page's socket, on which the script has run once."""
        address = f"ws://127.0.0.1:{self.server.port}/_stcore/stream"
        named, own = {HEADER: self.who}, self.server.address
        async with (
            httpx.AsyncClient(base_url=own, timeout=_WAIT_S, headers=named) as http,
            connect(
                address, subprotocols=["streamlit"], max_size=None, origin=own, additional_headers=named
            ) as socket,
        ):  # fmt: skip
            listening = asyncio.create_task(self._listen(socket))
            try:
                await self.run(socket)
                yield http, socket
            finally:
                listening.cancel()

    async def open(self) -> None:
        """Stay open until cancelled."""
        async with self.connected() as (http, socket), asyncio.TaskGroup() as tasks:
            tasks.create_task(self._strip(socket))
            tasks.create_task(self._follow(http, socket))

    async def _listen(self, socket: ClientConnection) -> None:
        async for sent in socket:
            message = ForwardMsg.FromString(sent)
            kind = message.WhichOneof("type")
            if kind == "auto_rerun":
                self._fragments[message.auto_rerun.interval] = message.auto_rerun.fragment_id
            elif kind == "script_finished":
                self._ended.set()

    async def run(self, socket: ClientConnection, fragment: str = "") -> None:
        """Run the script, or one of its fragments, to its end."""
        message = BackMsg()
        message.rerun_script.fragment_id = fragment
        async with self._running:
            self._ended.clear()
            await socket.send(message.SerializeToString())
            await self._ended.wait()
        self.runs += 1

    async def _strip(self, socket: ClientConnection) -> None:
        await asyncio.sleep(random.random() * STRIP_S)
        while True:
            await self.run(socket, self._fragments[STRIP_S])
            self.runs -= 1
            await asyncio.sleep(STRIP_S)

    async def _follow(self, http: httpx.AsyncClient, socket: ClientConnection) -> None:
        moved = asyncio.Event()
        reading = asyncio.create_task(_events(http, moved))
        try:
            while True:
                await moved.wait()
                await asyncio.sleep(_PAUSE_S if self.way == "rerun" else random.uniform(0.15, 0.5))
                moved.clear()
                await self.look(http, socket)
                if self.way == "fetch":
                    await asyncio.sleep(random.uniform(0.7, 1.1))
        finally:
            reading.cancel()

    async def look(self, http: httpx.AsyncClient, socket: ClientConnection) -> None:
        """Do what the page does when a case has changed."""
        if self.way == "rerun":
            await self.run(socket, self._fragments[60])
            return
        headers = {"If-None-Match": self.tag} if self.tag else {}
        answer = await http.get("/api/v1/queue", headers=headers)
        assert answer.status_code in (200, 304), answer.text
        self.tag = answer.headers["etag"]
        self.fetched += 1


async def _events(http: httpx.AsyncClient, moved: asyncio.Event) -> None:
    async with http.stream("GET", "/api/v1/events", params={"topic": "case"}) as stream:
        async for text in stream.aiter_lines():
            if text.startswith("event: case"):
                moved.set()


@dataclass
class Result:
    """What a while with open pages cost."""

    cores: float
    acts: list[float]
    runs: int
    fetched: int


def main() -> None:
    """Fill a store, start the server, and print the figures of both ways."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        server = Server(Path(name))
        server.data.mkdir(parents=True)
        Store.open(server.data).close()
        fill(server.data, STORED)
        server.start()
        try:
            ways = os.environ.get("BENCH_WAYS", "rerun,fetch").split(",")
            for way in ways:
                spent = asyncio.run(_of_one(server, way))
                line(f"what one page does at a change, {way}: CPU of the server", f"{1000 * spent:.1f} ms")
            for way in ways:
                _print(way, asyncio.run(_measure(server, way)))
        finally:
            server.kill()


def _print(way: str, found: Result) -> None:
    acts = sorted(found.acts)
    line(f"{PAGES} pages, {way}: cores of the server", f"{found.cores:.2f}")
    line(f"{PAGES} pages, {way}: an act, p50", f"{1000 * percentile(acts, 0.5):.0f} ms")
    line(f"{PAGES} pages, {way}: an act, p95", f"{1000 * percentile(acts, 0.95):.0f} ms", "500 ms")
    changes = len(acts)
    line(
        f"{PAGES} pages, {way}: script runs and requests a change and page",
        f"{found.runs / changes / PAGES:.2f} and {found.fetched / changes / PAGES:.2f}",
    )


async def _of_one(server: Server, way: str) -> float:
    """Return the CPU seconds that a page costs the server each time it looks again."""
    page = Page(server, way, "reader")
    async with page.connected() as (http, socket):
        before = _cpu_s(server)
        for _ in range(_LOOKS):
            page.tag = None  # each answer is sent as a whole
            await page.look(http, socket)
        return (_cpu_s(server) - before) / _LOOKS


async def _measure(server: Server, way: str) -> Result:
    pages = [Page(server, way, f"reader-{number}") for number in range(PAGES)]
    tasks = [asyncio.create_task(page.open()) for page in pages]
    try:
        while not all(page.runs for page in pages):
            for task in tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.1)
        await asyncio.sleep(_SETTLES_S)
        runs, fetched = sum(page.runs for page in pages), sum(page.fetched for page in pages)
        before, began = _cpu_s(server), time.perf_counter()
        acts = await _act(server)
        cores = (_cpu_s(server) - before) / (time.perf_counter() - began)
        runs, fetched = sum(page.runs for page in pages) - runs, sum(page.fetched for page in pages) - fetched
        for task in tasks:
            if task.done():
                task.result()
        return Result(cores, acts, runs, fetched)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _act(server: Server) -> list[float]:
    """Claim and release at a steady pace; return how long each took, from when it was due."""
    async with httpx.AsyncClient(base_url=server.address, timeout=120) as http:
        ids = [case["id"] for case in (await http.get("/api/v1/cases?state=open&limit=50")).json()["items"]]
        locks = [asyncio.Lock() for _ in ids]
        began, acts = time.perf_counter(), []
        for number in range(ACTS_PER_S * LASTS_S):
            await asyncio.sleep(max(0.0, began + number / ACTS_PER_S - time.perf_counter()))
            verb = "claim" if number // len(ids) % 2 == 0 else "release"
            place = number % len(ids)
            act = _one(http, f"/api/v1/cases/{ids[place]}/{verb}", locks[place], began + number / ACTS_PER_S)
            acts.append(asyncio.create_task(act))
        return await asyncio.gather(*acts)


async def _one(http: httpx.AsyncClient, path: str, lock: asyncio.Lock, due: float) -> float:
    async with lock:  # a release waits for its claim
        answer = await http.post(path, headers={"Idempotency-Key": uuid.uuid4().hex})
    assert answer.status_code == 200, answer.text
    return time.perf_counter() - due


def _cpu_s(server: Server) -> float:
    assert server.process is not None
    fields = Path(f"/proc/{server.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
