"""Prints what commits, their statements and look-ups cost as the store grows: two sizes in one run.

Times are CPU of all threads, medians. BENCH_UNITS names the sizes in units, two spans each: 300000,3000000.
"""

from __future__ import annotations

import gc
import os
import random
import statistics
import tempfile
import time
from collections import Counter, defaultdict
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bench import varied
from bench.figures import line
from bench.filled import DAYS, fill
from bench.joining import GROUP
from bench.varied import SPANS
from cases import units
from cases.errors import TraceNotFoundError, UnitNotFoundError
from cases.intake import intake, prepare
from collectors.decode import Decoder
from collectors.normalise import Normaliser
from data import append
from data.store import Store
from data.transaction import Tx
from traces import joining
from traces import units as derived

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from data.records import Batch

SIZES = tuple(int(size) for size in os.environ.get("BENCH_UNITS", "300000,1000000").split(","))
ROUNDS = 6
WARM = 2
KNOWN = 24
"""Spans of a commit that name units which are there already."""
LOOKUPS = 40
PHASES = (
    (append, "to_arrow", "rows to Arrow"),
    (append, "_insert", "insert"),
    (joining, "join", "joining"),
    (derived, "derive", "units"),
)


class Figures(NamedTuple):
    """CPU in milliseconds by name: of a commit, of its parts, of look-ups."""

    commits: dict[str, float]
    parts: dict[str, float]
    lookups: dict[str, float]


