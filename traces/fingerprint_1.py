"""The fingerprint under the first version of the rules: what people stated of those groups holds on."""

from __future__ import annotations

import hashlib
import re
from typing import Final

VERSION: Final = "1"

_VARIABLE: Final = re.compile(
    r"""'[^']{1,200}'|"[^"]{1,200}"      # quoted values
    |\S+@\S+                              # addresses
    |\b[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}\b
    |\b(?:0x)?[0-9a-f]{12,}\b
    |\b[A-Z]{1,6}-?\d[\w-]*\b             # business keys: SO-1001, INV2026-7
    |[-+]?\d[\d.,:]*                      # numbers, amounts, times
    """,
    re.VERBOSE,
)
_FRAME: Final = re.compile(r'File "([^"]+)", line \d+, in (\S+)')
_NOT_OURS: Final = ("site-packages", "/lib/python", "<frozen", "<string>")


def fingerprint(
    *, flow: str, step: str, error_type: str | None, message: str, stacktrace: str | None = None
) -> str:
    """Return 16 hex digits that are the same for failures with the same cause."""
    parts = (VERSION, flow, step, error_type or "", template(message), _culprit(stacktrace or ""))
    text = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:16]


def template(message: str) -> str:
    """Return the message with what varies taken out: the sentence, not the case."""
    return " ".join(_VARIABLE.sub("*", message[:400]).split()).lower()


def _culprit(stacktrace: str) -> str:
    """Name the innermost frame of the automation's own code, without its line number."""
    frames: list[tuple[str, str]] = _FRAME.findall(stacktrace[-20_000:])
    own = [f for f in frames if not any(part in f[0] for part in _NOT_OURS)] or frames
    return f"{own[-1][0].rsplit('/', 1)[-1]}:{own[-1][1]}" if own else ""
