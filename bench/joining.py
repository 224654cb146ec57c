"""Prints what joining costs: commits of varied spans with it and without it, in an empty and in a full store.

Eight spans a trace, one span of fifty fails, so that 15 % of the traces have to be resolved and open a case.
Without joining, the same rows are committed and their units derived, and nobody looks at failures.
Times are CPU time of all threads. BENCH_FULL_SPANS says how much the full store holds.
"""

from __future__ import annotations

import gc
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench import varied
from bench.figures import line
from bench.filled import fill
from bench.varied import SPANS
from cases.intake import intake, prepare
from collectors import together
from collectors.decode import Decoder
from data.clock import stored, utc_now
from data.store import Store
from traces import signals, units
from traces.resolving import Difference
from traces.tenants import learn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from data.records import Batch
    from data.transaction import Tx

FULL = int(os.environ.get("BENCH_FULL_SPANS", "1_600_000"))
GROUP = 8
ROUNDS = 8
WARM = 2


def main() -> None:
    """Measure commits in an empty and in a full store, with and without joining in turns."""
    now = time.time_ns()
    bodies = [varied.request(number, now) for number in range((WARM + ROUNDS) * GROUP)]
    varied.check(bodies)
    batches = decoded(bodies)
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


def decoded(bodies: Sequence[bytes]) -> list[Batch]:
    """Return requests as the store takes them, decoded in groups as the receiver does."""
    made = []
    for first in range(0, len(bodies), GROUP):
        for found in together.decode([together.Body(body) for body in bodies[first : first + GROUP]], ()):
            assert isinstance(found, Decoder)
            made.append(found.batch())
    return made


def _decoding(now: int) -> float:
    """Return the microseconds of CPU that decoding takes a span."""
    took = []
    for turn in range(WARM + ROUNDS):
        bodies = [varied.request(turn * GROUP + number, now) for number in range(GROUP)]
        begun = time.process_time()
        decoded(bodies)
        took.append((time.process_time() - begun) / GROUP / SPANS * 1e6)
    return statistics.median(took[WARM:])


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
