"""Put jobs into RQ's queue."""

import os
import sys

from redis import Redis
from rq import Queue

queue = Queue(connection=Redis.from_url(os.environ["REDIS"]))
for order_id in sys.argv[2:]:
    queue.enqueue(sys.argv[1], order_id)
