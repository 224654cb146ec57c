"""A traced job that sends a group of tasks to the queue of a Celery application."""

import os
import sys

from opentelemetry.instrumentation.auto_instrumentation import initialize

initialize()

from celery import group  # noqa: E402 - instrumented first
from opentelemetry import trace  # noqa: E402
from tasks import ship  # noqa: E402

with trace.get_tracer("job").start_as_current_span("nightly shipping"):
    group(ship.s(order_id) for order_id in sys.argv[1:]).apply_async()
trace.get_tracer_provider().shutdown()
os._exit(0)
