"""What a stranger finds at the whole process: pages, Streamlit's own routes, the websocket, static files."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest
import websockets

from tests.journeys.serving import ROOT, STUCK, Server, certificate
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow]

PATHS = (
    "/_stcore/health", "/_stcore/host-config", "/_stcore/metrics", "/_stcore/message",
    "/_stcore/script-health-check", "/_stcore/upload_file/x/y", "/_stcore/stream",
    "/_stcore/agent/openapi.json", "/_stcore/agent", "/media/x.png", "/component/x/index.html",
    "/static/js/index.js", "/app/static/logo.svg", "/favicon.png", "/manifest.json",
    "/_stcore/allowed-message-origins", "/healthz/../api/v1/cases", "/healthz/", "/sign-in/",
    "/sign-in/x", "//api/v1/cases", "/API/v1/cases", "/api/v1/cases/", "/%2e%2e/app.py", "/..%2fapp.py",
    "/.streamlit/config.toml", "/.git/config", "/data/var/unsnag.duckdb", "/running.json", "/me",
    "/account", "/people", "/audit",
)  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("probe")
    config = folder / "unsnag.toml"
    config.write_text("[access]\nsign_in = true\nrequests_per_second = 1000\n")
    made = Server(folder, config).start()
    yield made
    made.stop()


def test_nothing_but_health_and_the_sign_in_pages_answers(server: Server) -> None:
    with httpx.Client(base_url=server.address) as http:
        assert http.get("/healthz").json() == {"status": "ok"}
        assert http.get("/sign-in").status_code == 200
        assert http.get("/welcome").status_code == 410
        for path in PATHS:
            for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "TRACE"):
                answer = http.request(method, path)
                # 401 to programs; a page leads to the sign-in; 429 when a stranger has knocked too often.
                assert answer.status_code in (303, 401, 429), (
                    method,
                    path,
                    answer.status_code,
                    answer.text[:200],
                )
                if answer.status_code == 303:
                    assert answer.headers["location"].startswith("/sign-in")


def test_a_page_leads_to_the_sign_in_and_back_to_itself_only(server: Server) -> None:
    with httpx.Client(base_url=server.address, headers={"Accept": "text/html"}) as http:
        for path, where in (
            ("/", "/sign-in"),
            ("/trace?id=SO-1", "/sign-in?next=/trace%3Fid%3DSO-1"),
            ("/sign-in?next=https://evil.example/", None),
            ("/sign-in?next=//evil.example/", None),
            ("/sign-in?next=/\\evil.example/", None),
            ("/sign-in?next=javascript:alert(1)", None),
            ('/sign-in?next=/"><script>alert(1)</script>', None),
        ):
            answer = http.get(path)
            if answer.status_code == 429:
                continue
            if where:
                assert (answer.status_code, answer.headers["location"]) == (303, where)
            else:
                assert answer.status_code == 200
                assert "evil.example" not in answer.text.replace("&#34;", '"')
                assert "<script>" not in answer.text
                assert "javascript:" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Cookie": "unsnag=forged"},
        {"x-unsnag-actor": "session:0123456789abcdef"},
        {"Authorization": "Bearer unsnag_0123456789ab_" + "a" * 43},
    ],
)
def test_the_websocket_is_closed_to_strangers(server: Server, headers: dict[str, str]) -> None:
    async def knock() -> None:
        url = f"ws://127.0.0.1:{server.port}/_stcore/stream"
        async with websockets.connect(url, additional_headers=headers, origin=None):
            pass

    with pytest.raises(websockets.InvalidStatus) as refused:
        asyncio.run(knock())
    assert refused.value.response.status_code == 403


def test_it_speaks_tls_with_secure_cookies_and_commands_find_it(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    config = tmp_path / "unsnag.toml"
    config.write_text(f'tls_cert = "{cert}"\ntls_key = "{key}"\n[access]\nsign_in = true\n')
    server = Server(
        tmp_path, config, scheme="https", trust=ssl.create_default_context(cafile=str(cert))
    ).start()
    try:
        link = server.command("user", "add", "root", "--role", "admin")
        assert link.startswith("https://")
        with httpx.Client(base_url=server.address, verify=server.trust) as http:
            code = link.partition("code=")[2]
            chosen = {"code": code, "password": "an honest sentence", "again": "an honest sentence"}
            answer = http.post("/welcome", data=chosen, headers={"Origin": server.address})
            assert answer.status_code == 303
            cookie = answer.headers["set-cookie"]
            assert cookie.startswith("__Host-unsnag=")
            assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure"} <= set(cookie.split("; "))
            assert answer.headers["strict-transport-security"]
            assert http.get("/api/v1/me").json()["name"] == "root"
        assert server.command("audit", "verify").startswith("INTACT")
    finally:
        server.stop()
    assert server.command("user", "list").startswith("root\tactive\tadmin")  # without a server, by itself


HANDLER = """
import unsnag
unsnag.init(flow="order-to-cash")

