"""Capacity that several holders share: none of them takes more than its share of what the others leave."""

from __future__ import annotations

from collections import Counter


class Shares:
    """Capacity for `size` things, of which one holder takes at most `share` of what the others leave.

    With a share of one half, one holder alone takes half of it, two take a third each, three a quarter:
    something is free for another one, however many they are. A holder is always left `floor`, so one that
    is nearly full is still shared; who must not pass `size` asks `has_room` as well.

    Not for several threads: its users run in the event loop.
    """

    def __init__(self, size: int, share: float = 0.5, floor: int = 1) -> None:
        self.size = size
        self._share = share
        self._floor = floor
        self._held: Counter[str] = Counter()
        self._total = 0

    @property
    def total(self) -> int:
        """How much is taken."""
        return self._total

    def held(self, holder: str) -> int:
        """Return how much one holder has taken."""
        return self._held[holder]

    def has_room(self, more: int = 1) -> bool:
        """Return whether `more` fit at all."""
        return self._total + more <= self.size

    def is_within(self, holder: str, more: int = 1) -> bool:
        """Return whether a holder that takes `more` stays within its share."""
        held = self._held[holder]
        return held + more <= max(self._floor, self._share * (self.size - self._total + held))

    def take(self, holder: str, more: int = 1) -> None:
        """Note that a holder has taken `more`, whatever its share is."""
        self._held[holder] += more
        self._total += more

    def give_back(self, holder: str, less: int = 1) -> None:
        """Note that a holder has given `less` back. Nothing is kept of one that holds nothing."""
        self._held[holder] -= less
        self._total -= less
        if self._held[holder] <= 0:
            del self._held[holder]
