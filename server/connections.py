"""The connections of the process: how many each address holds, and how long a request's head may take.

1. A connection arrives and waits for the head of a request. Those that wait have a pool of their own, a
   quarter of all connections, and an address has a share of it. Where the pool or the share is used up,
   the oldest that still waits is closed: a head that is under way takes milliseconds.
2. A head that is not whole in time, or is too large, ends its connection.
3. With its first head the connection moves to the pool of those that are served. An address that has its
   share of that pool loses the connection that has rested longest, or is answered 429.
4. Between two requests a connection rests, and uvicorn closes it after five seconds; the first byte of
   the next head starts the time of 2 again.
5. A body that nobody reads any more, because the request is answered, has the same time to end.

A proxy that is trusted (access.proxies) has no share to keep: everybody comes from its address.
"""

from __future__ import annotations

import ipaddress
import resource
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from access.shares import Shares
from server.refusals import Refusal, refuse

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from starlette.types import Receive, Scope, Send

    Network = ipaddress.IPv4Network | ipaddress.IPv6Network

FLOOR: Final = 8
"""What an address may hold however full it is: a browser opens six connections and a websocket."""
MAX_HEAD: Final = 1 << 16
_OTHER_FILES: Final = 512
"""Files that the process opens besides its connections."""
_TOO_MANY: Final = Refusal(
    429,
    "too-many-connections",
    "Your address holds too many connections. Close some.",
    wait_s=1,
    ends_connection=True,
)


class Slot:
    """The place that one connection takes."""

    def __init__(self, holder: str, drop: Callable[[], None], *, is_proxy: bool) -> None:
        self.holder = holder
        self.drop = drop
        """Ends the connection at once."""
        self.is_proxy = is_proxy
        self.pool: Shares | None = None
        """Where it counts; None once the connection has ended."""

    def is_within(self, pool: Shares) -> bool:
        """Return whether the holder may take one more of `pool`."""
        return pool.has_room() if self.is_proxy else pool.is_within(self.holder)


Slots = dict[str, dict[Slot, None]]
"""Slots by holder, the oldest first."""


