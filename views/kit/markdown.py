"""Text of telemetry in Markdown: shown as it is, never as markup or a link."""

from __future__ import annotations

from typing import Final

_MARKDOWN: Final = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_{}[]()#+-.!|<>~$:&"})
_UNLINKED: Final = (("://", ":\u200b//"), ("www.", "www\u200b."), ("@", "\u200b@"))
"""A zero-width space keeps an address from becoming a link that somebody else wrote."""


def escape(text: str) -> str:
    """Return text that came from telemetry so that Markdown shows it as it is, on one line."""
    text = " ".join(text.split())
    for address, unlinked in _UNLINKED:
        text = text.replace(address, unlinked)
    return text.translate(_MARKDOWN)
