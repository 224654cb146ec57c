"""The title of a case in plain words: what an operator reads first."""

from __future__ import annotations

import re
from typing import Final

_MAX: Final = 120
_SCANNED: Final = 2_000
_PHRASES: Final = (
    (re.compile(r"time[sd]?[ -]?out|timeout|deadline", re.IGNORECASE), "did not answer in time"),
    (re.compile(r"\b429\b|too many requests|rate.?limit", re.IGNORECASE), "asked us to slow down"),
    (
        re.compile(r"refused|unreachable|connection|connect|dns|resolve", re.IGNORECASE),
        "could not be reached",
    ),
    (re.compile(r"\b5\d\d\b|server error|unavailable|bad gateway", re.IGNORECASE), "answered with an error"),
    (re.compile(r"lock|busy|deadlock", re.IGNORECASE), "was busy"),
    (re.compile(r"exit|killed|signal", re.IGNORECASE), "stopped"),
)


def title(
    *, error_class: str, step: str, dependency: str | None, error_type: str | None, message: str
) -> str:
    """Return one line of at most 120 characters, without jargon where the class allows."""
    said = _first_sentence(message) or error_type or "No message"
    if error_class == "infrastructure" and (who := dependency or step):
        return _cut(_infrastructure(who, f"{error_type or ''} {message}", said))
    if error_class == "data":
        return _cut(said if said[:1].isupper() and " " in said else f"A record could not be used: {said}")
    return _cut(said)


def _infrastructure(who: str, clue: str, said: str) -> str:
    for pattern, phrase in _PHRASES:
        if pattern.search(clue, 0, _SCANNED):
            return f"{_named(who)} {phrase}"
    return f"{_named(who)} failed: {said}"


def _named(name: str) -> str:
    words = name.replace("-", " ").replace("_", " ")
    return words[:1].upper() + words[1:]


def _first_sentence(message: str) -> str:
    line = message.strip().splitlines()[0] if message.strip() else ""
    return line.rstrip(".")


def _cut(text: str) -> str:
    return text if len(text) <= _MAX else f"{text[: _MAX - 1].rstrip()}…"
