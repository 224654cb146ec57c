"""``unsnag review``: the weekly review as a file from the server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from unsnag.rest import REFUSED, ServerSaysNoError, fetch

if TYPE_CHECKING:
    import argparse


def save(options: argparse.Namespace) -> int:
    """Write the file; return 0, or 2 where the server refuses or it cannot be written."""
    path = f"/api/v1/weeks/{quote(options.week, safe='')}/review.{options.format}"
    name = options.output or f"unsnag-review-{options.week}.{options.format}"
    try:
        made = fetch(options.url, path, {"flow": options.flow, "part": options.part})
        if name == "-":
            sys.stdout.buffer.write(made)
            return 0
        Path(name).write_bytes(made)
    except (ServerSaysNoError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED
    sys.stderr.write(f"Wrote {name}, {len(made):,} bytes.\n")
    return 0
