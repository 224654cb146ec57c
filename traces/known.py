"""Which IDs and traces the store holds, in 64 bits each, and when their rows begin.

A commit asks this for every ID that it brings. That an ID is new, the common case, costs no look at the
store; for one that is known it says which times a statement has to read.
Two texts with the same 64 bits cost a look in vain, never a wrong answer.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    Run = tuple[np.ndarray, ...]
    """Keys, and where times matter the earliest and the latest of each."""

NEVER: Final = 2**62
"""Microseconds that no record reaches."""


class Known:
    """Keys with the earliest and the latest time that each was given. Changed only after a commit.

    The keys lie in sorted runs. A run as large as the one before it is merged with that, so that there are
    some 20 runs at the most and each key is sorted as many times.
    """

    def __init__(self) -> None:
        self._runs: list[Run] = []

    def __len__(self) -> int:
        """Count the keys; one that was added twice may count twice."""
        return sum(len(run[0]) for run in self._runs)

    def add(self, keys: np.ndarray, times: tuple[np.ndarray, np.ndarray] | None = None) -> None:
        """Note keys; a key that is known already takes in the new times.

        Args:
            keys: Unsigned 64 bits each, in any order.
            times: For each key its earliest and its latest time in microseconds; always or never.
        """
        if not len(keys):
            return
        self._runs.append(_sorted(keys, *(times or ())))
        while len(self._runs) > 1 and len(self._runs[-2][0]) <= 2 * len(self._runs[-1][0]):
            last, before = self._runs.pop(), self._runs.pop()
            parts = zip(before, last, strict=True)
            self._runs.append(_sorted(*(np.concatenate(part) for part in parts)))

    def holds(self, keys: np.ndarray) -> np.ndarray:
        """Tell for each key whether it is known."""
        found = np.zeros(len(keys), bool)
        for run in self._runs:
            found |= run[0][_places(run[0], keys)] == keys
        return found

    def times(self, keys: np.ndarray) -> tuple[int, int]:
        """Return the earliest and the latest time of these keys; nothing lies between where none is known."""
        low, high = NEVER, 0
        for run, lows, highs in self._runs:
            places = _places(run, keys)
            places = places[run[places] == keys]
            if len(places):
                low, high = min(low, int(lows[places].min())), max(high, int(highs[places].max()))
        return low, high


def _places(run: np.ndarray, keys: np.ndarray) -> np.ndarray:
    return np.minimum(np.searchsorted(run, keys), len(run) - 1)


def _sorted(keys: np.ndarray, *times: np.ndarray) -> Run:
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    first = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    merged = (
        how.reduceat(own[order], first)
        for how, own in zip((np.minimum, np.maximum)[: len(times)], times, strict=True)
    )
    return keys[first], *merged


def keys_of_traces(scopes: Iterable[str]) -> np.ndarray:
    """Return 64 bits for each trace ID, or what stands in its place: the ID's own, else a hash."""
    return np.array([_key_of_trace(scope) for scope in scopes], np.uint64)


def keys_of_ids(ids: Iterable[str]) -> np.ndarray:
    """Return 64 bits for each ID: what `md5_number_lower` gives in SQL."""
    return np.array([_hash(one) for one in ids], np.uint64)


def _key_of_trace(scope: str) -> int:
    if len(scope) == 32:  # noqa: PLR2004 - a trace ID in hex
        try:
            return int(scope[16:], 16)
        except ValueError:
            pass
    return _hash(scope)


def _hash(text: str) -> int:
    digest = hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little")
