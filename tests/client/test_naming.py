"""Where a request or task has the ID of its unit."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import unsnag
from unsnag import testing
from unsnag.frameworks.naming import Naming, Source

HEADERS = {"X-Order-ID": " SO-1 ", "X-Empty": ""}
TASK = {"order_id": "SO-1", "order": {"id": 7, "lines": []}, "row": SimpleNamespace(number="SO-9")}


def source(path: str = "") -> Source:
    return Source(lambda rule: rule(HEADERS), path, HEADERS.get, lambda: TASK)


def found(rule: Any, path: str = "", **options: Any) -> str | None:
    unit = Naming(rule, options).find(source(path))
    return None if unit is None else unit.correlation_id


@pytest.mark.parametrize(
    ("rule", "path", "unit"),
    [
        ("header:X-Order-ID", "", "SO-1"),
        ("header:X-Other", "", None),
        ("header:X-Empty", "", None),
        ("/orders/{unit}", "/orders/SO-1", "SO-1"),
        ("/orders/{unit}", "/orders/SO-1/ship/now", "SO-1"),
        ("/orders/{unit}/ship", "/orders/SO-1/ship", "SO-1"),
        ("/orders/{unit}/ship", "/orders/SO-1/pay", None),
        ("/orders/{unit}", "/orders", None),
        ("/orders/{unit}", "/orders/", None),
        ("/orders/{unit}", "/old/orders/SO-1", None),
        ("/orders/order-{unit}", "/orders/order-12", "12"),
        ("/{}/orders/{unit}", "/v2/orders/SO-1", "SO-1"),
        ("/a.c/{unit}", "/abc/SO-1", None),
        ("order_id", "", "SO-1"),
        ("order.id", "", "7"),
        ("row.number", "", "SO-9"),
        ("order.missing.id", "", None),
        ("missing", "", None),
        (lambda headers: headers["X-Order-ID"], "", "SO-1"),
        (lambda _: None, "", None),
        (("header:X-Other", "/orders/{unit}", "order_id"), "/orders/SO-2", "SO-2"),
        (None, "/orders/SO-1", None),
    ],
)
def test_a_rule_finds_the_id(rule: Any, path: str, unit: str | None) -> None:
    assert found(rule, path) == unit


@pytest.mark.parametrize("rule", ["/orders/{id}", "X Order ID", "orders/{unit}", ""])
def test_a_rule_that_cannot_be_read_is_refused_when_it_is_given(rule: str) -> None:
    with pytest.raises(ValueError, match="unit's ID is"):
        Naming(rule, {})


def test_a_path_names_the_tenant_too_and_options_reach_the_unit() -> None:
    with testing.captured() as events:
        block = Naming("/{tenant}/orders/{unit}", {"completes": False}).find(source("/acme/orders/SO-1"))
        assert block is not None
        with block:
            pass
        (span,) = events.spans
    assert (span["unsnag.tenant"], span["unsnag.outcome"]) == ("acme", "progress")


def test_a_function_may_return_the_unit_with_all_that_is_known_of_it() -> None:
    unit = unsnag.unit("SO-1", value=129.90, currency="EUR")
    assert Naming(lambda _: unit, {}).find(source()) is unit


def test_a_function_that_raises_stops_nothing_and_is_reported() -> None:
    with testing.captured() as events:
        assert found((lambda headers: headers["X-Other"], "order_id")) == "SO-1"
        (record,) = events.named("call.invalid")
    assert record["reason"] == "the rule for the unit's ID raised KeyError: 'X-Other'"


def test_a_text_that_is_too_long_for_an_id_is_none() -> None:
    assert found(lambda _: "x" * 500) == "x" * 500
    assert found(lambda _: "x" * 501) is None
