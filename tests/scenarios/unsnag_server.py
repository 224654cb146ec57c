"""A fresh Unsnag for each replay: the real application and its lifespan, served on a port of this process.

All but the dashboard runs: guard, receiver, collectors, the desk's clock, REST.
"""

from __future__ import annotations

import gc
import shutil
import threading
import time
from typing import TYPE_CHECKING, Any, Self

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware

from server import center as centers
from server.process import Guard, PlainRoutes, Process
from server.settings import load

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from data.store import Store
    from tests.scenarios.capture import Sent

START_S = 30
READ_S = 30


class UnsnagServer:
    """One Unsnag over a folder of its own."""

    def __init__(self, folder: Path, config: str = "") -> None:
        self.folder = folder
        self.incoming = folder / "incoming"
        self.spool = folder / "spool"
        for made in (self.incoming, self.spool):
            made.mkdir(parents=True)
        file = folder / "unsnag.toml"
        file.write_text(config.replace("INCOMING", str(self.incoming)))
        given = ["--data", str(folder / "data"), "--spool", str(self.spool), "--config", str(file)]
        process = Process()
        process.settings = load(given, {})
        app = Starlette(lifespan=process.lifespan, middleware=[Middleware(Guard), Middleware(PlainRoutes)])
        config_ = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", ws="none")
        self._server = uvicorn.Server(config_)
        self._thread = threading.Thread(target=self._server.run)

    def __enter__(self) -> Self:
        self._thread.start()
        until = time.monotonic() + START_S
        while not self._server.started:
            assert self._thread.is_alive(), "the server did not start"
            assert time.monotonic() < until, "the server did not start in time"
            time.sleep(0.005)
        self.http = httpx.Client(base_url=self.address, timeout=30)
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        self._server.should_exit = True
        self._thread.join()
        gc.unfreeze()  # the lifespan freezes what is there, for a process that starts once

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    @property
    def store(self) -> Store:
        """Its store."""
        return centers.current().store

    def get(self, path: str, **params: Any) -> Any:
        """Return the JSON answer of a route."""
        answer = self.http.get(path, params=params)
        answer.raise_for_status()
        return answer.json()

    def send(self, requests: Sequence[Sent]) -> None:
        """Send recorded requests one after the other, each after the answer to the one before."""
        for sent in requests:
            answer = self.http.post(sent.path, content=sent.body, headers=sent.headers)
            assert answer.status_code == 200, answer.text
            assert b"rejected" not in answer.content.lower(), answer.text

    def arrived(self, name: str) -> int:
        """Return in how many traces a span of this name has arrived, plus the log records with this text."""
        spans = self.get("/api/v1/traces", operation=name)["total"]
        return int(spans + self.get("/api/v1/logs", q=name)["total"])

    def follow(self, files: Sequence[Path], *, into: Path) -> None:
        """Copy files to where a collector follows them, and wait until it has read all their lines."""
        for file in files:
            into.joinpath(file.name).write_bytes(file.read_bytes())
        self.wait_until_read(sum(path.stat().st_size for path in into.iterdir()))

    def repeat(self, files: Sequence[Path], *, into: Path) -> None:
        """Copy the same files once more under other names, as a rotation does."""
        before = self._records_seen()
        for file in files:
            shutil.copy(file, into / f"copy-{file.name}")
        lines = sum(len(file.read_bytes().splitlines()) for file in files)
        self._wait(lambda: self._records_seen() >= before + lines)

    def wait_until_read(self, size: int) -> None:
        """Wait until the collectors have read so many bytes of their files."""
        self._wait(lambda: sum(at.byte_offset for at in self.store.file_offsets().values()) >= size)

    def _records_seen(self) -> int:
        return sum(one["records"] + one["duplicates"] for one in self.get("/api/v1/sources")["items"])

    @staticmethod
    def _wait(done: Any) -> None:
        until = time.monotonic() + READ_S
        while not done():
            assert time.monotonic() < until, "the collectors did not read in time"
            time.sleep(0.02)
