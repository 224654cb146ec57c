"""Prints what joining costs: commits of varied spans with it and without it, in an empty and in a full store.

Eight spans a trace, one span of fifty fails, so that 15 % of the traces have to be resolved and open a case.
Without joining, the same rows are committed and their units derived, and nobody looks at failures.
Times are CPU time of all threads. BENCH_FULL_SPANS says how much the full store holds.
"""

from __future__ import annotations

import gc
import os
import random
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.figures import line
from bench.filled import fill
from cases.intake import intake, prepare
from collectors.decode import Decoder
from collectors.normalise import Normaliser
from data.clock import stored, utc_now
from data.store import Store
from traces import signals, units
from traces.resolving import Difference
from traces.tenants import learn

if TYPE_CHECKING:
    from data.records import Batch
    from data.transaction import Tx

FULL = int(os.environ.get("BENCH_FULL_SPANS", "1_600_000"))
SPANS = 512
GROUP = 8
ROUNDS = 8
WARM = 2
SERVICES = tuple(
    f"{place}-{kind}" for place in ("order", "stock", "card", "label") for kind in ("api", "job")
)
ERRORS = ("psycopg.errors.DeadlockDetected", "requests.exceptions.ReadTimeout", "KeyError", "ValueError")


def main() -> None:
    """Measure commits in an empty and in a full store, with and without joining in turns."""
    now = time.time_ns()
    batches = [decoded(varied_request(number, now)) for number in range((WARM + ROUNDS) * GROUP)]
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        fill(Path(name) / "full", FULL // 2, now // 1000)
        empty = _pair(Path(name), None, batches)
        full = _pair(Path(name), Path(name) / "full", batches)
    decoding = _decoding(now)
    for words, (with_joining, without) in (("an empty store", empty), (f"a store of {FULL:,} spans", full)):
        share = (with_joining - without) / (with_joining + decoding)
        line(
            f"joining and cases, varied spans, {words}",
            f"{with_joining - without:.1f} µs",
            "at most 10 %",
            f"{share:.0%} of decoding and committing a span ({with_joining + decoding:.1f} µs of CPU)",
        )
    line("a commit in the full store", f"{full[0] / empty[0]:.2f} ×", "at most 1.2 ×", "of the same, empty")


def varied_request(number: int, now: int) -> bytes:
    """Return an export request of 512 spans with varied values: 64 traces of one order each."""
    rng, request, parts = random.Random(number), ExportTraceServiceRequest(), {}
    for _ in range(SPANS // 8):
        order = {
            "unsnag.correlation_id": f"SO-{rng.randrange(10**9)}-{rng.randbytes(3).hex()}",
            "unsnag.flow": rng.choice(("order-to-cash", "returns", "invoicing")),
            "unsnag.tenant": rng.choice(("acme", "globex", "initech")),
        }
        trace, ids = rng.randbytes(16), [rng.randbytes(8) for _ in range(8)]
        start = now - rng.randrange(500 * 10**9)
        for place in range(8):
            service = rng.choice(SERVICES)
            if service not in parts:
                resource = request.resource_spans.add()
                resource.resource.attributes.add(key="service.name").value.string_value = service
                parts[service] = resource.scope_spans.add()
            begun = start + place * 3_000_000
            made = parts[service].spans.add(
                trace_id=trace,
                span_id=ids[place],
                parent_span_id=ids[rng.randrange(place)] if place else b"",
                name=f"POST /{service}/{{id}}",
                kind=3 if place else 2,
                start_time_unix_nano=begun,
                end_time_unix_nano=begun + rng.randrange(10**9),
            )
            _describe(made, rng, order)
    return request.SerializeToString()


def _describe(made: Any, rng: random.Random, order: dict[str, str]) -> None:
    number = rng.randrange(10**8)
    values = order | {
        "url.full": f"https://shop.example.net/orders/{number}?q={rng.randrange(10**6)}",
        "client.address": ".".join(str(rng.randrange(1, 255)) for _ in range(4)),
        "db.query.text": f"orders of {number}, at most {rng.randrange(200)} rows, latest first",
        "app.note": f"{rng.choice(SERVICES)} {rng.randrange(10**7)}",
    }
    for key, value in values.items():
        made.attributes.add(key=key).value.string_value = value
    if rng.random() < 0.02:
        kind = rng.choice(ERRORS)
        made.status.code = 2
        event = made.events.add(time_unix_nano=made.end_time_unix_nano, name="exception")
        event.attributes.add(key="exception.type").value.string_value = kind
        event.attributes.add(key="exception.message").value.string_value = f"order {number} failed"


def decoded(body: bytes) -> Batch:
    """Return a request as the store takes it."""
    normaliser = Normaliser("otlp", "otlp", time.time_ns() // 1000)
    Decoder(normaliser, ()).traces(body)
    return normaliser.batch()


def _decoding(now: int) -> float:
    """Return the microseconds of CPU that decoding takes a span."""
    bodies = [varied_request(number, now) for number in range(GROUP)]
    begun = time.process_time()
    for body in bodies:
        decoded(body)
    return (time.process_time() - begun) / GROUP / SPANS * 1e6


def _pair(folder: Path, full: Path | None, batches: list[Batch]) -> tuple[float, float]:
    """Return the microseconds of CPU a span of a commit with joining and of one without it: medians."""
    stores = []
    for number, way in enumerate((intake, _without_joining)):
        place = folder / f"{'full' if full else 'empty'}-{number}"
        if full:
            shutil.copytree(full, place)
        stores.append(Store.open(place, way))
        stores[-1].act(prepare).result()
    gc.collect()
    took: list[list[float]] = [[], []]
    for first in range(0, len(batches), GROUP):
        for number, store in enumerate(stores):
            took[number].append(_commit(store, batches[first : first + GROUP]))
    for store in stores:
        store.close()
    with_joining, without = (statistics.median(one[WARM:]) for one in took)
    return with_joining, without


def _commit(store: Store, group: list[Batch]) -> float:
    begun = time.process_time()
    for future in [store.append(batch) for batch in group]:
        future.result()
    return (time.process_time() - begun) / len(group) / SPANS * 1e6


def _without_joining(tx: Tx) -> None:
    """Derive units from what records say themselves: what a commit does beside joining."""
    nothing = Difference()
    signals.write(tx, nothing, stored(utc_now()))
    units.derive(tx, nothing, learn(tx, nothing))


if __name__ == "__main__":
    main()
