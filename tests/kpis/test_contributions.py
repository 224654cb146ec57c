"""Contributions to a change add up to it exactly; mix and rate are apart."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpis import scoreboard
from kpis.review.contributions import Share, of_rates, of_sums, rounded, split
from tests.kpis.tables import WEEK, Tables, at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kpis.figure import Kpi

HOURS = 7 * 24
BEFORE = -HOURS


def share(counted: int, of: int) -> Share:
    return Share(Fraction(counted), Fraction(of))


def rate(side: Mapping[str, Share]) -> Fraction:
    return sum((one.counted for one in side.values()), Fraction()) / sum(
        (one.of for one in side.values()), Fraction()
    )


SHARES = st.integers(1, 10_000).flatmap(
    lambda of: st.builds(share, st.integers(0, of), st.just(of)),
)
SIDES = st.dictionaries(st.sampled_from("abcdefgh"), SHARES, min_size=1)


@given(SIDES, SIDES)
def test_contributions_to_a_rate_add_up_exactly(before: dict[str, Share], now: dict[str, Share]) -> None:
    parts = of_rates(before, now, 100)
    assert sum((one.total for one in parts), Fraction()) == 100 * (rate(now) - rate(before))
    assert {one.key for one in parts} == set(before) | set(now)


@given(SIDES, SIDES)
def test_what_did_not_change_by_itself_has_no_rate_effect(
    before: dict[str, Share], now: dict[str, Share]
) -> None:
    for one in of_rates(before, now):
        first, then = before.get(one.key), now.get(one.key)
        if first is None or then is None or first.counted / first.of == then.counted / then.of:
            assert one.rate == 0


@given(
    st.dictionaries(st.sampled_from("abcd"), st.decimals(0, 10**9, places=4)),
    st.dictionaries(st.sampled_from("abcd"), st.decimals(0, 10**9, places=4)),
)
def test_contributions_to_a_sum_add_up_exactly(before: dict[str, object], now: dict[str, object]) -> None:
    sides = [{key: Fraction(str(value)) for key, value in side.items()} for side in (before, now)]
    change = sum(sides[1].values(), Fraction()) - sum(sides[0].values(), Fraction())
    assert sum((one.total for one in of_sums(*sides)), Fraction()) == change


@given(st.lists(st.fractions(-1_000, 1_000, max_denominator=997), max_size=20))
def test_rounded_values_add_up_to_their_rounded_sum(values: list[Fraction]) -> None:
    step = Fraction(1, 100)
    shown = rounded(values, step)
    total = sum(values, Fraction())
    assert abs(sum(shown, Fraction()) - total) <= step / 2
    assert all(abs(one - value) < step for one, value in zip(shown, values, strict=True))
    assert all((one / step).denominator == 1 for one in shown)


def test_every_part_gets_better_and_the_whole_gets_worse() -> None:
    """Simpson's paradox: the easy orders went away, so the rate falls although every segment improved."""
    before = {"easy": share(900, 1_000), "hard": share(10, 100)}
    now = {"easy": share(95, 100), "hard": share(150, 1_000)}
    easy, hard = of_rates(before, now, 100)
    assert easy.rate > 0
    assert hard.rate > 0
    # By hand: shares 10/11 and 1/11 change places, the rates rise by 5 points each.
    assert easy.rate + hard.rate == 5
    assert easy.mix + hard.mix == Fraction(100 * 245, 1_100) - Fraction(100 * 910, 1_100) - 5
    assert easy.mix + hard.mix < -60


def weeks_of(tables: Tables, segment: str, succeeded: int, failed: int, start: float) -> None:
    for n in range(succeeded + failed):
        name = f"{segment}-{start}-{n}"
        ends = {"done": start + 2} if n < succeeded else {"failed": start + 2}
        tables.unit(name, opened=start + 1, segment=segment, **ends)


def sides(tables: Tables, kpi_id: str, by: str) -> tuple[Kpi, Kpi]:
    before, now = (scoreboard.kpi(tables.reading, kpi_id, period, by=by) for period in (WEEK.before, WEEK))
    return before, now


def test_the_paradox_is_found_in_a_store(tables: Tables) -> None:
    for segment, succeeded, failed, start in (
        ("easy", 36, 4, BEFORE), ("hard", 1, 9, BEFORE), ("easy", 10, 0, 0), ("hard", 8, 32, 0),
    ):  # fmt: skip
        weeks_of(tables, segment, succeeded, failed, start)
    before, now = sides(tables, "K19", "segment")
    found = split(before, now, "segment")
    assert found is not None
    assert found.change == 100 * (Fraction(18, 50) - Fraction(37, 50))
    assert sum((one.total for one in found.parts), found.several) == found.change
    assert found.several == 0
    assert all(one.rate > 0 for one in found.parts)
    assert sum(one.mix for one in found.parts) < found.change < 0


