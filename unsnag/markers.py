"""``unsnag marker``: record a deploy or another change at the server, so that trends show it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Final

from unsnag.rest import REFUSED, ServerSaysNoError, ask, line, send

if TYPE_CHECKING:
    import argparse

_COLUMNS: Final = ("happened_at", "kind", "flow", "text", "version", "actor", "id")
_PATH: Final = "/api/v1/markers"


def mark(options: argparse.Namespace) -> int:
    """Set a marker, or list those there are; return the exit code: 0, or 2 where the server refuses."""
    try:
        if options.text is None:
            found = ask(options.url, _PATH, {"flow": options.flow, "limit": "1000"})
            lines = [
                line(_COLUMNS),
                *(line([one.get(name) for name in _COLUMNS]) for one in found.get("items", ())),
            ]
            text = json.dumps(found, indent=2) if options.json else "\n".join(lines)
        else:
            names = ("text", "kind", "flow", "version", "link", "at")
            given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
            made = send(options.url, _PATH, given)
            text = json.dumps(made, indent=2) if options.json else str(made.get("id"))
    except ServerSaysNoError as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED
    sys.stdout.write(f"{text}\n")
    return 0
