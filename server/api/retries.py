"""Routes for workers: lease a retry, keep it, report."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any, Final

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, StringConstraints

from audit.actor import SERVICE, Actor, service
from server.api import shapes
from server.api.callers import Caller, Token
from server.center import Center, current

router = APIRouter(prefix="/api/v1/retries", tags=["retries"])

_POLL_S: Final = 0.1
_RECHECK_S: Final = 2.0
"""A lease that ran out makes no event of its own at once: look again now and then."""

Flow = Annotated[str, StringConstraints(max_length=200)]


class Handler(BaseModel):
    """A step that a worker can carry out again."""

    flow: str
    step: str


class LeaseBody(BaseModel):
    """Which retries a worker takes, and how long it waits for one."""

    flows: list[Flow] | None = Field(None, max_length=1_000, description="None: of every flow.")
    wait_s: float = Field(0, ge=0, le=20)
    worker: str = Field("worker", min_length=1, max_length=200)
    handlers: list[Handler] | None = Field(
        None, description="What the worker can do. None: everything it asks for, or what it took before."
    )


class ReportBody(BaseModel):
    """Who reports."""

    worker: str | None = Field(None, max_length=200)


class FailBody(ReportBody):
    """How the step failed."""

    error_type: str | None = Field(None, max_length=400)
    message: str | None = Field(None, max_length=8_000)


@router.post("/lease", response_model=shapes.Lease, responses={204: {"description": "Nothing waits."}})
async def lease(body: LeaseBody, caller: Caller, token: Token) -> Any:
    """Take one retry to execute, or 204."""
    worker = _worker(caller, body.worker)
    taken = await _wait_for_one(current(), body, worker, token)
    return Response(status_code=204) if taken is None else taken


async def _wait_for_one(center: Center, body: LeaseBody, worker: Actor, token: str) -> Any:
    until = time.monotonic() + body.wait_s
    handlers = [(handler.flow, handler.step) for handler in body.handlers or ()] or None
    seen, looked = -1, 0.0
    while True:
        revision, now = center.events.revision("retry"), time.monotonic()
        if revision != seen or now - looked > _RECHECK_S:
            seen, looked = revision, now
            taken = await asyncio.to_thread(
                center.retries.lease, body.flows, worker=worker, token=token, handlers=handlers
            )
            if taken is not None:
                return taken
        if time.monotonic() >= until:
            return None
        await asyncio.sleep(_POLL_S)


@router.post("/{lease_id}/heartbeat", response_model=shapes.LeaseState)
def heartbeat(lease_id: str, caller: Caller, token: Token, body: ReportBody | None = None) -> Any:
    """Prolong a lease; 410 when it was lost."""
    return current().retries.heartbeat(
        lease_id, worker=_worker(caller, body.worker if body else None), token=token
    )


@router.post("/{lease_id}/complete", response_model=shapes.LeaseState)
def complete(lease_id: str, caller: Caller, token: Token, body: ReportBody | None = None) -> Any:
    """Report that the step ran well; the case waits for its proof. 410 when the lease was lost."""
    return current().retries.complete(
        lease_id, worker=_worker(caller, body.worker if body else None), token=token
    )


@router.post("/{lease_id}/fail", response_model=shapes.LeaseState)
def fail(lease_id: str, caller: Caller, token: Token, body: FailBody | None = None) -> Any:
    """Report that the step failed; the case is open again. 410 when the lease was lost."""
    return current().retries.fail(
        lease_id,
        worker=_worker(caller, body.worker if body else None),
        error_type=body.error_type if body else None,
        message=body.message if body else None,
        token=token,
    )


def _worker(caller: Actor, name: str | None) -> Actor:
    """Return the service behind a worker: its token's, or in local mode what it calls itself."""
    return caller if caller.kind == SERVICE or caller.credential else service(name or "worker")
