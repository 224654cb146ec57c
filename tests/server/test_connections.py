"""Connections of the real process: heads that never end, and who goes on meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import time
from typing import TYPE_CHECKING

import httpx
import pytest
import websockets

from server import connections
from server.connections import FLOOR, MAX_HEAD, Peers, holder_of
from tests.journeys.raw import answered, dribbled, opened, until_closed
from tests.journeys.serving import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEAD_S = 2.0
HALF = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: "
WHOLE = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


# --- who holds how many --------------------------------------------------------------------------


class Line:
    """A connection as `Peers` sees it."""

    def __init__(self, peers: Peers, address: str) -> None:
        self.is_open = True
        self.slot = peers.arrived(address, self._drop)

    def _drop(self) -> None:
        self.is_open = False


def test_the_oldest_head_of_an_address_makes_room_for_its_next_one() -> None:
    peers = Peers(400)  # of which 100 wait for heads, half of them of one address
    lines = [Line(peers, "10.0.0.1") for _ in range(200)]
    assert [line.is_open for line in lines] == [False] * 150 + [True] * 50
    others = [Line(peers, "10.0.0.2") for _ in range(25)]
    assert all(line.is_open for line in [*lines[150:], *others])


def test_where_all_heads_are_taken_the_address_with_most_loses_its_oldest() -> None:
    peers = Peers(400)
    single = Line(peers, "10.0.1.1")
    lines = [Line(peers, f"10.0.0.{number}") for number in range(40) for _ in range(FLOOR)]
    assert single.is_open
    assert sum(line.is_open for line in lines) == 99
    assert lines[-1].is_open


def test_an_address_with_its_share_served_loses_what_rests_before_it_is_refused() -> None:
    peers = Peers(400)
    lines = [Line(peers, "10.0.0.1") for _ in range(50)]
    for _ in range(2):
        lines += [Line(peers, "10.0.0.1") for _ in range(50)]
    served: list[Line] = []
    while len(served) < 150:  # half of the 300 that may be served
        served.append(Line(peers, "10.0.0.1"))
        assert peers.head_came(served[-1].slot)
    peers.rests(served[7].slot)
    assert peers.head_came(Line(peers, "10.0.0.1").slot)
    assert [line.is_open for line in served].count(False) == 1
    assert not served[7].is_open
    assert not peers.head_came(Line(peers, "10.0.0.1").slot)
    assert peers.head_came(Line(peers, "10.0.0.2").slot)


def test_a_connection_that_ends_twice_is_counted_once() -> None:
    peers = Peers(400)
    for _ in range(1000):
        line = Line(peers, "10.0.0.1")
        assert peers.head_came(line.slot)
        peers.left(line.slot)
        peers.left(line.slot)
    assert peers._served.total == peers._heads.total == 0
    assert not peers._waiting
    assert not peers._resting


@pytest.mark.parametrize("proxies", [["10.0.0.1"], ["10.0.0.0/8"], ["*"]])
def test_a_trusted_proxy_has_no_share_to_keep(proxies: list[str]) -> None:
    peers = Peers(400, proxies)
    for _ in range(300):
        assert peers.head_came(Line(peers, "10.0.0.1").slot)
    assert not peers.head_came(Line(peers, "10.0.0.1").slot), "the pool of all is used up"


def test_an_ipv6_network_of_one_machine_is_one_holder() -> None:
    assert holder_of("2001:db8::1") == holder_of("2001:db8::ffff:1") != holder_of("2001:db8:0:1::1")
    assert holder_of("::ffff:10.0.0.1") == holder_of("10.0.0.1") == "10.0.0.1"
    assert holder_of("") == ""


def test_the_process_may_open_as_many_files_as_it_has_connections() -> None:
    was = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, was[1]))
        connections.allow_files(400)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (912, was[1])
        connections.allow_files(10)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (912, was[1]), "never fewer"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, was)


# --- the real process ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("connections")
    config = folder / "unsnag.toml"
    config.write_text(f"[access]\nhead_seconds = {HEAD_S}\n")
    made = Server(folder, config).start()
    yield made
    made.stop()


@pytest.mark.slow
@pytest.mark.parametrize("sent", [b"", HALF, b"\r\n"], ids=["nothing", "half a head", "an empty line"])
def test_a_head_that_is_not_whole_in_time_ends_its_connection(server: Server, sent: bytes) -> None:
    with opened(server, sent) as raw:
        got, after_s = until_closed(raw)
    assert got == b""
    assert after_s >= HEAD_S - 0.2


@pytest.mark.slow
def test_a_head_that_comes_byte_by_byte_has_the_same_time(server: Server) -> None:
    with opened(server) as raw:
        assert HEAD_S - 0.2 <= dribbled(raw, HALF * 20) < HEAD_S * 3


@pytest.mark.slow
def test_the_next_head_on_a_connection_that_is_kept_has_the_same_time(server: Server) -> None:
    with opened(server, WHOLE) as raw:
        assert answered(raw).startswith(b"HTTP/1.1 200")
        raw.sendall(HALF)
        got, after_s = until_closed(raw)
    assert got == b""
    assert after_s >= HEAD_S - 0.2


@pytest.mark.slow
def test_a_kept_connection_that_rests_and_asks_again_is_not_harmed(server: Server) -> None:
    with opened(server) as raw:
        for _ in range(3):
            for part in (WHOLE[:20], WHOLE[20:]):
                raw.sendall(part)
            assert answered(raw).startswith(b"HTTP/1.1 200")
            time.sleep(HEAD_S * 1.2)  # longer than a head may take, shorter than a connection is kept


@pytest.mark.slow
def test_requests_that_are_sent_at_once_are_all_answered(server: Server) -> None:
    with opened(server, WHOLE * 20 + HALF) as raw:
        got, _ = until_closed(raw)
    assert got.count(b"HTTP/1.1 200") == 20


@pytest.mark.slow
def test_a_body_that_nobody_reads_has_the_same_time(server: Server) -> None:
    """What was answered before its body was read must not hold the connection by sending on."""
    head = b"POST /api/v1/cases HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 100000\r\n\r\n"
    with opened(server, head) as raw:
        assert answered(raw).startswith(b"HTTP/1.1 403")
        assert HEAD_S - 0.2 <= dribbled(raw, b"x" * 1000) < HEAD_S * 3


@pytest.mark.slow
def test_a_connection_whose_refused_body_came_late_serves_the_next_request(server: Server) -> None:
    head = b"POST /api/v1/cases HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 1000\r\n\r\n"
    with opened(server, head) as raw:
        assert answered(raw).startswith(b"HTTP/1.1 403")
        raw.sendall(b"x" * 1000 + WHOLE)
        assert answered(raw).startswith(b"HTTP/1.1 200")
        raw.sendall(head)
        assert answered(raw).startswith(b"HTTP/1.1 403")
        raw.sendall(b"x" * 1000)
        got, _ = until_closed(raw)
        assert got == b"", "and does not rest for ever"


@pytest.mark.slow
def test_a_head_that_is_too_large_is_refused(server: Server) -> None:
    with opened(server, HALF) as raw:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(40):
                raw.sendall(b"x" * (MAX_HEAD // 8))
        got, _ = until_closed(raw)
    assert got == b"" or got.startswith(b"HTTP/1.1 431")


@pytest.mark.slow
@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", b"Content-Length: 3\r\nContent-Length: 4\r\n",
        b"Content-Length: +3\r\n", b"Transfer-Encoding: chunked, identity\r\n", b"Content-Length : 3\r\n",
    ],
)  # fmt: skip
def test_a_request_whose_end_can_be_read_in_two_ways_is_refused(server: Server, headers: bytes) -> None:
    head = b"POST /v1/logs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    with opened(server, head + headers + b"\r\n" + b"0\r\n\r\n" + WHOLE) as raw:
        got, _ = until_closed(raw)
    assert got.startswith(b"HTTP/1.1 400"), got
    assert got.count(b"HTTP/1.1 ") == 1


@pytest.mark.slow
def test_a_websocket_outlives_the_time_of_a_head(server: Server) -> None:
    async def talk() -> None:
        url = f"ws://127.0.0.1:{server.port}/_stcore/stream"
        async with websockets.connect(url, origin=f"http://127.0.0.1:{server.port}") as page:
            await asyncio.sleep(HEAD_S * 1.5)
            pong = await page.ping()
            await asyncio.wait_for(pong, 10)

    asyncio.run(talk())


@pytest.mark.slow
def test_an_event_stream_outlives_the_time_of_a_head(server: Server) -> None:
    url = f"{server.address}/api/v1/events?topic=case"
    with httpx.stream("GET", url, timeout=30) as stream:
        lines = stream.iter_lines()
        since = time.monotonic()
        assert next(lines) == "event: case"
        for line in lines:
            if line and time.monotonic() - since > HEAD_S * 1.5:
                break
        else:
            pytest.fail("the stream has ended")


@pytest.mark.slow
def test_an_address_with_its_share_of_connections_is_answered_429_and_others_are_served(
    tmp_path: Path,
) -> None:
    """Of 40 connections 30 may be served, half of them from one address."""
    config = tmp_path / "unsnag.toml"
    config.write_text("[access]\nconnections = 40\n")
    server = Server(tmp_path, config).start()
    stream = b"GET /api/v1/events?topic=case HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
    try:
        with contextlib.ExitStack() as stack:
            for _ in range(15):
                assert stack.enter_context(opened(server, stream)).recv(100).startswith(b"HTTP/1.1 200")
            for path, form in (("/healthz", "application/problem+json"), ("/v1/logs", "application/json")):
                refused = httpx.post(f"{server.address}{path}", json={})
                assert (refused.status_code, refused.headers["content-type"]) == (429, form)
                assert (refused.headers["retry-after"], refused.headers["connection"]) == ("1", "close")
            with pytest.raises(websockets.InvalidStatus) as socket_refused:
                asyncio.run(_connected(server))
            assert socket_refused.value.response.status_code == 429
            with httpx.Client(transport=elsewhere, base_url=server.address) as other:
                assert other.get("/healthz").status_code == 200
        for _ in range(3):
            asyncio.run(_connected(server))
        assert httpx.get(f"{server.address}/healthz").status_code == 200
    finally:
        server.stop()


async def _connected(server: Server) -> None:
    url = f"ws://127.0.0.1:{server.port}/_stcore/stream"
    async with websockets.connect(url, origin=server.address):
        pass


@pytest.mark.slow
def test_websockets_give_their_connections_back(tmp_path: Path) -> None:
    config = tmp_path / "unsnag.toml"
    config.write_text("[access]\nconnections = 10\n")  # eight of one address
    server = Server(tmp_path, config).start()
    try:
        for _ in range(20):
            asyncio.run(_connected(server))
    finally:
        server.stop()


HEADS = 2_100


@pytest.mark.fault
def test_2100_half_sent_heads_stop_nobody_and_are_closed(server: Server) -> None:
    with contextlib.ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, resource.getrlimit(resource.RLIMIT_NOFILE))
        connections.allow_files(HEADS)
        raws = [stack.enter_context(opened(server, HALF)) for _ in range(HEADS)]
        since = time.monotonic()
        asked = 0
        while time.monotonic() - since < HEAD_S * 0.8:
            assert httpx.get(f"{server.address}/healthz").status_code == 200
            assert httpx.get(f"{server.address}/").status_code == 200
            sent = httpx.post(f"{server.address}/v1/logs", json={"resourceLogs": []})
            assert sent.status_code == 200, sent.text
            asked += 1
        assert asked > 3
        for raw in raws:
            got, _ = until_closed(raw)
            assert got == b""
        assert time.monotonic() - since < HEAD_S + 15
