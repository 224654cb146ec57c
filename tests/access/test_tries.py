"""Sign-in tries are limited for each address and each name, and a flood holds nobody else up."""

from __future__ import annotations

import pytest

from access.authority import SignInTries
from access.errors import TooManyTriesError


def passed(tries: SignInTries, name: str, address: str, times: int) -> int:
    """Begin tries without ending one, as requests do that come at once; return how many were let through."""
    through = 0
    for _ in range(times):
        try:
            tries.begin(name, address)
        except TooManyTriesError:
            continue
        through += 1
    return through


def test_a_flood_from_one_address_is_refused_before_its_passwords_are_looked_at() -> None:
    tries = SignInTries()
    through = sum(passed(tries, f"name-{number}", "203.0.113.9", 1) for number in range(1_000))
    assert through == 20
    tries.begin("ann", "198.51.100.7")


def test_one_name_is_not_guessed_from_many_addresses() -> None:
    tries = SignInTries()
    assert sum(passed(tries, "ann", f"203.0.113.{number}", 2) for number in range(100)) == 100
    with pytest.raises(TooManyTriesError):
        tries.begin("ann", "198.51.100.7")
    tries.begin("bea", "198.51.100.7")


def test_who_signs_in_rightly_is_never_slowed() -> None:
    tries = SignInTries()
    for _ in range(500):
        tries.begin("ann", "198.51.100.7")
        tries.was_right("ann", "198.51.100.7")


def test_a_refused_try_costs_its_address_nothing() -> None:
    tries = SignInTries()
    assert passed(tries, "ann", "198.51.100.7", 100) == 5, "the limit of a name from one address"
    assert passed(tries, "bea", "198.51.100.7", 5) == 5
    assert passed(tries, "cleo", "198.51.100.7", 5) == 5
