"""A plain Flask shop: sqlite, a call to a payment service, logging. Written by somebody who knows no Unsnag."""

import logging
import os
import sqlite3

import requests
from flask import Flask, jsonify
from opentelemetry import trace

logging.basicConfig(level=logging.INFO)
log = logging.getLogger("shop")
app = Flask(__name__)
tracer = trace.get_tracer("shop")
CARRIER = "http://127.0.0.1:9/carrier"  # nobody listens on the discard port
SELF = f"http://127.0.0.1:{os.environ.get('SHOP_PORT', '0')}"


def remember(order_id):
    with sqlite3.connect("shop.db") as connection:
        connection.execute("create table if not exists orders(id text)")
        connection.execute("insert into orders values (?)", (order_id,))


@app.post("/orders/<order_id>")
def order(order_id):
    log.info("order received")
    remember(order_id)
    return jsonify(ok=True)


@app.post("/ship/<order_id>")
def ship(order_id):
    """The carrier cannot be reached: logged, and raised."""
    try:
        requests.post(CARRIER, timeout=1)
    except requests.ConnectionError:
        log.exception("carrier unreachable")
        raise


@app.post("/charge/<order_id>")
def charge(order_id):
    """The order's number is on an inner span only."""
    with tracer.start_as_current_span("charge", attributes={"order.id": order_id}):
        remember(order_id)
    raise RuntimeError("card service answered nonsense")


@app.post("/refuse/<order_id>")
def refuse(order_id):
    """The number is in an attribute of one log line only."""
    log.error("card refused", extra={"order_id": order_id})
    return jsonify(error="declined"), 502


@app.post("/note/<order_id>")
def note(order_id):
    """The same, under the name that many systems share."""
    log.error("card refused", extra={"correlation_id": order_id})
    return jsonify(error="declined"), 502


@app.post("/cached/<order_id>")
def cached(order_id):
    """Ask a cache that does not have it; a miss is no fault."""
    requests.get(f"{SELF}/cache/{order_id}", timeout=5)
    return jsonify(ok=True)


@app.get("/cache/<order_id>")
def cache(order_id):
    return jsonify(error="unknown"), 404
