"""Brokers and queues: Redis, Kafka, RabbitMQ, Celery."""

import time

import celery
import celery.exceptions
import confluent_kafka
import kafka
import kafka.errors
import pika
import redis
from celery.exceptions import MaxRetriesExceededError, SoftTimeLimitExceeded

B, D, I = "business", "data", "infrastructure"


def programs(w):
    def r(**more):
        return redis.Redis(port=w.redis(), socket_timeout=1, **more)

    yield "redis/refused", I, lambda: redis.Redis(port=w.refused).get("x")
    yield "redis/silent", I, lambda: redis.Redis(port=w.silent, socket_timeout=0.2).get("x")
    yield "redis/unknown_host", I, lambda: redis.Redis("cache.invalid").get("x")
    yield "redis/hangup", I, lambda: redis.Redis(port=w.hangup, socket_timeout=1, retry=None).get("x")
    yield "redis/wrong_type", D, lambda: (r().set("a", "text"), r().lpush("a", 1))
    yield "redis/no_integer", D, lambda: (r().set("b", "n/a"), r().incr("b"))
    yield "redis/memory", I, lambda: _memory(r())
    yield "redis/password", I, lambda: r().execute_command("AUTH", "nobody", "wrong")
    yield "redis/unknown_command", I, lambda: r().execute_command("HGETALLX", "a")
    yield "redis/readonly", I, lambda: _replica(w)
    yield "redis/noscript", I, lambda: r().evalsha("0" * 40, 0)
    yield "redis/lock", I, lambda: _lock(r())
    yield "redis/lock_lost", I, lambda: _lock_lost(r())
    yield "redis/script", I, lambda: r().eval("return nothing.here", 0)

    yield (
        "kafka/no_broker",
        I,
        lambda: kafka.KafkaProducer(bootstrap_servers=f"127.0.0.1:{w.refused}", bootstrap_timeout_ms=300),
    )
    yield (
        "kafka/metadata",
        I,
        lambda: kafka.KafkaProducer(
            bootstrap_servers=f"127.0.0.1:{w.refused}", max_block_ms=300, api_version=(2, 5, 0)
        ).send("orders", b"x"),
    )
    for code, label in (
        (3, I),
        (5, I),
        (6, I),
        (7, I),
        (10, D),
        (15, I),
        (16, I),
        (19, I),
        (20, I),
        (27, I),
        (29, I),
        (30, I),
        (36, I),
        (41, I),
        (58, I),
        (2, D),
        (1, I),
        (45, I),
        (87, D),
        (48, I),
    ):
        yield f"kafka/code_{code}", label, lambda c=code: _raise(kafka.errors.for_code(c)("orders"))
    yield "kafka/config", "unknown", lambda: kafka.KafkaProducer(boostrap_servers="x")
    yield "kafka/too_large", D, lambda: _too_large(w)
    E = confluent_kafka.KafkaError
    for name, label in (
        ("_ALL_BROKERS_DOWN", I),
        ("_TRANSPORT", I),
        ("_TIMED_OUT", I),
        ("_MSG_TIMED_OUT", I),
        ("_AUTHENTICATION", I),
        ("_SSL", I),
        ("_RESOLVE", I),
        ("_UNKNOWN_TOPIC", I),
        ("_VALUE_DESERIALIZATION", D),
        ("_BAD_MSG", D),
        ("UNKNOWN_TOPIC_OR_PART", I),
        ("MSG_SIZE_TOO_LARGE", D),
        ("TOPIC_AUTHORIZATION_FAILED", I),
        ("NOT_ENOUGH_REPLICAS", I),
        ("INVALID_RECORD", D),
        ("REBALANCE_IN_PROGRESS", I),
        ("_QUEUE_FULL", I),
        ("_FENCED", I),
    ):
        yield (
            f"confluent/{name.strip('_').lower()}",
            label,
            lambda n=name: _raise(confluent_kafka.KafkaException(E(getattr(E, n)))),
        )
    yield (
        "confluent/list_topics",
        I,
        lambda: confluent_kafka.Producer(
            {"bootstrap.servers": f"127.0.0.1:{w.refused}", "logger": __import__("logging").getLogger("q")}
        ).list_topics(timeout=0.3),
    )
    yield "confluent/config", I, lambda: confluent_kafka.Producer({"bootstrap.server": "x"})

    yield (
        "pika/refused",
        I,
        lambda: pika.BlockingConnection(
            pika.ConnectionParameters("127.0.0.1", w.refused, connection_attempts=1, socket_timeout=1)
        ),
    )
    yield (
        "pika/no_amqp",
        I,
        lambda: pika.BlockingConnection(
            pika.ConnectionParameters("127.0.0.1", w.garbage, connection_attempts=1, socket_timeout=1)
        ),
    )
    yield (
        "pika/hangup",
        I,
        lambda: pika.BlockingConnection(
            pika.ConnectionParameters("127.0.0.1", w.hangup, connection_attempts=1, socket_timeout=1)
        ),
    )
    yield (
        "pika/unknown_host",
        I,
        lambda: pika.BlockingConnection(pika.ConnectionParameters("mq.invalid", connection_attempts=1)),
    )
    yield (
        "pika/no_queue",
        I,
        lambda: _raise(
            pika.exceptions.ChannelClosedByBroker(404, "NOT_FOUND - no queue 'orders' in vhost '/'")
        ),
    )
    yield (
        "pika/inequivalent",
        I,
        lambda: _raise(
            pika.exceptions.ChannelClosedByBroker(
                406, "PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'orders' in vhost '/'"
            )
        ),
    )
    yield (
        "pika/heartbeat",
        I,
        lambda: _raise(
            pika.exceptions.AMQPHeartbeatTimeout(
                "No activity or too many missed heartbeats in the last 60 seconds"
            )
        ),
    )
    yield "pika/unroutable", I, lambda: _raise(pika.exceptions.UnroutableError([]))

    app = celery.Celery("shop", broker=f"redis://127.0.0.1:{w.refused}/0", backend="cache+memory://")
    app.conf.broker_transport_options = {"max_retries": 0}
    app.conf.task_publish_retry = False
    yield "celery/broker_down", I, lambda: app.send_task("ship", retry=False)
    yield "celery/not_registered", I, lambda: app.tasks["shop.ship"]
    yield "celery/retries_over", I, lambda: _retries_over(app)
    yield "celery/soft_limit", I, lambda: _raise(SoftTimeLimitExceeded())
    yield (
        "celery/worker_lost",
        I,
        lambda: _raise(
            celery.exceptions.WorkerLostError("Worker exited prematurely: signal 9 (SIGKILL) Job: 4.")
        ),
    )
    yield "celery/time_limit", I, lambda: _raise(celery.exceptions.TimeLimitExceeded(300))
    yield "celery/result_timeout", I, lambda: app.AsyncResult("0b1").get(timeout=0.2, interval=0.05)
    yield "celery/content", D, lambda: _content()


