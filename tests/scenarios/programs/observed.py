"""A script observed by logfire, which sends to any OpenTelemetry endpoint."""

import logfire

logfire.configure(send_to_logfire=False, service_name="observed", console=False)

with logfire.span("close the books of {day}", day="monday"):
    logfire.info("reading the ledger")

try:
    with logfire.span("close the books of {day}", day="tuesday"):
        raise ValueError("debit and credit differ")
except ValueError:
    print("tuesday stays open")
