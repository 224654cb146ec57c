"""`unsnag doctor` says ok only when the server has the event, and otherwise what is missing."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from access.roles import SENDER, VIEWER, WORKER, Grant
from collectors.sources import Sources
from tests.client.conftest import clean_environment
from tests.client.server import Server, running
from tests.client.test_otlp import Endpoint, listening
from tests.journeys.serving import certificate
from tests.server.team import Team, team
from unsnag import doctor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def ask(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "unsnag", "doctor", *options]
    own = clean_environment(**environment)
    return subprocess.run(command, env=own, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def center(tmp_path: Path) -> Iterator[Team]:
    with team(tmp_path / "center") as made:
        yield made


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Return a server that follows a spool folder."""
    with running(tmp_path / "center") as made:
        settings = made.container.settings
        sources = Sources(made.container.store, settings.collectors, settings.spools, "http://here:8501")
        sources.start()
        try:
            yield made
        finally:
            sources.stop()


def stored(server: Server) -> int:
    found = server.http.get("/api/v1/logs", params={"service": "unsnag-doctor"}).json()
    return sum(log["message"].startswith("unsnag doctor") for log in found["items"])


def test_a_folder_that_nobody_follows(tmp_path: Path) -> None:
    done = ask("--wait", "0.2", UNSNAG_SPOOL=str(tmp_path / "spool"))
    assert done.returncode == 1
    assert f"FAULT No server follows {tmp_path}/spool." in done.stdout
    assert "set UNSNAG_URL" in done.stdout
    assert done.stderr == ""


def test_a_folder_that_a_server_follows(server: Server) -> None:
    done = ask("--wait", "60", UNSNAG_SPOOL=str(server.container.settings.spool))
    assert "http://here:8501" in done.stdout
    assert f"(process {os.getpid()} on " in done.stdout
    assert "has stored the event." in done.stdout
    assert "FAULT" not in done.stdout
    assert done.returncode == 0
    assert stored(server) == 1


def test_the_notice_goes_with_the_server(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        spool = server.container.settings.spools[0]
        sources = Sources(server.container.store, server.container.settings.collectors, [spool])
        sources.start()
        assert "FAULT" not in ask("--wait", "60", UNSNAG_SPOOL=str(spool)).stdout
        sources.stop()
        assert "FAULT No server follows" in ask("--wait", "0.2", UNSNAG_SPOOL=str(spool)).stdout


def test_a_server_elsewhere(server: Server, tmp_path: Path) -> None:
    done = ask(UNSNAG_SPOOL=str(tmp_path / "mine"), UNSNAG_URL=str(server.http.base_url))
    assert "The server has stored it: log record " in done.stdout
    assert "This clock agrees with the server's." in done.stdout
    assert done.returncode == 0
    assert stored(server) == 1


@pytest.mark.parametrize(("dates", "says"), [
    ([-40, 0], "This clock agrees with the server's."),
    ([-40, -40, -40], "s ahead of the server's: set it by NTP."),
])  # fmt: skip
def test_a_clock_is_off_where_no_answer_agrees(tmp_path: Path, dates: list[int], says: str) -> None:
    """A busy server may send the date of before: uvicorn sets it once a second, if it comes to that."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(200)
            self.send_header("Date", formatdate(time.time() + dates.pop(0), usegmt=True))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as old:
        threading.Thread(target=old.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{old.server_port}"
        done = ask("--wait", "0.2", UNSNAG_SPOOL=str(tmp_path / "mine"), UNSNAG_URL=url)
        old.shutdown()
    assert says in done.stdout
    assert dates == []


def test_nothing_listens(tmp_path: Path) -> None:
    done = ask(UNSNAG_SPOOL=str(tmp_path), UNSNAG_URL="http://127.0.0.1:9")
    assert "FAULT http://127.0.0.1:9 does not take telemetry now (Connection refused)" in done.stdout
    assert "for this address wait in" in done.stdout
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize(
    ("grants", "status"), [((Grant(VIEWER),), "403 Forbidden"), ((), "401 Unauthorized")]
)
def test_a_wrong_token(center: Team, tmp_path: Path, grants: tuple[Grant, ...], status: str) -> None:
    token = center.token("t-wrong", *grants) if grants else "not-a-token"
    done = ask(UNSNAG_SPOOL=str(tmp_path), UNSNAG_URL=center.address, UNSNAG_TOKEN=token)
    assert f"does not take telemetry with this token ({status})" in done.stdout
    assert "set UNSNAG_TOKEN to a token with the role sender" in done.stdout
    assert done.returncode == 1


@pytest.mark.parametrize("role", [SENDER, WORKER])
def test_a_token_that_may_only_send(center: Team, tmp_path: Path, role: str) -> None:
    token = center.token("t-sends", Grant(role))
    done = ask(UNSNAG_SPOOL=str(tmp_path), UNSNAG_URL=center.address, UNSNAG_TOKEN=token)
    assert "The server has stored it" in done.stdout
    assert done.returncode == 0


def test_a_token_of_other_flows(center: Team, tmp_path: Path) -> None:
    token = center.token("t-limited", Grant(SENDER, None, "a"), Grant(SENDER, None, "b"))
    own = {"UNSNAG_SPOOL": str(tmp_path), "UNSNAG_URL": center.address, "UNSNAG_TOKEN": token}
    refused = ask(**own)
    assert "token t-limited may not send for no tenant/no flow" in refused.stdout
    assert refused.returncode == 1
    assert ask("--flow", "a", **own).returncode == 0


def test_a_receiver_that_is_no_unsnag(tmp_path: Path) -> None:
    with listening(Endpoint()) as endpoint:
        done = ask(UNSNAG_SPOOL=str(tmp_path), UNSNAG_URL=endpoint.url)
    assert f"{endpoint.url} took the event." in done.stdout
    assert "cannot confirm that the event is stored: 501" in done.stdout
    assert done.returncode == 1


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        done = ask(UNSNAG_SPOOL=str(tmp_path), UNSNAG_URL=f"https://127.0.0.1:{server.server_address[1]}")
    finally:
        server.shutdown()
        server.server_close()
    assert "(TLS: self-signed certificate)" in done.stdout
    assert "SSL_CERT_FILE" in done.stdout
    assert done.returncode == 1


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = ask("--wait", "0.2", UNSNAG_SPOOL=str(tmp_path / "file" / "spool"))
    assert "FAULT" in done.stdout
    assert "cannot be written: Not a directory" in done.stdout
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("asked", "date", "answered", "ahead_s"),
    [(100.2, 100, 100.4, 0.0), (100.9, 100, 101.4, 0.0), (100.2, 101, 101.1, 0.0), (160.5, 100, 160.6, 59.5),
     (40.5, 100, 41.0, -59.0)],
)  # fmt: skip
def test_how_far_a_clock_is_off(asked: float, date: float, answered: float, ahead_s: float) -> None:
    """The server's date has whole seconds, and it was taken between question and answer."""
    assert doctor.ahead_s(asked, date, answered) == pytest.approx(ahead_s)
