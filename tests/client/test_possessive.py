"""Patterns with possessive quantifiers, and what equals them on Pythons that do not know these."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unsnag import mask_rules, masking
from unsnag.patterns import compiled, translated

PATTERNS = [*(rule.pattern for rule in masking.RULES), mask_rules._PHONE_DIGITS]
POSSESSIVE = [pattern for pattern in PATTERNS if "_0" in translated(pattern.pattern)]
PIECES = st.sampled_from([
    "eyJ", "abcdefgh1", ".", "-", "Bearer ", "basic  ", "token=", "password: ", "secret", "'", '"', " ", "/",
    "[masked: ", "+49", "030", "(0", ")", "555.123.4567", "1234", "0", "9", "x", "\n", "A1b2C3d4", "=", "&",
])  # fmt: skip
TEXTS = st.lists(PIECES, max_size=14).map("".join)


def test_those_that_need_it_are_translated_and_nothing_possessive_is_left() -> None:
    assert len(POSSESSIVE) == 12
    for pattern in PATTERNS:
        assert not re.search(r"[*+?}]\+", re.sub(r"\[[^\]]*\]", "[]", translated(pattern.pattern)))


@given(TEXTS)
def test_both_find_the_same(text: str) -> None:
    for pattern in POSSESSIVE:
        older = re.compile(translated(pattern.pattern), pattern.flags)
        assert [found.span() for found in older.finditer(text)] == [
            found.span() for found in pattern.finditer(text)
        ]


def test_what_a_quantifier_took_it_keeps() -> None:
    for is_known in (True, False):
        assert compiled(r"[ab]++b", is_known=is_known).search("aab") is None
        found = compiled(r"(?P<kept>\s{1,2}+)x", is_known=is_known).search("  x")
        assert found
        assert found["kept"] == "  "


@pytest.mark.parametrize("pattern", POSSESSIVE)
def test_long_hostile_texts_end_and_end_alike(pattern: re.Pattern[str]) -> None:
    """A quantifier that gives back would take days here; the test's time limit ends it."""
    older = re.compile(translated(pattern.pattern), pattern.flags)
    for piece in ("1 ", "eyJaaaaaaaa", "token='", "Bearer    "):
        assert older.sub("", piece * 40_000) == pattern.sub("", piece * 40_000)
