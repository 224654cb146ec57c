"""Routes about figures: those of a period, the rows behind one, and what people set for it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Path, Query

from access.commands import perform
from data.clock import aware
from kpis import objectives, periods, scoreboard, targets
from kpis.periods import Period
from server.api import kpi_shapes, shapes
from server.api.callers import CallerContext, Context, Key
from server.api.paging import Paging, moment, page
from server.api.problems import BadRequestError
from unsnag.fields import SPLITS

if TYPE_CHECKING:
    from datetime import datetime

    from kpis.figure import Kpi
    from server.context import ServerContext

router = APIRouter(tags=["kpis"])

_BY: Final = ("flow", *SPLITS, "class", "recovered_by", "step", "dependency", "source")
_WEEKS: Final = 12
"""Points of a trend where a week is asked for: with fewer nothing can be stated about what is usual."""

KpiId = Annotated[str, Path(max_length=40, description="Such as K1.")]
Flow = Annotated[str | None, Query(max_length=200)]
Week = Annotated[str | None, Query(max_length=10, description="ISO week, such as 2026-W48.")]
Moment = Annotated[
    str | None, Query(max_length=40, description="RFC 3339; without a zone: in the business time zone.")
]
Since = Annotated[Moment, Query(alias="from")]
Until = Annotated[Moment, Query(alias="to")]


@router.get("/api/v1/kpis", response_model=shapes.Listed[kpi_shapes.Kpi])
def list_kpis(
    ctx: Context,
    start: Since = None,
    end: Until = None,
    week: Week = None,
    flow: Flow = None,
    by: Annotated[str | None, Query(max_length=20)] = None,
    points: Annotated[int | None, Query(ge=0, le=60, description="Points of the trend.")] = None,
) -> Any:
    """Return every figure of a period, in the business time zone; without one, of the last seven days.

    A period that still runs is cut now, and compared with the same part of the one before.
    The trend of a week has the weeks before it, 12 with itself; that of another period its equal parts.
    """
    if by is not None and by not in _BY:
        raise BadRequestError(f"A figure cannot be split by {by!r}. Choose one of: {', '.join(_BY)}.")
    period = _period(ctx, week, start, end, ctx.now())
    parts = _parts(period, week, points)
    found = scoreboard.board(ctx.reading, period, flow, by, parts=parts)
    aims, as_of = targets.aims(ctx.reading, flow), ctx.as_of()
    items = [_shown(one, period, aims.get(one.id, targets.Aim()), as_of) for one in found]
    return page(len(items), items)


@router.get("/api/v1/kpis/{kpi_id}/rows", response_model=shapes.Listed[dict[str, Any]])
def list_kpi_rows(
    kpi_id: KpiId,
    ctx: Context,
    asked: Paging,
    start: Since = None,
    end: Until = None,
    week: Week = None,
    flow: Flow = None,
    counted: Annotated[bool | None, Query(description="Only what is counted, or only the others.")] = None,
) -> Any:
    """List the rows behind a figure, those that hurt most first. Their total is the figure's `n`."""
    now = asked.at.replace(tzinfo=UTC)
    period = _period(ctx, week, start, end, now)
    found = scoreboard.page_of_rows(ctx.reading, kpi_id, period, flow, asked.wanted, only_counted=counted)
    return asked.page(found)


@router.post("/api/v1/kpis/{kpi_id}/target", response_model=kpi_shapes.Target)
def set_kpi_target(kpi_id: KpiId, body: kpi_shapes.TargetRequest, ctx: CallerContext, key: Key) -> Any:
    """Set the target and the owner of a figure, over all flows or for one."""
    return perform(targets.SetTarget(kpi_id, body.target, body.owner, body.flow), ctx, key=key)


@router.post("/api/v1/kpis/{kpi_id}/objective", response_model=kpi_shapes.Objective)
def set_kpi_objective(kpi_id: KpiId, body: kpi_shapes.ObjectiveRequest, ctx: CallerContext, key: Key) -> Any:
    """Set how long a unit may take (K14), over all flows or in one; null takes it away."""
    return perform(objectives.SetObjective(kpi_id, body.seconds, body.flow), ctx, key=key)


@router.post("/api/v1/kpis/{kpi_id}/baseline", response_model=kpi_shapes.Baseline)
def set_kpi_baseline(kpi_id: KpiId, body: kpi_shapes.BaselineRequest, ctx: CallerContext, key: Key) -> Any:
    """Set the time that a figure compares with (K32), over all flows or in one; nulls take it away."""
    zone = ctx.settings.zone
    start, end = (
        aware(moment(text, name, zone)) for name, text in (("start", body.start), ("end", body.end))
    )
    if (start is None) != (end is None):
        raise BadRequestError("Give `start` and `end`, or neither.")
    period = Period(start, end, zone) if start and end else None
    return perform(objectives.SetBaseline(kpi_id, body.name, period, body.flow), ctx, key=key)


def _period(
    ctx: ServerContext, week: str | None, start: str | None, end: str | None, now: datetime
) -> Period:
    """Return the period that a request names, cut now where it still runs."""
    zone = ctx.settings.zone
    if week is not None:
        if start or end:
            raise BadRequestError("Give either `week`, or `from` and `to`.")
        return periods.week(week, zone).until(now)
    until = aware(moment(end, "to", zone)) or now
    since = aware(moment(start, "from", zone)) or periods.last(7, until, zone).start
    if since >= until:
        raise BadRequestError("`from` must lie before `to`.")
    return Period(since, until, zone).until(now)


def _parts(period: Period, week: str | None, points: int | None) -> list[Period]:
    if week is not None:
        return periods.back(period, _WEEKS if points is None else points)
    return periods.parts(period, points or 0)


def _shown(one: Kpi, period: Period, aim: targets.Aim, as_of: datetime | None) -> dict[str, Any]:
    """Return a figure as REST gives it."""
    return asdict(one) | {
        "too_few": one.too_few,
        "coverage": one.details.get("coverage"),
        "start": period.start,
        "end": period.end,
        "data_as_of": min(as_of or period.end, period.end),
        "target": aim.target,
        "owner": aim.owner,
        "points": one.trend,
    }
