"""``unsnag flows``: what is known of each flow, the settings of one, and a look at settings files."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from unsnag.rest import REFUSED, ServerSaysNoError, ask, line, page, send

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

_COLUMNS: Final = ("name", "state", "owner", "criticality", "touchless", "open_exceptions", "last_at")
_PATH: Final = "/api/v1/flows"
FAULTY: Final = 1


def show(options: argparse.Namespace) -> int:
    """Print flows, the settings of one, or what is wrong with files.

    Returns the exit code: 0; 1 where a file has a fault; 2 where a file cannot be read or the server refuses.
    """
    try:
        if options.lint:
            return max(_lint(options, file) for file in options.lint)
        if options.flow:
            name = quote(options.flow, safe="")
            which = "/proposal" if options.propose else ""
            answer = page(options.url, f"{_PATH}/{name}/settings{which}", {})
            text = str(answer.get("text") or "").rstrip("\n")
        else:
            answer = ask(options.url, _PATH, {"limit": "1000"})
            rows = answer.get("items", ())
            text = "\n".join([line(_COLUMNS), *(line([row.get(one) for one in _COLUMNS]) for row in rows)])
    except (OSError, UnicodeDecodeError, ServerSaysNoError) as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED
    sys.stdout.write((json.dumps(answer, indent=2) if options.json else text) + "\n")
    return 0


def _lint(options: argparse.Namespace, file: str) -> int:
    """Print what the server finds in a file, as `FILE:LINE: what is wrong`."""
    answer = send(options.url, f"{_PATH}/lint", {"text": Path(file).read_text(encoding="utf-8")})
    if options.json:
        sys.stdout.write(json.dumps({"file": file, **answer}) + "\n")
    else:
        found = [*_lines(file, "", answer.get("faults")), *_lines(file, "note: ", answer.get("notes"))]
        sys.stdout.write("".join(found) or f"{file}: no fault\n")
    return FAULTY if answer.get("faults") else 0


def _lines(file: str, kind: str, found: list[Mapping[str, Any]] | None) -> list[str]:
    texts = ((one.get("line"), f"{one.get('what')} {one.get('advice')}".strip()) for one in found or ())
    return [f"{file}:{number}: {kind}{text}\n" for number, text in texts]
