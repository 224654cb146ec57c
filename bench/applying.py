"""Prints what applying a mapping to earlier records costs in a large store, and how long others wait.

BENCH_LOGS says how many log records the store holds, BENCH_PAGES how many pages of 10,000 are mapped again.
"""

from __future__ import annotations

import os
import random
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson

from access.commands import perform
from bench.figures import line, percentile
from collectors.applying import PAGE, Applying, ApplyMapping
from collectors.kept_mappings import SaveMapping
from collectors.lines import Reader
from collectors.normalise import Normaliser
from collectors.piece import Piece
from collectors.sources import Sources
from data.clock import micros, utc_now
from server.container import Container
from server.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from data.records import Batch

LOGS: Final = int(os.environ.get("BENCH_LOGS", "1000000"))
PAGES: Final = int(os.environ.get("BENCH_PAGES", "6"))
BATCH: Final = 10_000
DAYS: Final = 14
PAUSE_S: Final = 0.1
"""Between the commits of others."""
FAILS: Final = 50
"""One line of so many reports an error."""
LINES_AN_ORDER: Final = 5
SOURCE: Final = "press"
MAPPING: Final = """correlation_id = { from = "message", pattern = 'SO-\\d+' }
flow = "'press'"
step = "action"
value_amount = "total"
"""


def main() -> None:
    """Fill a store, and map some pages of it again beside commits of another source."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        settings = Settings.model_validate({
            "data": Path(name), "collectors": {"jsonl": [{"name": SOURCE, "paths": [f"{name}/press.log"]}]},
        })  # fmt: skip
        container = Container.open(settings)
        try:
            _measure(container, settings)
        finally:
            container.close()


def _measure(container: Container, settings: Settings) -> None:
    store = container.store
    for batch in _batches(LOGS, SOURCE, LINES_AN_ORDER):
        store.append(batch).result()
    sources = Sources(store, settings.collectors, (), "", container.mappings)
    ctx = container.as_system()
    perform(SaveMapping(SOURCE, 0, text=MAPPING), ctx)
    perform(ApplyMapping(SOURCE, (SOURCE,), DAYS + 1), ctx)
    worker = Applying(store, sources, container.authority.limit_of_token, lambda: 0)
    others = Others(container)
    alone = others.during(lambda: time.sleep(5))
    begun, cpu = time.perf_counter(), time.process_time()
    meanwhile = others.during(lambda: [worker.step() for _ in range(PAGES)])
    took, spent, rows = time.perf_counter() - begun, time.process_time() - cpu, PAGES * PAGE
    line(
        f"a mapping applied in a store of {LOGS:,} log records",
        f"{rows / took:,.0f} /s",
        "",
        f"{rows:,} rows",
    )
    line("CPU of a record, with the commits of others", f"{spent / rows * 1e6:,.0f} µs")
    for share, title in ((0.5, "p50"), (0.95, "p95"), (1.0, "longest")):
        found = f"{percentile(meanwhile, share) * 1000:,.0f} ms"
        line(
            f"a commit of others meanwhile, {title}",
            found,
            "",
            f"{percentile(alone, share) * 1000:,.0f} ms alone",
        )


class Others:
    """Another source, which commits a few records at a time."""

    def __init__(self, container: Container) -> None:
        self._store = container.store
        self._batches = _batches(10**9, "van", 1, size=10)

    def during(self, work: Callable[[], object]) -> list[float]:
        """Return how many seconds each commit took while `work` lasted."""
        took: list[float] = []
        done = threading.Event()

        def commit() -> None:
            while not done.wait(PAUSE_S):
                batch = next(self._batches)
                begun = time.perf_counter()
                self._store.append(batch).result()
                took.append(time.perf_counter() - begun)

        thread = threading.Thread(target=commit)
        thread.start()
        try:
            work()
        finally:
            done.set()
            thread.join()
        return took


def _batches(total: int, source: str, lines_an_order: int, size: int = BATCH) -> Iterator[Batch]:
    """Yield records of the last days in the order of their times, all different."""
    rng = random.Random(10)
    begun = datetime.now(UTC) - timedelta(days=DAYS)
    apart = timedelta(days=DAYS) / max(min(total, LOGS), 1)
    for first in range(0, total, size):
        n = Normaliser(source, "jsonl", micros(utc_now()))
        lines = [
            _line(rng, number, number // lines_an_order, begun + apart * number)
            for number in range(first, min(first + size, total))
        ]
        Reader.into(n).read(Piece(lines, None, first * 1000, hash(source) & 0xFFFF, final=True))
        yield n.batch()


def _line(rng: random.Random, number: int, order: int, moment: datetime) -> bytes:
    fails = number % FAILS == 0
    text = f"printer jam {rng.randrange(10**6)}" if fails else f"printed copy {rng.randrange(10**6)}"
    return orjson.dumps(
        {
            "timestamp": moment.isoformat(),
            "level": "error" if fails else "info",
            "event": f"{text} of SO-{order}",
            "action": ("print", "cut", "pack")[number % 3],
            "total": f"{rng.randrange(10**5) / 100:.2f}",
            "host.name": f"press-{rng.randrange(20)}",
            "note": rng.randbytes(6).hex(),
        }
    )


if __name__ == "__main__":
    main()