def _raise(error):
    raise error


def _memory(conn):
    conn.config_set("maxmemory", "1mb")
    try:
        conn.set("big", "x" * 5_000_000)
    finally:
        conn.config_set("maxmemory", "0")


def _replica(w):
    conn = redis.Redis(port=w.redis())
    conn.execute_command("REPLICAOF", "127.0.0.1", str(w.refused))
    try:
        conn.set("x", 1)
    finally:
        conn.execute_command("REPLICAOF", "NO", "ONE")


def _lock(conn):
    conn.set("lock", "held", ex=5)
    with conn.lock("lock", blocking_timeout=0.1):
        pass


def _lock_lost(conn):
    lock = conn.lock("lock2", timeout=5)
    lock.acquire()
    conn.delete("lock2")
    lock.release()


def _too_large(w):
    producer = kafka.KafkaProducer(
        bootstrap_servers=f"127.0.0.1:{w.refused}",
        max_block_ms=200,
        api_version=(2, 5, 0),
        max_request_size=100,
    )
    producer._ensure_valid_record_size(2_000_000)


def _retries_over(app):
    @app.task(bind=True, max_retries=0)
    def ship(self):
        raise self.retry(countdown=0)

    ship.apply(throw=True)


def _content():
    from kombu.serialization import loads

    loads(b"\x80", "application/x-python-serialize", "binary")
