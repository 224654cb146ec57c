"""A Celery application as its first steps show it, with OpenTelemetry's own way to start in a worker."""

import os

from celery import Celery
from celery.signals import worker_process_init, worker_process_shutdown

app = Celery("tasks", broker=os.environ["REDIS"])


@worker_process_init.connect(weak=False)
def begin_tracing(*args, **kwargs):
    from opentelemetry.instrumentation.auto_instrumentation import initialize

    initialize()


@worker_process_shutdown.connect(weak=False)
def end_tracing(*args, **kwargs):
    from opentelemetry import trace
    from opentelemetry._logs import get_logger_provider

    trace.get_tracer_provider().shutdown()
    get_logger_provider().shutdown()


@app.task
def ship(order_id):
    if order_id.endswith("7"):
        raise ConnectionError("carrier unreachable")
