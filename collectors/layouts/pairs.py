"""Text of `key=value` pairs to fields: logfmt, and what structlog and klog put behind a message."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collectors.fields import Fields


_PAIR: Final = re.compile(
    r"[ \t]*+(?P<key>[A-Za-z_@][\w.@/-]{0,99}+)="
    r"(?:\"(?P<quoted>(?:[^\"\\]|\\.)*+)\"|'(?P<single>(?:[^'\\]|\\.)*+)'(?![^ \t])"
    r"|(?P<bare>[^\s\"'][^\s]*+|)(?=[ \t]|$))"
)
_KEY: Final = re.compile(r"[ \t](?P<key>[A-Za-z_]\w{0,99}+)=")
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r"}
_MOST_STARTS: Final = 20
_LONGEST: Final = 64 * 1024
"""A line that is longer has no pairs."""


def read(text: str) -> Fields | None:
    """Return the pairs of a text that holds nothing else, or None."""
    if len(text) > _LONGEST:
        return None
    fields: Fields = {}
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _PAIR.match(text, at)
        if found is None:
            return None
        fields[found.group("key")] = _value(found)
        at = found.end()
    return fields or None


def _value(found: re.Match[str]) -> str:
    bare = found.group("bare")
    if bare is not None:
        return bare
    quoted = found.group("quoted")
    return unescaped(quoted if quoted is not None else found.group("single"))


def unescaped(text: str) -> str:
    """Return text with its backslash sequences replaced."""
    if "\\" not in text:
        return text
    parts, at = [], 0
    while (slash := text.find("\\", at)) >= 0:
        letter = text[slash + 1 : slash + 2]
        parts += [text[at:slash], _ESCAPES.get(letter, letter)]
        at = slash + 2
    return "".join([*parts, text[at:]])


def behind(text: str) -> tuple[str, Fields]:
    """Return the text before the pairs that it ends with, and these; a text without pairs is the former."""
    if "=" not in text or len(text) > _LONGEST:
        return text, {}
    if (fields := read(text)) is not None:
        return "", fields
    at = 0
    for _ in range(_MOST_STARTS):
        equals = text.find("=", at)
        if equals < 0:
            break
        space = text.rfind(" ", at, equals)
        if space >= 0 and (fields := read(text[space + 1 :])) is not None:
            return text[:space].rstrip(), fields
        at = equals + 1
    return text, {}


def unquoted(text: str) -> tuple[str, Fields]:
    """Return the text before the first pair, and the pairs, whose values may hold spaces without quotes."""
    found = list(_KEY.finditer(text)) if len(text) <= _LONGEST else []
    if not found:
        return text.rstrip(), {}
    ends = [*(match.start() for match in found[1:]), len(text)]
    values = {
        match.group("key"): _without_quotes(text[match.end() : end].rstrip())
        for match, end in zip(found, ends, strict=True)
    }
    return text[: found[0].start()].rstrip(), values


def _without_quotes(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return unescaped(value[1:-1]) if quoted else value
