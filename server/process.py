"""Start and stop: the store, the collectors and the clock of cases live as long as the ASGI lifespan."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from access import sessions
from access.links import first_link
from cases.batch_runner import BatchRunner
from cases.contact import Contact
from cases.sweep import settle_due, sweep
from collectors import receiver
from collectors.applying import Applying
from collectors.sources import Sources
from data.clock import stored, utc_now
from data.logs import event_log
from data.spans import span_if_busy
from server import container as containers
from server import logs
from server.api.app import build
from server.container import Container
from server.guard import Guard
from server.identity import sender
from server.lifespans import running as served
from server.running import Running
from server.settings import is_loopback, load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp, Receive, Scope, Send

    from access.context import RequestContext
    from server.settings import Settings

_LOG: Final = event_log("server")
_SWEEP_S: Final = 1.0
_SESSIONS_S: Final = 30.0
_API_PREFIXES: Final = ("/api/", "/v1/", "/healthz", "/readyz", "/metrics")


class Process:
    """One running Unsnag: what the ASGI application starts, and stops again."""

    def __init__(self) -> None:
        self.settings: Settings | None = None
        """Set before the start; the environment's are taken otherwise."""
        self._container: Container | None = None
        self._stopping = threading.Event()

    def open(self, settings: Settings) -> None:
        """Open the store before the server starts: what is wrong with it is then one line, not a traceback.

        Raises:
            UnsnagError: it cannot be opened.
        """
        self.settings = settings
        self._container = Container.open(settings)

    def close(self) -> None:
        """Close what was opened, where the server never came to its own start."""
        if self._container is not None:
            self._container.close()

    @contextlib.asynccontextmanager
    async def lifespan(self, _app: Any) -> AsyncIterator[None]:
        """Open everything, serve, and close everything in the reverse order."""
        # Streamlit turns the narration of its own server on, a line a request.
        for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
            logging.getLogger(name).setLevel(logging.WARNING)
        if self.settings is None:
            self.settings = load([])
            logs.configure(self.settings.log)
        settings = self.settings
        container = self._container
        if container is None:
            container = await asyncio.to_thread(Container.open, settings)
        container.collectors = Sources(
            container.store,
            settings.collectors,
            settings.spools,
            settings.url,
            container.mappings,
            quotas=container.quotas,
        )
        containers.install(container)
        container.collectors.start()
        limit_of, changes = container.authority.limit_of_token, lambda: container.events.revision("mapping")
        applying = Applying(container.store, container.collectors, limit_of, changes)
        applying.start()
        batches = BatchRunner(container.as_system(), lambda: container.events.revision("batch"))
        batches.start()
        container.watch.start()
        container.backups.start()
        container.retention.start_as(container.as_system())
        await asyncio.to_thread(container.flow_files.start_as, container.as_system())
        container.digests.start_as(container.as_system())
        Running.of(settings, container.command_secret, container.instance).write(settings.data)
        await asyncio.to_thread(_tell_start, container)
        clock = threading.Thread(target=self._tick, args=(container,), name="case-clock", daemon=True)
        clock.start()
        # Streamlit would otherwise walk all imported modules after each script run: 104 against 16 ms.
        gc.collect()
        gc.freeze()
        _LOG.info("server.started", url=settings.url)
        try:
            yield
        finally:
            await asyncio.to_thread(batches.stop)
            await asyncio.to_thread(applying.stop)
            await asyncio.to_thread(self._close, container, clock)
            _LOG.info("server.stopped")

    def _close(self, container: Container, clock: threading.Thread) -> None:
        self._stopping.set()
        clock.join()
        Running.remove(container.settings.data)
        if container.collectors:
            container.collectors.stop()
        containers.install(None)
        container.close()
        # What is frozen is not collected at the interpreter's end, and DuckDB's binding then reports leaks.
        gc.unfreeze()

    def end_waits(self) -> None:
        """Answer the requests that wait for something to happen: nothing more will."""
        with contextlib.suppress(containers.NotRunningError):
            containers.current().events.end()

    def _tick(self, container: Container) -> None:
        ctx = container.as_system()
        contact = Contact(container.store, stored(utc_now()))
        sessions_at = 0.0
        # One unit of work that goes on: where another Unsnag watches, the next good sweep recovers it.
        unit = f"sweep@{socket.gethostname()}:{container.settings.port}"
        has_failed = False
        while not self._stopping.wait(_SWEEP_S):
            if container.store.disk:
                container.store.disk.sample()
            if container.store.held:
                continue
            with span_if_busy("sweep", unit) as busy:
                busy.note(has_failed)
                try:
                    container.use_service_rules()
                    busy.note(settle_due(container.store))
                    busy.note(sweep(ctx))
                    busy.note(contact.look(stored(utc_now()), lambda: _is_behind(container)))
                    has_failed = False
                except Exception as error:  # noqa: BLE001 - the clock must outlive whatever one sweep does
                    has_failed = True
                    busy.fail(error)
                    _LOG.exception("cases.sweep_failed")
            if time.monotonic() - sessions_at > _SESSIONS_S:
                sessions_at = time.monotonic()
                _sweep_sessions(ctx)


def _sweep_sessions(ctx: RequestContext) -> None:
    try:
        sessions.sweep(ctx)
    except Exception:  # noqa: BLE001 - the clock must outlive this as well
        _LOG.exception("access.sweep_failed")


def _is_behind(container: Container) -> bool:
    return container.collectors is None or container.collectors.is_behind(utc_now())


def _tell_start(container: Container) -> None:
    """Say on the console, once a start, what is missing, or how the first admin comes in."""
    if container.store.held:
        print(f"WARNING: {container.store.held}", file=sys.stderr, flush=True)  # noqa: T201 - narration
        _LOG.error("store.held", reason=container.store.held)
        return
    _tell_of_checkpoints(container)
    if container.authority.local:
        return
    link = first_link(container.as_system())
    if link:
        url = f"{container.settings.url}/welcome?code={link.code}"
        print(  # noqa: T201 - narration
            "Nobody can sign in yet. "
            f"The person who opens this link within 24 hours becomes the first admin:\n  {url}",
            file=sys.stderr,
            flush=True,
        )
    if not container.settings.is_secure and not is_loopback(container.settings.host):
        advice = "Give --tls-cert and --tls-key, or put a TLS proxy in front."
        _LOG.warning("access.passwords_unencrypted", host=container.settings.host, advice=advice)


def _tell_of_checkpoints(container: Container) -> None:
    """Say at the first start that who can change the store can change its checkpoints as well."""
    settings = container.settings
    if settings.only_beside_the_store and not settings.checkpoints.exists():
        advice = "Name a folder on another disk or machine as second_folder in [audit]."
        _LOG.info("audit.checkpoints_beside_the_store", file=str(settings.checkpoints), advice=advice)


class PlainRoutes:
    """ASGI middleware: REST, OTLP and health go to the plain application, the rest to the dashboard."""

    def __init__(self, app: ASGIApp) -> None:
        self._dashboard = app
        running = containers.current  # asked at the first request: nothing runs before
        self._plain = build(
            receiver.routes(
                lambda: running().store,
                lambda: running().settings.collectors,
                sender,
                lambda: running().mappings,
                lambda: running().quotas,
            )
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request to the application that answers its path; start and stop both with the process."""
        if scope["type"] == "lifespan":
            async with served(self._plain):
                await self._dashboard(scope, receive, send)
            return
        plain = scope["type"] == "http" and scope["path"].startswith(_API_PREFIXES)
        await (self._plain if plain else self._dashboard)(scope, receive, send)


__all__ = ["Guard", "PlainRoutes", "Process"]
