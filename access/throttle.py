"""Tries that are free, and tries that take patience: a bucket for each key, in bounded memory."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from access.errors import TooManyTriesError

if TYPE_CHECKING:
    from collections.abc import Callable

_MAX_KEYS: Final = 10_000


class Throttle:
    """`free` wrong tries at once, then one more every `refill_s` seconds. Its clock never jumps."""

    def __init__(self, *, free: int, refill_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._free = free
        self._refill_s = refill_s
        self._clock = clock
        self._spent: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, key: str) -> None:
        """Let a try pass.

        Raises:
            TooManyTriesError: the bucket of this key is empty; `wait_s` says for how long.
        """
        with self._lock:
            over = self._now_spent(key) + 1 - self._free
        if over > 0:
            raise TooManyTriesError(max(1, math.ceil(over * self._refill_s)))

    def count(self, key: str) -> None:
        """Count a wrong try."""
        with self._lock:
            self._spend(key, 1)

    def take(self, key: str) -> None:
        """Let a try pass and count it, before it is known whether it is a wrong one.

        Raises:
            TooManyTriesError: the bucket of this key is empty; `wait_s` says for how long.
        """
        with self._lock:
            over = self._now_spent(key) + 1 - self._free
            if over <= 0:
                self._spend(key, 1)
        if over > 0:
            raise TooManyTriesError(max(1, math.ceil(over * self._refill_s)))

    def give_back(self, key: str) -> None:
        """Count a try no more: it was not a wrong one."""
        with self._lock:
            self._spend(key, -1)

    def _spend(self, key: str, tries: int) -> None:
        self._spent[key] = (max(0.0, self._now_spent(key) + tries), self._clock())
        self._spent.move_to_end(key)
        while len(self._spent) > _MAX_KEYS:
            self._spent.popitem(last=False)

    def forget(self, key: str) -> None:
        """Forget wrong tries: this one was right."""
        with self._lock:
            self._spent.pop(key, None)

    def _now_spent(self, key: str) -> float:
        spent, since = self._spent.get(key, (0.0, 0.0))
        return max(0.0, spent - (self._clock() - since) / self._refill_s)
