"""TLS handshakes of the real process: those that never end, and what comes right behind one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import ssl
import time
from typing import TYPE_CHECKING

import httpx
import pytest
import websockets

from server import connections
from tests.journeys.raw import opened, until_closed
from tests.journeys.serving import Server, certificate
from tests.waiting import eventually

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

HEAD_S = 2.0
WHOLE = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"

pytestmark = [pytest.mark.slow]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("handshakes")
    cert, key = certificate(folder)
    config = folder / "unsnag.toml"
    config.write_text(f'tls_cert = "{cert}"\ntls_key = "{key}"\n[access]\nhead_seconds = {HEAD_S}\n')
    trust = ssl.create_default_context(cafile=str(cert))
    made = Server(folder, config, scheme="https", trust=trust).start()
    yield made
    made.stop()


def context(server: Server) -> ssl.SSLContext:
    assert isinstance(server.trust, ssl.SSLContext)
    return server.trust


def hello(server: Server) -> tuple[ssl.SSLObject, ssl.MemoryBIO, ssl.MemoryBIO]:
    """Begin a handshake in memory; what it wants to send waits in the second buffer."""
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context(server).wrap_bio(into, out, server_hostname="127.0.0.1")
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return tls, into, out


@pytest.mark.parametrize("part", [0, 100], ids=["nothing", "half a hello"])
def test_a_handshake_that_does_not_end_has_the_time_of_a_head(server: Server, part: int) -> None:
    sent = hello(server)[2].read()[:part]
    with opened(server, sent) as raw:
        got, after_s = until_closed(raw)
    assert got == b""
    assert HEAD_S - 0.2 <= after_s < HEAD_S * 3


def test_a_head_that_does_not_come_behind_a_handshake_has_its_time(server: Server) -> None:
    with opened(server) as raw, context(server).wrap_socket(raw, server_hostname="127.0.0.1") as secure:
        secure.sendall(WHOLE[:20])
        since = time.monotonic()
        with contextlib.suppress(ssl.SSLError, ConnectionResetError):
            assert secure.recv(100) == b""
        assert HEAD_S - 0.2 <= time.monotonic() - since < HEAD_S * 3


def test_a_request_that_comes_with_the_end_of_the_handshake_is_answered(server: Server) -> None:
    tls, into, out = hello(server)
    with opened(server, out.read()) as raw:
        while True:
            into.write(raw.recv(65_536))
            with contextlib.suppress(ssl.SSLWantReadError):
                tls.do_handshake()
                break
        tls.write(WHOLE)
        raw.sendall(out.read())  # both in one piece
        into.write(until_closed(raw)[0])
        got = tls.read(65_536)
    assert got.startswith(b"HTTP/1.1 200")


def test_what_is_no_tls_is_closed_and_leaves_no_error(server: Server) -> None:
    before = (server.folder / "server.log").read_text()
    with opened(server, WHOLE) as raw:
        got, after_s = until_closed(raw)
    assert b"HTTP" not in got
    assert after_s < HEAD_S
    with opened(server):
        pass
    with opened(server, hello(server)[2].read()):
        pass
    assert httpx.get(f"{server.address}/healthz", verify=server.trust).status_code == 200
    assert (server.folder / "server.log").read_text() == before


def test_the_application_knows_the_scheme_and_a_kept_connection_is_kept(server: Server) -> None:
    with httpx.Client(base_url=server.address, verify=server.trust) as http:
        for _ in range(3):
            led = http.get("/api/v1/cases/")
            assert (led.status_code, led.headers["location"]) == (307, f"{server.address}/api/v1/cases")


def test_a_websocket_over_tls_outlives_the_time_of_a_head(server: Server) -> None:
    async def talk() -> None:
        url = f"wss://127.0.0.1:{server.port}/_stcore/stream"
        async with websockets.connect(url, origin=server.address, ssl=context(server)) as page:
            await asyncio.sleep(HEAD_S * 1.5)
            await asyncio.wait_for(await page.ping(), 10)

    asyncio.run(talk())


def files(server: Server) -> int:
    """Return how many files the server has open."""
    assert server.process is not None
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))  # noqa: PTH208 - pathlib stumbles over what closes


@pytest.mark.fault
def test_1000_handshakes_that_never_begin_stop_nobody_and_are_closed(server: Server) -> None:
    """Of 2,000 connections 500 may wait for a head, half of them from one address."""
    before = files(server)
    with contextlib.ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, resource.getrlimit(resource.RLIMIT_NOFILE))
        connections.allow_files(1000)
        raws: list[socket.socket] = [stack.enter_context(opened(server)) for _ in range(1000)]
        since = time.monotonic()
        while time.monotonic() - since < HEAD_S * 0.8:
            assert httpx.get(f"{server.address}/healthz", verify=server.trust).status_code == 200
            assert files(server) - before < 300
        assert all(until_closed(raw)[0] == b"" for raw in raws)
        assert time.monotonic() - since < HEAD_S + 15
    eventually(lambda: files(server) <= before + 10, lambda: "connections are left open")
