"""Which addresses of a provider are asked."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import httpx


def is_safe(url: str, *, loopback: bool) -> bool:
    """Return whether an address is https, or http on this machine where that is allowed."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        return False
    plain = url.isprintable() and not set(url) & set(" \\#") and "@" not in parts.netloc
    return bool(plain and host) and (
        parts.scheme == "https" or (loopback and parts.scheme == "http" and is_loopback(host or ""))
    )


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
