"""Airflow's scheduler, API server and DAG processor run a task for each order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.scenarios import frameworks
from tests.scenarios.frameworks import CLOCKS_AGREE_S
from tests.scenarios.test_task_frameworks import Place, tries, two_tries
from tests.scenarios.unsnag_server import UnsnagServer
from tests.scenarios.world import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(1800)]


@pytest.fixture
def place(airflow_environment: Path, tmp_path: Path) -> Iterator[Place]:
    with UnsnagServer(tmp_path / "unsnag") as server:
        world, addresses = frameworks.world(tmp_path / "shop", server)
        world.bin = airflow_environment
        yield Place(server, world, addresses)


def settings(place: Place, port: int) -> dict[str, str]:
    """Return what makes this Airflow one of its own, and a DAG's runs begin without a person."""
    return {
        "AIRFLOW_HOME": str(place.world.folder / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(place.world.folder / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "300",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "900",
    }


def test_airflow_tasks(place: Place) -> None:
    found = place.write("Airflow")
    port = free_port()
    own = settings(place, port)
    start, trigger = found.commands

    def send(order: str) -> None:
        conf = json.dumps({"order_id": order})
        frameworks.wait_until(  # the DAG processor reads the file in its own time
            place.unsnag, lambda: place.run(*trigger[:-1], conf, **own) == 0
        )

    with place.world.serving(*start, port=port, OTEL_SDK_DISABLED="true", **own):
        frameworks.two_orders(place.unsnag, place.addresses, send)
        frameworks.wait_until(place.unsnag, lambda: len(tries(place)) == 2)
        assert tries(place) == [(1, "error"), (2, "error")]
        assert frameworks.the_case(place.unsnag)["step"] == "ship"
        two_tries(place, send)
        assert frameworks.the_case(place.unsnag)["state"] == "open"
        frameworks.ship_again(place.unsnag, place.addresses, send, after_s=CLOCKS_AGREE_S)
