"""When the bytes of a file that are not stored yet were first seen."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

_STEP_S: Final = 1.0
_MOST: Final = 600


@dataclass(slots=True)
class Growth:
    """Sizes that a file was seen to have, beyond what is stored of it. Times are monotonic seconds."""

    _seen: deque[list[float]] = field(default_factory=deque)

    def saw(self, size: int, stored: int, now: float) -> None:
        """Note the size of the file, and how much of it is stored."""
        self.settle(stored)
        last = self._seen[-1] if self._seen else None
        if size <= (stored if last is None else last[0]):
            return
        # Within a second, and once many are known, a size counts as seen when the one before it was:
        # an age may come out too large, never too small.
        if last is not None and (now - last[1] < _STEP_S or len(self._seen) >= _MOST):
            last[0] = size
        else:
            self._seen.append([size, now])

    def settle(self, stored: int) -> None:
        """Forget sizes up to which everything is stored."""
        while self._seen and self._seen[0][0] <= stored:
            self._seen.popleft()

    def clear(self) -> None:
        """Forget everything: the file holds another content."""
        self._seen.clear()

    @property
    def since(self) -> float | None:
        """When the oldest byte that is not stored was first seen; None where all are."""
        return self._seen[0][1] if self._seen else None
