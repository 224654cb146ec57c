"""The OpenTelemetry recipe of docs/collectors.md does what it says, run word for word with the real SDK."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.unsnag_server import UnsnagServer
from tests.scenarios.world import BIN, PROGRAMS, ROOT, World

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(120)]


@pytest.mark.usefixtures("environment")
def test_the_number_in_baggage_reaches_the_units_of_every_service(tmp_path: Path) -> None:
    with UnsnagServer(tmp_path / "unsnag") as server:
        world = World(tmp_path, server.address, server.arrived)
        command = [BIN / "python", PROGRAMS / "recipe.py", ROOT / "docs" / "collectors.md"]
        subprocess.run(command, check=True, env=world.environment(), timeout=60)
        world.wait_for("place order", "reserve")
        server.http.get("/api/v1/units/SO-55").raise_for_status().json()
        rows = server.store.act(lambda tx: tx.execute("select service, correlation_id from span")).result()
        own = {(row["service"], row["correlation_id"]) for row in rows}
        assert own == {("shop", "SO-55"), ("warehouse", "SO-55")}
        (case,) = server.http.get("/api/v1/cases").raise_for_status().json()["items"]
        assert (case["correlation_id"], case["service"]) == ("SO-55", "warehouse")