class Peers:
    """Who holds how many connections. Not for several threads."""

    def __init__(self, size: int, proxies: Sequence[str] = ()) -> None:
        heads = max(size // 4, FLOOR)
        self._heads = Shares(heads, floor=FLOOR)
        self._served = Shares(size - heads, floor=FLOOR)
        self._waiting: Slots = {}
        self._resting: Slots = {}
        self._proxies = _networks(proxies)

    def arrived(self, address: str, drop: Callable[[], None]) -> Slot:
        """Give a new connection its slot; where there is none left, the oldest that waits loses its own."""
        slot = Slot(holder_of(address), drop, is_proxy=_is_among(self._proxies, address))
        if not slot.is_within(self._heads):
            self._drop_oldest(self._waiting, slot.holder)
        if not self._heads.has_room():
            self._drop_oldest(self._waiting, max(self._waiting, key=self._heads.held))
        self._enter(slot, self._heads)
        _note(self._waiting, slot)
        return slot

    def head_came(self, slot: Slot) -> bool:
        """Note that the head of a request is whole; return whether the request may be served."""
        _forget(self._resting, slot)
        if slot.pool is not self._heads:
            return slot.pool is self._served
        _forget(self._waiting, slot)
        may = slot.is_within(self._served) or self._drop_oldest(self._resting, slot.holder)
        self._enter(slot, self._served)
        return may

    def rests(self, slot: Slot) -> None:
        """Note that a connection's request is answered."""
        _note(self._resting, slot)

    def left(self, slot: Slot) -> None:
        """Take back the slot of a connection that has ended. A second call has no effect."""
        self._enter(slot, None)
        _forget(self._waiting, slot)
        _forget(self._resting, slot)

    @staticmethod
    def _enter(slot: Slot, pool: Shares | None) -> None:
        if slot.pool is not None:
            slot.pool.give_back(slot.holder)
        slot.pool = pool
        if pool is not None:
            pool.take(slot.holder)

    def _drop_oldest(self, among: Slots, holder: str) -> bool:
        oldest = next(iter(among.get(holder, ())), None)
        if oldest is None:
            return False
        self.left(oldest)
        oldest.drop()
        return True


def _note(slots: Slots, slot: Slot) -> None:
    slots.setdefault(slot.holder, {})[slot] = None


def _forget(slots: Slots, slot: Slot) -> None:
    own = slots.get(slot.holder, {})
    own.pop(slot, None)
    if not own:
        slots.pop(slot.holder, None)


def holder_of(address: str) -> str:
    """Return who counts as the holder of an address: for IPv6 its /64, which one machine has to itself."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return address
    return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))


def _networks(proxies: Sequence[str]) -> list[Network]:
    named = ["0.0.0.0/0", "::/0"] if "*" in proxies else proxies
    return [ipaddress.ip_network(name, strict=False) for name in named]


def _is_among(networks: list[Network], address: str) -> bool:
    if not networks:
        return False
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(ip in network for network in networks)


def protocol(peers: Peers, head_s: float) -> type[asyncio.Protocol]:
    """Return uvicorn's HTTP protocol with these limits; a head has `head_s` seconds."""
    return type("Connection", (Connection,), {"peers": peers, "head_s": head_s})


class Connection(HttpToolsProtocol):
    """One connection that speaks HTTP. Made by `protocol`."""

    peers: Peers
    head_s: float

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.slot: Slot | None = None
        self._served_by = self.app
        self._timer: asyncio.TimerHandle | None = None
        self._in_body = False
        self._head_bytes = 0
        self._is_refused = False
        self._is_websocket = False
        self.ws_protocol_class = self._websocket  # type: ignore[assignment]  # a factory serves as well

    # --- what asyncio calls ------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a slot, unless the TLS handshake has one already, and wait for the first head."""
        super().connection_made(transport)
        if self.slot is None:
            self.slot = self.peers.arrived(self.client[0] if self.client else "", transport.abort)
        else:
            self.slot.drop = transport.abort
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the slot back."""
        self._stop_timer()
        if self.slot:
            self.peers.left(self.slot)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, and watch a head that is not whole."""
        waited = self._waits_for_head()
        super().data_received(data)
        if not self._waits_for_head():
            self._head_bytes = 0
            return
        self._head_bytes += len(data) if waited else 0
        if self._head_bytes > MAX_HEAD:
            self._end(431, f"The head of a request may have {MAX_HEAD:,} bytes.")
        self._start_timer()

    # --- what the parser and uvicorn call ----------------------------------------------------

    def on_headers_complete(self) -> None:
        """Serve the request, or refuse it for the connections that its address holds."""
        self._stop_timer()
        self._in_body = True
        assert self.slot is not None  # noqa: S101 - for mypy: a connection that reads was made
        self._is_refused = not self.peers.head_came(self.slot)
        self.app = _refuse if self._is_refused else self._served_by
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that the body is whole."""
        self._in_body = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Let the connection rest; a body that is still coming has little time to end."""
        super().on_response_complete()
        if self.transport.is_closing() or not self.cycle.response_complete or self.slot is None:
            return
        self.peers.rests(self.slot)
        if self._in_body:
            self._start_timer()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over to a websocket, which keeps the slot."""
        if self._is_refused:
            self._end(429, _TOO_MANY.words)
            return
        self._is_websocket = True
        super().handle_websocket_upgrade()

    # --- what is ours ------------------------------------------------------------------------

    def _waits_for_head(self) -> bool:
        is_busy = self.cycle is not None and not self.cycle.response_complete
        return not (is_busy or self._in_body or self._is_websocket or self.transport.is_closing())

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.head_s, self.transport.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self, status: int, words: str) -> None:
        head = f"HTTP/1.1 {status} \r\nContent-Type: text/plain\r\nContent-Length: {len(words)}\r\n"
        self.transport.write(f"{head}Connection: close\r\n\r\n{words}".encode())
        self.transport.close()

    def _websocket(self, **named: Any) -> _Websocket:
        return _Websocket(self, **named)


class _Websocket(WebSocketsSansIOProtocol):
    """A websocket in the slot of the connection that it began as."""

    def __init__(self, connection: Connection, **named: Any) -> None:
        super().__init__(**named)
        self._peers, self._slot = connection.peers, connection.slot

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the slot back."""
        if self._slot:
            self._peers.left(self._slot)
        super().connection_lost(exc)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    await refuse(scope, receive, send, headers, _TOO_MANY)


def allow_files(connections: int) -> None:
    """Let the process open as many files as its connections and itself need, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OTHER_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
