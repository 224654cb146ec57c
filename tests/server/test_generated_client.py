"""Clients generated from our own description: one sends what it likes to every route, one works the queue."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from access import roles
from access.roles import Grant
from collectors import receiver
from server.api.app import build
from server.identity import sender
from tests.server.team import team
from tests.telemetry import batch, failure, span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from server.container import Container


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_no_generated_request_gets_a_5xx(address: str, container: Container) -> None:
    container.store.append(batch(failure(1), span(0, 1, correlation_id="SO-1"))).result()
    throw_everything(address, "--max-examples", "4", "--phases", "fuzzing")


@pytest.mark.integration
@pytest.mark.timeout(1800)
def test_none_of_many_generated_requests_gets_a_5xx(address: str, container: Container) -> None:
    """The suite's tries are few: an admin's, of values at their bounds, and random ones."""
    container.store.append(batch(failure(1), span(0, 1, correlation_id="SO-1"))).result()
    throw_everything(address, "--max-examples", "30", "--phases", "coverage,fuzzing")


@pytest.mark.slow
def test_no_generated_request_for_a_lease_gets_a_5xx(address: str, container: Container) -> None:
    """A valid one waits for up to 20 s, as it is meant to: so only a few, and beside no others."""
    container.store.append(batch(failure(1))).result()
    throw(address, "--include-path", _LEASE, "--max-examples", "2", "--phases", "fuzzing")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_no_generated_request_of_an_admin_gets_a_5xx_or_past_the_gate(tmp_path: Path) -> None:
    """With sign-in: people, tokens and the audit too. A request without a session gets 401 each time."""
    with team(tmp_path, requests_per_second=10_000) as crew:
        crew.person("root", Grant(roles.ADMIN))
        crew.container.store.append(batch(failure(1), span(0, 1, correlation_id="SO-1"))).result()
        cookie = f"Cookie: unsnag={crew.cookie('root')}"
        throw_everything(crew.address, "--max-examples", "2", "--phases", "coverage", "-H", cookie)
        assert crew.container.watch.check_all().verdict.intact
        assert crew.container.directory.people["root"].state == "active"


_LEASE: Final = "/api/v1/retries/lease"


def throw_everything(address: str, *options: str) -> None:
    """Run the generated client over all routes that answer at once."""
    # The stream of events never ends; tests/server/test_api.py reads it.
    throw(address, "--exclude-path", "/api/v1/events", "--exclude-path", _LEASE, *options)


def throw(address: str, *options: str) -> None:
    """Run the generated client; whatever it sends, no answer may be a 5xx.

    One worker: with several, Python 3.11 fails now and then to parse the client's own code in two threads.
    """
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{address}/api/v1/openapi.json",
        "--checks", "not_a_server_error", *options, "--workers", "1",
        "--generation-with-security-parameters", "false",  # it is signed in, or need not be
        "--request-timeout", "25", "--no-color", "--suppress-health-check", "all",
    ]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=390)
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Generate a Python client from the description, as a stranger would; return its folder."""
    folder = tmp_path_factory.mktemp("generated")
    description = folder / "openapi.json"
    description.write_text(json.dumps(build(receiver.routes(_unused, _unused, sender)).openapi()))
    config = folder / "config.yml"
    config.write_text("post_hooks: []\n")
    command = [
        str(Path(sys.executable).with_name("openapi-python-client")), "generate", "--path", str(description),
        "--output-path", str(folder / "unsnag_api"), "--meta", "none", "--config", str(config),
    ]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr
    # The generator knows no protobuf; those three are for OTLP exporters.
    left_out = re.findall(r"WARNING parsing (.*) within", run.stdout + run.stderr)
    assert left_out == ["POST /v1/traces", "POST /v1/logs", "POST /v1/metrics"]
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


def _unused() -> Any:
    raise NotImplementedError  # describing routes calls nothing


