"""Start and stop: the store, the collectors and the desk's clock live as long as the ASGI lifespan."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from collectors import otlp
from collectors.sources import Sources
from data.clock import stored, utc_now
from data.errors import UnsnagError
from desk.contact import Contact
from desk.sweep import settle_due, sweep
from server import center as centers
from server.api.app import build
from server.center import Center
from server.guard import Guard, sender
from server.running import Running
from server.settings import is_loopback, load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp, Receive, Scope, Send

    from server.settings import Settings

_LOG: Final = logging.getLogger("unsnag.server")
_SWEEP_S: Final = 1.0
_SESSIONS_S: Final = 30.0
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
        center.watch.start()
        Running.of(settings, center.command_secret).write(settings.data)
        await asyncio.to_thread(_tell_first_start, center)
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
        Running.remove(center.settings.data)
        if center.collecting:
            center.collecting.stop()
        centers.install(None)
        center.close()

    def _tick(self, center: Center) -> None:
        limits = center.settings.desk.limits()
        contact = Contact(center.gate, stored(utc_now()))
        sessions_at = 0.0
        while not self._stopping.wait(_SWEEP_S):
            try:
                settle_due(center.gate)
                sweep(center.gate, limits)
                contact.look(stored(utc_now()), lambda: _is_behind(center))
                if time.monotonic() - sessions_at > _SESSIONS_S:
                    sessions_at = time.monotonic()
                    center.sessions.sweep()
            except UnsnagError as error:
                _LOG.warning("desk.sweep_failed reason=%s", error)


def _is_behind(center: Center) -> bool:
    return center.collecting is None or center.collecting.is_behind(utc_now())


def _tell_first_start(center: Center) -> None:
    """Say on the console, once a start, how the first admin comes in."""
    if center.authority.local:
        return
    link = center.people.first_link()
    if link:
        url = f"{center.settings.url}/welcome?code={link.code}"
        print(  # noqa: T201 - narration
            f"Nobody can sign in yet. Whoever opens this link within 24 hours becomes the first admin:\n"
            f"  {url}",
            file=sys.stderr,
            flush=True,
        )
    if not center.settings.is_secure and not is_loopback(center.settings.host):
        _LOG.warning(
            "Passwords travel unencrypted: give --tls-cert and --tls-key, or put a TLS proxy in front."
        )


class PlainRoutes:
    """ASGI middleware: REST, OTLP and health go to the plain application, the rest to the dashboard."""

    def __init__(self, app: ASGIApp) -> None:
        self._dashboard = app
        running = centers.current  # asked at the first request: nothing runs before
        self._plain = build(
            otlp.routes(lambda: running().store, lambda: running().settings.collectors, sender)
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request to whoever answers its path."""
        plain = scope["type"] == "http" and scope["path"].startswith(_API_PREFIXES)
        await (self._plain if plain else self._dashboard)(scope, receive, send)


__all__ = ["Guard", "PlainRoutes", "Process"]
