"""A plain FastAPI service with a call to a carrier. Written by somebody who knows no Unsnag."""

import logging

import requests
from fastapi import FastAPI, HTTPException
from opentelemetry import trace

logging.basicConfig(level=logging.INFO)
log = logging.getLogger("api")
app = FastAPI()
CARRIER = "http://127.0.0.1:9/carrier"  # nobody listens on the discard port


@app.post("/orders/{order_id}")
def order(order_id: str):
    log.info("order received")
    return {"ok": True}


@app.post("/ship/{order_id}")
def ship(order_id: str):
    """The carrier cannot be reached: logged, and raised."""
    try:
        requests.post(CARRIER, timeout=1)
    except requests.ConnectionError:
        log.exception("carrier unreachable")
        raise


@app.post("/charge/{order_id}")
def charge(order_id: str):
    """The order's number is on the request's span."""
    trace.get_current_span().set_attribute("order.id", order_id)
    raise RuntimeError("card service answered nonsense")


@app.post("/refuse/{order_id}")
def refuse(order_id: str):
    """Nothing is logged; the answer says it."""
    raise HTTPException(502, "card refused")
