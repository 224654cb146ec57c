"""JSON text to a value that can be stored, or a reason why not."""

from __future__ import annotations

import json
from typing import Any, Final

import orjson

from collectors.values import INT64, MAX_DEPTH, clean, depth

MAX_LINE: Final = 1 << 20
_DIGITS_TO_ZERO: Final = bytes(ord("0") if 48 <= code <= 57 else code for code in range(256))  # noqa: PLR2004
_NINETEEN: Final = b"0" * 19
_BEFORE_NUMBER: Final = (b":", b"[", b",", b" ", b"-", b"\t", b"\n", b"\r", b"")
_NO_BRACKETS: Final = bytes(code for code in range(256) if code not in b"[]{}")
_MAX_DIGITS: Final = 4_000  # Python refuses to read more than 4,300


class UnreadableError(ValueError):
    """A record that cannot be read, with the reason as its message."""


def load(raw: bytes) -> Any:
    """Parse one JSON value.

    Raises:
        UnreadableError: it is not JSON, or nested too deeply.
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return _load_odd(raw, error)
    if b"\\u0000" in raw or _has_long_number(raw):
        return _load_odd(raw, None)
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and not _is_flat(raw):
        _refuse_deep(value)
    return value


def _has_long_number(raw: bytes) -> bool:
    # orjson makes a float of 2**64 and says nothing. Substring searches are 10 times as quick as a regex.
    flat = raw.translate(_DIGITS_TO_ZERO)
    at = flat.find(_NINETEEN)
    while at != -1:
        if raw[at - 1 : at] in _BEFORE_NUMBER:
            return True
        at = flat.find(_NINETEEN, at + len(_NINETEEN))
    return False


def _is_flat(raw: bytes) -> bool:
    """Tell quickly that the brackets alone close within the limit; brackets in texts may hide an answer."""
    brackets = raw.translate(None, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if not brackets:
            return True
    return False


def _load_odd(raw: bytes, first: Exception | None) -> Any:
    """Read what orjson refuses or bends: lone surrogates, NaN, control letters, numbers of any length."""
    try:
        text = raw.decode("utf-8", "replace")
        value = json.loads(text, strict=False, parse_int=_whole)
    except RecursionError:
        raise UnreadableError(f"nested more than {MAX_DEPTH} deep") from None
    except ValueError as error:
        raise UnreadableError(f"not JSON: {first or error}") from None
    _refuse_deep(value)
    return clean(value)


def _whole(digits: str) -> int | str:
    if len(digits) > _MAX_DIGITS:
        return digits
    number = int(digits)
    return number if -INT64 <= number < INT64 else digits


def _refuse_deep(value: Any) -> None:
    if depth(value) > MAX_DEPTH:
        raise UnreadableError(f"nested more than {MAX_DEPTH} deep")
