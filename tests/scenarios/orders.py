"""The orders in which recorded requests reach the server. All must give the same units and cases."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tests.scenarios import records

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.scenarios.capture import Sent

SEED = 20261125


def as_sent(requests: Sequence[Sent]) -> list[Sent]:
    """Return them as their exporters sent them."""
    return list(requests)


def traces_first(requests: Sequence[Sent]) -> list[Sent]:
    """Return all traces before all logs."""
    return sorted(requests, key=lambda sent: sent.path != records.TRACES)


def logs_first(requests: Sequence[Sent]) -> list[Sent]:
    """Return all logs before all traces."""
    return sorted(requests, key=lambda sent: sent.path == records.TRACES)


def reversed_(requests: Sequence[Sent]) -> list[Sent]:
    """Return the last request first."""
    return list(reversed(requests))


def twice(requests: Sequence[Sent]) -> list[Sent]:
    """Return each request twice in a row, as an exporter repeats it, and in the end everything once more."""
    return [sent for one in requests for sent in (one, one)] + list(requests)


def apart(requests: Sequence[Sent]) -> list[Sent]:
    """Return one request per record, shuffled with a fixed seed."""
    alone = [part for sent in requests for part in records.apart(sent)]
    random.Random(SEED).shuffle(alone)
    return alone


ORDERS: dict[str, Callable[[Sequence[Sent]], list[Sent]]] = {
    "as sent": as_sent,
    "traces first": traces_first,
    "logs first": logs_first,
    "reversed": reversed_,
    "twice": twice,
    "record by record": apart,
}
