"""A job for RQ, a plain function."""

import logging

log = logging.getLogger("jobs")


def ship(order_id):
    log.info("shipping")
    if order_id.endswith("7"):
        raise ConnectionError("carrier unreachable")
