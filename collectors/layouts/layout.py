"""What a layout of text lines is, and the words that all layouts share.

A layout reads the first line of a record. The lines below it belong to it by the rules of
`collectors.plaintext`, unless the layout has a rule of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from collectors.fields import Fields


TIME: Final = (
    r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d"
    r"(?:[.,]\d{1,9})?(?:\s?(?:Z|UTC|GMT|CET|CEST|[+-]\d\d:?\d\d))?"
)
"""A time with its date, as most programs write it."""
CLOCK: Final = r"\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
"""A time without a date."""
LEVEL: Final = (
    r"(?:TRACE|DEBUG|INFO|NOTICE|SUCCESS|WARN(?:ING)?|ERR(?:OR)?|SEVERE|CRIT(?:ICAL)?"
    r"|FATAL|ALERT|EMERG(?:ENCY)?|FEHLER|WARNUNG|SCHWERWIEGEND|ERREUR|AVERTISSEMENT"
    r"|trace|debug|info|notice|warn(?:ing)?|err(?:or)?|crit(?:ical)?|fatal|alert|emerg)"
)
DIGITS: Final = "0123456789"
LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

EVENT: Final = "event"
SEVERITY: Final = "level"
ASCTIME: Final = "asctime"
LOGGER: Final = "logger"
"""Fields that most layouts fill."""

LEVELS_OF_NET: Final = {
    "Trace": "trace", "Debug": "debug", "Information": "info", "Warning": "warning", "Error": "error",
    "Critical": "critical",
}  # fmt: skip

FIELDS: Final = {
    "time": ASCTIME,
    "level": SEVERITY,
    "logger": LOGGER,
    "message": EVENT,
    "host": "host.name",
    "pid": "process.pid",
    "thread": "thread.name",
    "file": "code.file.path",
    "line": "code.line.number",
    "function": "code.function.name",
    "client": "client.address",
    "code": "error.code",
    "request_id": "request_id",
}
"""The names of groups in patterns, and the fields that they fill; see `collectors.fields`."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the lines of one kind of program are read."""

    name: str
    """As the documents call it."""
    begins: str
    """The characters that a record may begin with."""
    read: Callable[[str], Fields | None]
    """Reads the first line of a record; None where it has another layout. Takes linear time."""
    samples: tuple[str, ...]
    """First lines of it. A test reads each with every other layout, too: none may know it."""
    body: Callable[[Fields, str], Fields] | None = None
    """Adds the lines below to what was read; None: as `collectors.plaintext` does for all."""
    owns: Callable[[str], bool] | None = None
    """Whether a line below belongs to the record, where it looks like another one."""
    wraps: bool = False
    """Its message may be a line of another layout, or JSON."""
    is_general: bool = False
    """It reads what others read more exactly: it is asked last."""


def by_pattern(
    name: str,
    begins: str,
    pattern: re.Pattern[str],
    *samples: str,
    finish: Callable[[Fields], Fields] | None = None,
    body: Callable[[Fields, str], Fields] | None = None,
    owns: Callable[[str], bool] | None = None,
    wraps: bool = False,
    is_general: bool = False,
) -> Layout:
    """Return a layout whose pattern has the groups of `FIELDS`; `finish` changes what they give."""

    def read(line: str) -> Fields | None:
        found = pattern.match(line)
        if found is None:
            return None
        fields = {FIELDS.get(key, key): value for key, value in found.groupdict().items() if value}
        fields.setdefault("event", "")
        return fields if finish is None else finish(fields)

    return Layout(name, begins, read, samples, body=body, owns=owns, wraps=wraps, is_general=is_general)
