"""The guard of every route: what a stranger finds, and what forged, stale and foreign requests get."""

from __future__ import annotations

import gzip
import socket
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from access import roles
from access.commands import perform
from access.people import DisablePerson, GiveRoles
from access.roles import Grant
from access.sessions import sign_in
from server import bodies, identity, rates
from tests.server.team import HOME, OWN, SENTENCE, Team, team
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow]

OPEN = {"/healthz", "/readyz"}


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Team]:
    with team(tmp_path) as made:
        yield made


@pytest.fixture
def stranger(crew: Team) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=crew.address) as client:
        yield client


# --- strangers ----------------------------------------------------------------------------------


def test_a_stranger_finds_nothing_open_but_health(crew: Team, stranger: httpx.Client) -> None:
    crew.person("ann", Grant(roles.VIEWER))
    with crew.as_person("ann") as ann:
        paths = ann.get("/api/v1/openapi.json").json()["paths"]
    assert len(paths) > 30
    for path, methods in paths.items():
        for method in methods:
            answer = stranger.request(method, path.replace("{", "x").replace("}", "x"), json={})
            assert (answer.status_code == 200) == (path in OPEN), (method, path, answer.status_code)
            if path not in OPEN:
                assert answer.status_code in (401, 429)
                assert (
                    answer.status_code == 429 or answer.headers["www-authenticate"] == 'Bearer realm="unsnag"'
                )


def test_a_stranger_who_knocks_on_and_on_is_slowed_and_neighbours_are_not(
    crew: Team, stranger: httpx.Client
) -> None:
    codes = [stranger.get("/api/v1/cases").status_code for _ in range(80)]
    assert codes[0] == 401
    assert codes[-1] == 429
    answer = stranger.get("/api/v1/cases")
    assert int(answer.headers["retry-after"]) >= 1
    assert stranger.get("/healthz").status_code == 200
    with crew.as_token(crew.token("orders", Grant(roles.VIEWER))) as known:  # from the same address
        assert known.get("/api/v1/me").status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "Bearer", "Bearer x", "Basic cm9vdDpyb290", "Bearer unsnag_000000000000_" + "a" * 43,
        "Bearer unsnag_zzz", "bearer null", "Command", "Command x", "Command " + "a" * 43, "\xff\xfe",
    ],
)  # fmt: skip
def test_a_forged_authorization_is_nobodys(stranger: httpx.Client, header: str) -> None:
    answer = stranger.get("/api/v1/me", headers={"Authorization": header.encode("latin-1")})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "cookie",
    ["unsnag=", "unsnag=x", "unsnag=" + "a" * 43, "unsnag=\xff", "unsnag", "x" * 4000, "unsnag=a; unsnag=b"],
)
def test_a_forged_cookie_is_nobodys(stranger: httpx.Client, cookie: str) -> None:
    answer = stranger.get("/api/v1/me", headers={"Cookie": cookie.encode("latin-1")})
    assert answer.status_code == 401


def test_nobody_becomes_somebody_by_the_header_that_the_guard_sets(
    crew: Team, stranger: httpx.Client
) -> None:
    crew.person("ann", Grant(roles.ADMIN))
    session = crew.actor("ann").credential or ""
    for claimed in ("ann", session, session.partition(":")[2], "root"):
        assert stranger.get("/api/v1/me", headers={identity.HEADER: claimed}).status_code == 401


def test_a_cookie_is_no_token_and_a_token_no_cookie(crew: Team) -> None:
    crew.person("ann", Grant(roles.VIEWER))
    secret, token = crew.cookie("ann"), crew.token("orders", Grant(roles.VIEWER))
    with httpx.Client(base_url=crew.address) as http:
        assert http.get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"}).status_code == 401
        assert http.get("/api/v1/me", headers={"Cookie": f"unsnag={token}"}).status_code == 401


# --- stale --------------------------------------------------------------------------------------


def test_a_cookie_ends_with_its_session_wherever_it_was_copied_to(crew: Team) -> None:
    crew.person("ann", Grant(roles.VIEWER))
    with crew.as_person("ann") as http:
        assert http.get("/api/v1/me").status_code == 200
        perform(DisablePerson("ann"), crew.container.context(OWN))
        assert http.get("/api/v1/me").status_code == 401


def test_an_event_stream_ends_with_its_session(crew: Team) -> None:
    crew.person("ann", Grant(roles.VIEWER))
    with crew.as_person("ann") as http, http.stream("GET", "/api/v1/events?topic=case") as stream:
        lines = stream.iter_lines()
        assert next(lines) == "event: case"
        perform(DisablePerson("ann"), crew.container.context(OWN))
        assert "event: signed-out" in list(lines)


