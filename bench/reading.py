"""Ten million spans and ten thousand open cases: looking up, drawing the queue, starting, resting.

The rows are made inside DuckDB; what is measured is the product's own queries, page and process.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Self

import duckdb

from bench.figures import line, percentile, timed
from cases import units
from data.store import FILE_NAME, Store
from server import container as containers
from server.container import Container
from server.settings import load
from tests.journeys.serving import Server
from tests.telemetry import batch, log

SPANS = int(os.environ.get("BENCH_SPANS", "10_000_000"))
CASES = 10_000
SPANS_A_UNIT = 10
LOADED_RATE = 5_000
ROOT = Path(__file__).parents[1]

_FILL = (
    """
    insert into span by name
    select
        hash(i) as record_id,
        printf('%032x', i // 10) as trace_id,
        printf('%016x', i) as span_id,
        case when i % 10 > 0 then printf('%016x', i - i % 10) end as parent_span_id,
        ['accept', 'check', 'reserve', 'capture', 'invoice'][1 + i % 5] as name,
        'internal' as kind,
        timestamp '2026-11-01' + to_microseconds(i * 120_000) as time,
        timestamp '2026-11-01' + to_microseconds(i * 120_000 + 50_000) as end_time,
        50_000_000 as duration_ns,
        timestamp '2026-11-01' + to_microseconds(i * 120_000 + 90_000) as ingested_at,
        'ok' as status,
        'step' as role,
        'shop' as service,
        'order-to-cash' as flow,
        name as step,
        1 as attempt,
        'SO-' || (i // 10) as correlation_id,
        ['acme', 'globex', 'initech'][1 + (i // 10) % 3] as tenant,
        'bench' as source,
        ('{"http.status":200,"n":' || (i % 1000) || '}')::json::variant as attributes,
        '{"service.name":"shop"}'::json::variant as resource,
    from range($spans) as numbers (i)
    """,
    """
    insert into unit by name
    select
        correlation_id, flow, min(time) as first_seen, max(end_time) as last_seen, min(time) as opened_at,
        max(end_time) as completed_at, max(end_time) as first_completed_at, any_value(tenant) as tenant,
        10 as attempts, 0 as failed_attempts, 0 as errors,
    from span
    group by correlation_id, flow
    """,
    """
    insert into exception_case by name
    select
        printf('%016x', i) as id, 1 as version, 'open' as state,
        ['business', 'data', 'infrastructure'][1 + i % 3] as class,
        ['critical', 'high', 'medium', 'low'][1 + i % 4] as severity,
        'order-to-cash' as flow, 'capture-payment' as step, 'SO-' || i as correlation_id,
        'Payment gateway did not answer in time' as title, 'read timed out' as message,
        'TimeoutError' as error_type, printf('%04x', i % 40) as fingerprint, i * 1.5 as value_amount,
        'EUR' as value_currency, 1 as occurrences, 1 as attempts,
        timestamp '2026-11-01' + to_minutes(i) as opened_at, opened_at as first_seen, opened_at as last_seen,
        opened_at as updated_at, opened_at + to_hours(8) as due_at, 'acme' as tenant,
    from range($cases) as numbers (i)
    """,
)


def main() -> None:
    """Fill a store and print every figure."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        folder = Path(name)
        _fill(folder / "data")
        _in_process(folder)
        _as_a_process(folder)


def _fill(folder: Path) -> None:
    Store.open(folder).close()
    connection = duckdb.connect(str(folder / FILE_NAME), config={"memory_limit": "4GB"})
    start = time.perf_counter()
    for statement in _FILL:
        wanted = (
            {"spans": SPANS} if "$spans" in statement else {"cases": CASES} if "$cases" in statement else {}
        )
        connection.execute(statement, wanted)
    connection.execute("checkpoint")
    connection.close()
    line(f"filled {SPANS:,} spans, {CASES:,} open cases", f"{time.perf_counter() - start:.0f} s")
    size = (folder / FILE_NAME).stat().st_size
    line("on disk", f"{size / SPANS:.0f} B a span", "200 B")


def _in_process(folder: Path) -> None:
    container = Container.open(load(["--data", str(folder / "data"), "--spool", str(folder / "spool")], {}))
    containers.install(container)
    quiet = _unit_lookup(container.store), _queue_page()
    with _Load(container.store) as load_now:
        busy = _unit_lookup(container.store), _queue_page()
    for name, one, other in zip(
        ("one correlation ID, p95", "queue page script run, p95"), quiet, busy, strict=True
    ):
        line(name, f"{one:.1f} ms", "100 ms")
        line(
            f"… while {load_now.rate:,.0f} records/s come in",
            f"{other:.1f} ms",
            "200 ms",
            f"{other / one:.2f} × quiet",
        )
    containers.install(None)
    container.store.close()


def _unit_lookup(store: Store) -> float:
    last = SPANS // SPANS_A_UNIT
    wanted = [f"SO-{random.randrange(last)}" for _ in range(100)]
    took: list[float] = []
    for name in wanted:
        took += timed(lambda name=name: units.unit(store.everything(), name), 1)
    return percentile(took, 0.95)


def _queue_page() -> float:
    from streamlit.testing.v1 import AppTest  # noqa: PLC0415 - only this benchmark draws

    page = AppTest.from_function(_draw_queue, default_timeout=60)
    page.run()
    assert not page.exception, page.exception
    return percentile(timed(page.run, 40), 0.95)


def _draw_queue() -> None:
    from views.exceptions.page import page  # noqa: PLC0415 - runs inside Streamlit's script

    page()


class _Load:
    """Records that come in at a steady rate while something else is measured."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._sent = 0
        self.rate = 0.0

    def __enter__(self) -> Self:
        self._start = time.perf_counter()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.rate = self._sent / (time.perf_counter() - self._start)

    def _run(self) -> None:
        size = LOADED_RATE // 10
        while not self._stop.is_set():
            began = time.perf_counter()
            rows = [log(1e6 + self._sent + n, correlation_id=f"L-{n}", flow="load") for n in range(size)]
            self._store.append(batch(*rows)).result()
            self._sent += size
            self._stop.wait(max(0.0, 0.1 - (time.perf_counter() - began)))


def _as_a_process(folder: Path) -> None:
    server = Server(folder)
    start = time.perf_counter()
    server.start()
    ready = time.perf_counter() - start
    floor = _floor()
    line(
        "start to ready",
        f"{ready:.1f} s",
        "5 s",
        f"{ready / floor:.2f} × importing streamlit, duckdb, fastapi",
    )
    assert server.process is not None
    time.sleep(3)
    line("resident memory at rest", f"{_resident(server.process.pid):.0f} MiB", "350 MiB")
    server.stop()


def _resident(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    kilobytes = next(row for row in status.splitlines() if row.startswith("VmRSS")).split()[1]
    return int(kilobytes) / 1024


def _floor() -> float:
    code = "import streamlit, duckdb, pyarrow, fastapi, uvicorn"
    return min(timed(lambda: subprocess.run([sys.executable, "-c", code], check=True), 3)) / 1000


if __name__ == "__main__":
    main()
