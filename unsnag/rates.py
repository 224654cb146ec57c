"""``unsnag rates``: what currencies are worth, from a file to the server, and the reporting currency."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from unsnag.rest import REFUSED, ServerSaysNoError, ask, line, send

if TYPE_CHECKING:
    import argparse

_COLUMNS: Final = ("currency", "against", "rate", "valid_from")
_PATH: Final = "/api/v1/currencies"


def exchange(options: argparse.Namespace) -> int:
    """Send a file of rates and the reporting currency, where given, and print those that count.

    Returns the exit code: 0, or 2 where the file cannot be read or the server refuses.
    """
    try:
        if options.file:
            text = Path(options.file).read_text(encoding="utf-8")
            send(options.url, f"{_PATH}/rates", {"csv": text})
        if options.reporting:
            send(options.url, f"{_PATH}/reporting", {"currency": options.reporting.upper()})
        answer = ask(options.url, _PATH, {})
    except (OSError, UnicodeDecodeError, ServerSaysNoError) as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED
    lines = [f"reporting\t{answer.get('reporting') or 'none'}", line(_COLUMNS)]
    lines += [line(one.get(name) for name in _COLUMNS) for one in answer.get("rates", ())]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0
