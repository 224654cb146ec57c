"""Figures are shown in the units that people use."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from kpis import display
from kpis.figure import Kpi

RATE = Kpi("K19", "Success rate", 97.3, "percent", 50, 0, 1, "up", 95.5, 50, 20)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "percent", "–"),
        (97.348, "percent", "97.3 %"),
        (99.98, "percent", "99.98 %"),
        (100.0, "percent", "100 %"),
        (0.02, "percent", "0.02 %"),
        (0.0, "percent", "0 %"),
        (0.42, "seconds", "420 ms"),
        (48, "seconds", "48 s"),
        (60, "seconds", "1 min"),
        (13_104, "seconds", "3 h 38 min"),
        (3 * 3600 - 1, "seconds", "3 h"),
        (90_000, "seconds", "1 d 1 h"),
        (76.638, "per 1,000", "76.6"),
        (26_774.0, "units", "26,774"),
        (Decimal("12.50"), "EUR", "€12.50"),
        (Decimal("4012.50"), "EUR", "€4,012"),
        (Decimal("757340.64"), "EUR", "€757.3k"),
        (Decimal(28_782_042), "EUR", "€28.78M"),
        (0, "money", "0.00"),
    ],
)
def test_a_value_is_stated_with_its_unit(value: Any, unit: str, text: str) -> None:
    assert display.figure(value, unit) == text


def test_a_change_has_a_sign_natural_units_and_a_direction() -> None:
    assert (display.change(RATE), display.is_better(RATE)) == ("+1.8 pt", True)
    fewer = replace(RATE, id="K16", unit="exceptions", value=5.0, previous=9.0, better="down", floor=0)
    assert (display.change(fewer), display.is_better(fewer)) == ("-4", True)
    slower = replace(RATE, id="K3", unit="seconds", value=7200.0, previous=3600.0, better="down")
    assert (display.change(slower), display.is_better(slower)) == ("+1 h", False)
    assert display.change(replace(slower, value=5480.0)) == "+31 min"


@pytest.mark.parametrize(
    "figure",
    [
        replace(RATE, previous=None),
        replace(RATE, value=None),
        replace(RATE, previous=97.31),
        replace(RATE, n=19),
        replace(RATE, previous_n=19),
    ],
)
def test_where_nothing_can_be_compared_no_change_is_reported(figure: Kpi) -> None:
    assert display.change(figure) is None
    assert display.is_better(figure) is None


def test_a_note_keeps_the_figure_honest() -> None:
    assert display.note(RATE) == ""
    slow = replace(RATE, id="K3", details={"p90": 7200.0, "median_with_open": None})
    assert display.note(slow) == "p90 2 h · less than half ended"
    risk = replace(RATE, id="K8", details={"coverage": 86.6, "units_in_other_currencies": 3})
    assert display.note(risk) == "Value known for 86.6 % · 3 in other currencies"
