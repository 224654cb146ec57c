"""structlog's console renderer. Arguments: `plain`, `colours` or `rich`, and the file of the truth."""

import sys

import structlog
from telling import Declined, Truth, events, fail

form = sys.argv[1]
rich = structlog.dev.RichTracebackFormatter(show_locals=False)
traceback = rich if form == "rich" else structlog.dev.plain_traceback
stamp = (
    structlog.processors.TimeStamper(fmt="iso")
    if form == "plain"
    else structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False)
)
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        stamp,
        structlog.dev.ConsoleRenderer(colors=form != "plain", exception_formatter=traceback),
    ]
)
truth = Truth(sys.argv[2])
for event in events():
    log = structlog.get_logger().bind(logger=event.logger, correlation_id=event.order)
    name = "Declined" if form == "rich" else "telling.Declined"
    truth.note(event, type=name if event.failure else "-")
    if event.failure:
        try:
            fail(event)
        except Declined:
            getattr(log, event.severity)(event.message, exc_info=True, attempts=3, reason="card refused")
    else:
        getattr(log, event.severity)(event.message, lines=event.n % 7)
