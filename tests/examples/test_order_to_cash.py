"""Journeys through the real programs, their databases and the spool."""

from __future__ import annotations

import json
import threading
import urllib.request
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import unsnag
from examples import backfill, clock, storage
from examples.order_to_cash import (
    backoffice,
    customers,
    gateway,
    handlers,
    inbox,
    shop,
    stock,
    storefront,
)
from unsnag import conventions, worker
from unsnag.handlers import Retry, registered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.examples.conftest import Company

DOWN = gateway.Timetable(60, (gateway.Phase("down", 0, 60),))
SLOW = gateway.Timetable(60, (gateway.Phase("slow", 0, 60),))
LIMITED = gateway.Timetable(60, (gateway.Phase("limited", 0, 60),))
FINE = gateway.Timetable(60, ())


def drop(**changed: str) -> str:
    """Drop one good order, with some fields changed; return its number."""
    customer = customers.find("C-5000")
    assert customer is not None
    row = {
        "order": f"SO-{storefront.next_number()}",
        "placed_at": clock.now().isoformat(timespec="seconds"),
        **{name: customer[name] for name in ("tenant", "segment", "business_unit", "email")},
        "customer": "C-5000",
        "sku": "SKU-100",
        "quantity": "1",
        "total": "120.50",
        "currency": "EUR",
        **changed,
    }
    storefront.write_file([row])
    return row["order"]


def retry(number: str, step: str) -> BaseException | None:
    """Do what the worker does with an operator's retry; return what the handler raised."""
    flow = "order-to-cash"
    key = conventions.idempotency_key(flow, step, number)
    return worker.perform(Retry("r-1", "c-1", flow, step, number, key, {}, attempt=2, traceparent=None))


def test_an_order_goes_through_five_programs_to_its_success_signal(company: Company) -> None:
    number = drop()
    company.work()
    assert shop.find(number).status == "invoiced"
    assert company.outcomes(number) == ["progress"] * 4 + ["success"]
    started = [record for record in company.records() if record.get("event") == "unit.started"]
    assert [record["service.name"] for record in started] == [
        "shop-intake", "credit-check", "stock", "payment", "invoice"
    ]  # fmt: skip
    assert {record["unsnag.value.amount"] for record in started} == {"120.50"}
    assert {record["unsnag.value.currency"] for record in started} == {"EUR"}


def test_card_numbers_and_addresses_in_logs_do_not_reach_the_spool(company: Company) -> None:
    drop()
    company.work()
    text = json.dumps(company.records())
    assert "4111" not in text
    assert "@mail.example" not in text
    assert "[masked: card]" in text


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"total": "120,50"}, "row.total-unreadable"),
        ({"customer": ""}, "row.customer-missing"),
        ({"currency": "EURO"}, "row.currency-unknown"),
    ],
)
def test_a_broken_row_is_a_data_error_until_it_is_corrected(
    company: Company, changed: dict[str, str], code: str
) -> None:
    number = drop(**changed)
    company.work()
    failure = company.failures()[number]
    assert (failure["unsnag.error.class"], failure["unsnag.error.code"]) == ("data", code)
    assert failure["unsnag.step"] == "accept-order"

    inbox.correct(backoffice.corrected(inbox.find(number)))
    assert retry(number, "accept-order") is None
    company.work()
    assert company.outcomes(number)[-1] == "success"


def test_an_order_over_the_limit_recovers_when_the_limit_was_raised(company: Company) -> None:
    number = drop(total="3900.00")
    company.work()
    failure = company.failures()[number]
    assert failure["unsnag.error.class"] == "business"
    assert failure["unsnag.data"]["requested"] == "3900.00"
    assert isinstance(retry(number, "check-credit"), unsnag.BusinessError)

    backoffice.raise_limit(shop.find(number))
    assert retry(number, "check-credit") is None
    company.work()
    assert company.outcomes(number)[-1] == "success"


def test_an_order_for_too_many_goods_recovers_after_a_delivery(company: Company) -> None:
    number = drop(sku="SKU-900", quantity="31")
    company.work()
    assert company.failures()[number]["unsnag.error.code"] == "stock.short"

    backoffice.receive_delivery(shop.find(number))
    assert retry(number, "reserve-stock") is None
    company.work()
    assert company.outcomes(number)[-1] == "success"
    assert stock.on_hand("SKU-900") == 29


def test_a_locked_stock_database_is_a_fault_of_the_system(company: Company) -> None:
    number = drop()
    stock.database().execute("pragma busy_timeout = 0")
    with backoffice.stocktaking():
        company.work()
    failure = company.failures()[number]
    assert (failure["unsnag.error.class"], failure["unsnag.error.code"]) == ("infrastructure", "stock.locked")
    assert failure["unsnag.dependency"] == "stock-database"


def test_a_customer_without_address_gets_the_invoice_after_the_correction(company: Company) -> None:
    customers.correct("C-5000", address="", vat_id="")
    number = drop()
    company.work()
    failure = company.failures()[number]
    assert failure["unsnag.error.class"] == "data"
    assert failure["unsnag.step"] == "issue-invoice"

    backoffice.correct_customer(shop.find(number))
    assert retry(number, "issue-invoice") is None
    assert "success" in company.outcomes(number)
    assert shop.find(number).status == "invoiced"


