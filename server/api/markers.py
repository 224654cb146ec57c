"""Routes about change markers: deploys and other changes beside the figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from access.commands import perform
from data import paging
from data.clock import aware
from kpis import markers, periods
from server.api import shapes
from server.api.callers import CallerContext, Context, Key
from server.api.kpis import Flow, Since, Until
from server.api.paging import Paging, moment
from server.api.shapes import Body, Time

if TYPE_CHECKING:
    from kpis.figure import Kpi

router = APIRouter(tags=["kpis"])

MarkerId = Annotated[str, Path(max_length=64, description="As the list of markers gives it.")]
Short = Annotated[str, Field(min_length=1, max_length=200)]
_WEEKS: int = 13


class MarkerRequest(Body):
    """A change that happened."""

    text: Annotated[str, Field(min_length=1, max_length=400)]
    kind: Literal["deploy", "change"] = "deploy"
    flow: Short | None = None
    """Without one it is about all flows, which takes a role for everything."""
    version: Short | None = None
    link: Annotated[str, Field(max_length=2_000, pattern=r"^https?://\S+$")] | None = None
    at: Annotated[str, Field(max_length=40)] | None = None
    """RFC 3339; without a zone: in the business time zone. Without it: now."""


class Marker(BaseModel):
    """A change: marked by somebody, or settings as the audit has them."""

    id: str
    kind: str
    """deploy, change or settings."""
    flow: str | None
    text: str
    version: str | None
    link: str | None
    happened_at: Time
    actor: str


class MarkerRemoved(BaseModel):
    """A marker that was taken away."""

    id: str


class FigureAround(BaseModel):
    """A figure before and after a change."""

    id: str
    name: str
    unit: str
    better: str
    before: float | str | None
    """Money is a decimal string."""
    n_before: int
    after: float | str | None
    n_after: int
    floor: int
    """With fewer than this a side says little."""


class MarkerEffect(BaseModel):
    """The figures before and after a change; both sides are equally long."""

    marker: Marker
    start: Time
    end: Time
    """The time after the change, cut now. As much time before it is the other side."""
    figures: list[FigureAround]


@router.get("/api/v1/markers", response_model=shapes.Listed[Marker])
def list_markers(
    ctx: Context, asked: Paging, start: Since = None, end: Until = None, flow: Flow = None
) -> Any:
    """List changes, the latest first: markers, and settings of flows, mappings and currencies from the audit.

    Without a period: those of the last 13 weeks. Of a flow, those of all flows too.
    """
    zone = ctx.settings.zone
    until = aware(moment(end, "to", zone)) or ctx.now()
    since = aware(moment(start, "from", zone)) or periods.last(7 * _WEEKS, until, zone).start
    found = markers.changes(ctx.reading, since, until, flow)
    return asked.page(paging.cut(found, asked.wanted, markers.place))


@router.post("/api/v1/markers", response_model=Marker)
def add_marker(body: MarkerRequest, ctx: CallerContext, key: Key) -> Any:
    """Mark a deploy or another change. It is on every trend, and in the audit."""
    happened = aware(moment(body.at, "at", ctx.settings.zone))
    command = markers.AddMarker(body.text, body.kind, body.flow, body.version, body.link, happened)
    return perform(command, ctx, key=key)


@router.post("/api/v1/markers/{marker_id}/remove", response_model=MarkerRemoved)
def remove_marker(marker_id: MarkerId, ctx: CallerContext, key: Key) -> Any:
    """Take away a marker that was wrong. The audit keeps it."""
    return perform(markers.RemoveMarker(marker_id), ctx, key=key)


@router.get("/api/v1/markers/{marker_id}/effect", response_model=MarkerEffect)
def get_marker_effect(
    marker_id: MarkerId, ctx: Context, days: Annotated[int, Query(ge=1, le=92)] = markers.DAYS
) -> Any:
    """Return each figure before and after a change, of its flow or of all."""
    one, zone = markers.change(ctx.reading, marker_id), ctx.settings.zone
    period = markers.around(one, days, zone, ctx.now())
    found = markers.effect(ctx.reading, one, days, zone, ctx.now())
    return {
        "marker": one,
        "start": period.start,
        "end": period.end,
        "figures": [_around(kpi) for kpi in found],
    }


def _around(one: Kpi) -> dict[str, Any]:
    return {
        "id": one.id, "name": one.name, "unit": one.unit, "better": one.better, "floor": one.floor,
        "before": one.previous, "n_before": one.previous_n, "after": one.value, "n_after": one.n,
    }  # fmt: skip
