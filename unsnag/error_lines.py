"""What an error line of the script says of an exception that was, or will be, reported."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from unsnag import notes
from unsnag.encoding import readable_str

if TYPE_CHECKING:
    from unsnag.context import Scope


def weigh(fields: dict[str, Any], scope: Scope, error: BaseException) -> None:
    """Count an error line as a warning where a framework tries again after its exception.

    What was logged last is kept for a framework that answers with a status only.
    """
    if fields.get("level") not in {"error", "critical"}:
        return
    if notes.is_attempt(error):
        fields |= {"level": "warning"}
    elif scope.ending is not None:
        scope.ending.error_logged(error)


def of_reported(fields: dict[str, Any], scope: Scope) -> Scope:
    """Name the reported exception that an error line names in its text; return where the line belongs.

    Job runners log the traceback of what left a unit as text, inside of their ``except`` block. The line is
    one more record of that exception only if it is being handled now and the text has its type and message.
    """
    error, text = sys.exc_info()[1], fields.get("event")
    is_known = error is not None and (notes.is_reported(error) or notes.is_attempt(error))
    if error is None or not is_known or not _is_same_text(error, text):
        return scope
    scope = notes.place_of_report(error, scope)
    fields |= notes.identity(error, scope.correlation_id)
    weigh(fields, scope, error)
    return scope


def _is_same_text(error: BaseException, text: object) -> bool:
    if not isinstance(text, str):
        return False
    message = readable_str(error) or _TRACEBACK
    return type(error).__qualname__.rpartition(".")[2] in text and message in text


_TRACEBACK: Final = "Traceback (most recent call last)"
