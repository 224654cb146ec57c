"""Parse the text of an exception into its type, its message and its stack trace."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

HEAD: Final = "Traceback (most recent call last):"
_LAST_LINE: Final = re.compile(r"^[|+\s-]*+((?:[^\W\d]\w*+\.)*+[^\W\d]\w*+)(?::\s?(.*))?$")
_JAVA: Final = re.compile(
    r"^(?:Exception in thread \"[^\"]*\" |Caused by: )?"
    r"((?:[\w$]++\.)++[\w$]++|[A-Z][\w$]*(?:Error|Exception))(?::\s?(.*))?$"
)
_FRAME: Final = re.compile(r"(?:\t| {2,8})at ")
_ANY_NAME: Final = re.compile(r"^((?:[\w$]{1,100}+[.$\\]){0,30}[^\W\d][\w$]{0,100}+)(?::\s?(.*))?$")
BOX: Final = "\u256d"
"""Begins a traceback that `rich` draws."""
_BOX_END: Final = "\u2570"
_MAX_LINES: Final = 5_000


class ExceptionParts(NamedTuple):
    """The parts of an exception; None where the text does not name one."""

    type: str | None
    message: str | None
    stacktrace: str | None


def read(text: str) -> ExceptionParts:
    """Read the text of a traceback, Python's or one that begins with `Type: message`."""
    lines = text.split("\n", _MAX_LINES)
    start = _python_end(lines)
    if start is None:
        return _first_line(lines, text)
    found = _LAST_LINE.match(lines[start])
    if found is None:
        return ExceptionParts(None, None, text)
    message = found.group(2)
    if message is not None:
        message = "\n".join([message, *lines[start + 1 :]]).strip()
    return ExceptionParts(found.group(1), message or None, text)


def _first_line(lines: list[str], text: str) -> ExceptionParts:
    """Read a text that begins with `Type: message`; any name will do where a frame follows."""
    found = _JAVA.match(lines[0])
    frame = next((at for at, line in enumerate(lines) if _FRAME.match(line)), 0)
    if found is None and frame:
        found = _ANY_NAME.match(lines[0])
    if found is None:
        return ExceptionParts(None, None, text)
    more = lines[1:frame] if frame and found.group(2) else []
    message = "\n".join(
        [found.group(2) or "", *(line for line in more if not line.lstrip().startswith("--->"))]
    )
    return ExceptionParts(found.group(1), message.strip() or None, text)


def _python_end(lines: list[str]) -> int | None:
    """Return the line number of the last `Type: message`, which follows the last frame."""
    if lines[0].startswith(BOX):
        ends = [at for at, line in enumerate(lines) if line.startswith(_BOX_END)]
        return (
            next((at for at in range(ends[-1] + 1, len(lines)) if lines[at].strip()), None) if ends else None
        )
    if not any(HEAD in line for line in lines):
        return None
    last_frame = max(
        (i for i, line in enumerate(lines) if line.lstrip(" |").startswith('File "')), default=None
    )
    if last_frame is None:
        return None
    after = range(last_frame + 1, len(lines))
    return next((i for i in after if lines[i] and not lines[i][0].isspace() and lines[i][0] != "|"), None)


def of_value(value: Any) -> ExceptionParts:
    """Read an exception field of any dialect: text, an object, or structlog's list of objects."""
    if isinstance(value, str):
        return read(value)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return of_value(value[0])  # structlog's dict_tracebacks: the outermost first
    if isinstance(value, dict):
        return _of_dict(value)
    return ExceptionParts(None, None, None)


def _of_dict(value: dict[str, Any]) -> ExceptionParts:
    kind = _text(value, "type", "exc_type", "class", "name", "kind")
    message = _text(value, "message", "exc_value", "value", "msg")
    stack = _text(value, "stack", "stack_trace", "stacktrace", "traceback", "trace")
    frames = value.get("frames")
    if stack is None and isinstance(frames, list):
        stack = _stack(frames, kind, message)
    return ExceptionParts(kind, message, stack)


def _text(value: dict[str, Any], *names: str) -> str | None:
    return next((value[name] for name in names if isinstance(value.get(name), str) and value[name]), None)


def _stack(frames: list[Any], kind: str | None, message: str | None) -> str:
    lines = [
        f'  File "{frame.get("filename")}", line {frame.get("lineno")}, in {frame.get("name")}'
        for frame in frames
        if isinstance(frame, dict)
    ]
    return "\n".join([HEAD, *lines, f"{kind}: {message}"])
