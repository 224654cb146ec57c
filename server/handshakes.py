"""TLS handshakes within the limits of connections.

uvloop waits 60 seconds for a handshake, uvicorn has no setting for that, and neither knows a connection
before its handshake is done: connections that never shake hands would be counted nowhere. Here each takes
its slot when it is accepted, and a handshake has the time that a head has.

`loop.start_tls` is no way to do it: uvloop reads as soon as `connection_made` returns, also from a transport
that was paused there, so what the client sends first would be lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import uvloop
from uvicorn.protocols.utils import get_remote_addr
from uvloop.loop import SSLProtocol  # type: ignore[attr-defined]  # the stubs leave it out

if TYPE_CHECKING:
    import asyncio
    import ssl
    from collections.abc import Callable

    from server.connections import Peers, Slot


class _InSlot(Protocol):
    """What `server.connections.Connection` is to a handshake."""

    peers: Peers
    slot: Slot | None


class Loop(uvloop.Loop):
    """uvloop's event loop, whose TLS servers take a slot for each handshake of `handshake_s` seconds."""

    def __init__(self, handshake_s: float) -> None:
        super().__init__()
        self._handshake_s = handshake_s

    async def create_server(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], Any],
        *given: Any,
        ssl: ssl.SSLContext | None = None,
        **named: Any,
    ) -> asyncio.AbstractServer:
        """Listen as uvloop does; with `ssl`, by way of a `Handshake` for each connection."""
        if ssl is None:
            return await super().create_server(protocol_factory, *given, **named)

        def handshake() -> Handshake:
            return Handshake(self, protocol_factory(), ssl, self._handshake_s)

        return await super().create_server(handshake, *given, **named)


class Handshake(SSLProtocol):  # type: ignore[misc]
    """TLS on one connection, as uvloop itself sets it up, with the connection's slot from the start."""

    def __init__(self, loop: Loop, connection: _InSlot, context: ssl.SSLContext, seconds: float) -> None:
        ready = loop.create_future()
        super().__init__(
            loop,
            connection,
            context,
            ready,
            server_side=True,
            ssl_handshake_timeout=seconds,
            ssl_shutdown_timeout=seconds,
        )
        ready.add_done_callback(self._end_if_failed)
        self._connection = connection
        self._slot: Slot | None = None
        self._raw: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Take a slot and begin the handshake."""
        self._raw = transport
        client = get_remote_addr(transport)
        peers = self._connection.peers
        self._slot = self._connection.slot = peers.arrived(client[0] if client else "", transport.abort)
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the slot back, also where HTTP never began."""
        if self._slot is not None:
            self._connection.peers.left(self._slot)
        super().connection_lost(exc)

    def _end_if_failed(self, ready: asyncio.Future[None]) -> None:
        if not ready.cancelled() and ready.exception() is not None and self._raw is not None:
            self._raw.abort()
