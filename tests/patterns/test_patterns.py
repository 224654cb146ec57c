"""Every pattern of the product on text made to hurt it: at most 50 ms of CPU for a MiB."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases.search import MAX_CHARS
from tests.patterns import hostile

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

SIZE: Final = 1 << 16
BOUNDED_LIMIT_S: Final = 0.001
"""Seconds of CPU for one use of a pattern that sees the beginning or the end of a text only."""


class Use(NamedTuple):
    """How the product runs a pattern, and on how many characters; None where there is no bound."""

    method: str
    bound: int | None = None


MATCH, FULL = Use("match"), Use("fullmatch")
USES: Final = {
    # decide() looks at the beginning of the type's name and of the message only.
    "unsnag.class_types.NAME_WORDS": Use("search", 500),
    "unsnag.class_texts.TYPES": Use("finditer", 2000),
    "unsnag.class_texts.": Use("search", 2000),
    # It reads patterns of the product, while they are imported, and no text.
    "unsnag.patterns._POSSESSIVE": Use("sub", 500),
    "unsnag.propagation._TRACEPARENT": FULL,
    "unsnag.propagation._STATE": FULL,
    "unsnag.identifiers.ISSUERS": FULL,
    # What stands before a number only.
    "unsnag.identifiers.NAMED": Use("search", 32),
    # The phone rule's own match: 3, 7 and 84 digits at most, with what separates them.
    "unsnag.mask_rules._PHONE_DIGITS": Use("match", 130),
    # How a line goes on behind its message: a column, a key.
    "collectors.layouts.pairs._KEY": Use("finditer"),
    "collectors.layouts.python._LOGGER": Use("finditer"),
    "collectors.layouts.python._COLUMN": Use("finditer"),
    # The end of the first line of an exception only.
    "collectors.layouts.php._PLACE": Use("search", 500),
    "collectors.layouts.": MATCH,
    "collectors.colours.": Use("sub"),
    # What is kept of an unknown line.
    "collectors.seen._DIGITS": Use("sub", 300),
    "collectors.containers.": MATCH,
    "collectors.plaintext.": MATCH,
    # No time is longer: moment() refuses longer text.
    "collectors.written_times._FORMS": Use("fullmatch", 100),
    "collectors.tracebacks.": MATCH,
    "collectors.values._HEX": FULL,
    # No time is longer: _odd_micros() refuses longer text.
    "collectors.values._ZONE_APART": Use("sub", 100),
    # is_serious() looks at the beginning of the message only.
    "traces.judgement._BAD_STATUS": Use("search", 2000),
    # template() reads the beginning of the message only, and each piece of it by itself.
    "traces.fingerprint._PIECES": Use("finditer", 600),
    "traces.fingerprint._SIGN": Use("sub", 1200),
    "traces.fingerprint._RUN": Use("sub", 1200),
    "traces.fingerprint._SEPARATORS": Use("finditer", 600),
    "traces.fingerprint._LETTERS": Use("finditer", 60),
    "traces.fingerprint._HUMPS": Use("finditer", 60),
    # A template is a little longer than what it is made of: quotes are kept.
    "traces.fingerprint._WORD": Use("finditer", 1200),
    "traces.fingerprint._": Use("fullmatch", 600),
    # own_frame() reads the end of the stack trace only.
    "traces.frames.": Use("finditer", 20_000),
    "traces.fingerprint_1._VARIABLE": Use("sub", 400),
    "traces.fingerprint_1._FRAME": Use("finditer", 20_000),
    "traces.record._OLD_RUN": FULL,
    # Asked right behind what was found.
    "traces.runs.": MATCH,
    # A route is made of the beginning of the span's name only.
    "traces.tree._WORD": Use("finditer", 200),
    "server.identity.NAME": FULL,
    "access.": FULL,
    # title() looks at the beginning of type and message only.
    "cases.content.": Use("search", 2000),
    "cases.plain.": Use("search", 2000),
    # No search is longer: parse() refuses longer text.
    "cases.search.": Use("finditer", MAX_CHARS),
    # The names of the product's own columns.
    "data.queries._COLUMN": FULL,
    "views.connect.page._NAME": FULL,
    # The titles of the product's own plots.
    "views.kit.plots.frame._NO_NAME": Use("sub", 200),
    "kpis.definition._FILE": MATCH,
    "audit.verifier.": FULL,
}
ATTEMPTS: Final = 5
"""A pattern is too slow when it is so each time: virtual cores change their pace within a second."""
PATTERNS: Final = {
    place: pattern for place, pattern in hostile.patterns().items() if isinstance(pattern.pattern, str)
}


def use_of(place: str) -> Use:
    """Return how a pattern is used; one that is not registered may search text of any length."""
    return next((use for start, use in USES.items() if place.startswith(start)), Use("finditer"))


def run(pattern: re.Pattern[str], use: Use) -> Callable[[str], Any]:
    """Return a function that runs a pattern over a whole text."""
    if use.method == "sub":
        return lambda text: pattern.sub("", text)
    if use.method == "finditer":
        return lambda text: deque(pattern.finditer(text), 0)
    method: Callable[[str], Any] = getattr(pattern, use.method)
    return method


def over(place: str, text: str) -> str | None:
    """Return what to say of a pattern that takes too long for a text, or None."""
    use = use_of(place)
    text = text[: use.bound]
    limit = hostile.LIMIT_S * len(text) / hostile.MIB if use.bound is None else BOUNDED_LIMIT_S
    for _ in range(ATTEMPTS):
        took = hostile.cost(run(PATTERNS[place], use), text, limit, times=20)
        if took < limit or took < hostile.pace(len(text)):
            return None
    return f"{took:.6f} s for {len(text)} of {text[:60]!r}, limit {limit:.6f} s"


def test_the_patterns_of_the_product_are_found() -> None:
    for place in ("unsnag.mask_rules.RULES", "collectors.values._ZONE_APART", "audit.verifier.is_hash"):
        assert any(found.startswith(place) for found in PATTERNS), place
    for start in USES:
        assert any(found.startswith(start) for found in PATTERNS), f"{start} is registered and not there"


@pytest.mark.parametrize("place", PATTERNS)
def test_a_pattern_takes_at_most_50_ms_a_mib(place: str) -> None:
    slow = [found for text in hostile.repeated(SIZE) if (found := over(place, text))]
    slow += [found for text in hostile.begun(SIZE) if (found := over(place, text))]
    assert slow == []


FRAGMENTS: Final = st.one_of(
    st.sampled_from(hostile.REPEATED), st.text(alphabet="a1A .-@:/=+('\"\\_\né", min_size=1, max_size=4)
)


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(
    head=st.one_of(st.sampled_from(hostile.HEADS), st.text(max_size=5)),
    pumped=st.lists(FRAGMENTS, min_size=1, max_size=3).map("".join),
    tail=st.sampled_from(hostile.TAILS),
)
def test_generated_text_takes_no_longer(head: str, pumped: str, tail: str) -> None:
    text = head + pumped * (SIZE // 2 // len(pumped)) + tail
    assert {place: found for place in PATTERNS if (found := over(place, text))} == {}
