"""An ASGI application that starts and stops inside another one's life."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp, Message, Scope

    _Messages = asyncio.Queue[Message]


async def _live(app: ASGIApp, scope: Scope, asked: _Messages, answered: _Messages) -> None:
    await app(scope, asked.get, answered.put)


@asynccontextmanager
async def running(app: ASGIApp) -> AsyncIterator[None]:
    """Start `app`, and stop it at the end, by the messages of ASGI's lifespan protocol."""
    asked: _Messages = asyncio.Queue()
    answered: _Messages = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
    task = asyncio.ensure_future(_live(app, scope, asked, answered))
    await asked.put({"type": "lifespan.startup"})
    await answered.get()
    try:
        yield
    finally:
        await asked.put({"type": "lifespan.shutdown"})
        await task
