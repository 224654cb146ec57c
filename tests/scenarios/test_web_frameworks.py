"""Web frameworks under their real servers: each request is the block of its unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from tests.scenarios import frameworks
from tests.scenarios.frameworks import Addresses, example
from tests.scenarios.unsnag_server import UnsnagServer
from tests.scenarios.world import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(900), pytest.mark.usefixtures("environment")]

SHIP = {
    "FastAPI and Starlette": "/orders/{order_id}/ship",
    "Flask": "/orders/<order_id>/ship",
    "WSGI": "/orders/{unit}/ship",
    "Django": "/orders/<order_id>/ship",
}
"""The route of each example."""
SERVERS = [("FastAPI and Starlette", 0), ("Flask", 0), ("WSGI", 0), ("Django", 0), ("Django", 1)]
NAMES = ["fastapi", "flask", "wsgi", "django-wsgi", "django-asgi"]


class Shop:
    """A running example."""

    def __init__(self, unsnag: UnsnagServer, addresses: Addresses, port: int, heading: str) -> None:
        self.unsnag = unsnag
        self.addresses = addresses
        self.heading = heading
        self._address = f"http://127.0.0.1:{port}"

    def ask(self, order: str, method: str = "POST", path: str = "/orders/{}/ship", **headers: str) -> int:
        """Send a request for an order, in its path and in a header; return the status."""
        url = self._address + path.format(order)
        try:
            return httpx.request(
                method, url, headers={"X-Order-ID": order, **headers}, timeout=60
            ).status_code
        except httpx.RemoteProtocolError:  # gunicorn closes the connection when a plain application raises
            return 500


@pytest.fixture(params=["alone", "with OpenTelemetry"])
def instrument(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Run the example as it is, and under OpenTelemetry's own instrumentation."""
    return () if request.param == "alone" else ("opentelemetry-instrument",)


@pytest.fixture(params=SERVERS, ids=NAMES)
def shop(request: pytest.FixtureRequest, instrument: tuple[str, ...], tmp_path: Path) -> Iterator[Shop]:
    """Run one example of the guide under its server."""
    heading, which = request.param
    with UnsnagServer(tmp_path / "unsnag") as server:
        world, addresses = frameworks.world(tmp_path / "shop", server)
        found = example(heading)
        found.write(world.folder)
        port = free_port()
        command = [word.replace("8000", str(port)) for word in found.commands[which]]
        own = {"PYTHONPATH": str(world.folder), "OTEL_SERVICE_NAME": "shop"}
        with world.serving(*instrument, *command, port=port, **own):
            yield Shop(server, addresses, port, heading)


def test_two_orders_at_a_time_keep_apart_and_the_one_that_failed_is_recovered(shop: Shop) -> None:
    frameworks.two_orders(shop.unsnag, shop.addresses, shop.ask)
    case = frameworks.the_case(shop.unsnag)
    assert (case["flow"], case["service"], case["state"]) == ("order-to-cash", "shop", "open")
    assert case["step"] == f"POST {SHIP[shop.heading]}"

    # Refused, looked at, and another order: none of these proves anything about it.
    for order in ("SO-3", "SO-5"):
        shop.addresses.add(order)
    assert shop.ask("X-4") == 404
    assert shop.ask("SO-5", "GET") in {200, 405}
    if shop.heading != "WSGI":
        assert shop.ask("SO-2", path="/orders/{}/elsewhere") == 404
    assert shop.ask("SO-3") == 200
    frameworks.wait_for(shop.unsnag, SO_3="success", X_4="ended")
    assert "SO-5" not in frameworks.stated(shop.unsnag)
    assert frameworks.stated(shop.unsnag)["SO-2"] == "failed"
    assert frameworks.the_case(shop.unsnag)["state"] == "open"

    frameworks.ship_again(shop.unsnag, shop.addresses, shop.ask)
