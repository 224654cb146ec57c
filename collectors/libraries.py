"""JSON lines of logging libraries that name their fields in a way of their own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from collectors.layouts.layout import LEVELS_OF_NET

if TYPE_CHECKING:
    from collectors.fields import Fields


_HOLE: Final = re.compile(r"\{[@$]?(?P<name>[\w.]{1,100}+)(?:,-?\d{1,4})?(?::[^{}]{0,100})?\}")
_FAILED: Final = "failed"


def clef(fields: Fields) -> Fields:
    """Read Serilog's compact form: a message template, and its values beside it."""
    found = {key: value for key, value in fields.items() if key[:1] != "@"}
    message = fields.get("@m")
    template = fields.get("@mt")
    if not isinstance(message, str):
        message = _rendered(template, fields) if isinstance(template, str) else ""
    found |= {"timestamp": fields.get("@t"), "level": fields.get("@l") or "info", "message": message}
    if isinstance(template, str) and template != message:
        found["message_template"] = template
    for name, ours in (("@x", "exception"), ("@tr", "trace_id"), ("@sp", "span_id"), ("@i", "event_id")):
        if name in fields:
            found[ours] = fields[name]
    if "SourceContext" in found:
        found["logger"] = found.pop("SourceContext")
    return found


def _rendered(template: str, fields: Fields) -> str:
    renderings = iter(fields["@r"]) if isinstance(fields.get("@r"), list) else iter(())

    def value(hole: re.Match[str]) -> str:
        if ":" in hole[0] and (given := next(renderings, None)) is not None:
            return str(given)
        name = hole.group("name")
        return str(fields[name]) if name in fields else hole[0]

    return _HOLE.sub(value, template).replace("{{", "{").replace("}}", "}")


def dotnet(fields: Fields) -> Fields:
    """Read the JSON console of .NET: values in the state, and in scopes."""
    state, scopes = fields.get("State"), fields.get("Scopes")
    found: Fields = {}
    for inner in [*(scopes if isinstance(scopes, list) else []), state]:
        if isinstance(inner, dict):
            found |= {
                key: value for key, value in inner.items() if key not in {"Message", "{OriginalFormat}"}
            }
    if isinstance(state, dict) and "{OriginalFormat}" in state:
        found["message_template"] = state["{OriginalFormat}"]
    level = fields.get("LogLevel")
    found |= {
        "level": LEVELS_OF_NET.get(str(level), level),
        "logger": fields.get("Category"),
        "message": fields.get("Message"),
        "event_id": fields.get("EventId"),
    }
    if fields.get("Timestamp"):
        found["asctime"] = str(fields["Timestamp"]).strip()
    if fields.get("Exception"):
        found["exception"] = fields["Exception"]
    return found


def eliot(fields: Fields) -> Fields:
    """Read eliot's messages and actions: one that failed is an error."""
    found = {key: value for key, value in fields.items() if key not in {"exception", "reason", "traceback"}}
    kind = fields.get("message_type") or fields.get("action_type")
    status = fields.get("action_status")
    if "message" not in found:
        found["message"] = f"{kind} {status}" if status else fields.get("reason") or kind
    if kind == "eliot:traceback" or status == _FAILED:
        found["level"] = "error"
        found["exception.type"] = fields.get("exception")
        found["exception.message"] = fields.get("reason")
        found["exception.stacktrace"] = fields.get("traceback")
    elif "level" not in found and "log_level" not in found:
        found["level"] = "info"
    return found


def roarr(fields: Fields) -> Fields:
    """Read roarr's lines, whose context has the level and everything else."""
    context = dict(fields["context"])
    found = {key: value for key, value in fields.items() if key not in {"context", "version", "sequence"}}
    found["level"] = context.pop("logLevel", None)
    found["logger"] = context.pop("namespace", None) or context.pop("package", None)
    return {**context, **found}


def lambda_json(fields: Fields) -> Fields:
    """Read the JSON form of AWS Lambda: the stack as a list, and the platform's own records."""
    found = dict(fields)
    kind = found.get("type")
    if isinstance(kind, str) and kind.startswith("platform.") and isinstance(found.get("record"), dict):
        record = found.pop("record")
        failed = record.get("status") in {"error", "failure", "timeout"}
        return {**record, **found, "message": kind, "level": "error" if failed else "info"}
    stack = found.pop("stackTrace", None)
    kind, message = found.pop("errorType", None), found.pop("errorMessage", None)
    found |= {"exception.type": kind, "exception.message": message}
    if isinstance(stack, list):
        found["exception.stacktrace"] = "\n".join([f"{kind}: {message}", *map(str, stack)])
    return found
