"""Routes about the weekly review: frozen weeks, their figures and comments."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path

from access.commands import perform
from kpis import freezing, weeks
from server.api import shapes, week_shapes
from server.api.callers import CallerContext, Context, Key
from server.api.paging import page

if TYPE_CHECKING:
    from server.context import ServerContext

router = APIRouter(tags=["kpis"])

WeekName = Annotated[str, Path(max_length=10, description="ISO week, such as 2026-W48.")]


@router.get("/api/v1/weeks", response_model=shapes.Listed[week_shapes.Week])
def list_weeks(ctx: Context) -> Any:
    """List the frozen weeks, the latest frozen first.

    Their figures are those of all flows: users who may not see everything see none.
    """
    found = _frozen(ctx)
    sound = weeks.verdict(found).entries
    return page(len(found), [_head(one, sound) for one in reversed(found)])


@router.get("/api/v1/weeks/{week}", response_model=week_shapes.WeekInFull)
def get_week(week: WeekName, ctx: Context) -> Any:
    """Return the review of a week: as it was frozen, with what became known later beside it, or as a draft.

    A draft is of what the caller may see. Those who may not see everything see every week as a draft, without
    what people wrote in it.
    """
    found = _frozen(ctx)
    kept = next((one for one in found if one.week == week), None)
    if kept is None:
        zone = ctx.settings.zone
        content = weeks.draft(ctx.reading, week, zone)
        return {"week": week, "state": "draft", "zone": zone, **_content(content)}
    content = weeks.Content.of(kept.content)
    now = weeks.figures_now(ctx.reading, week, content.zone)
    return {**_head(kept, weeks.verdict(found).entries), **_content(content, now)}


@router.post("/api/v1/weeks/{week}/freeze", response_model=week_shapes.Frozen)
def freeze_week(week: WeekName, ctx: CallerContext, key: Key) -> Any:
    """Write down a week that is over: its figures and all that was written in its review. It stays as it is.

    Refused with 409 while a figure that moved has no comment. Records are taken in meanwhile; 409 also where
    some of that week arrive each time its figures are computed.
    """
    return freezing.freeze(ctx, week, ctx.settings.zone, key=key)


@router.post("/api/v1/weeks/{week}/comments", response_model=week_shapes.Comment)
def comment_on_figure(week: WeekName, body: week_shapes.CommentRequest, ctx: CallerContext, key: Key) -> Any:
    """Say why a figure of a week is what it is; the latest comment counts until the week is frozen."""
    return perform(weeks.CommentOnFigure(week, body.kpi, body.text), ctx, key=key)


def _frozen(ctx: ServerContext) -> list[weeks.FrozenWeek]:
    return weeks.frozen(ctx.reading) if ctx.reading.scope is None else []


def _content(content: weeks.Content, now: dict[str, weeks.Stated] | None = None) -> dict[str, Any]:
    """Return what a week states, with what its figures would be now beside them."""
    figures = [_figure(name, one, now.get(name) if now else None) for name, one in content.figures.items()]
    written = {name: getattr(content, name) for name in ("promises", "actions", "entries", "notes")}
    return {"figures": figures, **written, "review": content.pack, "uncommented": content.uncommented}


def _figure(name: str, one: weeks.Stated, now: weeks.Stated | None) -> dict[str, Any]:
    return {"id": name, **asdict(one), "restated": weeks.restated(one, now) if now else None}


def _head(one: weeks.FrozenWeek, sound: int) -> dict[str, Any]:
    """Return a frozen week without its figures; `sound` is how many weeks from the first on hold."""
    content = weeks.Content.of(one.content)
    return {
        "week": one.week,
        "state": "frozen",
        "zone": content.zone,
        "frozen_at": datetime.fromisoformat(one.frozen_at),
        "frozen_by": one.actor,
        "data_as_of": datetime.fromisoformat(content.data_as_of),
        "hash": one.hash,
        "intact": one.seq <= sound,
    }