def test_a_role_that_is_removed_while_a_form_is_open_stops_the_act(crew: Team) -> None:
    crew.person("ann", Grant(roles.ADMIN))
    with crew.as_person("ann") as http:
        body = {"name": "eve", "roles": [{"role": "admin"}]}
        crew.person("root2", Grant(roles.ADMIN))
        perform(GiveRoles("ann", [Grant(roles.VIEWER)]), crew.container.context(OWN))
        answer = http.post("/api/v1/people", json=body, headers={"Idempotency-Key": "k"})
        assert answer.status_code == 403
        assert "that takes the role admin" in answer.json()["detail"]
    assert "eve" not in crew.container.directory.people


def test_a_replayed_request_of_somebody_who_lost_the_role_is_refused(crew: Team) -> None:
    crew.person("ann", Grant(roles.ADMIN))
    crew.person("root2", Grant(roles.ADMIN))
    with crew.as_person("ann") as http:
        send = {"json": {"roles": [{"role": "viewer"}]}, "headers": {"Idempotency-Key": "k"}}
        assert http.post("/api/v1/people/root2/roles", **send).status_code == 200  # type: ignore[arg-type]
        perform(GiveRoles("root2", [Grant(roles.ADMIN)]), crew.container.context(OWN))
        perform(GiveRoles("ann", [Grant(roles.VIEWER)]), crew.container.context(OWN))
        assert http.post("/api/v1/people/root2/roles", **send).status_code == 403  # type: ignore[arg-type]


# --- foreign ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:1", 200), ("localhost", 200), ("[::1]", 200), ("10.1.2.3", 200),
        (socket.gethostname(), 200),
        ("evil.example", 421), ("unsnag.evil.example", 421), ("", 421), ("a:b:c", 421), ("127.0.0.1:x", 421),
    ],
)  # fmt: skip
def test_only_hosts_of_its_own_are_answered_for(crew: Team, host: str, status: int) -> None:
    token = crew.token("orders", Grant(roles.VIEWER))
    with crew.as_token(token) as http:
        assert http.get("/api/v1/me", headers={"Host": host}).status_code == status


def test_a_request_that_names_two_hosts_is_refused(crew: Team) -> None:
    port = int(crew.address.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port)) as raw:
        raw.sendall(
            b"GET /sign-in HTTP/1.1\r\nHost: evil.example\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        )
        assert raw.recv(64).split()[1] == b"400"


def test_with_hosts_named_no_other_is_answered_for(tmp_path: Path) -> None:
    with (
        team(tmp_path, hosts=["unsnag.example"]) as crew,
        crew.as_token(crew.token("t", Grant("viewer"))) as http,
    ):
        assert http.get("/api/v1/me", headers={"Host": "unsnag.example"}).status_code == 200
        assert http.get("/api/v1/me", headers={"Host": "10.1.2.3"}).status_code == 421


def test_a_page_of_another_site_cannot_act_with_somebodys_cookie(crew: Team) -> None:
    crew.person("ann", Grant(roles.ADMIN))
    body: dict[str, Any] = {"json": {"name": "eve", "roles": [{"role": "admin"}]}}
    with crew.as_person("ann") as http:
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": crew.address.replace("127.0.0.1", "127.0.0.2")},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            # A header beside the cookie does not make it a request of a program.
            {"Sec-Fetch-Site": "cross-site", "Authorization": "Basic YW5uOng="},
            {"Sec-Fetch-Site": "cross-site", "Authorization": "x"},
        ):
            answer = http.post("/api/v1/people", headers={"Idempotency-Key": "k", **headers}, **body)
            assert answer.status_code == 403, headers
        assert "eve" not in crew.container.directory.people
        own = {"Idempotency-Key": "k", "Origin": crew.address, "Sec-Fetch-Site": "same-origin"}
        assert http.post("/api/v1/people", headers=own, **body).status_code == 200


def test_local_mode_behind_a_proxy_is_refused(http: httpx.Client) -> None:
    for header in ("X-Forwarded-For", "Forwarded", "X-Forwarded-Host"):
        answer = http.get("/api/v1/cases", headers={header: "10.0.0.1"})
        assert answer.status_code == 403
        assert "access.sign_in" in answer.json()["detail"]


# --- limits -------------------------------------------------------------------------------------


def test_a_body_that_is_too_large_is_refused_before_it_is_read(crew: Team) -> None:
    with crew.as_token(crew.token("orders", Grant(roles.OPERATOR))) as http:
        large = b'{"reason": "' + b"x" * bodies.MAX_BODY + b'"}'
        headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
        url = "/api/v1/cases/none/retry"
        assert http.post(url, content=large, headers=headers).status_code == 413
        parts = (large[i : i + 65_536] for i in range(0, len(large), 65_536))
        assert http.post(url, content=parts, headers=headers).status_code == 413


