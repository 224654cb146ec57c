"""Lines of text to the fields of a record: its first line by its layout, and the lines that belong to it.

1. The first line has a layout of `layouts.table`, or none: then it is the message.
2. A line below belongs to it when it is indented, part of a stack trace, or the layout says so.
3. What was put together is read as one: message, exception, stack trace.
4. A layout that wraps others (syslog, CRI) is read again inside.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from collectors import parse, tracebacks
from collectors.layouts import table
from collectors.layouts.layout import EVENT, LOGGER
from collectors.values import LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable

    from collectors.fields import Fields
    from collectors.layouts.table import Found

    Find = Callable[[str], Found | None]

_CONTINUES: Final = (
    "During handling of the above",
    "The above exception was",
    "Caused by:",
    "Suppressed:",
    "  + Exception Group",
    "[stacktrace]",
    "[previous exception]",
    "Stack trace:",
    "\u256d",
    "\u2502",
    "\u2570",
)
_BRACKETS: Final = frozenset("{}[]") | {"},", "],", "});", "})"}
_ONE_MORE: Final = ("During handling of the above", "The above exception was", "  + Exception Group")
_JAVA: Final = re.compile(r"(?:[\w$]{1,100}+\.){1,30}[\w$]{0,100}(?:Exception|Error)\b")
_NAMED: Final = re.compile(r"(?:[\w$]{1,100}+[.\\]){0,30}[A-Z_$][\w$]{0,100}+(?:: |:?$)")
_FRAME: Final = re.compile(r"\t(?:at |\.\.\. )|(?: {2,8}| {1,8}--- )(?:at |End of )")
_NUMBERED: Final = re.compile(r"#\d{1,4} ")
_GO: Final = re.compile(
    r"goroutine \d{1,12} \[|(?:[\w./*-]|\(\*?\w{1,100}\)){1,300}\(.{0,500}\)$|created by "
    r"|exit status \d|\[signal "
)
_GOROUTINE: Final = "goroutine "
_AT: Final = re.compile(r"At .{1,500}:\d{1,7} char:\d{1,7}$")
_CATEGORY: Final = re.compile(
    r"    \+ CategoryInfo {1,12}: (?P<category>[^,]{0,500}+), (?P<type>[\w.+]{1,200}+)"
)
_ERROR_ID: Final = re.compile(r"    \+ FullyQualifiedErrorId : (?P<id>[^\n]{1,500})")
_CONCISE: Final = re.compile(
    r"(?P<type>[\w.-]{1,100}+): (?P<file>[^\n:]{1,400}(?::[\\/][^\n:]{0,400})?):(?P<line>\d{1,7})$"
)
_PANIC: Final = re.compile(r"(?:panic|fatal error): (?P<message>[^\n]{0,20000})")
_WARNING: Final = 13
_LOOKED_BACK: Final = 50


class Record:
    """The lines of one record, while they come."""

    __slots__ = ("find", "found", "has_trace", "lines")

    def __init__(self, head: str, find: Find = table.find) -> None:
        self.find = find
        self.found = find(head)
        self.lines = [head]
        self.has_trace = _begins_trace(head)

    def takes(self, line: str) -> bool:
        """Return whether a line belongs to the record: part of a stack trace, or indented."""
        if not line.strip():
            return self._takes_blank()
        if line[0] in " \t" or line in _BRACKETS or line.startswith(_CONTINUES) or _JAVA.match(line):
            return True
        if _begins_trace(line):
            return self.may_fail or self._is_complete()
        layout = self.found[0] if self.found is not None else None
        if layout is not None and layout.owns is not None and layout.owns(line):
            return True
        if self.has_trace and self._ends_trace(line):
            return True
        return self._goes_on(line)

    def _ends_trace(self, line: str) -> bool:
        # After the last frame comes the exception; its message may go on over lines that look like no record.
        if self.lines[-1][:1] in (" ", "\t", "\u2570"):
            return _names_exception(line) or self.find(line) is None
        return self.found is not None and self.find(line) is None

    def _takes_blank(self) -> bool:
        head = self.lines[0]
        return (
            self.has_trace
            or bool(_PANIC.match(head))
            or any(_GOROUTINE in part for part in self.lines[-_LOOKED_BACK:])
        )

    def _goes_on(self, line: str) -> bool:
        """Return whether a line is a part of a stack trace that is not Python's."""
        if _NUMBERED.match(line):
            return self.may_fail
        if line.startswith('"}'):
            return any(
                '"exception":"[object]' in part for part in (self.lines[0], *self.lines[-_LOOKED_BACK:])
            )
        if line.startswith("+ ") or _AT.match(line):
            return line[0] == "A" or any(_AT.match(part) for part in self.lines[-2:])
        if line == "Line |":
            return len(self.lines) == 1 and bool(_CONCISE.match(self.lines[0]))
        if line.startswith((_GOROUTINE, "[signal ")):
            return self.may_fail
        return _GOROUTINE in "".join(self.lines[-_LOOKED_BACK:]) and bool(_GO.match(line))

    def may_take(self, line: str) -> bool:
        """Return whether a line names an exception, if a frame follows it."""
        return (
            self.found is not None and self.may_fail and bool(_NAMED.match(line)) and self.find(line) is None
        )

    def add(self, line: str) -> None:
        """Add a line."""
        self.lines.append(line)
        self.has_trace = self.has_trace or _begins_trace(line)

    @property
    def may_fail(self) -> bool:
        """Whether a stack trace can belong to it: not to one whose level reports no failure."""
        level = self.found[1].get("level") if self.found is not None else None
        return level is None or LEVELS.get(str(level), _WARNING) >= _WARNING

    def _is_complete(self) -> bool:
        """Return whether a traceback is complete: its last line and a link to the next were read."""
        return any(part.startswith(_ONE_MORE) for part in self.lines[-2:])

    def fields(self, *, is_inside: bool = False) -> Fields:
        """Return the fields of the whole record; `is_inside`: of what another one wraps."""
        tail = "\n".join(self.lines[1:]).rstrip()
        if self.found is None:
            return _unknown(self.lines[0], tail)
        layout, fields = self.found[0], dict(self.found[1])
        if tail:
            fields = layout.body(fields, tail) if layout.body is not None else _with_tail(fields, tail)
        return inside(fields) if layout.wraps and not is_inside else fields


