"""Routes for workers: lease a retry, keep it, report."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from typing import Any, Final

from fastapi import APIRouter, Response

from access.commands import perform
from audit.actor import SERVICE, Actor, service
from cases import retries
from server.api import case_shapes
from server.api.callers import Caller, Key
from server.container import current
from server.context import ServerContext
from unsnag import wire

router = APIRouter(prefix=wire.RETRIES_PATH, tags=["retries"])

_POLL_S: Final = 0.1
_RECHECK_S: Final = 2.0
"""A lease that ran out makes no event of its own at once: look again now and then."""


@router.post("/lease", response_model=case_shapes.Lease, responses={204: {"description": "Nothing waits."}})
async def lease_retry(body: wire.LeaseRequest, caller: Caller, key: Key) -> Any:
    """Take one retry to execute, or 204."""
    taken = await _wait_for_one(_context(caller, body.worker), body, key)
    return Response(status_code=204) if taken is None else asdict(taken)


async def _wait_for_one(ctx: ServerContext, body: wire.LeaseRequest, key: str) -> wire.Lease | None:
    until = time.monotonic() + body.wait_s
    handlers = [(handler.flow, handler.step) for handler in body.handlers or ()] or None
    seen, looked = -1, 0.0
    while True:
        revision, now = ctx.container.events.revision("retry"), time.monotonic()
        if revision != seen or now - looked > _RECHECK_S:
            seen, looked = revision, now
            taken = await asyncio.to_thread(retries.lease_next, ctx, body.flows, handlers, key=key)
            if taken is not None:
                return taken
        if time.monotonic() >= until or ctx.container.events.has_ended:
            return None
        await asyncio.sleep(_POLL_S)


@router.post("/{lease_id}/heartbeat", response_model=case_shapes.LeaseState)
def heartbeat_retry(lease_id: str, caller: Caller, key: Key, body: wire.Report | None = None) -> Any:
    """Prolong a lease; 410 when it was lost."""
    ctx = _context(caller, body.worker if body else None)
    return asdict(perform(retries.Heartbeat(lease_id), ctx, key=key))


@router.post("/{lease_id}/complete", response_model=case_shapes.LeaseState)
def complete_retry(lease_id: str, caller: Caller, key: Key, body: wire.Report | None = None) -> Any:
    """Report that the step ran well; the case waits for its proof. 410 when the lease was lost."""
    ctx = _context(caller, body.worker if body else None)
    return asdict(perform(retries.Complete(lease_id), ctx, key=key))


@router.post("/{lease_id}/fail", response_model=case_shapes.LeaseState)
def fail_retry(lease_id: str, caller: Caller, key: Key, body: wire.FailReport | None = None) -> Any:
    """Report that the step failed; the case is open again. 410 when the lease was lost."""
    report = body or wire.FailReport()
    ctx = _context(caller, report.worker)
    failed = retries.Fail(lease_id, report.error_type, report.message, report.error_class)
    return asdict(perform(failed, ctx, key=key))


def _context(caller: Actor, name: str | None) -> ServerContext:
    """Return the system as the worker uses it: its token's service, in local mode what it calls itself."""
    is_service = caller.kind == SERVICE or caller.credential
    return current().context(caller if is_service else service(name or "worker"))
