"""A client generated from our own description throws what it likes at every route: no 5xx."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from access import roles
from access.roles import Grant
from tests.server.team import team
from tests.telemetry import batch, failure, span

if TYPE_CHECKING:
    from pathlib import Path

    from server.center import Center


@pytest.mark.slow
def test_no_generated_request_gets_a_5xx(address: str, center: Center, tmp_path: Path) -> None:
    center.store.append(batch(failure(1), span(0, 1, correlation_id="SO-1"))).result()
    throw_everything(address, tmp_path, "--max-examples", "10", "--phases", "coverage,fuzzing")


@pytest.mark.slow
def test_no_generated_request_of_an_admin_gets_a_5xx_or_past_the_gate(tmp_path: Path) -> None:
    """With sign-in: people, tokens and the audit too. Whoever asks without a session gets 401 each time."""
    with team(tmp_path, requests_per_second=10_000) as crew:
        crew.person("root", Grant(roles.ADMIN))
        crew.center.store.append(batch(failure(1), span(0, 1, correlation_id="SO-1"))).result()
        cookie = f"Cookie: unsnag={crew.cookie('root')}"
        throw_everything(crew.address, tmp_path, "--max-examples", "2", "--phases", "coverage", "-H", cookie)
        assert crew.center.watch.check_all().verdict.intact
        assert crew.center.directory.people["root"].state == "active"


def throw_everything(address: str, folder: Path, *options: str) -> None:
    """Run the generated client; whatever it sends, no answer may be a 5xx."""
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{address}/api/v1/openapi.json",
        "--checks", "not_a_server_error", *options,
        "--exclude-path", "/api/v1/events",  # it never ends; tests/server/test_api.py reads it
        "--request-timeout", "25", "--no-color", "--suppress-health-check", "all",
    ]  # fmt: skip
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=170)
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
