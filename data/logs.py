"""The server's loggers: an event is a dotted constant such as `cases.sweep_failed`, its values are fields.

Events pass through Python's logging, so that every handler sees them: ours (`server.logs`), one of an
OpenTelemetry SDK, or a test's. Nothing is set for the whole process, so a script that runs in the same
process keeps its own structlog.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, cast

import structlog

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger


def event_log(name: str) -> BoundLogger:
    """Return the logger `unsnag.NAME`, whose calls take an event and its fields.

    A field must not be called as an attribute of `logging.LogRecord` is (`name`, `args`, `module`).
    """
    made = structlog.wrap_logger(
        logging.getLogger(f"unsnag.{name}"),
        processors=[structlog.stdlib.filter_by_level, structlog.stdlib.render_to_log_kwargs],
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    return cast("BoundLogger", made)
