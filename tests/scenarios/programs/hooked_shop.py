"""A Flask service that hooks our client; it may be run by opentelemetry-instrument as well."""

from flask import Flask

import unsnag

unsnag.init(flow="order-to-cash", service="shop")
app = Flask(__name__)


@app.post("/pay/<order_id>")
def pay(order_id):
    with unsnag.unit(order_id, value="129.90", currency="EUR"), unsnag.step("pay"):
        raise ConnectionError("bank did not answer")
