"""An outage with its downstream victims is one group with the victims under it: by traces alone."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.server.test_desk_command import Terminal
from tests.server.two_services import DatabaseGoneError, OrderRejectedError, Service, post

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from server.container import Container

pytestmark = [pytest.mark.slow]

ORDERS = 3
OUTAGE, REFUSED = "the ledger does not answer", "the order was not accepted"


class World:
    """A shop that asks payments, which is down."""

    def __init__(self, stack: ExitStack) -> None:
        self.traced = True
        self.payments = stack.enter_context(Service("payments-api", self._pay))
        self.shop = stack.enter_context(Service("shop", self._order))

    def _pay(self, _: str) -> None:
        raise DatabaseGoneError(OUTAGE)

    def _order(self, path: str) -> None:
        number = path.rpartition("/")[2]
        if post(f"{self.payments.address}/pay/{number}", traced=self.traced) != 200:
            raise OrderRejectedError(REFUSED)

    def run(self) -> None:
        """Place the orders; all of them fail."""
        for number in range(ORDERS):
            assert post(f"{self.shop.address}/orders/{number}", traced=False) == 500


@pytest.fixture
def world() -> Iterator[World]:
    with ExitStack() as stack:
        yield World(stack)


def send(http: httpx.Client, *services: Service) -> None:
    """Send what services export, one request each."""
    for service in services:
        head = {"Content-Type": "application/x-protobuf"}
        http.post("/v1/traces", content=service.exported(), headers=head).raise_for_status()


def groups(http: httpx.Client, **params: str) -> list[dict[str, Any]]:
    return list(http.get("/api/v1/groups", params=params).json()["items"])


@pytest.mark.parametrize("order", [("payments", "shop"), ("shop", "payments")])
def test_the_victims_are_under_the_outage_in_either_order_of_arrival(
    http: httpx.Client, world: World, order: tuple[str, str]
) -> None:
    world.run()
    send(http, *(getattr(world, name) for name in order))
    (root,) = groups(http)
    assert root["title"].lower() == OUTAGE
    assert (root["open"], root["victim_cases"]) == (ORDERS, ORDERS)
    (victims,) = root["victims"]
    assert (victims["cases"], REFUSED in victims["title"].lower()) == (ORDERS, True)
    evidence = victims["evidence"]
    assert evidence["words"] == (
        f"shop called payments-api, which failed with {evidence['error_type']}: {OUTAGE}, in the same trace"
    )
    assert evidence["error_type"].endswith("DatabaseGoneError")
    # An order that is stuck in both services is at risk once.
    assert root["value_at_risk"] == [{"amount": "120.00", "currency": "EUR"}]
    assert root["value_with_victims"] == [{"amount": "120.00", "currency": "EUR"}]


def test_the_victims_name_what_they_come_from(http: httpx.Client, world: World) -> None:
    world.run()
    send(http, world.shop, world.payments)
    (root,) = groups(http)
    victims = http.get(f"/api/v1/groups/{root['victims'][0]['id']}").json()
    assert [(one["id"], one["cases"]) for one in victims["caused_by"]] == [(root["id"], ORDERS)]
    cases = http.get("/api/v1/cases", params={"group": victims["id"]}).json()["items"]
    assert len(cases) == ORDERS
    for case in cases:
        cause = http.get(f"/api/v1/cases/{case['id']}").json()["caused_by"]
        its = http.get(f"/api/v1/cases/{cause['case_id']}").json()
        assert (its["group"], cause["trace_id"]) == (root["id"], case["trace_id"])
        assert its["caused_by"] is None


def test_failures_at_the_same_time_in_other_traces_do_not_join(http: httpx.Client, world: World) -> None:
    world.traced = False
    world.run()
    send(http, world.payments, world.shop)
    found = groups(http)
    assert [(group["open"], group["victims"], group["caused_by"]) for group in found] == [(3, [], [])] * 2


def test_victims_are_a_line_of_their_own_where_the_outage_is_not_listed(
    http: httpx.Client, world: World
) -> None:
    """Nothing is hidden by a filter, nor once the outage is over."""
    world.run()
    send(http, world.payments, world.shop)
    (filtered,) = groups(http, q="accepted")
    assert REFUSED in filtered["title"].lower()
    (root,) = groups(http)
    for case in http.get("/api/v1/cases", params={"group": root["id"]}).json()["items"]:
        body = {"code": "fixed_upstream", "reason": "the ledger was restarted"}
        for act, given in (("claim", {}), ("resolve", body)):
            head = {"Idempotency-Key": f"{act} {case['id']}"}
            http.post(f"/api/v1/cases/{case['id']}/{act}", json=given, headers=head).raise_for_status()
    (left,) = groups(http)
    assert (REFUSED in left["title"].lower(), left["open"]) == (True, ORDERS)
    assert [one["cases"] for one in left["caused_by"]] == [ORDERS]
    assert http.get(f"/api/v1/groups/{root['id']}").json()["victims"] == []


def test_the_command_line_shows_the_same(
    http: httpx.Client,
    address: str,
    container: Container,
    capsys: pytest.CaptureFixture[str],
    world: World,
) -> None:
    world.run()
    send(http, world.payments, world.shop)
    terminal = Terminal(address, capsys, container)
    head, root, victims = terminal.run("groups", "list").splitlines()
    (known,) = groups(http)
    assert dict(zip(head.split("\t"), root.split("\t"), strict=True))["victim_cases"] == str(ORDERS)
    assert victims.split("\t")[:3] == ["victims", known["victims"][0]["id"], str(ORDERS)]
    assert known["victims"][0]["evidence"]["words"] in victims
    assert "comes from" in terminal.run("groups", "show", known["victims"][0]["id"])
