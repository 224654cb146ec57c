"""A Celery application whose tasks write into their spans which position of which batch they are."""

from opentelemetry import trace

from tasks import app


@app.task
def ship(batch, position, order_id, carrier):
    trace.get_current_span().set_attributes({"batch.id": batch, "batch.position": position})
    if order_id.endswith("7") and carrier == "down":
        raise ConnectionError("carrier unreachable")
