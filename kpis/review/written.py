"""Rules that everything written in a review has in common: it has words, of a week that is still a draft."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final

from data.errors import ConflictError
from kpis import periods
from kpis.definition import definition
from kpis.review.errors import EmptyTextError

if TYPE_CHECKING:
    from datetime import datetime

    from access.context import RequestContext
    from data.ports import State

_FIRST_ZONE: Final = timedelta(hours=14)
"""So far ahead of UTC a week begins first."""


def checked_text(text: str | None, what: str) -> str:
    """Return a text without the space around it.

    Raises:
        EmptyTextError: it has no words.
    """
    if not text or not text.strip():
        raise EmptyTextError(f"The {what} has no words.")
    return text.strip()


def check_kpi(kpi_id: str | None) -> None:
    """Refuse a figure that is none; no figure is fine.

    Raises:
        UnknownKpiError: there is no such KPI.
    """
    if kpi_id is not None:
        definition(kpi_id)


def check_draft(ctx: RequestContext, week: str, now: datetime) -> None:
    """Refuse to change a week that is none, that has not begun, or that was frozen.

    Raises:
        InvalidPeriodError: there is no such week.
        ConflictError: it has not begun, or was frozen.
    """
    if periods.week(week, "UTC").start > now.replace(tzinfo=UTC) + _FIRST_ZONE:
        raise ConflictError(f"The week {week} has not begun.")
    if is_frozen(ctx.store, week):
        raise ConflictError(f"The week {week} was frozen: what was written in it stays as it is.")


def is_frozen(state: State, week: str) -> bool:
    """Return whether a week was frozen."""
    (row,) = state.query("review/is_frozen", {"week": week})
    (answer,) = row.values()
    return bool(answer)
