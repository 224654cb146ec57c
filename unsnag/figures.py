"""``unsnag kpis``: the figures of a week or period from the server, and the rows behind one."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from unsnag.rest import REFUSED, ServerSaysNoError, ask, cell_text, line

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

_COLUMNS: Final = (
    "id", "name", "value", "unit", "n", "in_flight", "previous", "previous_n", "target", "definition_version",
)  # fmt: skip
_PARAMETERS: Final = {"week": "week", "since": "from", "until": "to", "flow": "flow"}
"""The options of both requests, with the names of their parameters."""


def show(options: argparse.Namespace) -> int:
    """Print figures, or the rows behind one; return the exit code: 0, or 2 where the server refuses."""
    params = {name: getattr(options, option) for option, name in _PARAMETERS.items()}
    try:
        if options.kpi:
            path, lines = f"/api/v1/kpis/{quote(options.kpi, safe='')}/rows", _rows
            params |= {"limit": "1000"}
        else:
            path, lines = "/api/v1/kpis", _figures
            params |= {"by": options.by}
        answer = ask(options.url, path, params)
    except ServerSaysNoError as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED
    text = json.dumps(answer, indent=2) if options.json else "\n".join(lines(answer))
    sys.stdout.write(f"{text}\n")
    return 0


def _figures(answer: Mapping[str, Any]) -> list[str]:
    """Return one line a figure, one for its details, and one a part of its split."""
    lines = [line(_COLUMNS)]
    for one in answer.get("items", ()):
        details = one.get("details", {}).items()
        second = ", ".join(f"{name} {cell_text(value)}" for name, value in details if _is_plain(value))
        lines += [line([one.get(name) for name in _COLUMNS]), line(["", second])]
        for part in one.get("breakdown", ()):
            lines.append(line(["", part.get("key"), part.get("value"), "", part.get("n")]))
    return lines


def _rows(answer: Mapping[str, Any]) -> list[str]:
    rows = answer.get("items", ())
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [line(names), *(line([row.get(name) for name in names]) for row in rows)]


def _is_plain(value: Any) -> bool:
    return not isinstance(value, (list, dict))
