"""Removes the codes with which programs colour what they print to a terminal."""

from __future__ import annotations

import re
from typing import Any, Final

_ANSI: Final = re.compile(r"\x1b\[[0-?]{0,40}[ -/]{0,4}[@-~]")


def without_colours(text: str) -> str:
    """Return a text without its ANSI codes."""
    return _ANSI.sub("", text) if "\x1b" in text else text


def without_colours_in(value: Any) -> Any:
    """Return a value, without the ANSI codes where it is a text."""
    return without_colours(value) if isinstance(value, str) else value
