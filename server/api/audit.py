"""Routes of the audit: search, check, export."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import datetime
from typing import IO, Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from audit.evidence import Wanted
from server import audit
from server.api import audit_shapes, shapes
from server.api.callers import CallerContext
from server.api.paging import Moment, Paging, moment
from server.audit import AuditEntry, AuditFilter

router = APIRouter(prefix="/api/v1/audit", tags=["audit"])

_CHUNK: Final = 1 << 18
Word = Annotated[str | None, Query(max_length=400)]


class PackBody(shapes.Body):
    """What an evidence pack is to hold."""

    since: datetime | None = Field(None, alias="from")
    until: datetime | None = Field(None, alias="to")
    flow: str | None = Field(None, max_length=200)


@router.get("", response_model=shapes.Listed[AuditEntry])
def list_audit_entries(
    ctx: CallerContext,
    asked: Paging,
    q: Word = None,
    kind: Word = None,
    actor: Word = None,
    verb: Word = None,
    flow: Word = None,
    start: Annotated[Moment, Query(alias="from")] = None,
    end: Annotated[Moment, Query(alias="to")] = None,
) -> Any:
    """List entries, the newest first; for approvers, within their scope."""
    chosen = AuditFilter(q, kind, actor, verb, flow, moment(start, "from"), moment(end, "to"))
    return asked.page(audit.listed(ctx, chosen, asked.wanted))


@router.get("/verdict", response_model=audit_shapes.ChainVerdict)
def check_audit_chain(ctx: CallerContext) -> Any:
    """Check the whole chain now, against every checkpoint outside the store."""
    state = audit.check(ctx)
    return {
        "intact": state.verdict.intact,
        "entries": state.verdict.entries,
        "head": state.verdict.head,
        "broken_at": state.verdict.broken_at,
        "reason": state.verdict.reason,
        "checked_at": state.checked_at,
        "checkpoints": state.trouble,
        "differences": audit.differences_in_scope(ctx, state),
        "warnings": [state.missing] if state.missing else [],
    }


@router.post("/pack", response_class=StreamingResponse)
def create_evidence_pack(ctx: CallerContext, body: PackBody | None = None) -> StreamingResponse:
    """Make an evidence pack (ZIP) of a period and a flow. The export is recorded."""
    chosen = body or PackBody.model_validate({})
    wanted = Wanted(_stored(chosen.since), _stored(chosen.until), chosen.flow)
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed at the end of the stream
    try:
        audit.pack(ctx, wanted, file)
    except BaseException:
        file.close()
        raise
    headers = {"Content-Disposition": 'attachment; filename="unsnag-evidence.zip"'}
    return StreamingResponse(_sent(file), media_type="application/zip", headers=headers)


def _sent(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while chunk := file.read(_CHUNK):
            yield chunk


def _stored(chosen: datetime | None) -> datetime | None:
    return moment(chosen.isoformat(), "time") if chosen else None
