"""Rates and the reporting currency: money is added where every rate is known, and never silently left out."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from access.commands import perform
from audit.actor import Actor
from kpis import currencies, display
from kpis.currencies import InvalidRateError, Rate, SetRates, SetReportingCurrency
from kpis.figure import Part
from kpis.periods import Period
from kpis.scoreboard import kpi
from tests.app import app, local
from tests.gates import local_context
from tests.kpis.tables import START, WEEK, Tables
from tests.server.team import address as served_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kpis.figure import Kpi

ROOT = Path(__file__).parents[2]
NEXT = Period(WEEK.end, WEEK.end + timedelta(days=7))
MONDAY = START.date()
FILE = """currency,against,rate,valid_from
USD,EUR,0.5,2026-03-02
USD,EUR,0.8,2026-03-05
JPY,EUR,0.006,2026-01-01
"""


def rates(tables: Tables, text: str, reporting: str | None = "EUR") -> None:
    ctx = local_context(tables.store, Actor("ann"))
    lines = (line.split() for line in text.strip().splitlines())
    given = tuple(Rate(a, b, float(rate), date.fromisoformat(day)) for a, b, rate, day in lines)
    if given:
        perform(SetRates(given), ctx)
    perform(SetReportingCurrency(reporting), ctx)


def of(tables: Tables, kpi_id: str, period: Period = WEEK, **more: Any) -> Kpi:
    return kpi(tables.reading, kpi_id, period, **more)


def test_amounts_are_added_at_the_rate_of_the_day_on_which_they_ended(tables: Tables) -> None:
    """10 EUR + 100 USD on Monday at 0.5 + 100 USD on Thursday at 0.8 + 5,000 JPY at 0.006 = 170 EUR."""
    rates(tables, "USD EUR 0.5 2026-03-02\nUSD EUR 0.8 2026-03-05\nJPY EUR 0.006 2026-01-01")
    for n, (hours, value) in enumerate(((5, "10 EUR"), (5, "100 USD"), (77, "100 USD"), (5, "5000 JPY"))):
        tables.case(f"C{n}", f"U{n}", recovered=hours, value=value, recovered_by="retry")
    figure = of(tables, "K9", by="flow")
    assert (figure.value, figure.unit, figure.n) == (Decimal(170), "EUR", 4)
    assert figure.details["units_in_other_currencies"] == 0
    assert figure.details["without_rate"] == []
    assert figure.details["automatic"] == 170
    assert figure.breakdown == [Part("orders", Decimal(170), 4)]
    by_currency = {one["currency"]: one["amount"] for one in figure.details["currencies"]}
    assert by_currency == {"EUR": 10, "USD": 200, "JPY": 5000}


def test_five_thousand_yen_never_beat_nine_hundred_euros(tables: Tables) -> None:
    tables.case("C1", "U1", value="5000 JPY")
    tables.case("C2", "U2", value="900 EUR")
    assert (of(tables, "K8").value, of(tables, "K8").unit) == (900, "EUR")
    rates(tables, "JPY EUR 0.006 2026-01-01")
    assert (of(tables, "K8").value, of(tables, "K8").unit) == (930, "EUR")
    rates(tables, "", "JPY")
    assert (of(tables, "K8").value, of(tables, "K8").unit) == (Decimal(155000), "JPY")
    rates(tables, "", None)
    assert (of(tables, "K8").value, of(tables, "K8").unit) == (900, "EUR")


def test_a_currency_without_a_rate_is_named_and_nothing_is_added(tables: Tables) -> None:
    tables.case("C1", "U1", value="900 EUR")
    tables.case("C2", "U2", value="100 USD")
    tables.case("C3", "U3", value="50 XAA")
    rates(tables, "USD EUR 0.5 2026-01-01")
    figure = of(tables, "K8")
    assert (figure.value, figure.unit) == (900, "EUR")
    assert figure.details["without_rate"] == ["XAA"]
    assert "2 in other currencies" in display.note(figure)
    assert "no rate for XAA" in display.note(figure)
    rates(tables, "XAA EUR 2 2026-01-01")
    figure = of(tables, "K8")
    assert (figure.value, figure.details["without_rate"]) == (Decimal(1050), [])
    assert display.note(figure) == "Value known for 100 %"


def test_a_rate_that_begins_later_is_none_for_an_earlier_day(tables: Tables) -> None:
    tables.case("C1", "U1", recovered=5, value="100 USD")
    rates(tables, "USD EUR 0.5 2026-03-03")
    figure = of(tables, "K9")
    assert (figure.value, figure.unit, figure.details["without_rate"]) == (100, "USD", ["USD"])
    tables.case("C2", "U2", opened=170, recovered=180, value="100 USD")
    after = kpi(tables.reading, "K9", NEXT)
    assert (after.unit, after.value, after.previous) == ("USD", 100, 100)
    assert after.details["without_rate"] == ["USD"]  # that of the week before keeps both from being added


def test_a_rate_is_found_the_other_way_round_and_by_a_third_currency(tables: Tables) -> None:
    """1 EUR = 2 USD, 1 EUR = 4 CHF: 100 USD are 50 EUR, 200 CHF."""
    tables.case("C1", "U1", value="100 USD")
    rates(tables, "EUR USD 2 2026-01-01\nCHF EUR 0.25 2026-01-01", "EUR")
    assert (of(tables, "K8").value, of(tables, "K8").unit) == (50, "EUR")
    rates(tables, "USD EUR 0.5 2026-01-01", "CHF")
    assert (of(tables, "K8").value, of(tables, "K8").unit) == (200, "CHF")


def test_a_rate_that_is_set_again_counts_and_the_one_before_is_kept(tables: Tables) -> None:
    tables.case("C1", "U1", value="100 USD")
    rates(tables, "USD EUR 0.5 2026-01-01")
    rates(tables, "USD EUR 0.6 2026-01-01")
    assert of(tables, "K8").value == 60
    (one,) = currencies.rates(tables.reading)
    assert one == Rate("USD", "EUR", 0.6, date(2026, 1, 1))
    kept = tables.store.act(lambda tx: tx.execute("select count(*) as n from currency_rate")).result()
    assert kept[0]["n"] == 2


def test_units_in_a_currency_that_is_not_named_are_named_as_such(tables: Tables) -> None:
    tables.case("C1", "U1", value_amount=Decimal(5), value_currency=None)
    tables.case("C2", "U2", value="900 EUR")
    rates(tables, "", "EUR")
    figure = of(tables, "K8")
    assert (figure.value, figure.details["without_rate"]) == (900, ["no currency"])


def test_lost_and_recovered_money_is_compared_in_the_reporting_currency(tables: Tables) -> None:
    """Lost 100 USD = 50 EUR, recovered 150 EUR: 75 %. Without rates the two are not compared."""
    tables.case("C1", "U1", resolved=5, value="100 USD", resolution_code="written_off")
    tables.case("C2", "U2", recovered=5, value="150 EUR")
    assert of(tables, "K10").details["recovery_rate"] is None
    rates(tables, "USD EUR 0.5 2026-01-01")
    figure = of(tables, "K10")
    assert (figure.value, figure.unit, figure.details["recovery_rate"]) == (50, "EUR", 75.0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("currency,rate\n", "The first line must name the columns"),
        ("", "The first line must name the columns"),
        ("currency,against,rate,valid_from\nUSD,EUR,much,2026-01-01", "Line 2: could not convert"),
        ("currency,against,rate,valid_from\n\nUSD,EUR,0.5,2026-13-01", "Line 3: "),
        ("currency,against,rate,valid_from\nUSD,EUR,-1,2026-01-01", "Line 2: The rate of USD must be"),
        ("currency,against,rate,valid_from\nUSD,EUR,nan,2026-01-01", "Line 2: The rate of USD must be"),
        ("currency,against,rate,valid_from\nUSD,USD,1,2026-01-01", "Line 2: USD against itself"),
        ("currency,against,rate,valid_from\ndollar,EUR,1,2026-01-01", "Line 2: 'dollar' is no currency"),
        ("currency,against,rate,valid_from\nUSD,EUR\n", "Line 2 has fewer cells"),
    ],
)
def test_a_file_that_is_none_of_rates_names_its_line(text: str, words: str) -> None:
    with pytest.raises(InvalidRateError, match=words):
        currencies.read_csv(text)


def test_two_rates_of_one_day_are_refused(tables: Tables) -> None:
    with pytest.raises(InvalidRateError, match="given twice"):
        rates(tables, "USD EUR 0.5 2026-01-01\nUSD EUR 0.6 2026-01-01")
    with pytest.raises(InvalidRateError, match="at least one"):
        perform(SetRates(()), local_context(tables.store, Actor("ann")))


# --- REST and the command ------------------------------------------------------------------------


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Tables, httpx.Client]]:
    with app(local(tmp_path)) as opened, httpx.Client(base_url=served_at(), timeout=60) as client:
        yield Tables(opened.store), client


def test_a_file_of_rates_by_rest_and_by_the_command(
    served: tuple[Tables, httpx.Client], tmp_path: Path
) -> None:
    tables, http = served
    tables.case("C1", "U1", recovered=5, value="100 USD")

    def post(path: str, body: dict[str, Any]) -> httpx.Response:
        return http.post(
            f"/api/v1/currencies/{path}", json=body, headers={"Idempotency-Key": uuid.uuid4().hex}
        )

    answer = post("rates", {"csv": FILE}).raise_for_status().json()
    assert answer == {"rates": 3, "currencies": ["JPY", "USD"], "start": "2026-01-01", "end": "2026-03-05"}
    assert post("rates", {"csv": FILE.replace("0.5", "-5")}).status_code == 422
    assert post("rates", {"rates": []}).status_code == 422
    assert post("reporting", {"currency": "euro"}).status_code == 422
    assert post("reporting", {"currency": "EUR"}).json() == {"currency": "EUR"}
    items = http.get("/api/v1/kpis", params={"week": "2026-W10"}).json()["items"]
    (one,) = (item for item in items if item["id"] == "K9")
    assert (one["value"], one["unit"], one["details"]["without_rate"]) == (50.0, "EUR", [])
    verbs = tables.store.act(
        lambda tx: tx.execute("select verb from audit where subject = 'currencies' and kind = 'effect'")
    ).result()
    assert [row["verb"] for row in verbs] == ["rates set", "reporting currency set"]

    file = tmp_path / "rates.csv"
    file.write_text(FILE.replace("0.5", "0.25"))
    environment = {**os.environ, "UNSNAG_URL": str(http.base_url), "PYTHONPATH": str(ROOT)}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "unsnag", "rates", *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, check=False, timeout=120
        )

    shown = run(str(file), "--reporting", "eur").stdout.splitlines()
    assert shown[0] == "reporting\tEUR"
    assert "USD\tEUR\t0.25\t2026-03-02" in shown
    file.write_text(FILE.replace("0.5", "0"))
    refused = run(str(file))
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "Line 2: The rate of USD must be" in refused.stderr
    assert run(str(tmp_path / "nothing.csv")).returncode == 2
