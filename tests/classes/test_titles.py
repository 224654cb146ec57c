"""Titles in plain words over the recorded exceptions."""

from __future__ import annotations

import re

import pytest

from bench.classes import has_plain_title
from cases import plain
from cases.content import title
from tests.classes.recorded import Recorded, recorded

ENTRIES = (*plain.ANYWHERE, *plain.BEHIND)


def test_the_table_has_a_sentence_for_a_hundred_failures_and_more_than_half_of_the_recorded_ones() -> None:
    assert len({entry.sentence for entry in ENTRIES} | set(plain.STATUSES.values())) >= 100
    for half in (True, False):
        own = [one for one in recorded() if one.is_held_out is half]
        assert sum(map(has_plain_title, own)) > 0.5 * len(own)


@pytest.mark.parametrize("one", recorded(), ids=lambda one: one.name)
def test_a_title_is_one_line_without_holes(one: Recorded) -> None:
    made = title(
        error_class=one.label,
        step="pay",
        dependency=None,
        error_type=one.exception["type"],
        message=one.exception["message"],
    )
    assert 0 < len(made) <= 120
    assert "\n" not in made
    if has_plain_title(one):
        assert not re.search(r"\{\w+\}|\bNone\b|0x|Traceback|<class", made)
        assert " The " not in made


def test_most_sentences_are_those_of_recorded_exceptions_and_every_clue_is_in_lower_case() -> None:
    texts = [f"{one.exception['type']}\n{one.exception['message']}" for one in recorded()]
    held = [
        entry
        for entry in ENTRIES
        if any(entry.clue in text.lower() and entry.pattern.search(text) for text in texts)
    ]
    assert len(held) >= 0.9 * len(ENTRIES)
    assert all(entry.clue == entry.clue.lower() for entry in ENTRIES)


@pytest.mark.parametrize(
    ("message", "dependency", "expected"),
    [
        ("ledger did not answer within 10 s", None, "Ledger did not answer within 10 s"),
        ("The gateway did not respond within 5 s", None, "Gateway did not answer within 5 s"),
        (
            "The gateway did not answer within 5 s",
            "payment-gateway",
            "Payment gateway did not answer within 5 s",
        ),
        ("it did not answer within 3 s", None, "The called system did not answer within 3 s"),
        ("no answer within 4 s (order 18)", "bank", "Bank did not answer within 4 s"),
        ("timed out", None, "The called system did not answer in time"),
    ],
)
def test_a_title_names_the_system_that_the_message_names(
    message: str, dependency: str | None, expected: str
) -> None:
    made = title(
        error_class="infrastructure",
        step="pay",
        dependency=dependency,
        error_type="TimeoutError",
        message=message,
    )
    assert made == expected
