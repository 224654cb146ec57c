"""HTTP clients against servers that do not answer, or not in time, or not in HTTP."""

import asyncio
import ftplib
import http.client
import json
import socket
import ssl
import urllib.error
import urllib.request

import aiohttp
import httpx
import requests
import urllib3
import websockets


def programs(w):
    dead = f"http://127.0.0.1:{w.refused}/v1/orders"
    silent, reset = f"http://127.0.0.1:{w.silent}/x", f"http://127.0.0.1:{w.reset}/x"
    garbage, hangup = f"http://127.0.0.1:{w.garbage}/x", f"http://127.0.0.1:{w.hangup}/x"
    nowhere = "http://payments.invalid/v1/charge"
    own, cert = w.https["own"]
    expired, expired_cert = w.https["expired"]
    other, other_cert = w.https["other"]
    I, D = "infrastructure", "data"
    for name, get in (
        ("requests", lambda url, **k: requests.get(url, timeout=0.3, **k)),
        ("httpx", lambda url, **k: httpx.get(url, timeout=0.3, **k)),
        ("urllib3", lambda url, **k: urllib3.PoolManager(retries=False, timeout=0.3).request("GET", url)),
        ("urllib", lambda url, **k: urllib.request.urlopen(url, timeout=0.3).read()),
        ("aiohttp", lambda url, **k: asyncio.run(_aio(url))),
    ):
        yield f"{name}/refused", I, lambda get=get: get(dead)
        yield f"{name}/silent", I, lambda get=get: get(silent)
        yield f"{name}/reset", I, lambda get=get: get(reset)
        yield f"{name}/no_http", I, lambda get=get: get(garbage)
        yield f"{name}/hangs_up", I, lambda get=get: get(hangup)
        yield f"{name}/unknown_host", I, lambda get=get: get(nowhere)
        yield f"{name}/self_signed", I, lambda get=get: get(f"https://localhost:{own}/")
        yield f"{name}/tls_on_plain", I, lambda get=get: get(w.http.replace("http:", "https:"))
    yield "requests/refused_retries", I, lambda: _session(3).get(dead)
    yield "requests/status_retries", I, lambda: _session(2, [503]).get(w.url(status=503))
    yield "requests/cut_body", I, lambda: requests.get(w.url(body="{}", cut=1), timeout=2)
    yield "requests/bad_chunk", I, lambda: requests.get(w.url(chunked=1), timeout=2)
    yield "requests/not_gzip", D, lambda: requests.get(w.url(body="plain", encoding="gzip"), timeout=2)
    yield "requests/redirects", I, lambda: requests.get(w.url(loop=1), timeout=5)
    yield "requests/no_scheme", D, lambda: requests.get("shop.example/orders/1")
    yield "requests/bad_url", D, lambda: requests.get("http://")
    yield "requests/bad_label", D, lambda: requests.get("http://.example.com/")
    yield "requests/bad_header", D, lambda: requests.get(w.url(), headers={"X-Customer": "a\nb"})
    yield "requests/no_json", D, lambda: requests.get(w.url(body="<html>hello</html>"), timeout=2).json()
    yield "requests/empty_json", D, lambda: requests.get(w.url(body=""), timeout=2).json()
    yield "requests/proxy", I, lambda: requests.get("http://shop.example/", proxies={"http": dead}, timeout=1)
    yield (
        "requests/expired_cert",
        I,
        lambda: requests.get(f"https://localhost:{expired}/", verify=expired_cert, timeout=1),
    )
    yield (
        "requests/other_host_cert",
        I,
        lambda: requests.get(f"https://localhost:{other}/", verify=other_cert, timeout=1),
    )
    yield (
        "requests/no_ca_file",
        I,
        lambda: requests.get(f"https://localhost:{own}/", verify="/etc/ssl/missing.pem", timeout=1),
    )
    yield "httpx/pool_timeout", I, lambda: _pool(w)
    yield "httpx/cut_body", I, lambda: httpx.get(w.url(body="{}", cut=1), timeout=2)
    yield "httpx/not_gzip", D, lambda: httpx.get(w.url(body="plain", encoding="gzip"), timeout=2)
    yield "httpx/redirects", I, lambda: httpx.get(w.url(loop=1), timeout=5, follow_redirects=True)
    yield "httpx/no_scheme", D, lambda: httpx.get("shop.example/orders/1")
    yield "httpx/bad_url", D, lambda: httpx.get("http://[::1")
    yield "httpx/no_json", D, lambda: httpx.get(w.url(body="Service is fine", type="text/plain")).json()
    yield (
        "httpx/expired_cert",
        I,
        lambda: httpx.get(
            f"https://localhost:{expired}/", verify=ssl.create_default_context(cafile=expired_cert)
        ),
    )
    yield (
        "httpx/other_host_cert",
        I,
        lambda: httpx.get(
            f"https://localhost:{other}/", verify=ssl.create_default_context(cafile=other_cert)
        ),
    )
    yield "urllib3/retries", I, lambda: urllib3.PoolManager().request("GET", dead, retries=2)
    yield (
        "urllib3/status_retries",
        I,
        lambda: urllib3.PoolManager().request(
            "GET", w.url(status=502), retries=urllib3.Retry(1, status_forcelist=[502])
        ),
    )
    yield (
        "urllib3/cut_body",
        I,
        lambda: urllib3.PoolManager().request("GET", w.url(body="{}", cut=1), retries=False),
    )
    yield "urllib3/bad_url", D, lambda: urllib3.PoolManager().request("GET", "http://a:b:c/")
    yield "urllib/no_type", D, lambda: urllib.request.urlopen("orders.example")
    yield "urllib/other_type", D, lambda: urllib.request.urlopen("shop:orders")
    yield "http.client/bad_status", I, lambda: _http_client(w.garbage)
    yield "http.client/incomplete", I, lambda: urllib.request.urlopen(w.url(body="{}", cut=1)).read()
    yield "http.client/disconnected", I, lambda: _http_client(w.hangup)
    yield "http.client/bad_port", D, lambda: http.client.HTTPConnection("shop.example:port")
    yield "http.client/control_characters", D, lambda: _http_client(w.server.server_port, "/orders/1 2")
    yield "aiohttp/payload", I, lambda: asyncio.run(_aio(w.url(body="{}", cut=1)))
    yield "aiohttp/no_json", D, lambda: asyncio.run(_aio(w.url(body="<p>", type="text/html"), json=True))
    yield "aiohttp/bad_url", D, lambda: asyncio.run(_aio("orders/1"))
    yield "websockets/refused", I, lambda: asyncio.run(_ws(f"ws://127.0.0.1:{w.refused}/"))
    yield (
        "websockets/no_upgrade",
        I,
        lambda: asyncio.run(_ws(f"ws://127.0.0.1:{w.server.server_port}/?status=403")),
    )
    yield "websockets/bad_uri", D, lambda: asyncio.run(_ws("http://shop.example/"))
    yield "socket/refused", I, lambda: socket.create_connection(("127.0.0.1", w.refused), 1)
    yield "socket/unknown_host", I, lambda: socket.getaddrinfo("erp.invalid", 443)
    yield "socket/bad_service", I, lambda: socket.getaddrinfo("localhost", "no-such-service")
    yield "socket/reset", I, lambda: _recv(w.reset)
    yield "socket/address_in_use", I, lambda: socket.create_server(("127.0.0.1", w.server.server_port))
    yield "socket/not_local", I, lambda: socket.create_server(("10.9.8.7", 8080))
    yield "socket/broken_pipe", I, lambda: _pipe()
    yield "socket/closed", "unknown", lambda: _closed()
    yield "ssl/wrong_version", I, lambda: _tls(w.server.server_port)
    yield "ssl/self_signed", I, lambda: _tls(own)
    yield "ssl/expired", I, lambda: _tls(expired, expired_cert)
    yield "ssl/host", I, lambda: _tls(other, other_cert)
    yield "ssl/eof", I, lambda: _tls(w.hangup)
    yield "ssl/timeout", I, lambda: _tls(w.silent)
    yield "ssl/no_key", I, lambda: ssl.create_default_context().load_cert_chain("/etc/ssl/client.pem")
    yield "ssl/bad_key", I, lambda: ssl.create_default_context().load_cert_chain(_junk(w))