def _begins_trace(line: str) -> bool:
    return tracebacks.HEAD in line or (line[:1] == "\u256d" and "Traceback (most recent call last)" in line)


def _names_exception(line: str) -> bool:
    """Return whether a line begins as the one that ends a traceback: `ValueError: no number`."""
    return bool(_NAMED.match(line)) and line.partition(":")[0].lower() not in LEVELS


def is_frame(line: str) -> bool:
    """Return whether a line is a frame of a stack trace as Java, .NET and JavaScript write them."""
    return bool(_FRAME.match(line))


def read(text: str, *, is_inside: bool = False) -> Fields:
    """Return the fields of one record: a line, and what stands under it."""
    lines = text.split("\n")
    record = Record(lines[0])
    for line in lines[1:]:
        record.add(line)
    return record.fields(is_inside=is_inside)


def continues(line: str, lines: list[str]) -> bool:
    """Return whether a line belongs to the record of these lines."""
    if not lines:
        return False
    record = Record(lines[0])
    for part in lines[1:]:
        record.add(part)
    return record.takes(line)


def _with_tail(fields: Fields, tail: str) -> Fields:
    """Add the lines below: the rest of a message, then a stack trace."""
    lines = tail.split("\n")
    at = _trace_begin(lines)
    if at is None:
        return {**fields, "event": f"{fields['event']}\n{tail}"}
    more = "\n".join([fields[EVENT], *lines[:at]]).rstrip()
    return {**fields, "event": more, **_of_trace("\n".join(lines[at:]))}


def _trace_begin(lines: list[str]) -> int | None:
    """Return the line in which a stack trace begins."""
    for at, line in enumerate(lines):
        if _begins_trace(line) or line.startswith(_GOROUTINE):
            return at
        if at and is_frame(line):
            return _exception_line(lines, at)
    return 0 if is_frame(lines[0]) else None


