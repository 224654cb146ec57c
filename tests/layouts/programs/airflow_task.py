"""The logging of Airflow 3's task SDK, as its supervisor writes task logs. Argument: the file of the truth."""

import sys

import structlog
from airflow.sdk.log import configure_logging
from telling import Declined, Truth, events, fail

configure_logging(json_output=True, log_level="DEBUG", output=sys.stdout.buffer)
truth = Truth(sys.argv[1])
for event in events():
    log = structlog.get_logger(event.logger).bind(
        dag_id="shop", run_id=event.order, task_id="pay", try_number=1
    )
    truth.note(event, id="-", type="Declined" if event.failure else "-")
    try:
        if event.failure:
            fail(event)
        getattr(log, event.severity)(event.message)
    except Declined:
        getattr(log, event.severity)(event.message, exc_info=True)
