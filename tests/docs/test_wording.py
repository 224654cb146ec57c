"""The list of words finds what it names, and nothing that is written otherwise."""

from __future__ import annotations

import pytest

from tests import wording

WORDS = wording.words()


def found(text: str, path: str = "docs/page.md") -> list[str]:
    return [one.found for one in wording.findings(path, text, WORDS)]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("docs/page.md", "Here stands what whoever asks was told.", ["told", "whoever", "Here stands"]),
        ("docs/page.md", "The room is made anew.", ["anew", "room"]),
        ("docs/page.md", "Exceptions waiting for someone.", []),
        ("a.py", "def _told() -> None: ...\n", ["_told"]),
        ("a.py", "value_said = 1\n", ["value_said"]),
        ("a.py", "def reason_asked(): ...\n", ["reason_asked"]),
        ("a.py", "def connection_made(): ...\n", []),
        ("a.py", '"""Return what was said."""\n', ["said"]),
        ("a.py", "x = 1  # nobody's\n", ["nobody's"]),
        ("a.sql", "-- one row per unit told twice\n", ["told"]),
    ],
)
def test_words_are_found_in_text_and_in_identifiers(path: str, text: str, expected: list[str]) -> None:
    assert found(text, path) == expected


def test_every_word_of_the_list_says_what_to_write_instead() -> None:
    assert all(word.write for word in WORDS)


def test_the_repository_holds_none_of_them() -> None:
    assert wording.main() == 0
