"""A real Celery worker with an in-memory broker. Argument: the file of the truth."""

import logging
import sys
import threading

from celery import Celery
from celery.utils.log import get_task_logger
from telling import Declined, Truth, events, fail

app = Celery("shop", broker="memory://", backend="cache+memory://")
app.conf.worker_hijack_root_logger = True
truth = Truth(sys.argv[1])
log = get_task_logger("shop.tasks")
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}


def note(task, event):
    kind = "telling.Declined" if event.failure else "-"
    truth.note(event, logger="shop.pay", id=task.request.id, type=kind)


@app.task(bind=True, name="shop.pay")
def pay(self, n):
    event = events()[n]
    if event.failure:
        try:
            fail(event)
        except Declined:
            note(self, event)
            log.log(LEVELS[event.severity], event.message, exc_info=True)
    else:
        note(self, event)
        log.log(LEVELS[event.severity], event.message)
    if n == len(events()) - 1:
        threading.Timer(2, app.control.shutdown).start()


@app.task(bind=True, name="shop.refuse")
def refuse(self, n):
    raise Declined(f"refused {n}")


if __name__ == "__main__":
    for number, event in enumerate(events()):
        if event.severity == "debug":
            continue
        pay.delay(number)
        if number % 12 == 0:
            refuse.delay(number)
    app.worker_main(
        [
            "worker",
            "--pool",
            "threads",
            "--concurrency",
            "2",
            "--loglevel",
            "INFO",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
        ]
    )
