"""What runs in the container: Python's logging, warnings and errors to stderr. Argument: the file of the truth."""

import logging
import sys

from telling import Declined, Truth, events, fail

truth = Truth(sys.argv[1])
FORM = logging.Formatter("%(levelname)s:%(name)s:%(message)s")
calm, bad = logging.StreamHandler(sys.stdout), logging.StreamHandler(sys.stderr)
calm.addFilter(lambda record: record.levelno < logging.WARNING)
bad.setLevel(logging.WARNING)
for handler in (calm, bad):
    handler.setFormatter(FORM)
logging.basicConfig(level=logging.DEBUG, handlers=[calm, bad])
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
for event in events():
    if event.n % 30 == 0:  # conmon and containerd cut such a line into parts
        event = event._replace(message=f"{event.message} {'basket ' * 3000}end")
    truth.note(event, id="-", type="telling.Declined" if event.failure else "-")
    try:
        if event.failure:
            fail(event)
        logging.getLogger(event.logger).log(LEVELS[event.severity], event.message)
    except Declined:
        logging.getLogger(event.logger).log(LEVELS[event.severity], event.message, exc_info=True)
