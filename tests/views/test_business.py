"""The Business page, drawn over a real store."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from access.commands import perform
from audit.actor import Actor
from data.clock import utc_now
from kpis.markers import AddMarker
from kpis.objectives import SetObjective
from kpis.periods import week_of
from kpis.targets import SetTarget
from server import container
from server.settings import Settings
from tests.kpis.tables import START, Tables, at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = {
    "Outcome": [
        "Touchless rate",
        "Success rate",
        "Errors per 1,000",
        "Shift to automated routing",
        "First-time-right rate",
        "Service level: failures",
    ],
    "Speed": [
        "Median time to resolve",
        "Throughput",
        "Median time to claim",
        "Median time to fulfil",
        "Service level: latency",
        "Mean time to restore a flow",
        "Process-time reduction",
    ],
    "Money": ["Value at risk", "Value recovered", "Value lost"],
    "Exceptions": [
        "Open backlog",
        "Retries",
        "Escalation rate",
        "Triage within its due time",
        "Handling time",
        "Manual intervention time",
        "Manual intervention rate",
        "Retry success rate",
    ],
    "Data": ["Data latency", "Audit completeness"],
}


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Tables]:
    running = container.Container.open(Settings(data=tmp_path))
    container.install(running)
    st.cache_data.clear()
    yield Tables(running.store)
    container.install(None)
    running.store.close()


def ago(hours: float) -> float:
    """Return a time for `Tables`: `hours` before now."""
    return (utc_now() - START).total_seconds() / 3600 - hours


def fill(tables: Tables) -> None:
    """Write 30 units of this week that succeeded, two of them with help, and one that is stuck."""
    for n in range(30):
        tables.unit(f"SO-{n}", opened=ago(50), done=ago(40.5 - n), value="10 EUR")
    for n in range(2):
        tables.case(
            f"C{n}", f"SO-{n}", opened=ago(49), recovered=ago(40.5 - n), value="10 EUR", recovered_by="retry",
            people=ago(41),
        )  # fmt: skip
        tables.act(f"C{n}", "retried", time=at(ago(41)), to_state="retrying")
    tables.unit("PO 7/1", opened=ago(50), failed=ago(30), flow="invoices")
    tables.case("C9", "PO 7/1", opened=ago(30), flow="invoices", value="99 EUR")
    tables.attempt("PO 7/1", "post", ago(30), "business", flow="invoices")


def opened(**address: str) -> AppTest:
    def script() -> None:
        from views.business import page as business  # noqa: PLC0415 - the script is run from its source

        business.page()

    app = AppTest.from_function(script, default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def values(app: AppTest) -> dict[str, str]:
    return {tile.label: tile.value for tile in app.metric}


def texts(app: AppTest) -> str:
    return "\n".join(element.value for element in [*app.markdown, *app.caption])


def test_an_empty_store_says_how_figures_come(tables: Tables) -> None:
    del tables
    app = opened()
    assert not app.metric
    assert "No finished units of work yet" in texts(app)


def test_the_page_shows_all_figures_under_headings_with_n_and_what_is_in_flight(tables: Tables) -> None:
    fill(tables)
    tables.unit("running", opened=ago(1))
    app = opened()
    shown = values(app)
    assert [heading.value for heading in app.subheader] == list(NAMES)
    assert list(shown) == [name for names in NAMES.values() for name in names]
    assert shown["Touchless rate"] == "93.3 %"
    assert shown["Value at risk"] == "€99.00"
    assert shown["Value recovered"] == "€20.00"
    assert shown["Throughput"] == "30"
    assert "n 30 · 1 in flight" in texts(app)
    assert "2 assisted by people" in texts(app)


def test_a_rate_over_few_units_is_shown_as_a_count(tables: Tables) -> None:
    tables.unit("SO-1", done=ago(2))
    tile = opened().metric[0]
    assert tile.value == "1 unit"
    assert tile.delta == "too few: fewer than 20"


def test_without_a_whole_period_before_nothing_is_compared(tables: Tables) -> None:
    fill(tables)
    assert {tile.delta for tile in opened().metric if tile.label == "Throughput"} == {"no full period before"}


def test_the_address_chooses_period_and_flow(tables: Tables) -> None:
    fill(tables)
    assert values(opened(flow="invoices"))["Open backlog"] == "1"
    assert values(opened(flow="orders"))["Open backlog"] == "0"
    assert values(opened(period="24h"))["Throughput"] == "13"


@pytest.mark.parametrize("address", [{"flow": "nobody"}, {"period": "9y"}, {"figure": "K99"}])
def test_an_address_that_says_nothing_known_shows_the_usual(tables: Tables, address: dict[str, str]) -> None:
    fill(tables)
    assert values(opened(**address))["Throughput"] == "30"


def test_choosing_a_flow_writes_it_into_the_address(tables: Tables) -> None:
    fill(tables)
    app = opened()
    app.selectbox(key="business-flow").select("invoices").run()
    assert app.query_params["flow"] == "invoices"
    assert values(app)["Open backlog"] == "1"


def test_a_figure_opens_exactly_the_rows_behind_it(tables: Tables) -> None:
    fill(tables)
    app = opened(figure="K1")
    rows = app.dataframe[0].value
    assert len(rows) == 20
    assert "1 to 20 of 30" in texts(app)
    assert list(rows["Actions by people"][:3]) == [1, 1, 0]


def test_a_row_leads_to_the_trace_of_its_unit(tables: Tables) -> None:
    fill(tables)
    (link,) = opened(figure="K8").dataframe[0].value["Unit"]
    assert link == "/trace?id=PO%207%2F1#PO 7/1"


@pytest.mark.parametrize(
    "figure",
    ["shape_of_work", "failures_by_step", "K3", "K4", "K6", "K7", "K9", "K11", "K16", "K19", "K20", "K43"],
)
def test_every_figure_opens(tables: Tables, figure: str) -> None:
    fill(tables)
    app = opened(figure=figure, period="28d")
    assert len(app.dataframe[0].value) > 0


@pytest.mark.parametrize(
    ("figure", "view", "title", "plots"),
    [
        ("K19", "Weeks", "Success rate by week", 1),
        ("K19", "Split", "Success rate by flow and week", 1),
        ("K3", "How long open", "How long exceptions stay open", 1),
        ("K6", "Spread", "Time to fulfil by segment", 1),
        ("failures_by_step", "Hours", "Failures by hour and weekday", 1),
        ("K28", "Weeks", "Nothing to draw in this period.", 0),
    ],
)
def test_a_figure_draws_its_weeks_its_parts_and_its_times(
    tables: Tables, figure: str, view: str, title: str, plots: int
) -> None:
    fill(tables)
    app = opened(figure=figure, period="28d", view=view)
    assert not app.exception
    texts = [str(one.value) for one in (*app.markdown, *app.caption)]
    assert any(title in text for text in texts), texts
    assert len(drawn(app)) - len(drawn(opened())) == plots
    assert sum("As a table" in one.proto.body for one in app.get("html")) == plots


def drawn(app: AppTest) -> list[Any]:
    """Return the plots on the page."""
    return list(app.get("plotly_chart"))


def test_what_was_set_for_a_figure_is_marked_in_its_week(tables: Tables) -> None:
    fill(tables)
    ctx = container.current().context(Actor("ann"))
    perform(SetTarget("K14", 95.0, None), ctx)
    perform(SetObjective("K14", 7_200.0), ctx)
    perform(SetTarget("K14", None, None), ctx)
    week = week_of(utc_now(), "UTC")
    app = opened(figure="K14", period="28d", view="Weeks")
    note = next(str(one.value) for one in app.caption if "Dotted" in str(one.value))
    for text in ("target 95.0 %", "objective 2 h", "no target any more"):
        assert f"{week} {text}" in note


def test_a_deploy_is_marked_on_the_shape_and_compared_before_and_after(tables: Tables) -> None:
    fill(tables)
    moment = utc_now() - timedelta(hours=3)
    ctx = container.current().context(Actor("ann"))
    perform(AddMarker("Carrier client 2.0", flow="orders", happened_at=moment), ctx)
    assert "Dotted: orders: Carrier client 2.0." in texts(opened()).replace("\\", "")
    app = opened(figure="K19", view="Weeks")
    captions = [str(one.value).replace("\\", "") for one in app.caption]
    marked = [one for one in captions if "orders: Carrier client 2.0" in one]
    assert len(marked) == 2, "the shape and the control chart"
    (row,) = next(one.value for one in app.dataframe if "7 days after" in one.value.columns).to_dict(
        "records"
    )
    assert (row["What"], row["Flow"], row["Kind"], row["By"]) == (
        "Carrier client 2.0", "orders", "deploy", "ann",
    )  # fmt: skip
    assert "(n " in row["7 days before"]


def test_units_of_flows_without_a_success_rule_are_named_with_the_way_to_add_one(tables: Tables) -> None:
    fill(tables)
    assert not opened().info
    for n, flow in enumerate(["shop", "shop", "crm", "a*b*c", "<b>x</b>", "y"]):
        tables.unit(f"T-{n}", opened=ago(5), flow=flow, outcome="ended", ended_at=at(ago(4)))
    (line,) = opened().info
    assert line.value.startswith(
        "**6 units ended in 5 flows without a success rule**: shop, \\<b\\>x\\</b\\>, a\\*b\\*c and 2 more. "
    )
    assert "[Mapping](/mapping)" in line.value
    (line,) = opened(flow="crm").info
    assert line.value.startswith("**1 unit ended in a flow without a success rule**: crm. ")
