"""Failures that wait for their unit root: shown, not alerted, in no figure (semantics 2).

They are at most 30 s old and are no cases yet, so they are read from the memory of joining and not stored:
none of the statements that list, count or claim cases can meet one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from access.roles import reaches
from data.clock import aware
from traces.joining import RECENT

if TYPE_CHECKING:
    from data.store import Reading
    from traces.recent import Recent

    Row = dict[str, Any]


def settling(reading: Reading, correlation_id: str | None = None) -> list[Row]:
    """Return the failures within the scope that settle, oldest first; of one unit, if it is named.

    Each has tenant, correlation_id, flow, step, and aware times: `at` it failed, `until` it opens.
    """
    recent: Recent | None = reading.store.remembered(RECENT)
    found = recent.settling() if recent is not None else []
    return [
        {
            "tenant": one.tenant,
            "correlation_id": one.correlation_id,
            "flow": one.flow,
            "step": one.step,
            "at": aware(one.time),
            "until": aware(one.until),
        }
        for one in sorted(found, key=lambda one: one.time)
        if correlation_id in (None, one.correlation_id) and reaches(reading.scope, one.tenant, one.flow)
    ]
