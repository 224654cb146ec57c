"""Python's csv module, a row at a time. Arguments: the delimiter, and the file of the truth."""

import csv
import sys
import traceback
from datetime import UTC, datetime

from telling import Declined, Truth, events, fail

rows = csv.writer(sys.stdout, delimiter=sys.argv[1])
truth = Truth(sys.argv[2])
rows.writerow(["timestamp", "level", "logger", "correlation_id", "message", "exception"])
for event in events():
    trace = ""
    if event.failure:
        try:
            fail(event)
        except Declined:
            trace = traceback.format_exc()
    truth.note(event, type="telling.Declined" if event.failure else "-")
    now = datetime.now(UTC).isoformat()
    rows.writerow([now, event.severity.upper(), event.logger, event.order, event.message, trace])
    sys.stdout.flush()
