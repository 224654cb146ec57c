"""Unsnag's one process: dashboard, receivers, collectors and API over one store.

Start it with `python app.py`; `python app.py --help` lists the options.
`python app.py user|token|audit …` are commands beside it (server/command.py).
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st
import uvicorn
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse
from starlette.routing import Route
from streamlit import config

from data.errors import UnsnagError
from kpis import definition
from server import command, connections, frame, login, logs, review_files
from server.handshakes import Loop
from server.process import Guard, PlainRoutes, Process
from server.settings import Settings, load

if TYPE_CHECKING:
    from starlette.requests import Request

    from kpis.chosen import Selection
    from server.context import ServerContext

HERE = Path(__file__).parent


def _to_the_queue(request: Request) -> RedirectResponse:
    # Streamlit serves its default page at "/" only; links may name /exceptions anyway.
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/{query}")


def _review_file(ctx: ServerContext, week: str, work: Selection, form: str) -> bytes:
    from views.review import files  # noqa: PLC0415 - commands need no pages

    return files.made(ctx, week, work, form)


process = Process()
review_files.use(_review_file)
# As `streamlit run` does: .streamlit/config.toml beside this file holds from whatever folder we are started.
config._main_script_path = config._main_script_path or str(HERE / "app.py")  # noqa: SLF001
# Streamlit's own start, `streamlit run app.py`, looks for this very assignment.
app = st.App(
    HERE / "views" / "shell.py",
    lifespan=process.lifespan,
    routes=[*login.ROUTES, Route("/exceptions", _to_the_queue), frame.ROUTE],
    middleware=[Middleware(Guard), Middleware(PlainRoutes)],
)


class _Server(uvicorn.Server):
    """uvicorn, which by itself waits for requests that wait, and cancels them with a traceback."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what waits, then stop."""
        process.end_waits()
        await super().shutdown(sockets)


def main(arguments: list[str]) -> int:
    """Serve until stopped; return the exit code."""
    os.umask(0o077)  # the store, its log and what is beside them are for this user alone
    logs.configure()
    if arguments and arguments[0] in command.COMMANDS:
        return command.main(arguments)
    try:
        settings = load(arguments)
        definition.check()
        logs.configure(settings.log)
        _refuse_taken_port(settings)
        process.open(settings)
        try:
            _serve(settings)
        finally:
            process.close()
    except UnsnagError as error:
        print(error, file=sys.stderr)  # noqa: T201 - narration goes to stderr
        return 2
    return 0


def _serve(settings: Settings) -> None:
    access = settings.access
    connections.allow_files(access.connections)
    peers = connections.Peers(access.connections, access.proxies)
    # Our own uvicorn call: Streamlit's leaves Nagle's algorithm on, 45 ms a kept-alive request.
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_config=None,  # its warnings go where our events go
        log_level="warning",
        server_header=False,
        http=connections.protocol(peers, access.head_seconds),
        ws_max_size=8 * 2**20,
        timeout_graceful_shutdown=3,
        limit_concurrency=access.connections,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        # Proxies that are trusted to name the client; none in local mode.
        proxy_headers=bool(access.proxies),
        forwarded_allow_ips=access.proxies,
    )
    print(f"Unsnag on {settings.scheme}://{settings.host}:{settings.port}", file=sys.stderr)  # noqa: T201 - narration
    server = _Server(config)
    for signum in (signal.SIGINT, signal.SIGTERM):  # uvicorn raises the signal again once it has stopped
        signal.signal(signum, lambda *_: setattr(server, "should_exit", True))
    # As uvicorn runs itself, with our loop.
    with asyncio.Runner(loop_factory=lambda: Loop(access.head_seconds)) as runner:
        runner.run(server.serve())
    if not server.started:
        raise UnsnagError("Unsnag could not start; the reason is printed above.")


def _refuse_taken_port(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise UnsnagError(
                f"{settings.host}:{settings.port} cannot be listened on: {error.strerror}. "
                "Stop what uses it, or choose another with --port."
            ) from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
