"""The headers on every answer that limit what our pages may do in a browser."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Final

from data.errors import UnsnagError
from server import frame
from server.container import current

if TYPE_CHECKING:
    from starlette.types import Message, Scope, Send


def _inline_scripts() -> list[str]:
    """Return the hashes of the scripts that our pages hold: they, and no others, may run."""
    scripts = re.findall(r"<script>(.*?)</script>", frame.html(), re.DOTALL)
    return [
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    ]


# What Streamlit's pages need: inline styles, evaluated code of its chart library, images and workers made
# in the page. No page may load from, send to, or be framed by another site.
CONTENT_POLICY: Final = "; ".join((
    "default-src 'self'",
    " ".join(("script-src 'self' 'wasm-unsafe-eval' blob:", *_inline_scripts())),
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "worker-src 'self' blob:",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
))  # fmt: skip
_ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
)
_POLICY: Final = (b"content-security-policy", CONTENT_POLICY.encode())
_STRICT_TRANSPORT: Final = (b"strict-transport-security", b"max-age=31536000")
_UNCACHED: Final = (b"cache-control", b"no-store")
_PRIVATE: Final = ("/api/", "/v1/", "/metrics", "/sign-in", "/welcome", "/media/")


def added(scope: Scope, send: Send) -> Send:
    """Return a `send` that adds the headers which an answer does not set itself."""
    if scope["type"] != "http":
        return send
    extra = [*_ALWAYS, _POLICY]
    if _is_secure():
        extra.append(_STRICT_TRANSPORT)
    if scope["path"].startswith(_PRIVATE):
        extra.append(_UNCACHED)

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            there = {name.lower() for name, _ in message["headers"]}
            own = [(name, value) for name, value in message["headers"] if name.lower() != b"server"]
            message = {**message, "headers": [*own, *(item for item in extra if item[0] not in there)]}
        await send(message)

    return sent


def _is_secure() -> bool:
    try:
        return current().settings.is_secure
    except UnsnagError:
        return False