def _exception_line(lines: list[str], frame: int) -> int:
    """Return the line that names the exception of a frame: the nearest above that may."""
    named = (at for at in range(frame - 1, -1, -1) if _NAMED.match(lines[at]) or _JAVA.match(lines[at]))
    return next(named, frame - 1)


def _of_trace(text: str) -> Fields:
    return {"exception.stacktrace": text} if text.startswith(_GOROUTINE) else {"exception": text}


def trace_in(text: str) -> str | None:
    """Return the stack trace that a text ends with."""
    lines = text.rstrip().split("\n")
    at = _trace_begin(lines)
    return None if at is None else "\n".join(lines[at:])


def _unknown(head: str, tail: str) -> Fields:
    """Read a record whose first line has no layout: a bare stack trace, or any text."""
    text = f"{head}\n{tail}" if tail else head
    if _begins_trace(head):
        begin = text.find(tracebacks.HEAD) if tracebacks.HEAD in head else 0
        last = text.rsplit("\n", 1)[-1]
        before = head[: head.find(tracebacks.HEAD)].strip(" :") if begin else ""
        return {"event": before or last, "level": "error", "exception": text[begin:]}
    panic = _PANIC.match(head)
    if panic is not None and _GOROUTINE in tail:
        kind = {"exception.type": "panic", "exception.message": panic.group("message")}
        return {"event": head, "level": "fatal", **kind, "exception.stacktrace": text}
    if tail:
        return _powershell(head, tail) or _bare(head, tail)
    return {"event": head}


def _bare(head: str, tail: str) -> Fields:
    lines = [head, *tail.split("\n")]
    at = _trace_begin(lines)
    if at is None:
        return {"event": f"{head}\n{tail}"}
    fields = _of_trace("\n".join(lines[at:]))
    event = "\n".join(lines[:at]) or (head if is_frame(lines[1]) else lines[-1])
    thrown = at == 0 and not head.startswith((" ", "\t"))
    return {"event": event, **fields, **({"level": "error"} if thrown else {})}


def _powershell(head: str, tail: str) -> Fields | None:
    """Read an error record of PowerShell, in the full form or in the concise one of version 7."""
    concise = _CONCISE.match(head)
    if concise is not None and tail.startswith("Line |"):
        shown = [line.partition("|")[2].strip() for line in tail.split("\n")[2:]]
        message = " ".join(line for line in shown if line and line.strip("~") and line != "…")
        kind = concise.group("type")
        return {
            "event": message or head,
            "level": "error",
            "exception.type": kind,
            "exception.message": message,
            "exception.stacktrace": f"{head}\n{tail}",
        }
    if "FullyQualifiedErrorId" not in tail:
        return None
    lines = tail.split("\n")
    at = next((n for n, line in enumerate(lines) if _AT.match(line)), 0)
    message = "\n".join([head, *lines[:at]])
    fields: Fields = {"event": message, "level": "error", "exception.stacktrace": f"{head}\n{tail}"}
    for line in lines[at:]:
        if found := _CATEGORY.match(line):
            fields["exception.type"] = found.group("type")
        elif found := _ERROR_ID.match(line):
            fields["error.code"] = found.group("id")
    command, _, rest = message.partition(" : ")
    fields["exception.message"] = rest or message
    if rest:
        fields[LOGGER] = command
    return fields


def inside(fields: Fields) -> Fields:
    """Read what `event` holds, JSON or text of a layout, which wins; else return the same fields."""
    if "level" in fields:
        return fields
    text = fields[EVENT]
    inner: Fields | None = None
    if text.startswith("{"):
        try:
            inner = parse.load(text.encode("utf-8", "replace"))
        except parse.UnreadableError:
            inner = None
    elif "exception" not in fields:
        head, _, tail = text.partition("\n")
        found = table.find(head)
        inner = read(text, is_inside=True) if found is not None or tail else None
    return merged(inner, fields) if isinstance(inner, dict) else fields


def merged(inner: Fields, outer: Fields) -> Fields:
    """Return the fields of a record and of what wraps it; the time of the latter counts where no other is."""
    outer = {key: value for key, value in outer.items() if key != "event"}
    if "asctime" in outer:
        outer["eventTime"] = outer.pop("asctime")
    return {**inner, **{key: value for key, value in outer.items() if key not in inner}}
