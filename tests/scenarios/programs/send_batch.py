"""Put a batch of orders into the queue of a Celery application as a group, all or some of its positions."""

import sys

from batch_tasks import ship
from celery import group

batch, carrier, *positions = sys.argv[1:]
orders = ["SO-7", "SO-8", "SO-17", "SO-27"]
group(ship.s(batch, int(n), orders[int(n)], carrier) for n in positions).apply_async()
