"""A FastAPI service that hooks our client with three lines; what it raises, FastAPI's server logs too."""

import logging
import logging.config

import uvicorn.config
from fastapi import FastAPI

import unsnag

# As a service that wants uvicorn's lines in its own log does.
logging.config.dictConfig({**uvicorn.config.LOGGING_CONFIG, "loggers": {}})
unsnag.init(flow="order-to-cash", service="api")
app = FastAPI()


@app.post("/pay/{order_id}")
def pay(order_id: str):
    with unsnag.unit(order_id, value="129.90", currency="EUR"), unsnag.step("pay"):
        raise ConnectionError("bank did not answer")
