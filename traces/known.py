"""Which IDs and traces the store holds, in 64 bits each, and when their rows begin.

A commit asks this for every ID that it brings. That an ID is new, the common case, costs no look at the
store; for one that is known it says at which times its rows begin, so that a statement reads no others.
Two texts with the same 64 bits cost a look in vain, never a wrong answer.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from data.store import Store
    from data.transaction import Tx

    Run = tuple[np.ndarray, ...]
    """Keys, and where times matter one time of each; a key with several times stands there once for each."""

NEVER: Final = 2**62
"""Microseconds that no record reaches."""
ALWAYS: Final = {"low": -62_135_596_800_000_000, "high": 253_402_300_799_999_999}
"""From the year 1 to the year 9999, in microseconds: no record has another time."""


class Known:
    """Keys with the times that each was given. Changed only after a commit.

    The keys lie in sorted runs. A run as large as the one before it is merged with that, so that there are
    some 20 runs at the most and each key is sorted as many times. Any thread may read: the list of runs is
    replaced as a whole, and a run never changes.
    """

    def __init__(self) -> None:
        self._runs: list[Run] = []

    def __len__(self) -> int:
        """Count the keys; one that was added twice may count twice."""
        return sum(len(run[0]) for run in self._runs)

    def add(self, keys: np.ndarray, times: np.ndarray | None = None) -> None:
        """Note keys; a key that is known already takes in the new time.

        Args:
            keys: Unsigned 64 bits each, in any order.
            times: For each key a time in microseconds; always or never.
        """
        if not len(keys):
            return
        runs = [*self._runs, _sorted(keys) if times is None else _sorted(keys, times)]
        while len(runs) > 1 and len(runs[-2][0]) <= 2 * len(runs[-1][0]):
            last, before = runs.pop(), runs.pop()
            parts = zip(before, last, strict=True)
            runs.append(_sorted(*(np.concatenate(part) for part in parts)))
        self._runs = runs

    def holds(self, keys: np.ndarray) -> np.ndarray:
        """Return for each key whether it is known."""
        found = np.zeros(len(keys), bool)
        for run in self._runs:
            found |= run[0][_places(run[0], keys)] == keys
        return found

    def times(self, keys: np.ndarray) -> tuple[int, int]:
        """Return the earliest and the latest time of these keys; nothing lies between where none is known."""
        found = self.moments(keys)
        return (int(found.min()), int(found.max())) if len(found) else (NEVER, 0)

    def moments(self, keys: np.ndarray) -> np.ndarray:
        """Return all times of these keys, in microseconds and in any order."""
        found = [np.zeros(0, np.int64)]
        for run, times in self._runs:
            firsts, ends = (np.searchsorted(run, keys, side) for side in ("left", "right"))
            several = ends > firsts
            found += [times[first:end] for first, end in zip(firsts[several], ends[several], strict=True)]
        return np.concatenate(found)


@dataclass(slots=True)
class KnownIds:
    """IDs during one transaction: the times that were known before it, and those that it adds."""

    known: Known
    _added: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    """Keys and times of this transaction."""

    def between(self, ids: Iterable[str]) -> dict[str, int]:
        """Return the times between which the rows of these IDs lie, all of this transaction included."""
        low, high = self.known.times(keys_of_ids(ids))
        for _, times in self._added:
            low, high = min(low, int(times.min())), max(high, int(times.max()))
        return {"low": low, "high": high}

    def moments(self, ids: Iterable[str]) -> dict[str, list[int]]:
        """Return every time at which a row of these IDs lies, as a statement takes them.

        Exact times find a few rows of a large table where all times between would read most of it.
        """
        keys = keys_of_ids(ids)
        found = [self.known.moments(keys)]
        found += [times[np.isin(added, keys)] for added, times in self._added]
        return {"moments": np.unique(np.concatenate(found)).tolist()}

    def before(self, ids: Iterable[str]) -> set[str]:
        """Return those of these IDs that were known before this transaction."""
        named = sorted(ids)
        found = self.known.holds(keys_of_ids(named))
        return {one for one, is_known in zip(named, found, strict=True) if is_known}

    def add(self, tx: Tx, keys: np.ndarray, times: np.ndarray) -> None:
        """Take in times of this transaction; they are remembered once it is committed. See `Known.add`."""
        if len(keys):
            self._added.append((keys, times))
            tx.after_commit.append(lambda: self.known.add(keys, times))


def remembered_times(store: Store, name: str, ids: Iterable[str]) -> dict[str, int]:
    """Return between which times the rows of these IDs begin, in microseconds: by what the writer remembers.

    Nothing lies between where none is known. Before the writer remembers anything, all times are asked.
    """
    known: Known | None = store.remembered(name)
    if known is None:
        return dict(ALWAYS)
    return dict(zip(("low", "high"), known.times(keys_of_ids(ids)), strict=True))


def _places(run: np.ndarray, keys: np.ndarray) -> np.ndarray:
    return np.minimum(np.searchsorted(run, keys), len(run) - 1)


def _sorted(keys: np.ndarray, *times: np.ndarray) -> Run:
    order = np.lexsort((*times, keys))
    columns = tuple(column[order] for column in (keys, *times))
    differs = [column[1:] != column[:-1] for column in columns]
    first = np.concatenate(([True], np.logical_or.reduce(differs)))
    return tuple(column[first] for column in columns)


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
