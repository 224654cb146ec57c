"""Text of telemetry in Markdown: shown as it is, never as markup or a link."""

from __future__ import annotations

from typing import Final

_MARKDOWN: Final = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_{}[]()#+-.!|<>~$:&"})
_UNLINKED: Final = (("://", ":\u200b//"), ("www.", "www\u200b."), ("@", "\u200b@"))
"""A zero-width space keeps an address from becoming a link that somebody else wrote."""


_BROKEN: Final = (("](", "]\u200b("), ("]:", "]\u200b:"), *_UNLINKED)
"""Nothing that a person writes becomes a link or a picture, also where this file and Markdown would not
agree on what is code."""
_IN_TEXT: Final = str.maketrans({mark: f"\\{mark}" for mark in "<&$:#~|["})
_FENCE: Final = "```"


def written(text: str) -> str:
    """Return Markdown that a person wrote: with emphasis, lists, quotes and code, without links and HTML."""
    for mark, broken in _BROKEN:
        text = text.replace(mark, broken)
    blocks = text.split(_FENCE)
    if len(blocks) % 2 == 0:  # the last block of code was never closed
        blocks.append("")
    return _FENCE.join(block if index % 2 else _prose(block) for index, block in enumerate(blocks))


def _prose(text: str) -> str:
    """Return text outside of blocks of code; each line of it stays a line."""
    return "  \n".join(_line(line) for line in text.split("\n"))


def _line(line: str) -> str:
    parts = line.split("`")
    if len(parts) % 2 == 0:  # the last backtick closes nothing
        parts[-2:] = [f"{parts[-2]}\\`{parts[-1]}"]
    return "`".join(part if index % 2 else part.translate(_IN_TEXT) for index, part in enumerate(parts))


def escape(text: str) -> str:
    """Return text that came from telemetry so that Markdown shows it as it is, on one line."""
    text = " ".join(text.split())
    for address, unlinked in _UNLINKED:
        text = text.replace(address, unlinked)
    return text.translate(_MARKDOWN)
