"""What an exception's text tells: its type, its message, its stack trace."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

HEAD: Final = "Traceback (most recent call last):"
_LAST_LINE: Final = re.compile(r"^(?:[|+\s-]*)((?:[^\W\d]\w*\.)*[^\W\d]\w*)(?::\s?(.*))?$")
_JAVA: Final = re.compile(
    r"^(?:Exception in thread \"[^\"]*\" |Caused by: )?"
    r"((?:[\w$]+\.)+[\w$]+|[A-Z][\w$]*(?:Error|Exception))(?::\s?(.*))?$"
)
_MAX_LINES: Final = 5_000


class Told(NamedTuple):
    """The parts of an exception; None where the text does not tell."""

    type: str | None
    message: str | None
    stacktrace: str | None


def read(text: str) -> Told:
    """Read the text of a traceback, Python's or one that begins with `Type: message`."""
    lines = text.split("\n", _MAX_LINES)
    start = _python_end(lines)
    found = _LAST_LINE.match(lines[start]) if start is not None else _JAVA.match(lines[0])
    if found is None:
        return Told(None, None, text)
    message = found.group(2)
    if start is not None and message is not None:
        message = "\n".join([message, *lines[start + 1 :]]).strip()
    return Told(found.group(1), message or None, text)


def _python_end(lines: list[str]) -> int | None:
    """Return the line number of the last `Type: message`, which follows the last frame."""
    if not any(HEAD in line for line in lines):
        return None
    last_frame = max(
        (i for i, line in enumerate(lines) if line.lstrip(" |").startswith('File "')), default=None
    )
    if last_frame is None:
        return None
    after = range(last_frame + 1, len(lines))
    return next((i for i in after if lines[i] and not lines[i][0].isspace() and lines[i][0] != "|"), None)


def of_value(value: Any) -> Told:
    """Read an exception field of any dialect: text, an object, or structlog's list of objects."""
    if isinstance(value, str):
        return read(value)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return of_value(value[0])  # structlog's dict_tracebacks: the outermost first
    if isinstance(value, dict):
        return _of_dict(value)
    return Told(None, None, None)


def _of_dict(value: dict[str, Any]) -> Told:
    kind = _text(value, "type", "exc_type", "class", "name", "kind")
    message = _text(value, "message", "exc_value", "value", "msg")
    stack = _text(value, "stack", "stack_trace", "stacktrace", "traceback", "trace")
    frames = value.get("frames")
    if stack is None and isinstance(frames, list):
        stack = _stack(frames, kind, message)
    return Told(kind, message, stack)


def _text(value: dict[str, Any], *names: str) -> str | None:
    return next((value[name] for name in names if isinstance(value.get(name), str) and value[name]), None)


def _stack(frames: list[Any], kind: str | None, message: str | None) -> str:
    lines = [
        f'  File "{frame.get("filename")}", line {frame.get("lineno")}, in {frame.get("name")}'
        for frame in frames
        if isinstance(frame, dict)
    ]
    return "\n".join([HEAD, *lines, f"{kind}: {message}"])
