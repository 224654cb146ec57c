"""An ASGI application under a real web server, in a thread of the process that tests."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Self

import uvicorn

from tests.waiting import eventually

if TYPE_CHECKING:
    from starlette.types import ASGIApp


class Hosted:
    """Listens on a free port while its block runs, or from `start` to `stop`. Options are uvicorn's."""

    def __init__(self, app: ASGIApp, **options: Any) -> None:
        own = {"host": "127.0.0.1", "port": 0, "log_level": "critical", "ws": "none", **options}
        self._server = uvicorn.Server(uvicorn.Config(app, **own))
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def start(self) -> Self:
        """Begin to listen; return once it does."""
        self._thread.start()
        eventually(lambda: self._server.started or not self._thread.is_alive())
        assert self._server.started, "the server did not start"
        return self

    def stop(self) -> None:
        """Answer what is being asked, and end."""
        self._server.should_exit = True
        self._thread.join()

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    __enter__ = start

    def __exit__(self, *_: object) -> None:
        """End, whatever became of the block."""
        self.stop()
