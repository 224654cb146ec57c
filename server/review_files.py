"""The weekly review as a file, for programs: the screens make it, and REST serves it.

Pages lie above the server, so what makes a file is given to it when the program starts (`app.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from data.errors import UnsnagError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kpis.chosen import Selection
    from server.context import ServerContext

    Make = Callable[[ServerContext, str, Selection, str], bytes]

MEDIA_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "pdf": "application/pdf",
}
_makers: Final[list[Make]] = []


class NoReviewFilesError(UnsnagError):
    """This process has no pages, so it makes no files of a review."""


def use(make: Make) -> None:
    """Say what makes a file of a week."""
    _makers[:] = [make]


def made(ctx: ServerContext, week: str, work: Selection, form: str) -> bytes:
    """Return the review of a week as html, csv or pdf; the audit records it before.

    Raises:
        InvalidPeriodError: there is no such week.
        ForbiddenError: the actor may not export.
        PrintingError: the PDF cannot be made.
        NoReviewFilesError: this process has no pages.
    """
    if not _makers:
        raise NoReviewFilesError
    return _makers[0](ctx, week, work, form)
