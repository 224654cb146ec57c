"""Put orders into the queue of a Celery application, and wait until it is empty."""

import sys
import time

import redis

import importlib

module = importlib.import_module(sys.argv[1])
app, ship = module.app, module.ship

for order_id in sys.argv[2:]:
    ship.delay(order_id)
broker = redis.Redis.from_url(app.conf.broker_url)
while broker.llen("celery"):
    time.sleep(0.05)
