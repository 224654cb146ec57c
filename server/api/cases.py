"""Routes of cases: lists, one, and the acts."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from desk.cases import CaseFilter
from server.api import shapes
from server.api.callers import Caller, Here, Token
from server.api.paging import Cursor, Limit, offset, page
from server.center import current

router = APIRouter(prefix="/api/v1/cases", tags=["cases"])

Words = Annotated[str | None, Query(max_length=400, description="One, or several with commas between.")]


class RetryBody(BaseModel):
    """Why the retry is asked for."""

    reason: str | None = Field(
        None, max_length=2_000, description="Required for a business error: why it should end differently."
    )


class CancelRetryBody(BaseModel):
    """Why the retry is cancelled."""

    reason: str | None = Field(None, max_length=2_000)


class FixedOutsideBody(BaseModel):
    """What was done about it, and where."""

    reason: str = Field(max_length=2_000)


class ResolveBody(BaseModel):
    """How the case ended."""

    code: str = Field(max_length=40)
    reason: str = Field(max_length=2_000)


@router.get("", response_model=shapes.Listed[shapes.Case])
def list_cases(
    here: Here,
    state: Words = None,
    flow: Words = None,
    klass: Annotated[str | None, Query(alias="class", max_length=400)] = None,
    holder: Annotated[str | None, Query(max_length=200)] = None,
    group: Annotated[str | None, Query(max_length=40)] = None,
    severity: Words = None,
    tenant: Words = None,
    q: Annotated[str | None, Query(max_length=400)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Any:
    """List cases, the most urgent first: by due time, then by value at risk."""
    start = offset(cursor)
    chosen = CaseFilter(
        state=_several(state),
        flow=_several(flow),
        klass=_several(klass),
        severity=_several(severity),
        tenant=_several(tenant),
        holder=holder,
        group=group,
        text=q,
    )
    found = here.desk.cases(chosen, limit, start)
    return page(found.total, found.items, start)


@router.get("/{case_id}", response_model=shapes.CaseDetail)
def get_case(case_id: str, here: Here) -> Any:
    """Return a case with its attempts, acts and data."""
    return here.desk.case(case_id)


@router.post("/{case_id}/claim", response_model=shapes.Case)
def claim(case_id: str, caller: Caller, token: Token) -> Any:
    """Claim a case, or renew one's claim."""
    return current().acts.claim(case_id, actor=caller, token=token)


@router.post("/{case_id}/release", response_model=shapes.Case)
def release(case_id: str, caller: Caller, token: Token) -> Any:
    """Give a claimed case back."""
    return current().acts.release(case_id, actor=caller, token=token)


@router.post("/{case_id}/retry", response_model=shapes.Case)
def retry(case_id: str, caller: Caller, token: Token, body: RetryBody | None = None) -> Any:
    """Ask for a retry; a worker carries it out."""
    return current().acts.retry(case_id, actor=caller, reason=body.reason if body else None, token=token)


@router.post("/{case_id}/cancel-retry", response_model=shapes.Case)
def cancel_retry(case_id: str, caller: Caller, token: Token, body: CancelRetryBody | None = None) -> Any:
    """Cancel a retry that no worker has taken; 409 when one runs it already."""
    reason = body.reason if body else None
    return current().acts.cancel_retry(case_id, actor=caller, reason=reason, token=token)


@router.post("/{case_id}/fixed-outside", response_model=shapes.Case)
def fixed_outside(case_id: str, caller: Caller, token: Token, body: FixedOutsideBody) -> Any:
    """Say that the unit was repaired outside; the case waits for its success signal, for days."""
    return current().acts.fixed_outside(case_id, actor=caller, reason=body.reason, token=token)


@router.post("/{case_id}/resolve", response_model=shapes.Case)
def resolve(case_id: str, caller: Caller, token: Token, body: ResolveBody) -> Any:
    """Close a case with a code and a reason."""
    return current().acts.resolve(case_id, actor=caller, code=body.code, reason=body.reason, token=token)


def _several(text: str | None) -> list[str] | None:
    values = [part.strip() for part in (text or "").split(",") if part.strip()]
    return values or None
