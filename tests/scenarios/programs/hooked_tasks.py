"""A Celery application that hooks our client; what its task raises, Celery logs too."""

import os

from celery import Celery
from celery.signals import worker_process_init

import unsnag

app = Celery("tasks", broker=os.environ["REDIS"])


@worker_process_init.connect(weak=False)
def hook(*args, **kwargs):
    unsnag.init(flow="order-to-cash", service="shipping")


@app.task(name="tasks.ship")
def ship(order_id):
    with unsnag.unit(order_id, value="129.90", currency="EUR"), unsnag.step("ship"):
        if order_id.endswith("7"):
            raise ConnectionError("carrier unreachable")
