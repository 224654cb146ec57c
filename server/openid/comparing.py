"""Comparing what was sent with what was kept."""

from __future__ import annotations

import hmac


def equal(sent: object, kept: str) -> bool:
    """Compare in constant time."""
    return isinstance(sent, str) and hmac.compare_digest(sent.encode(errors="replace"), kept.encode())
