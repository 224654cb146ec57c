"""Routes that ask what was collected: units, traces, logs, search."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.routing import APIRoute
from starlette.routing import Match

from cases import unit_records, units
from cases.errors import TraceNotFoundError, TraceRemovedError
from server.api import answers, shapes, telemetry_shapes
from server.api.callers import Context
from server.api.paging import Bounds, Moment, Paging, page
from server.api.problems import BadRequestError
from server.policies import removed_of, removed_trace
from unsnag.conventions import SEVERITY_NUMBERS

if TYPE_CHECKING:
    from starlette.types import Scope


class _PartOf(APIRoute):
    """A route whose last part is written with a plain `/`: `.../A%2Fspans` asks for the unit `A/spans`."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether a request is for this route; what is decoded does not tell an ID's `/` from it."""
        last = f"/{self.path.rpartition('/')[2]}".encode()
        is_own = scope.get("raw_path", last).endswith(last)
        return super().matches(scope) if is_own else (Match.NONE, {})


router = APIRouter(prefix="/api/v1", tags=["telemetry"])

_UNIT: Final = "/units/{correlation_id:path}"
_MAX_CONDITIONS: Final = 10
_NS_PER_MS: Final = 1_000_000
_MAX_MS: Final = 1e12
Word = Annotated[str | None, Query(max_length=400)]
Everywhere = Annotated[
    bool,
    Query(
        description="Search the attributes of all records, not of the newest, where nothing else finds it."
    ),
]
Duration = Annotated[float | None, Query(ge=0, le=_MAX_MS)]


def list_unit_spans(correlation_id: str, ctx: Context, asked: Paging) -> Any:
    """List all spans of a unit, the oldest first."""
    return asked.page(unit_records.spans(ctx.reading, correlation_id, asked.wanted))


def list_unit_logs(correlation_id: str, ctx: Context, asked: Paging) -> Any:
    """List all log records of a unit, the oldest first; not lines of others that only name it."""
    return asked.page(unit_records.logs(ctx.reading, correlation_id, asked.wanted))


_add_part = partial(router.add_api_route, route_class_override=_PartOf)
_add_part(f"{_UNIT}/spans", list_unit_spans, response_model=shapes.Listed[telemetry_shapes.Span])
_add_part(f"{_UNIT}/logs", list_unit_logs, response_model=shapes.Listed[telemetry_shapes.LogRecord])


@router.get(_UNIT, response_model=telemetry_shapes.Unit)
def get_unit(correlation_id: str, ctx: Context, everywhere: Everywhere = False) -> Any:  # noqa: FBT002 - a query's field
    """Return everything of one unit of work; an ID's own `/` may be written `%2F`."""
    found = units.unit(ctx.reading, correlation_id, everywhere=everywhere)
    return {**answers.unit(found), "removed": removed_of(ctx.reading, found.opened_at, found.last_seen)}


@router.get("/traces/{trace_id}", response_model=telemetry_shapes.Trace)
def get_trace(trace_id: str, ctx: Context) -> Any:
    """Return the spans and logs of one trace."""
    try:
        return answers.trace(units.trace(ctx.reading, trace_id.lower()))
    except TraceNotFoundError:
        if words := removed_trace(ctx.reading, trace_id.lower()):
            raise TraceRemovedError(words) from None
        raise


@router.get("/traces", response_model=shapes.Bounded[telemetry_shapes.TraceSummary])
def list_traces(
    request: Request,
    ctx: Context,
    asked: Paging,
    service: Word = None,
    operation: Word = None,
    min_duration_ms: Duration = None,
    max_duration_ms: Duration = None,
    start: Annotated[Moment, Query(alias="from")] = None,
    end: Annotated[Moment, Query(alias="to")] = None,
) -> Any:
    """List traces with a single span that meets all conditions; `attr.KEY=VALUE` asks for attributes.

    An attribute may sit on the span, its resource, scope, events or links.
    Without `from` the span began in the 24 hours before `to`, or before now.
    """
    bounds = asked.bounds(start, end)
    params = {
        "service": service,
        "operation": operation,
        "min_ns": None if min_duration_ms is None else int(min_duration_ms * _NS_PER_MS),
        "max_ns": None if max_duration_ms is None else int(max_duration_ms * _NS_PER_MS),
        "from": bounds.start,
        "to": bounds.end,
        "conditions": orjson.dumps(_conditions(request)).decode(),
    }
    return asked.within(units.traces(ctx.reading, params, asked.wanted), bounds)


@router.get("/logs", response_model=shapes.Bounded[telemetry_shapes.LogRecord])
def list_logs(
    ctx: Context,
    asked: Paging,
    q: Word = None,
    start: Annotated[Moment, Query(alias="from")] = None,
    end: Annotated[Moment, Query(alias="to")] = None,
    flow: Word = None,
    severity: Word = None,
    source: Word = None,
    correlation_id: Word = None,
    trace_id: Word = None,
) -> Any:
    """List log records, the newest first; `severity` is the least one wanted.

    Without `from` they are of the 24 hours before `to`, or before now; those of an ID, of all times.
    """
    bounds = asked.bounds(start, end)
    if (correlation_id or trace_id) and start is None:
        bounds = Bounds(None, bounds.end)
    params = {
        "q": q,
        "from": bounds.start,
        "to": bounds.end,
        "flow": flow,
        "severity_number": _severity(severity),
        "source": source,
        "correlation_id": correlation_id,
        "trace_id": trace_id and trace_id.lower(),
    }
    return asked.within(units.logs(ctx.reading, params, asked.wanted), bounds)


@router.get("/search", response_model=shapes.Listed[telemetry_shapes.Hit])
def search(
    q: Annotated[str, Query(max_length=400)],
    ctx: Context,
    everywhere: Everywhere = False,  # noqa: FBT002 - a query's field
) -> Any:
    """Find units, cases, traces, runs and customers by what they are called."""
    hits = units.search(ctx.reading, q, everywhere=everywhere)
    return page(len(hits), hits)


def _conditions(request: Request) -> list[dict[str, str]]:
    wanted = [
        (k.removeprefix("attr."), v) for k, v in request.query_params.multi_items() if k.startswith("attr.")
    ]
    if len(wanted) > _MAX_CONDITIONS:
        raise BadRequestError(f"At most {_MAX_CONDITIONS} attributes can be asked for at once.")
    return [_condition(key, value) for key, value in wanted]


def _condition(key: str, value: str) -> dict[str, str]:
    if not key or '"' in key or "\\" in key or "\x00" in key + value:
        raise BadRequestError(f"{key!r} cannot be the name of an attribute.")
    name = orjson.dumps(key.encode("utf-8", "replace").decode()).decode()
    text = value.encode("utf-8", "replace").decode()
    return {
        "path": f"$.{name}",
        "value": text,
        "text": f"{name}:{orjson.dumps(text).decode()}",
        "raw": f"{name}:{text}",
    }


def _severity(name: str | None) -> int | None:
    if name is None:
        return None
    number = {**SEVERITY_NUMBERS, "warn": 13, "fatal": 21}.get(name.lower())
    if number is None:
        raise BadRequestError(f"There is no severity {name!r}. Choose one of: {', '.join(SEVERITY_NUMBERS)}.")
    return number
