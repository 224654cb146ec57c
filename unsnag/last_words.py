"""Finds the line of a failed command's output that names the error.

The last line is often none: programs log that they clean up, or redraw a progress bar. So lines are looked
at from the end for, in this order:

1. one that states an error: a level such as ERROR, or an exception's name before a colon;
2. one whose words speak of a failure;
3. one that is neither a message of a lower level nor progress.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_MAX: Final = 1000
_FIRST: Final = 6
"""A line's level is one of its first words."""
_ERRORS: Final = frozenset({"error", "fatal", "critical", "panic", "severe", "alert", "emerg"})
_OTHERS: Final = frozenset({"info", "debug", "trace", "notice", "verbose", "warning", "warn"})
_EXCEPTIONS: Final = ("Error", "Exception", "Interrupt", "Exit", "Fault", "Panic")
_FAILURES: Final = (
    "error", "fail", "cannot", "can't", "could not", "unable", "denied", "refused", "not found", "no such",
    "not permitted", "timed out", "timeout", "abort", "invalid", "unknown", "missing", "exception", "killed",
    "out of memory", "no space",
)  # fmt: skip
_NONE: Final = ("no error", "0 error", "no fail", "0 fail", "without error", "errors: 0", "failed: 0")
_AROUND: Final = "[](){}<>:;,.|\"'*-="
_TRACEBACK: Final = "Traceback (most recent call last)"


def error_line(text: str) -> str:
    """Return the line that names the error; empty when there is none."""
    lines = [plain for line in text.splitlines() if (plain := _plain(line))]
    return _of_traceback(lines) or _stated(lines) or _spoken(lines) or _other(lines)


def _of_traceback(lines: list[str]) -> str:
    """Return the exception of Python's last traceback: the first line behind it that is not indented."""
    starts = [at for at, line in enumerate(lines) if line.strip(" |+-").startswith(_TRACEBACK)]
    after = lines[starts[-1] + 1 :] if starts else []
    return next((line for line in after if not _is_continued(line)), "")


def _stated(lines: list[str]) -> str:
    return next((_message(line) for line in reversed(lines) if _states_error(line)), "")


def _spoken(lines: list[str]) -> str:
    return next((line for line in reversed(lines) if _speaks_of_failure(line)), "")


def _other(lines: list[str]) -> str:
    return next((line for line in reversed(lines) if not _is_of_less(line) and not _is_continued(line)), "")


def _states_error(line: str) -> bool:
    if _is_continued(line):
        return False
    if (level := _json_level(line)) is not None:
        return level in _ERRORS
    if _level_in(line) in _ERRORS:
        return True
    name, colon, _ = line.removeprefix("Caused by: ").partition(":")
    is_name = " " not in name and name.endswith(_EXCEPTIONS)
    return (is_name and (bool(colon) or name == line)) or line.startswith("Exception in thread")


def _level_in(line: str) -> str:
    """Return the level that a line names: ``ERROR``, ``[error]``, ``level=error`` or ``error:``."""
    for at, word in enumerate(line.split(maxsplit=_FIRST)[:_FIRST]):
        bare = word.strip(_AROUND).rpartition("level=")[2].strip(_AROUND)
        is_marked = bare.isupper() or bare != word or at == 0
        if is_marked and bare.lower() in _ERRORS | _OTHERS:
            return bare.lower()
    return ""


def _speaks_of_failure(line: str) -> bool:
    low = line.lower()
    is_about = any(word in low for word in _FAILURES) and not any(word in low for word in _NONE)
    return is_about and not _is_of_less(line) and not _is_continued(line)


def _is_of_less(line: str) -> bool:
    """Say whether a line is of a lower level, or redraws how far something is."""
    level = _json_level(line) or _level_in(line)
    return level in _OTHERS or _is_progress(line)


def _is_progress(line: str) -> bool:
    return any(word.strip(_AROUND).endswith("%") or word.endswith("it/s") for word in line.split()) or any(
        bar * 3 in line for bar in "#█▓=>"
    )


def _is_continued(line: str) -> bool:
    """Say whether a line belongs to another one: a frame of a stack, PowerShell's ``+ CategoryInfo``."""
    return line[0] in " \t+|^~" or line.startswith(
        ("at ", "At line:", "During handling", "The above exception")
    )


def _json_level(line: str) -> str | None:
    return _first_of(line, ("level", "severity", "levelname", "log.level"), default="").lower() or None


def _message(line: str) -> str:
    """Return what a line states, of a JSON line only its message."""
    return _first_of(line, ("message", "msg", "event", "error"), default=line)


def _first_of(line: str, names: Iterable[str], *, default: str) -> str:
    if not line.startswith("{"):
        return default
    try:
        fields = json.loads(line)
    except ValueError:
        return default
    return next((text for name in names if isinstance(text := fields.get(name), str) and text), default)


def _plain(line: str) -> str:
    """Return a line without colours, and without the time in front."""
    parts = line.rstrip()[: _MAX * 2].split("\x1b[")
    bare = parts[0] + "".join(_without_code(part) for part in parts[1:])
    return _without_time(bare)[:_MAX].rstrip()


def _without_code(part: str) -> str:
    """Return what follows an escape sequence: digits and semicolons, then one letter."""
    return part.lstrip("0123456789;?")[1:]


def _without_time(line: str) -> str:
    """Leave out a date and time in front: with them each failure would be called otherwise."""
    parts = line.split(" ", 2)
    first = parts[0].strip("[]")
    if first[:4].isdigit() and first[4:5] in {"-", "/"} and len(parts) > 1:
        has_time = ":" in parts[1] and parts[1][:2].isdigit()
        return " ".join(parts[2:] if has_time and len(parts) > 2 else parts[1:])  # noqa: PLR2004
    return line
