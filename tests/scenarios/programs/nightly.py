"""A nightly script with OpenTelemetry's SDK and its logging handler, as the SDK's examples set them up."""

import logging
import sys

from opentelemetry import trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

traces, logs = TracerProvider(), LoggerProvider()
traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
trace.set_tracer_provider(traces)
set_logger_provider(logs)
logging.basicConfig(level=logging.INFO, handlers=[LoggingHandler(logger_provider=logs)])
log = logging.getLogger("nightly")
tracer = trace.get_tracer("nightly")
ORDERS = ("SO-7", "SO-17", "SO-27", "SO-37")


def invoice(order_id):
    """The last order's invoice works."""
    with tracer.start_as_current_span("send invoice", attributes={"order.id": order_id}):
        log.info("sending")
        if order_id != ORDERS[-1]:
            raise RuntimeError("mail server said no")


def one_by_one():
    for order_id in ORDERS:
        try:
            invoice(order_id)
        except RuntimeError:
            pass  # the report of tomorrow names it


match sys.argv[1]:
    case "batch":
        with tracer.start_as_current_span("nightly invoices"):
            one_by_one()
    case "batch with a complaint":
        with tracer.start_as_current_span("nightly invoices"):
            one_by_one()
            log.error("report could not be printed")
    case "separate":
        one_by_one()
    case "request id":
        for number, level in ((41, logging.INFO), (42, logging.ERROR)):
            log.info("received", extra={"request_id": f"req-{number}"})
            log.log(level, "answered", extra={"request_id": f"req-{number}"})
    case "stray":
        log.info("nothing to do")
        log.error("cannot read the price list")
        log.error("cannot read the price list")

traces.shutdown()
logs.shutdown()
