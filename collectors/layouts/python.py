"""Python: structlog's console, Celery, `logging.basicConfig`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from collectors.layouts import pairs
from collectors.layouts.layout import CLOCK, EVENT, LETTERS, LOGGER, TIME, by_pattern

if TYPE_CHECKING:
    from collectors.fields import Fields


_DASHED: Final = TIME.replace("[-/]", "-")
"""nginx writes slashes, and its level in brackets as well."""
_STRUCTLOG: Final = re.compile(
    rf"(?:(?P<time>{_DASHED}|{CLOCK})[ \t]+)?"
    r"\[(?P<level>(?:debug|info|warn|warning|error|critical|exception|notset)) *\][ \t]+(?P<message>.*)",
    re.DOTALL,
)
_LOGGER: Final = re.compile(r"\[(?P<logger>[\w.-]{1,100}+)\](?= [A-Za-z_]\w{0,99}+=|$)")
_COLUMN: Final = re.compile(r"(?<=  )[A-Za-z_]\w{0,99}+=")
_CELERY: Final = re.compile(
    rf"\[(?P<time>{TIME}): (?P<level>[A-Z]{{4,8}})/(?P<process>[\w.-]{{1,80}}+)\] (?P<message>.*)", re.DOTALL
)
_TASK: Final = re.compile(
    r"(?P<lead>Task )?(?P<task>[\w.]{1,200}+)\[(?P<id>[0-9a-f]{8}-[0-9a-f-]{27}|[\w-]{1,64}+)\](?P<colon>: )?"
)
_BASIC: Final = re.compile(
    r"(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL):(?P<logger>[\w.-]{1,200}+):(?P<message>.*)", re.DOTALL
)


def _structlog(fields: Fields) -> Fields:
    """Divide the columns behind the level: the event, the logger in brackets, pairs."""
    text = fields[EVENT].rstrip()
    brackets = [found for found in _LOGGER.finditer(text) if text[found.start() - 1 : found.start()] == " "]
    if brackets:
        last = brackets[-1]
        fields[LOGGER] = last.group("logger")
        message, found = text[: last.start()], pairs.unquoted(text[last.end() :])[1]
    elif columns := list(_COLUMN.finditer(text)):
        begin = columns[-1].start() - 1
        message, found = text[:begin], pairs.unquoted(text[begin:])[1]
    else:
        message, found = pairs.unquoted(text)
    return {**found, **fields, "event": message.rstrip()}


def _celery(fields: Fields) -> Fields:
    task = _TASK.match(fields[EVENT])
    if task is None:
        return fields
    if task.group("colon") and not task.group("lead"):
        fields[LOGGER] = task.group("task")
        fields[EVENT] = fields[EVENT][task.end() :]
    elif not task.group("lead"):
        return fields
    return {**fields, "celery.task_name": task.group("task"), "celery.task_id": task.group("id")}


LAYOUTS: Final = (
    by_pattern(
        "Celery",
        "[",
        _CELERY,
        "[2026-11-29 21:00:00,123: ERROR/ForkPoolWorker-1] Task "
        "shop.pay[0d5e4c1e-7a47-4f0a-9f3c-0a1b2c3d4e5f]"
        " raised unexpected: Declined('card refused')",
        "[2026-11-29 21:00:00,123: INFO/MainProcess] celery@host ready.",
        finish=_celery,
    ),
    by_pattern(
        "structlog console",
        "0123456789[",
        _STRUCTLOG,
        "2026-11-29T20:00:00.123456Z [error    ] payment declined               [shop.pay] order=SO-17",
        "2026-11-29 21:00:00 [info     ] started",
        "[warning  ] slow                           took=12",
        finish=_structlog,
    ),
    by_pattern("Python basicConfig", LETTERS, _BASIC, "ERROR:shop.pay:payment declined"),
)