@pytest.mark.parametrize(
    ("timetable", "code"),
    [(DOWN, "gateway.unavailable"), (SLOW, "gateway.timeout"), (LIMITED, "gateway.rate-limited")],
)
def test_trouble_at_the_gateway_is_tried_three_times_and_retried_to_one_capture(
    company: Company, timetable: gateway.Timetable, code: str
) -> None:
    number = drop(total="890.00")
    company.gateway_is(timetable)
    company.work()
    failure = company.failures()[number]
    assert (failure["unsnag.error.class"], failure["unsnag.error.code"]) == ("infrastructure", code)
    attempts = [record for record in company.records() if record.get("name") == "step capture-payment"]
    assert [record["unsnag.attempt"] for record in attempts] == ["1", "2", "3"]
    assert len({record["unsnag.idempotency_key"] for record in attempts}) == 1

    company.gateway_is(FINE)
    assert retry(number, "capture-payment") is None
    assert retry(number, "capture-payment") is None
    assert gateway.captures(number) == 1
    company.work()
    assert company.outcomes(number)[-1] == "success"


def test_a_retry_of_a_finished_order_moves_nothing_back(company: Company) -> None:
    number = drop()
    company.work()
    for step in ("check-credit", "reserve-stock", "capture-payment", "issue-invoice"):
        assert retry(number, step) is None
    assert shop.find(number).status == "invoiced"
    assert gateway.captures(number) == 1


def test_small_payments_are_tried_again_by_the_programs_and_large_ones_wait(company: Company) -> None:
    small, large = drop(total="20.00"), drop(total="310.00")
    company.gateway_is(DOWN)
    company.work()
    company.gateway_is(FINE)
    clock.sleep(shop.REDRIVES_S[0])
    company.work()
    assert shop.find(small).status == "invoiced"
    assert shop.find(large).status == "reserved"


def test_every_step_has_a_handler() -> None:
    assert handlers.__doc__
    steps = {step for flow, step in registered if flow == "order-to-cash"}
    assert steps == {"accept-order", "check-credit", "reserve-stock", "capture-payment", "issue-invoice"}


@pytest.fixture
def real_gateway(company: Company) -> Iterator[str]:
    del company
    server = gateway.serve(0, FINE)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/captures"
    server.shutdown()
    server.server_close()


def test_the_gateway_captures_once_for_a_key_however_often_it_is_asked(real_gateway: str) -> None:
    def capture(key: str) -> int:
        body = json.dumps({"order": "SO-1", "amount": "10.00", "currency": "EUR"}).encode()
        request = urllib.request.Request(real_gateway, body, {"Idempotency-Key": key})  # noqa: S310
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return int(json.load(answer)["capture"])

    assert capture("one") == capture("one")
    assert capture("two") != capture("one")
    assert gateway.captures("SO-1") == 2


def test_the_gateway_keeps_to_its_timetable() -> None:
    timetable = replace(gateway.LIVE, origin=1000.0)
    assert timetable.trouble(1010.0) == "down"
    assert timetable.trouble(1010.0 + timetable.period_s) == "down"
    assert timetable.trouble(1400.0) is None


def test_most_orders_come_in_the_busy_hour_few_at_night_and_fewer_at_week_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EXAMPLES_BUSY_HOUR", "9.5")
    saturday = 2 * backfill.DAY  # 1970 began on a Thursday
    rates = [storefront.orders_an_hour(hour * backfill.HOUR) for hour in (9.5, 13.5, 21.5)]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == storefront.PEAK_ORDERS_AN_HOUR
    assert storefront.orders_an_hour(saturday + 9.5 * backfill.HOUR) == rates[0] * storefront.WEEKEND


def test_as_many_orders_come_in_by_many_short_passes_as_by_few_long_ones(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The live storefront looks every five seconds, the history's every half hour."""
    monkeypatch.setenv("EXAMPLES_BUSY_HOUR", "12")
    monkeypatch.setattr(storefront, "order", lambda *_: {"order": "SO-1"})
    monkeypatch.setattr(storefront, "write_file", lambda rows: counts.append(len(rows)))
    day, days, totals = 20_000 * backfill.DAY, 60, []
    for pass_s in (60.0, backfill.STEP_S):
        counts: list[int] = []
        for number in range(int(days * backfill.DAY / pass_s)):
            storefront.customers_order(day + number * pass_s, pass_s)
        assert counts.count(storefront.PARTNER_ORDERS) == days
        totals.append(sum(counts))
    assert 0.9 < totals[0] / totals[1] < 1.1
    assert company.spool


@pytest.mark.slow
def test_a_simulated_day_writes_telemetry_of_that_day(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNSNAG_SPOOL", str(company.spool))
    start = 1_790_000_000.0
    programs = backfill.Company()
    with backfill.simulated(start) as simulation:
        programs.open()
        for number in range(int(backfill.DAY / backfill.STEP_S)):
            simulation.sleep_until(start + number * backfill.STEP_S)
            programs.work(start + number * backfill.STEP_S)
        programs.finish_exports()
    times = [record["start"] for record in company.records() if "start" in record]
    assert len(times) > 100
    assert start <= min(times)
    assert max(times) < start + backfill.DAY + backfill.STEP_S
    assert (storage.folder("logs") / "shipping.log").stat().st_size > 0
    assert list(storage.folder("export").glob("*.csv"))