@unsnag.handler("order-to-cash", "pay")
def pay(retry):
    with unsnag.unit(retry.correlation_id, tenant="acme"), unsnag.step("pay", idempotent=True):
        pass
"""


def test_a_worker_with_a_token_recovers_what_an_operators_token_retried(tmp_path: Path) -> None:
    """The whole way by programs alone: each with the token of its own, each by its own name in the audit."""
    config = tmp_path / "unsnag.toml"
    config.write_text("[access]\nsign_in = true\n")
    server = Server(tmp_path, config).start()
    try:
        worker = server.command("token", "add", "workers", "--role", "worker:acme/*")
        operator = server.command("token", "add", "ops", "--role", "operator")
        bearer = {"Authorization": f"Bearer {operator}"}
        with httpx.Client(base_url=server.address, headers=bearer) as http:
            subprocess.run(
                [sys.executable, "-c", STUCK.format(spool=str(server.spool), unit="SO-77")],
                check=True,
                timeout=30,
            )
            case = eventually(lambda: http.get("/api/v1/cases").json()["items"])[0]["id"]
            assert _run_worker(tmp_path, server, worker).returncode == 0, (
                "it announces its step, nothing waits"
            )
            retried = http.post(f"/api/v1/cases/{case}/retry", headers={"Idempotency-Key": "k"})
            assert retried.status_code == 200, retried.text
            run = _run_worker(tmp_path, server, worker)
            assert run.returncode == 0, run.stderr
            eventually(lambda: http.get("/api/v1/cases?state=recovered").json()["items"])
            acts = http.get(f"/api/v1/cases/{case}").json()["acts"]
            reported = [(act["verb"], act["actor"], act["actor_type"]) for act in acts]
            assert ("retried", "service/ops", "service") in reported
            assert ("verifying", "service/workers", "service") in reported
            assert reported[-1][0] == "recovered"
        assert server.command("audit", "verify").startswith("INTACT")
    finally:
        server.stop()


def _run_worker(folder: Path, server: Server, token: str) -> subprocess.CompletedProcess[str]:
    (folder / "handlers.py").write_text(HANDLER)
    own = {"UNSNAG_URL": server.address, "UNSNAG_TOKEN": token, "UNSNAG_SPOOL": str(server.spool)}
    return subprocess.run(
        [sys.executable, "-m", "unsnag", "worker", "handlers.py", "--once"],
        env={**os.environ, "PYTHONPATH": str(ROOT), **own},
        cwd=folder, timeout=60, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_it_looks_the_same_from_whatever_folder_it_is_started(tmp_path: Path) -> None:
    server = Server(tmp_path, cwd=tmp_path).start()
    try:
        font = httpx.get(f"{server.address}/app/static/inter-latin-wght-normal.woff2")
        assert font.content.startswith(b"wOF2"), "the settings of .streamlit/config.toml were not read"
    finally:
        server.kill()