def main() -> None:
    """Measure the same work in a small and in a large store."""
    now = time.time_ns()
    bodies = [varied.request(number, now) for number in range((WARM + ROUNDS) * GROUP * 3)]
    varied.check(bodies)
    batches = [_by_row(body) for body in bodies]
    found = []
    for size in SIZES:
        with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
            fill(Path(name), size, now // 1000)
            found.append(_measure(Path(name), batches))
    print(f"{'milliseconds of CPU, in a store of … units':<58} " + " ".join(f"{s:>12,}" for s in SIZES))
    for part in Figures._fields:
        shown = [getattr(figures, part) for figures in found]
        for name in sorted(shown[0], key=shown[-1].get, reverse=part == "parts"):
            values = [one.get(name, 0.0) for one in shown]
            if part != "parts" or max(values) >= 0.5:
                print(f"{name:<58} " + " ".join(f"{value:>12.1f}" for value in values))
    first, last = found[0], found[-1]
    for name, spent in last.commits.items():
        line(f"{name}, large over small store", f"{spent / first.commits[name]:.2f} ×", "at most 1.2 ×")


def _by_row(body: bytes) -> Batch:
    """Return a request with its spans in columns of Python values, which `_name_known` changes."""
    normaliser = Normaliser("otlp", "otlp", time.time_ns() // 1000)
    Decoder(normaliser, ()).traces(body)
    return normaliser.batch()


def _measure(folder: Path, batches: list[Batch]) -> Figures:
    store = Store.open(folder, intake)
    begun = time.process_time()
    store.act(prepare).result()
    opened = (time.process_time() - begun) * 1000
    gc.collect()
    named = {
        f"the same, {KNOWN} of them of units of three days": _ids(
            store, "first_seen > (select max(first_seen) from unit) - interval 3 day"
        ),
        f"the same, {KNOWN} of them of units of all {DAYS} days": _ids(store, "true"),
    }
    commits: dict[str, float] = {"getting ready": opened}
    with _parts() as spent:
        third = len(batches) // 3
        commits["4,096 new spans"] = _commits(store, batches[:third], spent)
        parts = {name: took / ROUNDS for name, took in spent.items()}
        for number, (name, ids) in enumerate(named.items(), 1):
            own = batches[third * number : third * (number + 1)]
            for batch in own:
                _name_known(batch, ids)
            commits[name] = _commits(store, own, spent)
    lookups = _lookups(store)
    store.close()
    return Figures(commits, parts, lookups)


def _commits(store: Store, batches: list[Batch], spent: Counter[str]) -> float:
    took = []
    for first in range(0, len(batches), GROUP):
        if first == WARM * GROUP:
            spent.clear()
        begun = time.process_time()
        for future in [store.append(batch) for batch in batches[first : first + GROUP]]:
            future.result()
        took.append((time.process_time() - begun) * 1000)
    return statistics.median(took[WARM:])


def _name_known(batch: Batch, ids: list[str]) -> None:
    """Give some spans of a batch the ID of a unit that the store holds."""
    for place in random.sample(range(SPANS), KNOWN // GROUP):
        batch.spans["correlation_id"][place] = random.choice(ids)
        batch.spans["flow"][place] = "order-to-cash"


@contextmanager
def _parts() -> Iterator[Counter[str]]:
    """Count the CPU of each statement and phase while it is open."""
    spent: Counter[str] = Counter()
    kept = [(Tx, name) for name in ("run", "arrow", "view")] + [(m, f) for m, f, _ in PHASES]
    originals = [(owner, name, getattr(owner, name)) for owner, name in kept]
    titles: dict[str, str] = {name: title for _, name, title in PHASES}
    for owner, name, original in originals:
        setattr(owner, name, _timed(original, spent, titles.get(name)))
    try:
        yield spent
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)


def _timed(work: Callable[..., Any], spent: Counter[str], title: str | None) -> Callable[..., Any]:
    def timed(*args: Any, **options: Any) -> Any:
        begun = time.process_time()
        try:
            return work(*args, **options)
        finally:
            name = f"  phase: {title}" if title else f"  {args[1]}" if work.__name__ != "view" else "  views"
            spent[name] += (time.process_time() - begun) * 1000

    return timed


def _ids(store: Store, condition: str, column: str = "correlation_id") -> list[str]:
    sql = f"select {column} as id from unit where {condition} order by hash({column}) limit {LOOKUPS}"  # noqa: S608
    return [row["id"] for row in store.act(lambda tx: tx.execute(sql)).result()]


def _lookups(store: Store) -> dict[str, float]:
    reading = store.everything()
    short = _ids(store, "last_seen - first_seen < interval 1 hour")
    waited = _ids(store, "last_seen - first_seen > interval 1 day")
    traces = [reading.query("units/traces_of_unit", _always(one))[0]["trace_id"] for one in short[:20]]
    unknown = [f"SO-{random.randrange(10**6)}-{random.randbytes(4).hex()}" for _ in range(4)]
    works: dict[str, tuple[Callable[[str], object], list[str]]] = {
        "everything of one ID": (lambda one: units.unit(reading, one), short),
        "… of one that waited for days": (lambda one: units.unit(reading, one), waited),
        "… in other capitals": (lambda one: units.unit(reading, one.lower()), short[:10]),
        "an ID that nobody sent": (lambda one: units.unit(reading, one), unknown),
        "a trace by its ID": (lambda one: units.trace(reading, one), traces),
        "a trace that nobody sent": (lambda one: units.trace(reading, one), unknown),
        "search: an ID": (lambda one: units.search(reading, one), short[:10]),
        "search: the beginning of IDs": (lambda one: units.search(reading, one[:8]), short[:10]),
        "search: what nobody sent": (lambda one: units.search(reading, one), unknown),
    }
    found: dict[str, list[float]] = defaultdict(list)
    for name, (work, wanted) in works.items():
        for number, one in enumerate(wanted):
            begun = time.process_time()
            with suppress(UnitNotFoundError, TraceNotFoundError):
                work(one)
            if number:
                found[name].append((time.process_time() - begun) * 1000)
    return {name: statistics.median(took) for name, took in found.items()}


def _always(one: str) -> dict[str, Any]:
    return {"id": one, "low": datetime(1970, 1, 1), "high": datetime(9999, 1, 1)}  # noqa: DTZ001 - naive UTC


if __name__ == "__main__":
    main()
