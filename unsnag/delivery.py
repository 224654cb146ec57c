"""Delivers lines to a receiver, and finds the ones among them that it will never take.

1. A request that is refused as a whole is halved until the lines that are refused are alone.
2. A line that is refused alone is set aside only once the receiver has taken others: one that refuses
   everything is at a wrong address, or broken, and the lines are kept for it.
3. Any other fault ends the delivery, and all lines are delivered again later. What the receiver gets twice is
   one row: records and spans have identities.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from unsnag import otlp, posting
from unsnag.posting import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from unsnag.destination import Destination, Endpoint

TIMEOUT_S: Final = 5.0
MOST_REFUSED: Final = 16
"""So many lines that are refused before one was taken show that nothing ever will be."""


class Delivery:
    """Delivers the lines of one process."""

    def __init__(self, destination: Destination, resource: Mapping[str, str]) -> None:
        self._destination = destination
        self._own = self._resource = resource
        self._has_taken = False
        self.refused: list[tuple[bytes, str]] = []
        """Lines of the last delivery that the receiver will never take, and why."""
        self.rejection = ""
        """Why the receiver took a request without some of its records, the last time that it did."""

    def deliver(self, lines: Sequence[bytes], until: float) -> Answer | None:
        """Deliver lines and return the fault that stopped it; `until` is a monotonic time."""
        found = otlp.parted(lines)
        self._resource = found.resources[-1] if found.resources else self._resource
        self.refused = []
        goes = self._destination
        fault = self._send(goes.traces, found.traces, otlp.traces_body, until) or self._send(
            goes.logs, found.logs, otlp.logs_body, until
        )
        if fault is None and self.refused and not self._has_taken:
            fault = Answer(posting.MISPLACED, self.refused[0][1])
        self.refused += found.unreadable
        return fault

    def own_again(self) -> None:
        """Go on with lines of this process, after those of a file that another one wrote."""
        self._resource = self._own

    def _send(
        self,
        endpoint: Endpoint | None,
        lines: Sequence[otlp.Line],
        make: Callable[[Sequence[otlp.Line], Mapping[str, str]], bytes],
        until: float,
    ) -> Answer | None:
        if not lines:
            return None
        if endpoint is None:
            return Answer(posting.MISPLACED, "no address is set for one of the two signals")
        answer = self._post(endpoint, make(lines, self._resource), until)
        if answer.what == posting.REFUSED and len(lines) > 1:
            half = len(lines) // 2
            first = self._send(endpoint, lines[:half], make, until)
            return first or self._send(endpoint, lines[half:], make, until)
        if answer.what == posting.REFUSED:
            return self._refuse(lines[0].raw, answer)
        return None if answer.what == posting.TAKEN else answer

    def _post(self, endpoint: Endpoint, body: bytes, until: float) -> Answer:
        left_s = until - time.monotonic()
        if left_s <= 0:
            return Answer(posting.LATE)
        answer = posting.post(endpoint, body, min(TIMEOUT_S, left_s))
        if answer.what == posting.TAKEN:
            self._has_taken = True
            self.rejection = answer.reason or self.rejection
        return answer

    def _refuse(self, line: bytes, answer: Answer) -> Answer | None:
        self.refused.append((line, answer.reason))
        is_hopeless = not self._has_taken and len(self.refused) >= MOST_REFUSED
        return answer._replace(what=posting.MISPLACED) if is_hopeless else None