def test_generated_functions_have_the_names_a_person_would_give(generated: Path) -> None:
    made = {path.stem for path in (generated / "unsnag_api" / "api").glob("*/*.py")} - {"__init__"}
    promised = (
        "list_cases get_case claim_case release_case retry_case resolve_case cancel_retry lease_retry "
        "complete_retry fail_retry get_unit get_trace list_traces list_logs list_kpis list_sources "
        "list_people add_person add_token check_audit_chain stream_events get_health"
    )
    assert set(promised.split()) <= made
    assert [name for name in made if re.search(r"api_v1|_(get|post)$|_\d", name)] == []


@pytest.mark.slow
def test_a_generated_client_works_the_queue(generated: Path, tmp_path: Path) -> None:
    """In sign-in mode, with a token: list, claim, release, claim again, resolve, and a problem."""
    assert (generated / "unsnag_api").is_dir()
    api = importlib.import_module("unsnag_api")
    call = {name: importlib.import_module(f"unsnag_api.api.cases.{name}").sync_detailed for name in _CASES}
    resolve_body = importlib.import_module("unsnag_api.models").ResolveBody
    with team(tmp_path) as crew:
        crew.container.store.append(batch(failure(1))).result()
        token = crew.token("t-robot", Grant(roles.OPERATOR))
        with api.AuthenticatedClient(base_url=crew.address, token=token) as client:
            (case,) = call["list_cases"](client=client, state="open").parsed.items
            assert (case.class_, case.holder) == ("infrastructure", None)

            def act(name: str, **more: Any) -> Any:
                return call[name](case.id, client=client, idempotency_key=uuid.uuid4().hex, **more)

            assert act("claim_case").parsed.holder == "service/t-robot"
            assert act("release_case").parsed.state == "open"
            act("claim_case")
            body = resolve_body(code="duplicate", reason="The other order paid")
            assert act("resolve_case", body=body).parsed.state == "resolved"
            late = act("claim_case")
            assert (late.status_code, late.parsed.status) == (409, 409)
        with api.AuthenticatedClient(base_url=crew.address, token="wrong") as stranger:
            assert call["list_cases"](client=stranger).parsed.status == 401


_CASES = ("list_cases", "claim_case", "release_case", "resolve_case")


def test_the_description_tells_what_a_write_and_a_caller_need(http: httpx.Client) -> None:
    description = http.get("/api/v1/openapi.json").json()
    schemes = description["components"]["securitySchemes"]
    assert (schemes["token"]["scheme"], schemes["session"]["in"]) == ("bearer", "cookie")
    for path, item in description["paths"].items():
        for method, operation in item.items():
            named = {each["name"]: each for each in operation.get("parameters", ())}
            if method == "post" and path.startswith("/api/") and path not in _STORES_NOTHING:
                assert named["Idempotency-Key"]["required"], path
                assert "same key" in named["Idempotency-Key"]["description"]
            ways = {kind for way in operation.get("security", ()) for kind in way}
            assert ways == ({"token"} if path.startswith("/v1/") else _ways(path)), path


_STORES_NOTHING = (
    "/api/v1/audit/pack",
    "/api/v1/flows/lint",
    "/api/v1/mappings/test",
    "/api/v1/store/backups",
    "/api/v1/store/exports",
)


def _ways(path: str) -> set[str]:
    return set() if path in ("/healthz", "/readyz") else {"token", "session"}


def test_what_asks_for_no_sign_in_is_what_the_description_says(tmp_path: Path) -> None:
    """Every route that a stranger may ask is described as open, and no other."""
    with team(tmp_path) as crew, httpx.Client(base_url=crew.address) as stranger:
        description = build(receiver.routes(_unused, _unused, sender)).openapi()
        for path, item in description["paths"].items():
            for method, operation in item.items():
                answer = stranger.request(method, re.sub(r"{\w+}", "x", path))
                # So many routes are more than a stranger may ask at once.
                assert (answer.status_code in {401, 429}) == bool(operation.get("security")), path
