"""Turns whatever a script logs into JSON, without ever raising.

The quick way is one call of orjson. What it refuses (circular structures, huge integers, lone surrogates,
objects that cannot even be printed) is tamed in Python and encoded again.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import orjson

MAX_DEPTH: Final = 12
MAX_ITEMS: Final = 1000
MAX_REPR: Final = 2000
_BIGGEST: Final = 2**63 - 1
_PLAIN: Final = (str, int, float, bool, type(None))


def encode(fields: dict[str, Any]) -> bytes:
    """Return fields as one JSON object."""
    try:
        return orjson.dumps(fields, _readable)
    except Exception:  # noqa: BLE001 - whatever it is, the script must not see it
        return orjson.dumps(tame(fields))


def encode_text(text: str) -> bytes:
    """Return a text as JSON."""
    try:
        return orjson.dumps(text)
    except TypeError:
        return orjson.dumps(clean(text))


def encode_within(fields: dict[str, Any], limit: int) -> tuple[bytes, int]:
    """Return fields as JSON of about a number of bytes at most, and the size before anything was cut."""
    raw = encode(fields)
    if len(raw) <= limit:
        return raw, 0
    budget = max(limit // 2, 64)
    cut = tame(fields)
    while budget >= 16:  # noqa: PLR2004 - below it nothing readable is left
        small = orjson.dumps(shortened(cut, budget))
        if len(small) <= limit:
            return small, len(raw)
        budget //= 2
    return encode({"event": shortened(cut.get("event", ""), limit // 8)}), len(raw)


def shortened(value: Any, limit: int) -> Any:
    """Cut long texts and long collections, and say what their size was."""
    if isinstance(value, str):
        return _shorten_text(value, limit)
    if isinstance(value, dict):
        return {_shorten_text(key, 200): shortened(item, limit) for key, item in _first(value.items(), limit)}
    if isinstance(value, list):
        return [shortened(item, limit) for item in _first(value, limit)]
    return value


def readable_repr(value: object) -> str:
    """Describe an object; one whose ``__repr__`` raises gets a placeholder."""
    try:
        return repr(value)[:MAX_REPR]
    except Exception:  # noqa: BLE001
        return f"<{type(value).__name__} that cannot be printed>"


def readable_str(value: object) -> str:
    """Return an object's text; one whose ``__str__`` raises gets a placeholder."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001
        return f"<{type(value).__name__} that cannot be printed>"


def clean(text: str) -> str:
    """Replace lone surrogates, which UTF-8 cannot carry."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return str(text)


def tame(value: Any, depth: int = 0) -> Any:
    """Rebuild a value from plain parts that orjson takes."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, _PLAIN):
        return str_if_huge(value)
    if depth >= MAX_DEPTH:
        return "[cut: too deep]"
    if isinstance(value, dict):
        return {_tame_key(key): tame(item, depth + 1) for key, item in _first(list(value.items()), MAX_ITEMS)}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [tame(item, depth + 1) for item in _first(list(value), MAX_ITEMS)]
    return clean(_text_of(value))


def str_if_huge(value: Any) -> Any:
    """Return integers that do not fit into 64 bits as text."""
    if not isinstance(value, int) or isinstance(value, bool) or -_BIGGEST <= value <= _BIGGEST:
        return value
    try:
        return str(value)
    except ValueError:  # Python refuses to print more than 4300 digits
        return hex(value)[:MAX_REPR]


def _tame_key(key: object) -> str:
    return clean(key if isinstance(key, str) else readable_str(key))


def _readable(value: object) -> Any:
    """Stand in for what orjson does not know."""
    if isinstance(value, (set, frozenset)):
        return list(value)
    return _text_of(value)


def _text_of(value: object) -> str:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value[:MAX_REPR]).decode("utf-8", "replace")
    if isinstance(value, date):
        return readable_str(value)
    return readable_str(value) if type(value).__name__ == "Decimal" else readable_repr(value)


def _shorten_text(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… [cut: {len(text)} characters]"


def _first(items: Any, limit: int) -> list[Any]:
    return list(items)[: max(limit, 8)]
