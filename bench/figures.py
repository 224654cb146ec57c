"""How benchmarks print: one line a figure, with what it is compared to."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def line(name: str, value: str, aim: str = "", compared: str = "") -> None:
    """Print a figure, the aim, and the comparison."""
    print(f"{name:<58} {value:>16}   {aim:<18} {compared}", flush=True)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def timed(work: Callable[[], object], rounds: int) -> list[float]:
    """Return how many milliseconds each round took."""
    took = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        took.append((time.perf_counter() - start) * 1000)
    return took
