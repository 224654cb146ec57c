"""Who may send how much at once: shares of places, of bytes and of work."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from collectors.admission import MB, Admission, Arrival, FullError, TooManySentError
from collectors.otlp import OtlpSettings
from collectors.settings import CollectorSettings


def admission(**settings: Any) -> Admission:
    return Admission(OtlpSettings.model_validate({"max_receiving": 8, "max_requests": 4, **settings}))


def arrivals(stack: contextlib.ExitStack, rooms: Admission, sender: str, count: int) -> list[Arrival]:
    return [stack.enter_context(rooms.arrival(sender)) for _ in range(count)]


def test_a_sender_with_its_share_of_unfinished_bodies_is_asked_to_wait_and_others_are_not() -> None:
    rooms = admission()
    with contextlib.ExitStack() as stack:
        arrivals(stack, rooms, "a", 4)
        with pytest.raises(TooManySentError, match="4 of at most 8 requests whose bodies are not whole"):
            arrivals(stack, rooms, "a", 1)
        arrivals(stack, rooms, "b", 2)
    assert rooms.received.total == 0
    arrivals(contextlib.ExitStack(), rooms, "a", 1)


def test_a_whole_body_gives_its_place_to_the_next_one() -> None:
    rooms = admission()
    with contextlib.ExitStack() as stack:
        first, second = arrivals(stack, rooms, "a", 2)
        first.begin_work()
        assert (rooms.received.total, rooms.at_work.total) == (1, 1)
        second.begin_work()
        (third,) = arrivals(stack, rooms, "a", 1)
        with pytest.raises(TooManySentError, match="2 of at most 4 requests that are worked on"):
            third.begin_work()
        (other,) = arrivals(stack, rooms, "b", 1)
        other.begin_work()
    assert (rooms.received.total, rooms.at_work.total, rooms.held.total) == (0, 0, 0)


def test_bytes_are_held_from_the_first_one_to_the_answer() -> None:
    rooms = admission(max_body_mb=1, max_held_mb=4)
    with contextlib.ExitStack() as stack:
        (first,) = arrivals(stack, rooms, "a", 1)
        for _ in range(2):
            first.hold(MB)
        first.begin_work()
        (second,) = arrivals(stack, rooms, "a", 1)
        with pytest.raises(TooManySentError, match="2,097,152 of at most 4,194,304 bytes"):
            second.hold(1)
        (other,) = arrivals(stack, rooms, "b", 1)
        other.hold(MB)
        assert rooms.held.total == 3 * MB
    assert rooms.held.total == 0


def test_where_many_senders_fill_a_room_within_their_shares_the_server_is_full() -> None:
    rooms = admission(max_requests=3)
    with contextlib.ExitStack() as stack:
        for sender in "abc":
            arrivals(stack, rooms, sender, 1)[0].begin_work()
        (last,) = arrivals(stack, rooms, "d", 1)
        with pytest.raises(FullError):
            last.begin_work()


def test_a_request_that_fails_gives_everything_back() -> None:
    rooms = admission()

    def fail() -> None:
        with rooms.arrival("a") as arrival:
            arrival.hold(10)
            arrival.begin_work()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (rooms.received.total, rooms.at_work.total, rooms.held.total) == (0, 0, 0)


def test_a_sender_over_its_rate_is_asked_to_wait_and_others_are_not() -> None:
    rooms = admission(requests_per_second=2)
    for _ in range(20):
        with rooms.arrival("a"):
            pass
    with pytest.raises(TooManySentError, match="more than 2 requests a second") as refused:
        rooms.arrival("a").__enter__()
    assert refused.value.wait_s == 1
    with rooms.arrival("b"):
        pass


def test_bodies_that_cannot_all_be_held_are_refused_by_name() -> None:
    assert OtlpSettings(max_body_mb=200).held_mb == 800
    with pytest.raises(ValueError, match="max_held_mb = 8 is less than one body may have: max_body_mb = 16"):
        CollectorSettings.model_validate({"otlp": {"max_held_mb": 8}})