def _junk(w):
    path = w.folder / "client.pem"
    path.write_text("not a certificate")
    return str(path)


def _session(times, statuses=()):
    session = requests.Session()
    retry = urllib3.Retry(times, backoff_factor=0, status_forcelist=statuses)
    session.mount("http://", requests.adapters.HTTPAdapter(max_retries=retry))
    return session


def _pool(w):
    async def run():
        async with httpx.AsyncClient(
            limits=httpx.Limits(max_connections=1), timeout=httpx.Timeout(5, pool=0.1)
        ) as client:
            await asyncio.gather(*(client.get(w.url(slow=1)) for _ in range(2)))

    asyncio.run(run())


async def _aio(url, json=False):
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(0.4)) as session:
        async with session.get(url) as response:
            response.raise_for_status()
            return await (response.json() if json else response.read())


async def _ws(url):
    async with websockets.connect(url, open_timeout=1):
        pass


def _http_client(port, path="/"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    connection.request("GET", path)
    return connection.getresponse()


def _recv(port):
    with socket.create_connection(("127.0.0.1", port), 2) as conn:
        conn.sendall(b"hello")
        conn.recv(10)
        conn.sendall(b"again")


def _pipe():
    one, two = socket.socketpair()
    two.close()
    one.sendall(b"x")


def _closed():
    conn = socket.socket()
    conn.close()
    conn.sendall(b"x")


def _tls(port, cert=None):
    context = ssl.create_default_context(cafile=cert)
    with socket.create_connection(("127.0.0.1", port), 0.4) as conn:
        context.wrap_socket(conn, server_hostname="localhost")
