"""Failures that wait for their unit root: shown, not alerted, in no figure (semantics 2).

They are at most 30 s old and are no cases yet, so they are read from the memory of joining and not stored:
none of the statements that list, count or claim cases can meet one.
"""

from __future__ import annotations

from datetime import UTC
from operator import attrgetter
from typing import TYPE_CHECKING

from access.roles import reaches
from data import formats
from traces.joining import RECENT

if TYPE_CHECKING:
    from data.store import Reading
    from traces.recent import Recent, Settling


def settling(reading: Reading, correlation_id: str | None = None) -> list[Settling]:
    """Return the failures within the scope that settle, oldest first; of one unit, if it is named.

    Times are aware: `at` it failed, `until` it opens.
    """
    recent: Recent | None = reading.store.remembered(RECENT)
    found = recent.settling() if recent is not None else []
    return [
        one._replace(at=one.at.replace(tzinfo=UTC), until=one.until.replace(tzinfo=UTC))
        for one in sorted(found, key=attrgetter("at"))
        if correlation_id in (None, one.correlation_id) and reaches(reading.scope, one.tenant, one.flow)
    ]


def settling_words(count: int) -> str:
    """Return how many failures wait for the end of the work around them; nothing where none does."""
    if not count:
        return ""
    waits, it = ("is", "It opens as an exception") if count == 1 else ("are", "They open as exceptions")
    return (
        f"{formats.count(count, 'failure')} {waits} waiting for the end of the surrounding work. "
        f"{it} within 30 s unless that work succeeds."
    )
