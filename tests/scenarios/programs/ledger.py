"""A script that logs JSON to a file, with the booking's number as correlation_id."""

import logging

from pythonjsonlogger.json import JsonFormatter

handler = logging.FileHandler("ledger.log")
handler.setFormatter(JsonFormatter("{asctime}{levelname}{name}{message}", style="{", timestamp=True))
log = logging.getLogger("ledger")
log.setLevel(logging.INFO)
log.addHandler(handler)

for number in (7, 8):
    booking = {"correlation_id": f"BK-{number}"}
    log.info("booking", extra=booking)
    try:
        if number == 7:
            raise ValueError("debit and credit differ")
        log.info("booked", extra=booking)
    except ValueError:
        log.exception("cannot book", extra=booking)
