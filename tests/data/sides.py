"""Telemetry and state: of which of them a statement names tables, also through macros."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

import data

SQL: Final = Path(data.__file__).parent / "sql"
TELEMETRY: Final = frozenset({"log", "span"})
_COMMENT: Final = re.compile(r"--[^\n]*")
_TABLE: Final = re.compile(r"\b(?:from|join|into|update|using)\s+([a-z_]+)")
_CALLED: Final = re.compile(r"\b([a-z_]+)\(")
_CREATED: Final = re.compile(r"create table (?:if not exists )?(\w+)")
_MACRO: Final = re.compile(r"create or replace macro (\w+)\(")
STATE: Final = (
    frozenset(
        name
        for file in sorted((SQL.parent / "migrations").glob("*.sql"))
        for name in _CREATED.findall(file.read_text())
    )
    - TELEMETRY
)


def tables(text: str) -> frozenset[str]:
    """Return the tables that a statement names, and those of the macros that it calls."""
    plain = _COMMENT.sub("", text)
    called = (name for name in set(_CALLED.findall(plain)) if name in _macros())
    own = frozenset(_TABLE.findall(plain)) & (TELEMETRY | STATE)
    return own.union(*(tables(_macros()[name]) for name in called))


def is_of_telemetry(name: str) -> bool:
    """Return whether a statement asks telemetry; else it is one of state."""
    return bool(tables((SQL / f"{name}.sql").read_text()) & TELEMETRY)


@cache
def _macros() -> dict[str, str]:
    """Return the body of each macro behind its name."""
    files = (file.read_text() for file in sorted((SQL.parent / "macros").glob("*.sql")))
    parts = (_MACRO.split(file)[1:] for file in files)
    return {name: body for part in parts for name, body in zip(part[::2], part[1::2], strict=True)}
