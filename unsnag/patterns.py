r"""Patterns with possessive quantifiers (`x++`), which give nothing back: they keep a search linear.

Python's `re` knows them from 3.11 on. Before, ``(?=(x+))\1`` says the same: a lookahead gives nothing back.
"""

from __future__ import annotations

import re
import sys
from itertools import count
from typing import Final

_POSSESSIVE: Final = re.compile(r"(?<!\\)(\[\^?(?:\\.|[^\[\]\\]){1,200}\]|\\[sdw])(\{[0-9,]+\}|[*+])\+")


def compiled(pattern: str, *, is_known: bool = sys.version_info >= (3, 11)) -> re.Pattern[str]:
    """Compile a pattern; its groups are to be named, as others may be put between them.

    Args:
        pattern: Possessive quantifiers follow a set, or a class of characters.
        is_known: This Python's `re` knows possessive quantifiers.
    """
    return re.compile(pattern if is_known else translated(pattern))


def translated(pattern: str) -> str:
    """Return a pattern of the same meaning without possessive quantifiers."""
    numbers = count()

    def atomic(match: re.Match[str]) -> str:
        name = f"_{next(numbers)}"
        return f"(?=(?P<{name}>{match[1]}{match[2]}))(?P={name})"

    return _POSSESSIVE.sub(atomic, pattern)
