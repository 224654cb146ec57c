"""Parts of text by patterns that users write.

They run on RE2, which takes time in proportion to the text whatever the pattern is: Python's `re` can take
minutes for a line, and stops the whole server meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import re2

LONGEST: Final = 500
"""Characters of a pattern."""
_SCANNED: Final = 64 * 1024
"""Characters of a text that are looked at."""
_OPTIONS: Final = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 1 << 20


def re2_pattern(pattern: str) -> Any:
    """Return a pattern that is ready to be looked for.

    Raises:
        ValueError: it is no pattern of RE2, matches the empty text, or has several groups.
    """
    try:
        made = re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        reason = error.args[0]
        plain = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
        raise ValueError(f"{pattern!r} is no pattern that RE2 knows: {plain}") from None
    if made.groups > 1:
        raise ValueError(f"{pattern!r} has {made.groups} groups: the part that counts takes one, or none")
    if made.search("") is not None:
        raise ValueError(f"{pattern!r} matches where there is nothing")
    return made


@dataclass(frozen=True, slots=True)
class Extract:
    """A part of the message, of the file's path, or of an attribute."""

    source: str
    pattern: Any
    prefix: str = ""

    def part(self, text: str) -> str | None:
        """Return the first part that matches, of its group where the pattern has one."""
        match = self.pattern.search(text[:_SCANNED])
        found = match and match.group(self.pattern.groups)
        return self.prefix + found if found else None
