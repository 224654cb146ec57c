"""``unsnag kpis``: the figures of a week or period from the server, and the rows behind one."""

from __future__ import annotations

import json
import os
import sys
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from unsnag import destination
from unsnag.conventions import DEFAULT_SERVER, ENV_SERVER, ENV_TOKEN

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping

_COLUMNS: Final = (
    "id", "name", "value", "unit", "n", "in_flight", "previous", "previous_n", "target", "definition_version",
)  # fmt: skip
_REQUEST_S: Final = 60.0
_REFUSED: Final = 2
_PARAMETERS: Final = {"week": "week", "since": "from", "until": "to", "flow": "flow"}
"""The options of both requests, with the names of their parameters."""


class ServerSaysNoError(Exception):
    """The server cannot be reached, or refuses the request."""


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
        answer = ask(options.url, path, {name: value for name, value in params.items() if value})
    except ServerSaysNoError as error:
        sys.stderr.write(f"{error}\n")
        return _REFUSED
    text = json.dumps(answer, indent=2) if options.json else "\n".join(lines(answer))
    sys.stdout.write(f"{text}\n")
    return 0


def ask(url: str | None, path: str, params: Mapping[str, str]) -> dict[str, Any]:
    """Ask the server; all pages of a list as one."""
    found = _page(url, path, params)
    following = found.get("next")
    while following:
        more = _page(url, path, {**params, "cursor": following})
        following = more.get("next")
        found = {**more, "items": found.get("items", []) + more.get("items", [])}
    return found


def _page(url: str | None, path: str, params: Mapping[str, str]) -> dict[str, Any]:
    base = (url or os.environ.get(ENV_SERVER) or DEFAULT_SERVER).rstrip("/")
    try:
        headers = destination.bearer(os.environ.get(ENV_TOKEN))
        request = Request(f"{base}{path}?{urlencode(params)}", headers=headers)  # noqa: S310
        with urlopen(request, timeout=_REQUEST_S) as answer:  # noqa: S310
            return dict(json.loads(answer.read()))
    except HTTPError as error:
        with error:
            raise ServerSaysNoError(detail(error)) from None
    except (OSError, HTTPException, ValueError) as fault:
        raise ServerSaysNoError(f"{base} does not answer as an Unsnag server: {fault}") from None


def detail(error: HTTPError) -> str:
    """Return why the server refuses."""
    try:
        return str(json.loads(error.read()).get("detail"))
    except (ValueError, AttributeError, OSError):
        return f"{error.code} {error.reason}"


def _figures(answer: Mapping[str, Any]) -> list[str]:
    """Return one line a figure, one for its details, and one a part of its split."""
    lines = [line(_COLUMNS)]
    for one in answer.get("items", ()):
        details = one.get("details", {}).items()
        second = ", ".join(f"{name} {_text(value)}" for name, value in details if _is_plain(value))
        lines += [line([one.get(name) for name in _COLUMNS]), line(["", second])]
        for part in one.get("breakdown", ()):
            lines.append(line(["", part.get("key"), part.get("value"), "", part.get("n")]))
    return lines


def _rows(answer: Mapping[str, Any]) -> list[str]:
    rows = answer.get("items", ())
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [line(names), *(line([row.get(name) for name in names]) for row in rows)]


def line(cells: Iterable[Any]) -> str:
    """Return cells as a line with tabs between them."""
    return "\t".join(_text(cell) for cell in cells)


def _text(cell: Any) -> str:
    """Return a cell without what would break its line or steer a terminal."""
    if isinstance(cell, float):
        return f"{cell:.4f}".rstrip("0").rstrip(".")
    plain = "" if cell is None else " ".join(str(cell).split())
    return "".join(letter if letter.isprintable() else "?" for letter in plain)


def _is_plain(value: Any) -> bool:
    return not isinstance(value, (list, dict))
