"""Which cases a request means: its parameters, and the text of its search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import Query

from cases import search
from cases.queries import CaseFilter
from cases.search import Asker

if TYPE_CHECKING:
    from server.context import ServerContext

Words = Annotated[str | None, Query(max_length=400, description="One, or several with commas between.")]
SEARCH = (
    f'A search as on the page: flow:invoice class:business value:>1000 is:unclaimed "timeout". Text without '
    f"a qualifier stands in title, message or unit ID. Qualifiers: {', '.join(search.QUALIFIERS)}."
)
Search = Annotated[str | None, Query(max_length=search.MAX_CHARS, description=SEARCH)]
DueWord = Literal["breached", "next_hour", "warning", "unaddressed"]
DUE = (
    "breached: past what is due next. next_hour: due within an hour. warning: a quarter of its time is left. "
    "unaddressed: nobody has taken it up by the time that its triage was due."
)
Due = Annotated[DueWord | None, Query(description=DUE)]


def narrowed(chosen: CaseFilter, text: str | None, ctx: ServerContext) -> CaseFilter:
    """Return a filter within what a search states.

    Raises:
        InvalidSearchError: the search cannot be read.
    """
    return chosen.within(search.parse(text, Asker(ctx.actor.name, ctx.now()))) if text else chosen


def several(text: str | None) -> list[str] | None:
    """Return the values of a parameter with commas between them; None where there is none."""
    values = [part.strip() for part in (text or "").split(",") if part.strip()]
    return values or None


def one(value: str | None) -> list[str] | None:
    """Return a parameter that takes one value as the filter holds it."""
    return [value] if value else None
