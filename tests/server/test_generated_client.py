"""A client generated from our own description throws what it likes at every route: no 5xx."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.telemetry import batch, failure, span

if TYPE_CHECKING:
    from pathlib import Path

    from server.center import Center


@pytest.mark.slow
def test_no_generated_request_gets_a_5xx(address: str, center: Center, tmp_path: Path) -> None:
    center.store.append(batch(failure(1), span(0, 1, correlation_id="SO-1"))).result()
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{address}/api/v1/openapi.json",
        "--checks", "not_a_server_error", "--max-examples", "10", "--phases", "coverage,fuzzing",
        "--exclude-path", "/api/v1/events",  # it never ends; tests/server/test_api.py reads it
        "--request-timeout", "25", "--no-color", "--suppress-health-check", "all",
    ]  # fmt: skip
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=170)
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
