"""Which case somebody gets who asks for the next one: the most urgent that nobody has.

What somebody gave back keeps its place for the others: until somebody has it again, it is as urgent as before
it was taken up. The person who gave it back, or let the claim run out, does not get it at once.
"""

from __future__ import annotations

from datetime import timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from cases import lifecycle, queries
from cases.queries import CaseFilter
from data.clock import stored

if TYPE_CHECKING:
    from datetime import datetime

    from cases.case import Case
    from data.store import Reading

_TRIED: Final = 5
"""How many are offered: others may claim the first of them meanwhile."""


class Offer(NamedTuple):
    """The cases that somebody may claim next, the most urgent first, and how many were left out for them."""

    cases: list[Case]
    given_back: int


def offered(reading: Reading, person: str, now: datetime, rest_s: float) -> Offer:
    """Return what somebody may claim next.

    Args:
        reading: What they may read.
        person: Who asks.
        now: Aware.
        rest_s: For so many seconds they do not get what they gave back.
    """
    asked = {"actor": person, "since": stored(now - timedelta(seconds=rest_s))}
    rest = set(reading.query("cases/given_back", asked, into=itemgetter("id")))
    chosen = CaseFilter(state=[lifecycle.OPEN], snoozed=[False])
    found = queries.listed(reading, chosen, _TRIED + len(rest)).items
    return Offer([case for case in found if case.id not in rest][:_TRIED], sum(c.id in rest for c in found))
