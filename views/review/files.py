"""A week of the review as a file: the same for the page and for REST."""

from __future__ import annotations

from typing import TYPE_CHECKING

from access.commands import perform
from server import printing
from server.exports import RecordExport
from views.review import export
from views.review.shown import shown

if TYPE_CHECKING:
    from kpis.chosen import Selection
    from server.context import ServerContext


def made(ctx: ServerContext, week: str, work: Selection, form: str) -> bytes:
    """Return the review as html, csv or pdf; the audit records it before.

    Raises:
        InvalidPeriodError: there is no such week.
        ForbiddenError: the actor may not export.
        PrintingError: chromium is not installed, or failed.
    """
    perform(RecordExport(f"week:{week}", {"form": form, "of": str(work)}), ctx)
    if form == "pdf":
        printing.check()
    review = shown(ctx, week, work)
    if form == "csv":
        return export.as_csv(review)
    page = export.as_html(review, ctx.now())
    return printing.as_pdf(page) if form == "pdf" else page.encode()
