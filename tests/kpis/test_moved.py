"""Which figures deserve a talk, by rule."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kpis.figure import Kpi
from kpis.review import moved
from kpis.targets import Aim


def figure(value: Any, previous: Any, unit: str = "percent", **more: Any) -> Kpi:
    named: dict[str, Any] = {
        "id": "K1", "name": "Rate", "n": 1_000, "in_flight": 0, "definition_version": 1, "better": "up",
        "previous_n": 1_000, "floor": 20,
    }  # fmt: skip
    return Kpi(value=value, previous=previous, unit=unit, **{**named, **more})


def kind(
    one: Kpi, target: float | None = None, earlier: tuple[float, ...] = (), *, compared: bool = True
) -> str:
    found = moved.reason(one, Aim(target), earlier, compared=compared)
    return found.kind if found else ""


USUAL = tuple(90.0 + n % 2 for n in range(12))  # mean 90.5, from one to the next 1: 87.84 to 93.16


@pytest.mark.parametrize(
    ("one", "target", "earlier", "expected"),
    [
        (figure(94.9, 95.0), 95.0, (), "off target"),
        (figure(95.0, 95.0), 95.0, (), ""),
        (figure(5.0, 5.0, "per 1,000", better="down"), 4.0, (), "off target"),
        (figure(50.0, 95.0, n=19), 95.0, (), ""),
        (figure(None, 95.0, n=0), 95.0, (), ""),
        # with twelve weeks the limits decide, however large the step from the last week was
        (figure(93.1, 80.0), None, USUAL, ""),
        (figure(93.2, 93.1), None, USUAL, "unusual"),
        (figure(87.8, 87.9), None, USUAL, "unusual"),
        # with fewer, chance decides: at 90 % of 1,000 the error of a difference is 1.34 points
        (figure(94.5, 90.0), None, USUAL[:11], "changed"),
        (figure(93.0, 90.0), None, (), ""),
        (figure(90.9, 90.0, n=10**7, previous_n=10**7), None, (), ""),
        (figure(20, 5, "units", floor=0, n=20, previous_n=5), None, (), ""),
        (figure(30, 5, "units", floor=0, n=30, previous_n=5), None, (), "changed"),
        (figure(20, 0, "exceptions", floor=0, n=20, previous_n=0), None, (), "changed"),
        (figure(8, 0, "exceptions", floor=0, n=8, previous_n=0), None, (), ""),
        (figure(10_500, 10_000, "units", floor=0, n=10_500, previous_n=10_000), None, (), ""),
        (figure(30.0, 10.0, "per 1,000"), None, (), "changed"),
        (figure(15.0, 10.0, "per 1,000"), None, (), ""),
        (figure(125.0, 100.0, "seconds"), None, (), "changed"),
        (figure(124.0, 100.0, "seconds"), None, (), ""),
        (figure(900.0, 100.0, "seconds", n=20, previous_n=19), None, (), ""),
        (figure(Decimal(50), Decimal(100), "EUR", floor=0), None, (), "changed"),
        (figure(Decimal(50), Decimal(0), "EUR", floor=0, n=30, previous_n=0), None, (), ""),
    ],
)  # fmt: skip
def test_the_rule(one: Kpi, target: float | None, earlier: tuple[float, ...], expected: str) -> None:
    assert kind(one, target, earlier) == expected


def test_nothing_moved_where_the_week_before_is_not_covered() -> None:
    assert kind(figure(50.0, 90.0), compared=False) == ""
    assert kind(figure(50.0, 90.0), 95.0, compared=False) == "off target"


def test_a_usual_range_takes_twelve_weeks() -> None:
    assert moved.limits(USUAL[:11]) is None
    assert moved.limits(USUAL) == pytest.approx((90.5 - 2.66, 90.5 + 2.66))


BY_MORE = " against the week before, more than chance explains."


@pytest.mark.parametrize(
    ("one", "target", "earlier", "words", "size"),
    [
        (figure(90.0, 95.0), 95.0, (), "Off target: 90.0 %, the target is 95.0 %.", 5 / 95),
        (figure(3.0, 3.0, "per 1,000", better="down"), 0.0, (), "Off target: 3.0, the target is 0.0.", 3),
        (figure(93.2, 93.1), None, USUAL, "Outside its usual range, 87.8 % to 93.2 %.", 2.7 / 90.5),
        # mean 2, from one to the next 4: -8.64 to 12.64
        (figure(20, 5, "units", floor=0), None, (0.0, 4.0) * 6, "Outside its usual range, 0 to 13.", 9),
        (figure(5, 5, "units", floor=0), None, (0.0,) * 12, "Outside its usual range, 0 to 0.", 5),
        (figure(94.5, 90.0), None, (), f"+4.5 pt{BY_MORE}", 0.05),
        (figure(16, 0, "units", floor=0), None, (), f"+16{BY_MORE}", 16),
    ],
)  # fmt: skip
def test_a_reason_says_how_far_it_is_off(
    one: Kpi, target: float | None, earlier: tuple[float, ...], words: str, size: float
) -> None:
    found = moved.reason(one, Aim(target), earlier, compared=True)
    assert found is not None
    assert (found.words, found.size) == (words, pytest.approx(size))


@pytest.mark.parametrize(
    ("one", "target", "earlier", "expected"),
    [
        (figure(4.0, 4.0, "per 1,000", better="down"), 4.0, (), ""),
        (figure(50.0, 50.0), None, (50.0,) * 12, ""),
        (figure(50.0, None), None, (), ""),
        (figure(91.0, 90.0, n=10**7, previous_n=10**7), None, (), "changed"),
        (figure(11.0, 10.0, "per 1,000", n=10**9, previous_n=10**9), None, (), "changed"),
        (figure(200.0, 100.0, "seconds", n=20, previous_n=20), None, (), "changed"),
    ],
)
def test_what_is_just_reached_counts(
    one: Kpi, target: float | None, earlier: tuple[float, ...], expected: str
) -> None:
    assert kind(one, target, earlier) == expected


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        # shares, three errors of the difference: 9.01 points with 100 now, 12.7 with 100 before
        (figure(99.9, 90.0, n=100, previous_n=10_000), "changed"),
        (figure(98.5, 90.0, n=100, previous_n=10_000), ""),
        (figure(77.0, 90.0, n=10_000, previous_n=100), "changed"),
        (figure(77.5, 90.0, n=10_000, previous_n=100), ""),
        # rates: the errors of both weeks add up, 3 x 5.48; of nothing there is none, 3 x 3.03
        (figure(20.0, 10.0, "per 1,000"), ""),
        (figure(0.0, 9.2, "per 1,000"), "changed"),
        (figure(9.2, 0.0, "per 1,000"), "changed"),
        (figure(8.8, 0.0, "per 1,000"), ""),
    ],
)
def test_chance_is_measured_by_what_each_week_counted(one: Kpi, expected: str) -> None:
    assert kind(one) == expected
