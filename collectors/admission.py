"""Who may send how much at once to the OTLP receiver.

1. A request arrives: it counts against its sender's rate and takes a place among those that are received.
2. Its body comes: every byte is held from then on until the request is answered.
3. Its body is whole: the place among the received is free again, and it takes one among those at work.

One sender takes at most its share of each pool. Over that share, this sender is asked to wait (429) and the
others continue. Where a pool is full although no sender is over its share, the server is overloaded (503).
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from access.errors import TooManyTriesError
from access.shares import Shares
from access.throttle import Throttle
from data.errors import UnsnagError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collectors.otlp import OtlpSettings

MB: Final = 1024 * 1024
_BURST_S: Final = 10
"""For how many seconds' worth of requests a sender may come at once."""


class TooManySentError(UnsnagError):
    """You send too much at once. Wait a little, then send it again."""

    def __init__(self, message: str, wait_s: int = 1) -> None:
        self.wait_s = wait_s
        super().__init__(message)


class FullError(UnsnagError):
    """Too many requests are worked on. Come again."""


class Admission:
    """The pools of one receiver: what may be received, worked on and held at once. Not thread-safe."""

    def __init__(self, settings: OtlpSettings) -> None:
        share, rate = settings.sender_share, settings.requests_per_second
        self._per_second = rate
        self._rate = Throttle(free=max(1, int(rate * _BURST_S)), refill_s=1 / rate)
        self.received = Shares(settings.max_receiving, share)
        self.at_work = Shares(settings.max_requests, share)
        # A sender is always left one body, so that a large one comes through at any time.
        self.held = Shares(settings.held_mb * MB, share, floor=settings.max_body_mb * MB)

    @contextmanager
    def arrival(self, sender: str) -> Iterator[Arrival]:
        """Admit a request of a sender until it is answered.

        Raises:
            TooManySentError: the sender is over its share or its rate.
            FullError: a pool is full for every sender.
        """
        self._check_rate(sender)
        arrival = Arrival(self, sender)
        arrival.take(self.received, 1, "requests whose bodies are not whole")
        try:
            yield arrival
        finally:
            arrival.leave()

    def _check_rate(self, sender: str) -> None:
        try:
            self._rate.check(sender)
        except TooManyTriesError as error:
            words = f"You send more than {self._per_second:g} requests a second. Send more in each."
            raise TooManySentError(words, error.wait_s) from error
        self._rate.count(sender)


class Arrival:
    """One request, and what it takes of each pool."""

    def __init__(self, admission: Admission, sender: str) -> None:
        self._admission = admission
        self._sender = sender
        self._taken: dict[Shares, int] = {}

    def hold(self, size: int) -> None:
        """Note that `size` more bytes of the body are there; see `Admission.arrival` for errors."""
        self.take(self._admission.held, size, "bytes at once")

    def begin_work(self) -> None:
        """Note that the body is whole; see `Admission.arrival` for errors."""
        self._give_back(self._admission.received)
        self.take(self._admission.at_work, 1, "requests that are worked on")

    def take(self, pool: Shares, more: int, what: str) -> None:
        """Take `more` of a pool; see `Admission.arrival` for errors."""
        if not pool.is_within(self._sender, more):
            held = pool.held(self._sender)
            raise TooManySentError(f"You have {held:,} of at most {pool.size:,} {what} here. Wait a little.")
        if not pool.has_room(more):
            raise FullError
        pool.take(self._sender, more)
        self._taken[pool] = self._taken.get(pool, 0) + more

    def leave(self) -> None:
        """Give everything back."""
        for room in list(self._taken):
            self._give_back(room)

    def _give_back(self, room: Shares) -> None:
        room.give_back(self._sender, self._taken.pop(room))
