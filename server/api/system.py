"""Routes about the server itself: health, readiness, metrics, sources, quarantine, events, KPIs."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.responses import StreamingResponse

from access.errors import SignedOutError
from audit.actor import Actor
from data.clock import stored
from data.errors import UnsnagError
from kpis.scoreboard import scoreboard
from server.api import shapes
from server.api.callers import Here, Token
from server.api.paging import Cursor, Limit, Moment, moment, offset, page
from server.api.problems import BadRequestError
from server.center import current
from server.events import TOPICS
from server.metrics import render

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

router = APIRouter(tags=["system"])

_WEEK: Final = timedelta(days=7)
_POLL_S: Final = 0.1
_KEEPALIVE_POLLS: Final = 150
_BY: Final = ("flow", "segment", "tenant", "business_unit", "class")


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """Answer as soon as the process serves."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "Not ready, with reasons."}})
def readyz() -> JSONResponse:
    """Answer 200 once the store is open and the collectors run."""
    try:
        center = current()
    except UnsnagError as error:
        return JSONResponse({"status": "starting", "reasons": [str(error)]}, 503)
    if center.collecting is None:
        return JSONResponse({"status": "starting", "reasons": ["The collectors do not run yet."]}, 503)
    return JSONResponse({"status": "ready", "reasons": []})


@router.get("/metrics", response_class=PlainTextResponse)
def metrics() -> PlainTextResponse:
    """Answer in OpenMetrics' text form. No customer or tenant is a label."""
    kind = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    return PlainTextResponse(render(current()), media_type=kind)


@router.get("/api/v1/sources", response_model=shapes.Listed[shapes.Source])
def list_sources(here: Here) -> Any:
    """List where telemetry comes from, with state and lag."""
    found = here.sources()
    return page(len(found), found, 0)


@router.get("/api/v1/quarantine", response_model=shapes.Listed[shapes.Quarantined])
def list_quarantine(here: Here, limit: Limit = 50, cursor: Cursor = None) -> Any:
    """List records that could not be read, the newest first."""
    start = offset(cursor)
    total, items = here.quarantine(limit, start)
    return page(total, items, start)


@router.post("/api/v1/quarantine/{record_id}/replay", response_model=shapes.Replayed)
def replay(record_id: Annotated[str, Path(max_length=80)], here: Here, token: Token) -> Any:
    """Read a quarantined record again, as the collectors and their mappings read today."""
    return {"id": record_id, "result": here.replay(record_id, token)}


@router.get("/api/v1/kpis", response_model=shapes.Listed[shapes.Kpi])
def list_kpis(
    here: Here,
    start: Annotated[Moment, Query(alias="from")] = None,
    end: Annotated[Moment, Query(alias="to")] = None,
    flow: Annotated[str | None, Query(max_length=200)] = None,
    by: Annotated[str | None, Query(max_length=20)] = None,
) -> Any:
    """Return every figure of a period; without one, of the last seven days."""
    until = moment(end, "to") or stored(here.now())
    since = moment(start, "from") or until - _WEEK
    if since >= until:
        raise BadRequestError("`from` must lie before `to`.")
    if by is not None and by not in _BY:
        raise BadRequestError(f"A figure cannot be split by {by!r}. Choose one of: {', '.join(_BY)}.")
    found = scoreboard(here.reading, since, until, flow=flow, by=by)
    return page(len(found), found, 0)


@router.get("/api/v1/events", response_class=StreamingResponse)
def events(here: Here, topic: Annotated[str | None, Query(max_length=20)] = None) -> StreamingResponse:
    """Stream a server-sent event each time something changes: `case`, `ingest`, `retry`, `breaker`.

    The stream ends with an event `signed-out` when the session or token behind it does.
    """
    if topic is not None and topic not in TOPICS:
        raise BadRequestError(f"There is no topic {topic!r}. Choose one of: {', '.join(TOPICS)}.")
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    topics = (topic,) if topic else TOPICS
    return StreamingResponse(_stream(topics, here.actor), media_type="text/event-stream", headers=headers)


async def _stream(topics: tuple[str, ...], actor: Actor) -> AsyncIterator[str]:
    watched, authority = current().events, current().authority
    seen = dict.fromkeys(topics, -1)
    quiet = 0
    while True:
        changed = [name for name in topics if watched.revision(name) != seen[name]]
        for name in changed:
            seen[name] = watched.revision(name)
            yield f"event: {name}\ndata: {seen[name]}\n\n"
        try:
            authority.grants(actor)
        except SignedOutError:
            yield "event: signed-out\ndata: 1\n\n"
            return
        quiet = 0 if changed else quiet + 1
        if quiet >= _KEEPALIVE_POLLS:
            quiet = 0
            yield ": still here\n\n"
        await asyncio.sleep(_POLL_S)
