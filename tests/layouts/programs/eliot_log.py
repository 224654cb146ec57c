"""eliot: actions, messages, tracebacks. Argument: the file of the truth; the log goes to stdout."""

import sys

import eliot
from telling import Declined, Truth, events, fail

eliot.to_file(sys.stdout)
truth = Truth(sys.argv[1])
for event in events():
    if event.failure:
        truth.note(
            event, severity="error", message=event.failure, logger="-", type="telling.Declined", id="-"
        )
        try:
            fail(event)
        except Declined:
            eliot.write_traceback()
    else:
        truth.note(event, severity=event.severity, logger="-")
        eliot.log_message(
            message_type="shop:order", message=event.message, level=event.severity, correlation_id=event.order
        )
