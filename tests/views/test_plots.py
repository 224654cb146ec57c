"""Plots as pure functions: what they draw of much, of little and of nothing, and the same as a table."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kpis.review.forecast import forecast
from kpis.review.pack import MoneyOfWeek
from views.kit.plots.backlog import Open, backlog
from views.kit.plots.control import Mark, Week, control
from views.kit.plots.frame import Plot, table
from views.kit.plots.hours import Cell, hours
from views.kit.plots.multiples import Trend, multiples
from views.kit.plots.pareto import Bar, pareto
from views.kit.plots.spread import Box, spread
from views.kit.plots.survival import Age, Point, curve, survival
from views.kit.plots.waterfall import waterfall

WEEKS = [f"2026-W{n:02}" for n in range(36, 49)]
HOSTILE = "<img src=x onerror=alert(1)>"


def shown(plot: Plot | None) -> Plot:
    assert plot is not None
    return plot


def test_a_week_outside_of_the_usual_range_is_red_and_those_with_too_few_are_not_judged() -> None:
    values = [98.0, 97.0] * 6
    weeks = [Week(name, value, 100, few=False) for name, value in zip(WEEKS, [*values, 80.0], strict=True)]
    plot = shown(control("Success rate", "percent", weeks, 99.0, [Mark("2026-W40", "target 99.0 %")]))
    # Mean 97.5, moving range 1: 97.5 - 2.66 to 97.5 + 2.66, cut at 100 %.
    assert "usual, 94.8 % to 100" in plot.note
    assert "2026-W40 target 99.0 %" in plot.note
    assert [row[3] for row in plot.rows] == ["yes"] * 12 + ["no"]
    assert plot.figure.data[0].marker.color[-1] == "#dc2626"
    few = [*weeks[:-1], Week(WEEKS[-1], 80.0, 3, few=True)]
    assert shown(control("Success rate", "percent", few, None)).rows[-1][3] == "too few"


def test_limits_wait_for_twelve_weeks_and_nothing_is_drawn_of_nothing() -> None:
    weeks = [Week(name, 90.0, 50, few=False) for name in WEEKS[:5]]
    assert "4 so far" in shown(control("Success rate", "percent", weeks, None)).note
    assert control("Success rate", "percent", [Week(WEEKS[0], None, 0, few=True)], None) is None


@pytest.mark.parametrize(
    ("seconds", "axis", "drawn"),
    [(200_000, "days", 200_000 / 86_400), (7_200, "hours", 2.0), (90, "seconds", 90)],
)
def test_times_are_drawn_in_a_unit_that_fits(seconds: float, axis: str, drawn: float) -> None:
    figure = shown(control("Time", "seconds", [Week(WEEKS[0], seconds, 50, few=False)], None)).figure
    assert (figure.layout.yaxis.title.text, figure.data[0].y) == (axis, (drawn,))


def test_what_is_open_counts_with_its_age() -> None:
    """Two of four end after 10 s, one is open for 20 s, one ends after 30 s: 50 % then 0 %."""
    ages = [Age(10, 2, 2), Age(20, 0, 1), Age(30, 1, 1)]
    assert curve(ages) == [Point(0, 100, 4), Point(10, 50, 4), Point(30, 0, 1)]
    plot = shown(survival("How long", ages, "exceptions"))
    assert "n 4 exceptions, 1 open or expired; half ended within 10 s" in plot.note
    assert "less than half ended" in shown(survival("How long", [Age(5, 0, 3)], "exceptions")).note
    assert survival("How long", [], "exceptions") is None


def test_a_pareto_says_how_few_make_most() -> None:
    plot = shown(
        pareto("Steps", [Bar("a", "f", 10), Bar("b", "f", 70), Bar("b", "g", 20), Bar("c", "f", 0)], "units")
    )
    assert [row[0] for row in plot.rows] == ["b · f", "b · g", "a · f"]
    assert plot.figure.data[1].y == (70.0, 90.0, 100.0)
    assert "n 100 units; 2 of 3 make 90.0 %" in plot.note
    assert pareto("Steps", [], "units") is None


def test_a_waterfall_adds_up() -> None:
    plot = shown(
        waterfall(MoneyOfWeek("EUR", Decimal(100), Decimal(30), Decimal(20), Decimal(80), 4, 2, 1, 3))
    )
    start, *changes, end = plot.figure.data[0].y
    assert (start, sum(changes), end) == (100.0, -20.0, 80.0)
    assert waterfall(MoneyOfWeek(None, Decimal(1), Decimal(0), Decimal(0), Decimal(1), 1, 0, 0, 1)) is None
    assert waterfall(MoneyOfWeek("EUR", *[Decimal(0)] * 4, 1, 0, 0, 1)) is None


def test_a_forecast_is_the_mean_change_and_its_interval_what_such_forecasts_were_off() -> None:
    """Every week two more: 2 is expected, and came. Then one jump of 12: off by 10 once in five."""
    even = forecast([10, 12, 14, 16, 18, 20, 22, 24])
    assert even is not None
    assert (even.value, even.low, even.high, even.error, even.trials) == (26, 26, 26, 0, 3)
    jump = forecast([10, 12, 14, 16, 18, 20, 22, 24, 26, 38])
    assert jump is not None
    assert (jump.last_error, jump.error, jump.trials) == (10, 2, 5)
    assert (jump.value, jump.low, jump.high) == (38 + 26 / 8, 38 + 26 / 8, 38 + 26 / 8)
    assert forecast([1, 2, 3, 4, 5, 6, 7]) is None
    assert forecast([9, 8, 7, 6, 5, 4, 3, 0.5]).value == 0  # type: ignore[union-attr]


def test_the_interval_holds_four_of_five_past_errors() -> None:
    """Expected were 0, 4.8 and 2.33, and 4, 2 and 2 came: off by 4, 2.8 and 0.33."""
    found = forecast([0, 0, 0, 0, 0, 4, 2, 2])
    assert found is not None
    value = 2 + 2 / 7
    assert (found.value, found.low, found.high) == pytest.approx((value, 0, value + 4))
    assert (found.last_error, found.error) == pytest.approx((-1 / 3, (4 + 2.8 + 1 / 3) / 3))


def test_the_backlog_says_what_its_forecast_is_worth() -> None:
    weeks = [Open(name, float(10 + 2 * n)) for n, name in enumerate(WEEKS)]
    plot = shown(backlog(weeks))
    assert plot.rows[-1] == ("next week", "36", "36 to 36")
    assert "off by 0.0 on average, the last one by +0" in plot.note
    little = shown(backlog(weeks[:2]))
    assert (len(little.rows), len(little.figure.data)) == (2, 1)
    assert "A forecast takes 8 weeks; 2 so far." in little.note
    assert backlog([]) is None


def test_failures_stand_at_their_hour() -> None:
    plot = shown(hours([Cell(2, 14, 5), Cell(7, 0, 1)], "Europe/Berlin"))
    assert plot.figure.data[0].z[1][14] == 5
    assert "n 6 failures of steps" in plot.note
    assert "Most: Tue 14:00 with 5." in plot.note
    assert [row[0] for row in plot.rows][-1] == "Sun"
    assert hours([], "UTC") is None


def test_boxes_are_those_with_most_units() -> None:
    boxes = [Box(f"part {n}", n + 1, 10, 20, 30, 60, 7200) for n in range(9)]
    plot = shown(spread("Times", boxes))
    assert len(plot.rows) == 8
    assert plot.rows[0][:2] == ("part 8", "9")
    assert "n 45." in plot.note
    assert plot.figure.layout.xaxis.title.text == "hours"
    assert spread("Times", []) is None


def test_small_multiples_share_their_axes() -> None:
    trends = [Trend(f"s{n}", 10 + n, (1.0, None)) for n in range(7)] + [Trend("none", 99, (None, None))]
    plot = shown(multiples("By segment", "units", WEEKS[:2], trends))
    assert [row[0] for row in plot.rows] == ["s6", "s5", "s4", "s3", "s2", "s1"]
    others = {plot.figure.layout[f"yaxis{n}"].matches for n in ("", 2, 3, 4, 5, 6)} - {None}
    assert len(others) == 1
    assert "The 6 parts with most units, of 7." in plot.note
    assert multiples("By segment", "units", WEEKS[:2], [Trend("none", 9, (None, None))]) is None


def test_names_from_records_are_no_markup() -> None:
    plot = shown(pareto("Steps", [Bar(HOSTILE, HOSTILE, 3)], "units"))
    assert "<img" not in table(plot)
    assert "<img" not in plot.figure.to_json()
