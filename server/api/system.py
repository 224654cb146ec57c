"""Routes about the server itself: health, readiness, metrics, sources, quarantine, events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.responses import StreamingResponse

from access.errors import SignedOutError
from audit.actor import Actor
from data.errors import UnsnagError
from server import quarantine
from server.api import shapes, system_shapes
from server.api.callers import CallerContext, Context, Key
from server.api.paging import Paging, page
from server.api.problems import BadRequestError
from server.container import current
from server.context import taken_items
from server.events import TOPICS
from server.metrics import render

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

router = APIRouter(tags=["system"])

_POLL_S: Final = 0.1
_KEEPALIVE_POLLS: Final = 150


@router.get("/healthz")
def get_health() -> dict[str, str]:
    """Answer as soon as the process serves."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "Not ready, with reasons."}})
def get_readiness() -> JSONResponse:
    """Answer 200 while the store reads and writes and the collectors run; `instance` names this start.

    With 200 the status is `ready`, or `degraded` with reasons that need an operator soon.
    """
    try:
        container = current()
    except UnsnagError as error:
        return JSONResponse({"status": "starting", "reasons": [str(error)]}, 503)
    if container.collectors is None:
        return JSONResponse({"status": "starting", "reasons": ["The collectors do not run yet."]}, 503)
    troubles = container.store.troubles()
    reasons = troubles or container.warnings()
    status = "not ready" if troubles else "degraded" if reasons else "ready"
    body = {"status": status, "reasons": reasons, "instance": container.instance}
    return JSONResponse(body, 503 if troubles else 200)


@router.get("/metrics", response_class=PlainTextResponse)
def get_metrics() -> PlainTextResponse:
    """Answer in OpenMetrics' text form. No customer or tenant is a label."""
    kind = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    return PlainTextResponse(render(current()), media_type=kind)


@router.get("/api/v1/sources", response_model=shapes.Listed[system_shapes.Source])
def list_sources(ctx: Context) -> Any:
    """List where telemetry comes from, with state and lag."""
    found = ctx.sources()
    return page(len(found), found)


@router.get("/api/v1/sources/{name:path}/items", response_model=shapes.Listed[system_shapes.SourceItem])
def list_source_items(name: Annotated[str, Path(max_length=200)], ctx: Context, asked: Paging) -> Any:
    """List what a source took as a whole, such as files, the newest first.

    Whose rows a file holds is not known: users who may not see everything see none.
    """
    return asked.page(taken_items(ctx.reading, name, asked.wanted))


@router.get("/api/v1/quarantine", response_model=shapes.Listed[system_shapes.Quarantined])
def list_quarantine(ctx: Context, asked: Paging) -> Any:
    """List records that could not be read, the newest first."""
    return asked.page(quarantine.listed(ctx, asked.wanted))


@router.post("/api/v1/quarantine/{record_id}/replay", response_model=system_shapes.Replayed)
def replay_quarantined(record_id: Annotated[str, Path(max_length=80)], ctx: CallerContext, key: Key) -> Any:
    """Read a quarantined record again, as the collectors and their mappings read today."""
    return {"id": record_id, "result": quarantine.replay(ctx, record_id, key=key)}


_TOPIC: Final = Query(max_length=20, description="Only this one.", json_schema_extra={"enum": [*TOPICS]})


@router.get("/api/v1/events", response_class=StreamingResponse)
def stream_events(ctx: Context, topic: Annotated[str | None, _TOPIC] = None) -> StreamingResponse:
    """Stream a server-sent event each time something changes, named by its topic.

    The stream ends with an event `signed-out` when the session or token behind it does.
    """
    if topic is not None and topic not in TOPICS:
        raise BadRequestError(f"There is no topic {topic!r}. Choose one of: {', '.join(TOPICS)}.")
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    topics = (topic,) if topic else TOPICS
    return StreamingResponse(_stream(topics, ctx.actor), media_type="text/event-stream", headers=headers)


async def _stream(topics: tuple[str, ...], actor: Actor) -> AsyncIterator[str]:
    watched, authority = current().events, current().authority
    seen = dict.fromkeys(topics, -1)
    quiet = 0
    while not watched.has_ended:
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
