"""A job for RQ that hooks our client; what it raises, RQ logs too."""

import unsnag

unsnag.init(flow="order-to-cash", service="shipping")


def ship(order_id):
    with unsnag.unit(order_id, value="129.90", currency="EUR"), unsnag.step("ship"):
        if order_id.endswith("7"):
            raise ConnectionError("carrier unreachable")
