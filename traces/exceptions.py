"""When two records describe the same exception, and whether a log line tells of one at all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from traces.record import Record

_BAD_STATUS: Final = re.compile(r"(?i)\b(?:http|status)[ /:=\w.]{0,16}?\b[45]\d\d\b")
_SCANNED: Final = 2_000
_CLIENT_ERROR: Final = 400


def exception(record: Record) -> tuple[str, str] | None:
    """Return type and message of the exception that a record carries, or None.

    A span's `error.type` alone (``500``, ``timeout``) says that it failed, and is no exception.
    """
    if record.etype is None or (record.emsg is None and record.stack is None):
        return None
    return record.etype, record.emsg or ""


def describes(text_of: Record, other: Record) -> bool:
    """Tell whether a record's text contains the type and the message of another's exception."""
    own, inner = exception(text_of), exception(other)
    if own is None or inner is None:
        return False
    if own == inner:
        return True
    text = "\n".join(part for part in (text_of.emsg, text_of.stack, text_of.name) if part)
    return inner[0].rpartition(".")[2] in f"{own[0]}\n{text}" and inner[1] in text


def related(one: Record, other: Record) -> bool:
    """Tell whether two records, of which one lies around the other, can describe one failure."""
    if exception(one) is None or exception(other) is None:
        return True
    return describes(one, other) or describes(other, one)


def is_serious(record: Record) -> bool:
    """Tell whether an error line carries an exception, a stack trace, or an HTTP status from 400 up."""
    if record.etype or record.stack or record.emsg:
        return True
    if record.http_status is not None and record.http_status >= _CLIENT_ERROR:
        return True
    return _BAD_STATUS.search(record.name[:_SCANNED]) is not None
