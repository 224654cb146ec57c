"""CSV without a header that a program writes in a form of its own: what its columns are called.

An entry is a program: how wide its rows are, how they begin, and what of a row means what.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from collectors.fields import Fields


@dataclass(frozen=True, slots=True)
class KnownForm:
    """The rows of one program."""

    name: str
    columns: Mapping[int, Sequence[str]]
    """By the number of fields in a row: versions add columns."""
    begins: re.Pattern[str]
    """What the first field looks like."""
    read: Callable[[Fields], Fields]
    """Gives the fields of a row the names that every source knows."""


# fmt: off
_POSTGRESQL: Final = (
    "log_time", "user_name", "database_name", "process_id", "connection_from", "session_id",
    "session_line_num", "command_tag", "session_start_time", "virtual_transaction_id", "transaction_id",
    "error_severity", "sql_state_code", "message", "detail", "hint", "internal_query",
    "internal_query_pos", "context", "query", "query_pos", "location", "application_name", "backend_type",
    "leader_pid", "query_id",
)
# fmt: on
_SUCCESS: Final = "00000"
_UTC: Final = ("UTC", "GMT")


def _postgresql(fields: Fields) -> Fields:
    """Read a row of PostgreSQL's csvlog: its time has the short name of a zone, and most say nothing sure."""
    found = dict(fields)
    moment, _, zone = str(found.pop("log_time", "")).rpartition(" ")
    level = str(found.pop("error_severity", "")).rstrip("12345")
    logger, code = found.pop("backend_type", "postgresql"), found.pop("sql_state_code", _SUCCESS)
    return {
        **found,
        "time": f"{moment}+00:00" if zone in _UTC else f"{moment}{zone}" if zone[:1] in "+-" else moment,
        "level": level,
        "logger": logger,
        **({"error_code": code} if code != _SUCCESS else {}),
    }


KNOWN: Final = (
    KnownForm(
        "PostgreSQL csvlog",
        {width: _POSTGRESQL[:width] for width in (23, 24, 26)},
        re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [A-Z+-][\w+-]{0,9}"),
        _postgresql,
    ),
)
"""Versions of PostgreSQL: 9.0, 13, 14 and later."""


def known(values: Sequence[str]) -> KnownForm | None:
    """Return the form of a program whose row this is."""
    fits = (form for form in KNOWN if len(values) in form.columns and form.begins.fullmatch(values[0]))
    return next(fits, None)


def named_as(header: Sequence[str]) -> KnownForm | None:
    """Return the form of a program whose columns are called like this."""
    return next((form for form in KNOWN if tuple(header) == form.columns.get(len(header))), None)
