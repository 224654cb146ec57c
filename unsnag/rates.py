"""``unsnag rates``: what currencies are worth, from a file to the server, and the reporting currency."""

from __future__ import annotations

import json
import os
import sys
import uuid
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from unsnag import destination, figures, wire
from unsnag.conventions import DEFAULT_SERVER, ENV_SERVER, ENV_TOKEN

if TYPE_CHECKING:
    import argparse

_REQUEST_S: Final = 60.0
_REFUSED: Final = 2
_COLUMNS: Final = ("currency", "against", "rate", "valid_from")
_PATH: Final = "/api/v1/currencies"


def exchange(options: argparse.Namespace) -> int:
    """Send a file of rates and the reporting currency, where given, and print those that count.

    Returns the exit code: 0, or 2 where the file cannot be read or the server refuses.
    """
    try:
        if options.file:
            text = Path(options.file).read_text(encoding="utf-8")
            _send(options.url, f"{_PATH}/rates", {"csv": text})
        if options.reporting:
            _send(options.url, f"{_PATH}/reporting", {"currency": options.reporting.upper()})
        answer = figures.ask(options.url, _PATH, {})
    except (OSError, UnicodeDecodeError, figures.ServerSaysNoError) as error:
        sys.stderr.write(f"{error}\n")
        return _REFUSED
    lines = [f"reporting\t{answer.get('reporting') or 'none'}", figures.line(_COLUMNS)]
    lines += [figures.line(one.get(name) for name in _COLUMNS) for one in answer.get("rates", ())]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _send(url: str | None, path: str, body: dict[str, Any]) -> None:
    base = (url or os.environ.get(ENV_SERVER) or DEFAULT_SERVER).rstrip("/")
    headers = {
        **destination.bearer(os.environ.get(ENV_TOKEN)),
        "Content-Type": "application/json",
        wire.IDEMPOTENCY_KEY: uuid.uuid4().hex,
    }
    request = Request(f"{base}{path}", json.dumps(body).encode(), headers)  # noqa: S310
    try:
        with urlopen(request, timeout=_REQUEST_S) as answer:  # noqa: S310
            answer.read()
    except HTTPError as error:
        with error:
            raise figures.ServerSaysNoError(figures.detail(error)) from None
    except (OSError, HTTPException) as fault:
        raise figures.ServerSaysNoError(f"{base} does not answer as an Unsnag server: {fault}") from None
