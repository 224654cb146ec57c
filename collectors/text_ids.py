"""IDs in the text of a log line, found by patterns such as `SO-{digits}` or `order ({word})`.

A pattern is no regular expression: it is a literal beginning, one run of letters or digits, and a literal
end, so that any text costs time in proportion to its length.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST_IDS: Final = 100
"""Of one line; what lies behind them is not looked for."""
_LONGEST: Final = 100
"""Characters that a placeholder stands for."""
_WORD: Final = frozenset(string.ascii_letters + string.digits + "_-")
_PLACEHOLDERS: Final = {"{digits}": frozenset(string.digits), "{word}": _WORD}


@dataclass(frozen=True, slots=True)
class TextPattern:
    """A pattern, ready to be looked for."""

    before: str
    letters: frozenset[str]
    after: str
    head: int
    """How many characters of `before` do not belong to the ID."""
    tail: int
    """How many characters of `after` belong to the ID."""

    @classmethod
    def of(cls, text: str) -> TextPattern:
        """Read a pattern of the config file; round brackets say which part of it is the ID.

        Raises:
            ValueError: it has not exactly one placeholder with text before it, or brackets without it.
        """
        found = [name for name in _PLACEHOLDERS if name in text]
        if len(found) != 1 or text.count(found[0]) != 1:
            raise ValueError(f"{text!r} needs one placeholder, {{digits}} or {{word}}")
        before, _, after = text.partition(found[0])
        head, tail = before.find("("), after.find(")")
        if (head < 0) != (tail < 0) or (text.count("("), text.count(")")) not in {(0, 0), (1, 1)}:
            raise ValueError(f"{text!r} needs round brackets around its placeholder, or none")
        plain = before.replace("(", "")
        if not plain:
            raise ValueError(f"{text!r} needs text before its placeholder: any number would be an ID")
        closed = after.replace(")", "")
        return cls(plain, _PLACEHOLDERS[found[0]], closed, max(head, 0), tail if tail >= 0 else len(closed))

    def ids(self, text: str) -> Iterator[str]:
        """Yield the IDs in a text, from its beginning."""
        at = text.find(self.before)
        while at >= 0:
            start = at + len(self.before)
            end = start
            while end < len(text) and end - start <= _LONGEST and text[end] in self.letters:
                end += 1
            if self._stands_alone(text, at, start, end):
                yield text[at + self.head : end + self.tail]
            at = text.find(self.before, max(end, at + 1))

    def _stands_alone(self, text: str, at: int, start: int, end: int) -> bool:
        """Return whether what was found is no part of a longer word."""
        if not 0 < end - start <= _LONGEST or not text.startswith(self.after, end):
            return False
        last = end + len(self.after)
        begins_inside = at > 0 and text[at] in _WORD and text[at - 1] in _WORD
        ends_inside = last < len(text) and text[last - 1] in _WORD and text[last] in _WORD
        return not begins_inside and not ends_inside


def found(patterns: Iterable[TextPattern], text: str) -> list[str]:
    """Return the IDs that a text names, each once, in the order of the patterns and of the text."""
    ids: dict[str, None] = {}
    for pattern in patterns:
        for name in pattern.ids(text):
            ids[name] = None
            if len(ids) >= MOST_IDS:
                return list(ids)
    return list(ids)