def test_a_caller_who_asks_too_much_is_slowed_and_others_are_not(tmp_path: Path) -> None:
    with team(tmp_path, requests_per_second=2) as crew:
        loud, quiet = (crew.as_token(crew.token(name, Grant(roles.VIEWER))) for name in ("loud", "quiet"))
        with loud, quiet:
            codes = [loud.get("/api/v1/me").status_code for _ in range(30)]
            assert codes[0] == 200
            assert codes[-1] == 429
            assert quiet.get("/api/v1/me").status_code == 200


def test_an_address_that_asks_the_open_pages_too_much_is_slowed_and_health_is_not(tmp_path: Path) -> None:
    with team(tmp_path, requests_per_second=2) as crew, httpx.Client(base_url=crew.address) as stranger:
        codes = [stranger.get("/sign-in").status_code for _ in range(30)]
        assert codes[-1] == 429
        assert 429 not in codes[:20]
        assert int(stranger.get("/sign-in").headers["retry-after"]) >= 1
        assert [stranger.get(path).status_code for path in ("/healthz", "/readyz")] == [200, 200]
        with crew.as_token(crew.token("quiet", Grant(roles.VIEWER))) as known:
            assert known.get("/api/v1/me").status_code == 200


def test_otlp_is_the_senders_and_nobody_elses(crew: Team) -> None:
    crew.person("ann", Grant(roles.ADMIN))
    body = gzip.compress(b'{"resourceLogs": []}')
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    with crew.as_token(crew.token("orders", Grant(roles.SENDER))) as sender, crew.as_person("ann") as ann:
        for path in ("/v1/logs", "/v1/traces", "/v1/metrics"):
            assert sender.post(path, content=body, headers=headers).status_code == 200
            refused = ann.post(path, content=body, headers=headers)
            assert refused.status_code == 403
            assert refused.json()["code"] == 7
        assert sender.get("/api/v1/cases").status_code == 403


# --- headers ------------------------------------------------------------------------------------


def test_every_answer_carries_the_security_headers(crew: Team, stranger: httpx.Client) -> None:
    for path in ("/healthz", "/api/v1/me", "/sign-in", "/nothing"):
        headers = stranger.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe-eval" not in headers["content-security-policy"].replace("wasm-unsafe-eval", "")
    assert stranger.get("/api/v1/me").headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in stranger.get("/healthz").headers
    assert crew.address.startswith("http:")


def test_behind_https_the_cookie_is_held_to_it(tmp_path: Path) -> None:
    with team(tmp_path, public_url="https://unsnag.example") as crew:
        assert identity.cookie_name(crew.container.settings) == "__Host-unsnag"
        crew.person("ann", Grant(roles.VIEWER))
        secret = sign_in(crew.container.as_system(), "ann", SENTENCE, HOME)
        with httpx.Client(base_url=crew.address) as http:
            plain = http.get("/api/v1/me", headers={"Cookie": f"unsnag={secret}"})
            assert plain.status_code == 401
            right = http.get("/api/v1/me", headers={"Cookie": f"__Host-unsnag={secret}"})
            assert right.status_code == 200
            assert right.headers["strict-transport-security"]


def test_no_secret_is_in_a_log_or_an_answer(
    crew: Team, stranger: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    crew.person("ann", Grant(roles.ADMIN))
    token, secret = crew.token("orders", Grant(roles.VIEWER)), crew.cookie("ann")
    answers = [
        stranger.get("/api/v1/me", headers={"Authorization": f"Bearer {token}x"}).text,
        stranger.get("/api/v1/me", headers={"Cookie": f"unsnag={secret}x"}).text,
    ]
    with crew.as_person("ann") as http:
        answers += [
            http.get(path).text for path in ("/api/v1/people", "/api/v1/tokens", "/api/v1/audit", "/metrics")
        ]
    shown = "".join(answers) + caplog.text
    for hidden in (token, token.split("_")[2], secret, SENTENCE, crew.container.command_secret):
        assert hidden not in shown
    assert len(answers) == 6


# --- streams ------------------------------------------------------------------------------------


def test_one_caller_may_hold_so_many_streams_and_others_are_not_concerned(
    crew: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rates.MAX_STREAMS == 50
    monkeypatch.setattr(rates, "MAX_STREAMS", 2)
    events = "/api/v1/events"
    with crew.holder("ann", Grant(roles.VIEWER)) as ann, crew.holder("bob", Grant(roles.VIEWER)) as bob:
        with ann.stream("GET", events) as first, ann.stream("GET", events) as second:
            assert (first.status_code, second.status_code) == (200, 200)
            with ann.stream("GET", events) as third:
                assert third.status_code == 429
                assert "too-many-streams" in third.read().decode()
            with bob.stream("GET", events) as other:
                assert other.status_code == 200
        # A page that is closed frees its stream.
        eventually(lambda: _status(ann, events) == 200)


def _status(client: httpx.Client, path: str) -> int:
    with client.stream("GET", path) as answer:
        return answer.status_code
