"""Named SQL: one statement a file under `data/sql`, named by its path (`desk/cases`)."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent / "sql"


@cache
def text(name: str) -> str:
    """Return the statement called `name`.

    Raises:
        KeyError: there is no such file.
    """
    path = _FOLDER / f"{name}.sql"
    if not path.is_file():
        raise KeyError(name)
    return path.read_text(encoding="utf-8")


@cache
def takes_scope(name: str) -> bool:
    """Tell whether a statement reads within a scope."""
    return "$scope" in text(name)


def names() -> list[str]:
    """List every statement's name, sorted."""
    return sorted(str(path.relative_to(_FOLDER).with_suffix("")) for path in _FOLDER.rglob("*.sql"))


def header(name: str) -> str:
    """Return the leading comment of a statement, without the dashes."""
    lines = []
    for line in text(name).splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").strip())
    return "\n".join(lines)
