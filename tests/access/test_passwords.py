"""Passwords: what is too easy to guess is refused, with the reason."""

from __future__ import annotations

import pytest

from access import passwords
from access.errors import InvalidPersonError


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("short one", "12 to 200"),
        ("abababababab", "repeats itself"),
        ("password12345", "guessed among the first"),
        ("ann is here today", "guessed among the first"),
        ("hunter2hunter2", "Repeats like"),
        ("iloveyou12345", "commonly used password"),
        ("qwertzuiop1234", "guessed among the first"),
        ("christmas2024", "guessed among the first"),
        ("unsnagunsnag1!", "guessed among the first"),
    ],
)
def test_what_is_guessed_first_is_refused_with_the_reason(password: str, words: str) -> None:
    with pytest.raises(InvalidPersonError, match=words):
        passwords.hashed(password, "ann")


@pytest.mark.parametrize(
    "password",
    [
        "an honest sentence",
        "correct horse battery staple",
        "Gr7#kPz!x2Lw",
        "тихий дом зимой",
        "😀 leaves in june",
    ],
)
def test_sentences_and_chance_are_taken_in_any_script(password: str) -> None:
    assert passwords.matches(password, passwords.hashed(password, "ann"))


def test_a_long_sentence_is_judged_in_time_and_kept_whole() -> None:
    long = "every word of this sentence counts " * 5
    kept = passwords.hashed(long[:200], "ann")
    assert passwords.matches(long[:200], kept)
    assert not passwords.matches(long[:100], kept)
