"""A fresh Unsnag for each replay: the real application and its lifespan, served on a port of this process.

All but the dashboard runs: guard, receiver, collectors, the clock of cases, REST.
"""

from __future__ import annotations

import gc
import shutil
from typing import TYPE_CHECKING, Any, Self

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware

from server import container as containers
from server.process import Guard, PlainRoutes, Process
from server.settings import load
from tests.hosted import Hosted
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from data.store import Store
    from tests.scenarios.capture import Sent


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
        self._hosted = Hosted(app)

    def __enter__(self) -> Self:
        self._hosted.start()
        self.http = httpx.Client(base_url=self.address, timeout=30)
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        self._hosted.stop()
        gc.unfreeze()  # the lifespan freezes what is there, for a process that starts once

    @property
    def address(self) -> str:
        """Where it listens."""
        return self._hosted.address

    @property
    def store(self) -> Store:
        """Its store."""
        return containers.current().store

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
        """Return how many spans of this name have arrived, plus the log records with this text."""
        sql = (
            "select (select count(*) from span where name = $name)"
            " + (select count(*) from log where contains(message, $name)) as arrived"
        )
        (row,) = self.store.act(lambda tx: tx.execute(sql, {"name": name})).result()
        return int(row["arrived"])

    def follow(self, files: Sequence[Path], *, into: Path) -> None:
        """Copy files to where a collector follows them, and wait until it has read all their lines."""
        for file in files:
            into.joinpath(file.name).write_bytes(file.read_bytes())
        # Hidden files are the server's own: the notice that it follows this folder.
        copies = (path for path in into.iterdir() if not path.name.startswith("."))
        self.wait_until_read(sum(path.stat().st_size for path in copies))

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
        eventually(done, lambda: "the collectors did not read in time")
