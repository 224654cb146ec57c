"""Start and stop: the store, the collectors and the desk's clock live as long as the ASGI lifespan."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import threading
from typing import TYPE_CHECKING, Any, Final

from collectors import otlp
from collectors.sources import Sources
from data.errors import UnsnagError
from desk.sweep import sweep
from server import center as centers
from server.api.app import build
from server.center import Center
from server.identity import LocalIdentity
from server.settings import load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp, Receive, Scope, Send

    from server.settings import Settings

_LOG: Final = logging.getLogger("unsnag.server")
_SWEEP_S: Final = 1.0
_API_PREFIXES: Final = ("/api/", "/v1/", "/healthz", "/readyz", "/metrics")


class Process:
    """One running Unsnag: what the ASGI application starts, and stops again."""

    def __init__(self) -> None:
        self.settings: Settings | None = None
        """Set before the start; the environment's are taken otherwise."""
        self._stopping = threading.Event()

    @contextlib.asynccontextmanager
    async def lifespan(self, _app: Any) -> AsyncIterator[None]:
        """Open everything, serve, and close everything in the reverse order."""
        # Streamlit turns the narration of its own server on, a line a request.
        for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
            logging.getLogger(name).setLevel(logging.WARNING)
        settings = self.settings or load([])
        center = await asyncio.to_thread(Center.open, settings)
        center.collecting = Sources(center.store, settings.collectors, settings.spool)
        centers.install(center)
        center.collecting.start()
        clock = threading.Thread(target=self._tick, args=(center,), name="desk-clock", daemon=True)
        clock.start()
        # Streamlit would otherwise walk all imported modules after each script run: 104 against 16 ms.
        gc.collect()
        gc.freeze()
        try:
            yield
        finally:
            await asyncio.to_thread(self._close, center, clock)

    def _close(self, center: Center, clock: threading.Thread) -> None:
        self._stopping.set()
        clock.join()
        if center.collecting:
            center.collecting.stop()
        centers.install(None)
        center.store.close()

    def _tick(self, center: Center) -> None:
        limits = center.settings.desk.limits()
        while not self._stopping.wait(_SWEEP_S):
            try:
                sweep(center.store, limits)
            except UnsnagError as error:
                _LOG.warning("desk.sweep_failed reason=%s", error)


class PlainRoutes:
    """ASGI middleware: REST, OTLP and health go to the plain application, the rest to the dashboard."""

    def __init__(self, app: ASGIApp) -> None:
        self._dashboard = app
        running = centers.current  # asked at the first request: nothing runs before
        self._plain = build(otlp.routes(lambda: running().store, lambda: running().settings.collectors))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request to whoever answers its path."""
        plain = scope["type"] == "http" and scope["path"].startswith(_API_PREFIXES)
        await (self._plain if plain else self._dashboard)(scope, receive, send)


__all__ = ["LocalIdentity", "PlainRoutes", "Process"]
