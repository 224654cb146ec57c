"""Batches over 100,000 exceptions: freezing all of them, and 5,000 acts of each kind while spans come in.

The spans come at 2,000 a second in requests of 100, through the store's own `append` with the intake of
cases. What is measured is the time from the start to the last act, the longest wait of another person's
claim in between, and the memory of the process.
"""

from __future__ import annotations

import contextlib
import os
import resource
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from access.authority import Authority
from access.commands import perform
from access.context import RequestContext
from access.directory import Directory
from access.limits import Limits
from audit.actor import Actor
from bench.figures import line
from bench.groups import fill as fill_cases
from cases import ordering
from cases.batch_commands import FreezeBatch, StartBatch
from cases.batch_queries import one
from cases.batch_runner import step
from cases.commands import Claim
from cases.intake import intake
from cases.queries import CaseFilter
from cases.retries import lease_next
from data.clock import utc_now
from data.records import Batch
from data.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

ACTS: Final = 5_000
RATE, REQUEST = 2_000, 100
_OUT = {"claim": {}, "release": {}, "retry": {"reason": "the gateway is back"}}
_RESOLVE = {"code": "fixed_upstream", "reason": "the certificate was renewed"}


def main() -> None:
    """Fill a store and print the figures."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        Store.open(name).close()
        fill_cases(Path(name))
        store = Store.open(name, intake)
        authority = Authority(Directory(), local=True)
        ctx = RequestContext(Actor("ann"), store, authority, Limits())
        lease_next(RequestContext(Actor("w", "service"), store, authority, Limits()), None)
        _freeze(ctx)
        with _spans(store) as sent:
            for verb, given in {**_OUT, "resolve": _RESOLVE}.items():
                _acts(ctx, verb, given)
            line("spans committed meanwhile", f"{len(sent) * REQUEST:,}")
        store.close()


def _freeze(ctx: RequestContext) -> None:
    tenant = CaseFilter(tenant=["acme"], state=["open", "recovered"])
    took, spent = [], time.process_time()
    for verb in ("claim", "retry", "resolve"):
        began = time.perf_counter()
        frozen = perform(FreezeBatch(verb, tenant, undeclared=True), ctx)
        took.append(time.perf_counter() - began)
    asked = frozen.total + frozen.left_out
    cpu = (time.process_time() - spent) / len(took)
    name = f"frozen list of {asked:,} exceptions, slowest of {len(took)}"
    line(name, f"{max(took):.2f} s", "2 s", f"CPU {cpu:.2f} s each")


def _acts(ctx: RequestContext, verb: str, given: dict[str, str]) -> None:
    reading = ctx.reading
    wanted = {"claim": "open", "release": "claimed"}.get(verb, "open")
    rows = reading.query("cases/cases", {
        **CaseFilter().params(), "state": [wanted], "limit": ACTS, "offset": 0, "ended": [],
        **ordering.params(None),
    })  # fmt: skip
    frozen = perform(FreezeBatch(verb, None, ids=tuple(row["id"] for row in rows), undeclared=True), ctx)
    perform(StartBatch(frozen.id, **given), ctx)
    began, slowest = time.perf_counter(), 0.0
    other = RequestContext(Actor("bob"), ctx.store, ctx.authority, ctx.limits)
    with _claiming(other) as waits:
        while step(ctx.as_system(), frozen.id):
            pass
    slowest = max(waits, default=0.0)
    batch = one(ctx, frozen.id).batch
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line(
        f"{verb}: {batch.done:,} acts, {batch.skipped} skipped, {batch.failed} failed",
        f"{time.perf_counter() - began:.1f} s",
        "60 s",
        f"another's claim waits {slowest * 1000:.0f} ms at most, peak {memory:.0f} MB",
    )


@contextlib.contextmanager
def _claiming(ctx: RequestContext) -> Iterator[list[float]]:
    """Let somebody else claim and renew one exception all the time; yield how long each took."""
    stop, waits = threading.Event(), []
    (last,) = ctx.reading.query("cases/cases", {
        **CaseFilter().params(), "state": ["open"], "limit": 1, "offset": 60_000, "ended": [],
        **ordering.params(None),
    })  # fmt: skip

    def work() -> None:
        while not stop.wait(0.5):
            began = time.perf_counter()
            perform(Claim(last["id"]), ctx)
            waits.append(time.perf_counter() - began)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield waits
    finally:
        stop.set()
        thread.join()


@contextlib.contextmanager
def _spans(store: Store) -> Iterator[list[object]]:
    """Send spans at a steady rate; yield what was acknowledged."""
    stop, sent = threading.Event(), []

    def work() -> None:
        due, number = time.perf_counter(), 0
        while not stop.is_set():
            store.append(_request(number)).add_done_callback(sent.append)
            number += 1
            due += REQUEST / RATE
            time.sleep(max(0.0, due - time.perf_counter()))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield sent
    finally:
        stop.set()
        thread.join()


def _request(number: int) -> Batch:
    batch, now = Batch(source="bench", kind="otlp"), int(utc_now().timestamp() * 1_000_000)
    for place in range(REQUEST):
        unit = number * REQUEST + place
        row = {
            "record_id": hash((number, place)) & (2**64 - 1),
            "trace_id": f"{unit // 4:032x}",
            "span_id": f"{unit:016x}",
            "name": "charge",
            "kind": "internal",
            "time": now,
            "end_time": now + 40_000,
            "duration_ns": 40_000_000,
            "ingested_at": now,
            "status": "unset",
            "service": "card-job",
            "flow": "order-to-cash",
            "correlation_id": f"B-{unit // 4}",
            "source": "bench",
            "attributes": "{}",
            "resource": "{}",
            "events": "[]",
            "links": "[]",
        }
        for name, values in batch.spans.items():
            values.append(row.get(name))
    return batch


if __name__ == "__main__":
    main()
