"""Routes about what people write down in a weekly review: actions, wins, misses, decisions and notes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response

from access.commands import perform
from data import paging
from kpis.chosen import Chosen, Selection
from kpis.review import actions, entries
from server import review_files
from server.api import shapes, week_shapes
from server.api.callers import CallerContext, Context, Key
from server.api.paging import Paging
from server.api.problems import BadRequestError
from server.api.weeks import WeekName
from unsnag.fields import SPLITS

router = APIRouter(tags=["kpis"])

ActionId = Annotated[str, Path(max_length=64, description="As the list of actions gives it.")]
EntryId = Annotated[str, Path(max_length=64, description="As the week gives it.")]


@router.get(
    "/api/v1/weeks/{week}/review.{form}",
    response_class=Response,
    responses={200: {"content": {one: {} for one in review_files.MEDIA_TYPES.values()}}},
)
def export_week_review(
    week: WeekName,
    form: Literal["html", "csv", "pdf"],
    ctx: Context,
    flow: Annotated[str | None, Query(max_length=200, description="Only this flow.")] = None,
    part: Annotated[
        str | None,
        Query(max_length=220, description=f"Only this part of a split, such as `{SPLITS[0]}:b2b`."),
    ] = None,
) -> Response:
    """Return the review of a week as a file, as the page makes it. The audit records it before.

    It takes the right to export. A PDF needs chromium on the server: 409 where it is not installed.
    """
    made = review_files.made(ctx, week, Selection(flow, _part(part)), form)
    name = f'attachment; filename="unsnag-review-{week}.{form}"'
    return Response(made, media_type=review_files.MEDIA_TYPES[form], headers={"Content-Disposition": name})


def _part(text: str | None) -> Chosen | None:
    if text is None:
        return None
    field, colon, value = text.partition(":")
    if field not in SPLITS or not colon:
        raise BadRequestError(f"Write `part` as FIELD:VALUE, with one of: {', '.join(SPLITS)}.")
    return Chosen(field, value)


@router.get("/api/v1/actions", response_model=shapes.Listed[week_shapes.Action])
def list_actions(
    ctx: Context,
    asked: Paging,
    state: Annotated[Literal["open", "done", "dropped"] | None, Query()] = None,
) -> Any:
    """List the actions of all reviews, the oldest first.

    They are about all flows: users who may not see everything see none.
    """
    found = actions.all_actions(ctx.reading, state) if ctx.reading.scope is None else []
    return asked.page(paging.cut(found, asked.wanted, actions.place))


@router.post("/api/v1/weeks/{week}/actions", response_model=week_shapes.Action)
def add_action(week: WeekName, body: week_shapes.ActionRequest, ctx: CallerContext, key: Key) -> Any:
    """Promise something in the review of a week that is a draft. It is carried over until it ends."""
    command = actions.AddAction(week, body.text, body.owner, body.due_on, body.kpi)
    return perform(command, ctx, key=key)


@router.post("/api/v1/actions/{action_id}/change", response_model=week_shapes.Action)
def change_action(action_id: ActionId, body: week_shapes.ActionRequest, ctx: CallerContext, key: Key) -> Any:
    """Change what an open action says."""
    command = actions.ChangeAction(action_id, body.text, body.owner, body.due_on, body.kpi)
    return perform(command, ctx, key=key)


@router.post("/api/v1/actions/{action_id}/close", response_model=week_shapes.Action)
def close_action(action_id: ActionId, body: week_shapes.ActionEnd, ctx: CallerContext, key: Key) -> Any:
    """End an action: it is done, or it is dropped for a reason."""
    return perform(actions.CloseAction(action_id, body.state, body.note), ctx, key=key)


@router.post("/api/v1/actions/{action_id}/reopen", response_model=week_shapes.Action)
def reopen_action(action_id: ActionId, body: week_shapes.ActionReopened, ctx: CallerContext, key: Key) -> Any:
    """Open an action again that had ended."""
    return perform(actions.ReopenAction(action_id, body.note), ctx, key=key)


@router.post("/api/v1/weeks/{week}/entries", response_model=week_shapes.Entry)
def add_week_entry(week: WeekName, body: week_shapes.EntryRequest, ctx: CallerContext, key: Key) -> Any:
    """Write down a win, a miss or a decision of a week that is a draft."""
    return perform(entries.AddEntry(week, body.kind, body.text, body.why, body.kpi), ctx, key=key)


@router.post("/api/v1/weeks/{week}/entries/{entry_id}/remove", response_model=week_shapes.EntryRemoved)
def remove_week_entry(week: WeekName, entry_id: EntryId, ctx: CallerContext, key: Key) -> Any:
    """Remove a win, a miss or a decision from a week that is a draft. The audit keeps it."""
    return perform(entries.RemoveEntry(week, entry_id), ctx, key=key)


@router.post("/api/v1/weeks/{week}/notes", response_model=week_shapes.NoteWritten)
def write_week_note(week: WeekName, body: week_shapes.NoteRequest, ctx: CallerContext, key: Key) -> Any:
    """Write the note on a section of a week that is a draft; an empty text removes it."""
    return perform(entries.WriteNote(week, body.section, body.text), ctx, key=key)