@pytest.mark.parametrize("kpi_id", ["K19", "K7", "K20"])
def test_units_of_several_flows_are_a_contribution_of_their_own(tables: Tables, kpi_id: str) -> None:
    weeks_of(tables, "b2b", 3, 1, BEFORE)
    weeks_of(tables, "b2b", 4, 2, 0)
    for flow in ("orders", "invoices"):
        tables.unit("both", flow=flow, opened=1, done=3)
    before, now = sides(tables, kpi_id, "flow")
    found = split(before, now, "flow")
    assert found is not None
    assert found.several != 0
    assert sum((one.total for one in found.parts), found.several) == found.change
    by_segment = split(*sides(tables, kpi_id, "segment"), "segment")
    assert by_segment is not None
    assert (by_segment.several, by_segment.change) == (0, found.change)


def test_money_adds_up_to_the_cent(tables: Tables) -> None:
    tables.case("C1", "SO-1", opened=BEFORE, resolved=5, value="10.01 EUR")
    tables.case("C2", "SO-2", opened=2, value="20.0205 EUR", flow="invoices")
    found = split(*sides(tables, "K8", "flow"), "flow")
    assert found is not None
    assert {one.key: one.total for one in found.parts} == {
        "orders": Fraction("-10.01"), "invoices": Fraction("20.0205"),
    }  # fmt: skip
    assert (found.change, found.several) == (Fraction("10.0105"), 0)


def test_a_median_and_money_of_two_currencies_have_no_contributions(tables: Tables) -> None:
    tables.case("C1", "SO-1", opened=BEFORE, resolved=BEFORE + 5, value="10 EUR")
    tables.case("C2", "SO-2", opened=2, resolved=4, value="20 USD")
    assert split(*sides(tables, "K3", "flow"), "flow") is None
    tables.case("C3", "SO-3", opened=BEFORE, resolved=1, value="10 EUR")
    tables.case("C4", "SO-4", opened=2, value="20 USD")
    assert split(*sides(tables, "K8", "flow"), "flow") is None


def test_a_week_without_units_has_no_contributions(tables: Tables) -> None:
    weeks_of(tables, "b2b", 3, 1, 0)
    before, now = sides(tables, "K19", "segment")
    assert split(before, now, "segment") is None
    assert WEEK.before.end == WEEK.start
    assert WEEK.end - WEEK.start == timedelta(days=7)


@pytest.mark.parametrize("kpi_id", ["K5", "K7", "K8", "K16"])
def test_steps_explain_a_change_to_the_last_digit(tables: Tables, kpi_id: str) -> None:
    for n, (start, step) in enumerate([(BEFORE, "ship"), (0, "pay"), (0, "pay"), (0, "ship")]):
        weeks_of(tables, f"good {n}", 3 + n, 0, start)
        tables.unit(f"SO-{n}", opened=start + 1, failed=start + 3)
        tables.case(f"C{n}", f"SO-{n}", opened=start + 3, step=step, value=f"{n + 1}.01 EUR")
        tables.attempt(f"SO-{n}", step, start + 2, "infrastructure", attempt=2)
    found = split(*sides(tables, kpi_id, "step"), "step")
    assert found is not None
    assert {one.key for one in found.parts} - {"none"} == {"orders / ship", "orders / pay"}
    assert all(one.mix == 0 for one in found.parts)
    assert sum((one.total for one in found.parts), found.several) == found.change
    assert (found.several, found.change != 0) == (0, True)


def test_the_paradox_is_found_in_steps_too(tables: Tables) -> None:
    """Escalations fell at each step, and rose over all of them: more came from the step that escalates."""
    for step, escalated, calm, start in (
        ("ship", 2, 38, BEFORE), ("pay", 8, 2, BEFORE), ("ship", 0, 10, 0), ("pay", 28, 12, 0),
    ):  # fmt: skip
        for n in range(escalated + calm):
            case = f"{step} {start} {n}"
            tables.case(case, case, opened=start + 1, step=step)
            if n < escalated:
                tables.act(case, "escalated", kind="system", time=at(start + 2))
    before, now = sides(tables, "K12", "step")
    found = split(before, now, "step")
    assert found is not None
    assert found.change == 100 * (Fraction(28, 50) - Fraction(10, 50))
    assert sum((one.total for one in found.parts), found.several) == found.change
    assert all(one.rate < 0 for one in found.parts)
    assert sum(one.mix for one in found.parts) > found.change > 0
