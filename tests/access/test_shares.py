"""Capacity that several holders share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.shares import Shares


def fill(shares: Shares, holders: list[str]) -> list[int]:
    """Let holders take in turns until none of them may take any more; return what each has."""
    while any(shares.is_within(holder) for holder in holders):
        for holder in holders:
            if shares.is_within(holder):
                shares.take(holder)
    return [shares.held(holder) for holder in holders]


@pytest.mark.parametrize(
    ("share", "holders", "each"), [(0.5, 1, 60), (0.5, 2, 40), (0.5, 3, 30), (0.25, 1, 30), (1, 1, 120)]
)
def test_a_holder_takes_its_share_of_what_the_others_leave(share: float, holders: int, each: int) -> None:
    held = fill(Shares(120, share), [str(number) for number in range(holders)])
    assert held == [each] * holders


def test_a_holder_is_left_its_floor_however_full_it_is() -> None:
    shares = Shares(10, 0.5, floor=3)
    shares.take("a", 10)
    assert not shares.has_room()
    assert [shares.is_within("b", more) for more in (3, 4)] == [True, False]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 9)), max_size=60), st.floats(0.1, 0.9))
def test_a_newcomer_always_finds_room_and_what_is_given_back_is_free(
    asked: list[tuple[str, int]], share: float
) -> None:
    shares = Shares(100, share, floor=0)
    taken = []
    for holder, more in asked:
        if shares.is_within(holder, more):
            shares.take(holder, more)
            taken.append((holder, more))
        assert shares.total == sum(more for _, more in taken) < shares.size
    for holder, more in taken:
        shares.give_back(holder, more)
    assert shares.total == 0
    assert [shares.held(holder) for holder in "abc"] == [0, 0, 0]


def test_one_thing_is_taken_and_given_back_unless_more_is_named() -> None:
    shares = Shares(2)
    shares.take("a")
    assert (shares.held("a"), shares.total) == (1, 1)
    assert [shares.has_room(more) for more in (1, 2)] == [True, False]
    assert shares.has_room()
    shares.take("a")
    shares.give_back("a")
    assert (shares.held("a"), shares.total) == (1, 1)


def test_a_holder_takes_half_and_is_left_one_unless_more_is_named() -> None:
    assert [Shares(10).is_within("a", more) for more in (5, 6)] == [True, False]
    assert [Shares(1).is_within("a", more) for more in (1, 2)] == [True, False]
