"""The frame of a stack trace that names the place of a fault, in Python, Java, Node or .NET."""

from __future__ import annotations

import re
from typing import Final

_FRAME: Final = re.compile(r'File "([^"\n]{1,300})", line \d{1,9}, in (\S{1,200})')
_AT: Final = re.compile(
    r"^[ \t]{0,12}at (?:async |new )?([\w$.<>\[\]`/@-]{1,300}) ?(\([^)\n]{1,300}\)| in )", re.MULTILINE
)
_STACK: Final = 20_000
_NOT_OURS: Final = (
    "site-packages",
    "/lib/python",
    "<frozen",
    "<string>",
    "node_modules",
    "node:",
    "internal/",
)
_PLATFORMS: Final = (
    "java.", "javax.", "jakarta.", "jdk.", "sun.", "com.sun.", "kotlin.", "scala.", "org.springframework.",
    "org.apache.", "org.hibernate.", "com.zaxxer.", "io.netty.", "com.fasterxml.", "reactor.", "System.",
    "Microsoft.", "Object.", "process.", "Module.",
)  # fmt: skip


def own_frame(stacktrace: str) -> str:
    """Name the innermost frame of the automation's own code, without its line; empty where there is none."""
    text = stacktrace[-_STACK:]
    if frames := _FRAME.findall(text):
        own = [frame for frame in frames if not any(part in frame[0] for part in _NOT_OURS)] or frames
        return f"{own[-1][0].replace(_BACKSLASH, '/').rpartition('/')[2]}:{own[-1][1]}"
    calls = [call for call, where in _AT.findall(text) if not _is_foreign(call, where)]
    return calls[0] if calls else ""


_BACKSLASH: Final = "\\"


def _is_foreign(call: str, where: str) -> bool:
    return call.startswith(_PLATFORMS) or any(part in where for part in _NOT_OURS)
