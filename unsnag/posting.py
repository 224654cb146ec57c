"""Posts one request to a receiver, and says in one word what became of it."""

from __future__ import annotations

import gzip
import json
import ssl
import time
from contextlib import suppress
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

if TYPE_CHECKING:
    from unsnag.destination import Endpoint

TAKEN: Final = "taken"
BUSY: Final = "busy"
"""It asks to be left alone for a while."""
SILENT: Final = "silent"
"""It cannot be reached, or it does not answer."""
FORBIDDEN: Final = "forbidden"
"""It does not take anything with this token."""
MISPLACED: Final = "misplaced"
"""Nothing at this address takes telemetry."""
REFUSED: Final = "refused"
"""It will never take this body."""
LATE: Final = "late"
"""There was no time left to ask."""

TLS: Final = "TLS"
"""How the reason of an answer begins that TLS kept from coming."""
_BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504, 507, 509})
_FORBIDDEN: Final = frozenset({401, 403, 407})
_REFUSED: Final = frozenset({400, 413, 422})
_MAX_ANSWER: Final = 65_536


class Answer(NamedTuple):
    """What became of a request."""

    what: str
    reason: str = ""
    wait_s: float | None = None
    """For how long the receiver asks to be left alone."""
    is_hanging: bool = False
    """It accepted the connection, or swallowed it, and answered nothing in the time given."""


class _NoRedirect(HTTPRedirectHandler):
    """A redirected POST would become a GET without a body, and its answer would look like success."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow nothing."""


_opener: Final = build_opener(_NoRedirect)


def post(endpoint: Endpoint, body: bytes, timeout_s: float) -> Answer:
    """Post a body of JSON once."""
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip", **endpoint.headers}
    try:
        request = Request(endpoint.url, gzip.compress(body, 1), headers, method="POST")  # noqa: S310
        with _opener.open(request, timeout=timeout_s) as answer:
            return _of_success(answer.headers.get("Content-Type") or "", _read(answer, timeout_s))
    except HTTPError as error:
        with error:
            return _of_status(error)
    except Exception as fault:  # noqa: BLE001 - whatever the network or the address does, the lines are kept
        return _of_fault(fault, timeout_s)


def _read(answer: Any, timeout_s: float) -> bytes:
    """Read the answer, so that the connection ends well; one that drips is left."""
    until, got = time.monotonic() + timeout_s, b""
    while len(got) < _MAX_ANSWER and time.monotonic() < until and (part := answer.read1(_MAX_ANSWER)):
        got += part
    return got


def _of_success(content_type: str, body: bytes) -> Answer:
    if content_type.lower().startswith("text/html"):
        return Answer(MISPLACED, "it answers with a web page")
    with suppress(ValueError, AttributeError):
        partial = json.loads(body or b"{}").get("partialSuccess") or {}
        if any(int(number) for name, number in partial.items() if name.startswith("rejected")):
            return Answer(TAKEN, f"some were rejected: {partial.get('errorMessage') or 'no reason is given'}")
    return Answer(TAKEN)


def _of_status(error: HTTPError) -> Answer:
    text = ""
    with suppress(OSError, HTTPException, ValueError):
        text = error.read1(500).decode("utf-8", "replace")
    reason = f"{error.code} {error.reason}".strip()
    if error.code in _BUSY:
        return Answer(BUSY, reason, retry_after(error.headers.get("Retry-After")))
    if error.code in _FORBIDDEN:
        return Answer(FORBIDDEN, reason)
    if error.code in _REFUSED:
        return Answer(REFUSED, f"{reason}: {' '.join(text.split())}" if text else reason)
    return Answer(MISPLACED, reason)


def _of_fault(fault: Exception, timeout_s: float) -> Answer:
    cause = fault.reason if isinstance(fault, URLError) else fault
    if isinstance(cause, TimeoutError):
        return Answer(SILENT, f"no answer in {timeout_s:.3g} s", is_hanging=True)
    if isinstance(cause, ssl.SSLError):
        return Answer(SILENT, f"{TLS}: {getattr(cause, 'verify_message', '') or cause.reason or cause}")
    if isinstance(cause, OSError):
        return Answer(SILENT, cause.strerror or str(cause) or type(cause).__name__)
    return Answer(SILENT, str(cause) or type(cause).__name__)


def retry_after(text: str | None) -> float | None:
    """Return the seconds that a receiver asks for, from seconds or from a date."""
    if not text:
        return None
    with suppress(ValueError):
        return max(float(text), 0.0)
    from email.utils import parsedate_to_datetime  # noqa: PLC0415

    with suppress(ValueError, TypeError):
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    return None
