"""The rules of classes of version 1, before they were tables: what `bench.classes` compares with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from unsnag.conventions import CLASS_BUSINESS, CLASS_DATA, CLASS_INFRASTRUCTURE, CLASS_UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable

TYPE_RULES: Final = {
    "BusinessError": CLASS_BUSINESS,
    "DataError": CLASS_DATA,
    "InfrastructureError": CLASS_INFRASTRUCTURE,
    # Somebody else's machine, network or disk.
    "TimeoutError": CLASS_INFRASTRUCTURE,
    "ConnectionError": CLASS_INFRASTRUCTURE,
    "ConnectError": CLASS_INFRASTRUCTURE,
    "TransportError": CLASS_INFRASTRUCTURE,
    "URLError": CLASS_INFRASTRUCTURE,
    "HTTPException": CLASS_INFRASTRUCTURE,
    "gaierror": CLASS_INFRASTRUCTURE,
    "SSLError": CLASS_INFRASTRUCTURE,
    "OSError": CLASS_INFRASTRUCTURE,
    "OperationalError": CLASS_INFRASTRUCTURE,
    "InterfaceError": CLASS_INFRASTRUCTURE,
    "EndpointConnectionError": CLASS_INFRASTRUCTURE,
    "BrokenProcessPool": CLASS_INFRASTRUCTURE,
    "MemoryError": CLASS_INFRASTRUCTURE,
    "SMTPException": CLASS_INFRASTRUCTURE,
    "CancelledError": CLASS_INFRASTRUCTURE,
    "KeyboardInterrupt": CLASS_INFRASTRUCTURE,
    # What came in cannot be read or contradicts itself.
    "ValidationError": CLASS_DATA,
    "JSONDecodeError": CLASS_DATA,
    "UnicodeError": CLASS_DATA,
    "KeyError": CLASS_DATA,
    "ValueError": CLASS_DATA,
    "InvalidOperation": CLASS_DATA,
    "IntegrityError": CLASS_DATA,
    "ParseError": CLASS_DATA,
    "ParserError": CLASS_DATA,
    "BadZipFile": CLASS_DATA,
    "csv.Error": CLASS_DATA,
}
"""Last part of a type's name, or the whole of it, to class. A type counts as each of its bases."""

QUALIFIED_RULES: Final = {
    "_csv.Error": CLASS_DATA,
    "csv.Error": CLASS_DATA,
    "socket.timeout": CLASS_INFRASTRUCTURE,
    "builtins.FileNotFoundError": CLASS_DATA,  # the input that was promised is not there
    "builtins.IsADirectoryError": CLASS_DATA,
    "builtins.NotADirectoryError": CLASS_DATA,
    "FileNotFoundError": CLASS_DATA,
    "IsADirectoryError": CLASS_DATA,
    "NotADirectoryError": CLASS_DATA,
    "sqlalchemy.exc.DataError": CLASS_DATA,
    "xml.parsers.expat.ExpatError": CLASS_DATA,
}
"""Whole names that their last part would classify wrongly, or not at all."""

UNTELLING: Final = frozenset({"RecursionError", "NotImplementedError"})

_NAME_RULES: Final = (
    (re.compile(r"Time(d)?[ _]?out|Connect(ion)?|Unavailable|Network|Throttl|TooManyRequests", re.IGNORECASE),
     CLASS_INFRASTRUCTURE),
    (re.compile(r"Validation|Decode|Malformed|Schema|Parse", re.IGNORECASE), CLASS_DATA),
)  # fmt: skip
_MESSAGE_RULES: Final = (
    (re.compile(
        r"timed? ?out|connection (?:refused|reset|aborted|closed)|temporarily unavailable|too many requests"
        r"|service unavailable|bad gateway|no route to host|name resolution|no space left|rate limit",
        re.IGNORECASE), CLASS_INFRASTRUCTURE),
)  # fmt: skip
_STATUS_IN_MESSAGE: Final = re.compile(
    r"\b(?:HTTP(?:/\d(?:\.\d)?)?|status(?: code)?|answered)[ :=]*([1-5]\d\d)\b", re.IGNORECASE
)
_INFRASTRUCTURE_STATUS: Final = frozenset({401, 403, 407, 408, 425, 429})
_DATA_STATUS: Final = frozenset({400, 404, 405, 406, 409, 410, 411, 412, 413, 414, 415, 416, 422})
_SERVER_ERROR: Final = 500
_MESSAGE_LIMIT: Final = 2000
_NAME_LIMIT: Final = 500


def classify(
    type_name: str,
    message: str = "",
    http_status: int | None = None,
    mro_names: Iterable[str] = (),
) -> str:
    """Return the class of an error, or ``unknown``.

    Args:
        type_name: The exception's type, with or without its module.
        message: Its text.
        http_status: The status that a called system answered.
        mro_names: Names of the type and its bases, nearest first.
    """
    return (
        of_http_status(http_status)
        or _of_types((type_name, *mro_names))
        or of_http_status(_status_in(message))
        or _matching(_NAME_RULES, type_name.rpartition(".")[2][:_NAME_LIMIT])
        or _matching(_MESSAGE_RULES, message[:_MESSAGE_LIMIT])
        or CLASS_UNKNOWN
    )


def of_http_status(status: int | None) -> str | None:
    """Return the class that an HTTP status stands for: refused access is for operations, as outages are."""
    if status is None:
        return None
    if status >= _SERVER_ERROR or status in _INFRASTRUCTURE_STATUS:
        return CLASS_INFRASTRUCTURE
    return CLASS_DATA if status in _DATA_STATUS else None


def _of_types(names: Iterable[str]) -> str | None:
    for name in names:
        last = name.rpartition(".")[2]
        if last in UNTELLING:
            return CLASS_UNKNOWN
        found = QUALIFIED_RULES.get(name) or TYPE_RULES.get(last)
        if found:
            return found
    return None


def _matching(rules: Iterable[tuple[re.Pattern[str], str]], text: str) -> str | None:
    return next((found for pattern, found in rules if pattern.search(text)), None)


def _status_in(message: str) -> int | None:
    found = _STATUS_IN_MESSAGE.search(message[:_MESSAGE_LIMIT])
    return int(found.group(1)) if found else None


def http_status(error: BaseException) -> int | None:
    """Return the status that a called system answered, as the client of that version found it."""
    response = getattr(error, "response", None)
    candidates = [getattr(response, "status_code", None), getattr(response, "status", None)]
    candidates += [getattr(error, name, None) for name in ("status_code", "status", "code")]
    return next((found for found in candidates if isinstance(found, int) and 100 <= found < 600), None)
