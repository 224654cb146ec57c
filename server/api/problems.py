"""Errors as RFC 9457 problem details."""

from __future__ import annotations

import re
import uuid
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from opentelemetry import trace
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from access.errors import (
    ForbiddenError,
    InvalidPersonError,
    LinkUsedError,
    PersonNotFoundError,
    SignedOutError,
    TokenNotFoundError,
    TokenReusedError,
    TooManyTriesError,
)
from cases.approvals import ApprovalNotFoundError
from cases.batches import BatchNotFoundError
from cases.errors import (
    AlreadyClaimedError,
    CaseNotFoundError,
    GroupClaimedError,
    GroupNotFoundError,
    InvalidActError,
    LeaseLostError,
    NotAllowedNowError,
    ReasonMissingError,
    TraceNotFoundError,
    TraceRemovedError,
    UnitNotFoundError,
)
from cases.saved_views import ViewNotFoundError
from cases.search import InvalidSearchError
from collectors.applying import IsAppliedError, NothingToApplyError
from collectors.kept_mappings import VersionNotFoundError
from collectors.mapping_text import BadMappingError
from data.errors import ConflictError, StoreBusyError, StoreClosedError, StoreUnavailableError, UnsnagError
from data.logs import event_log
from data.manifest import BackupError
from data.spans import fail
from flows.files import FlowFolderError
from flows.kept import FlowNotFoundError
from flows.tree import BadFlowError
from kpis.currencies import InvalidRateError
from kpis.definition import UnknownKpiError
from kpis.markers import MarkerNotFoundError, MarkerTimeError
from kpis.periods import InvalidPeriodError
from kpis.review.errors import (
    ActionNotFoundError,
    CommentMissingError,
    EmptyCommentError,
    EmptyTextError,
    EntryNotFoundError,
    WeekRunsError,
)
from server.container import NotRunningError
from server.holds import HoldNotFoundError
from server.mappings import MappingNotFoundError
from server.printing import PrintingError
from server.quarantine import RecordNotFoundError
from server.refusals import RefusedError
from server.review_files import NoReviewFilesError
from unsnag import wire

if TYPE_CHECKING:
    from fastapi import FastAPI, Request

_LOG: Final = event_log("api")

MEDIA_TYPE: Final = "application/problem+json"
KEY_MISSING: Final = f"Send an {wire.IDEMPOTENCY_KEY} header: a new random text for each write."
_STATUS: Final[tuple[tuple[type[UnsnagError], int], ...]] = (
    (CaseNotFoundError, 404),
    (ApprovalNotFoundError, 404),
    (GroupNotFoundError, 404),
    (BatchNotFoundError, 404),
    (ViewNotFoundError, 404),
    (UnitNotFoundError, 404),
    (TraceNotFoundError, 404),
    (PersonNotFoundError, 404),
    (TokenNotFoundError, 404),
    (RecordNotFoundError, 404),
    (UnknownKpiError, 404),
    (InvalidPeriodError, 400),
    (EmptyCommentError, 422),
    (InvalidRateError, 422),
    (WeekRunsError, 409),
    (CommentMissingError, 409),
    (EmptyTextError, 422),
    (ActionNotFoundError, 404),
    (EntryNotFoundError, 404),
    (PrintingError, 409),
    (MarkerNotFoundError, 404),
    (MarkerTimeError, 422),
    (NoReviewFilesError, 409),
    (MappingNotFoundError, 404),
    (HoldNotFoundError, 404),
    (TraceRemovedError, 410),
    (VersionNotFoundError, 404),
    (BadMappingError, 422),
    (BadFlowError, 422),
    (FlowNotFoundError, 404),
    (FlowFolderError, 503),
    (InvalidSearchError, 422),
    (NothingToApplyError, 422),
    (IsAppliedError, 409),
    (SignedOutError, 401),
    (ForbiddenError, 403),
    (LinkUsedError, 410),
    (TooManyTriesError, 429),
    (InvalidPersonError, 422),
    (ReasonMissingError, 400),
    (LeaseLostError, 410),
    (InvalidActError, 422),
    (TokenReusedError, 422),
    (ConflictError, 409),
    (StoreBusyError, 503),
    (StoreClosedError, 503),
    (StoreUnavailableError, 503),
    (BackupError, 503),
    (NotRunningError, 503),
)


class BadRequestError(UnsnagError):
    """The request lacks something or says something that cannot be meant."""


class Problem(BaseModel):
    """An error, as RFC 9457 describes it."""

    type: str
    title: str
    status: int
    detail: str
    holder: str | None = None
    since: str | None = None
    incident: str | None = None
    field: str | None = None
    """Which field of the request lacks something."""
    faults: list[dict[str, str | int]] | None = None
    """What is wrong with a mapping or settings, line by line, or with a search, by position."""


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem."""
    app.add_exception_handler(UnsnagError, _problem_response)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _crashed)


def answer(kind: str, title: str, status: int, detail: str, **more: Any) -> JSONResponse:
    """Build a problem answer."""
    body = {"type": f"urn:unsnag:{kind}", "title": title, "status": status, "detail": detail}
    headers = {"Retry-After": "1"} if status in (429, 503) else None
    # A lone surrogate from a hostile request must not make the answer itself fail.
    safe = {
        k: v.encode("utf-8", "replace").decode() if isinstance(v, str) else v
        for k, v in (body | more).items()
    }
    return JSONResponse(safe, status, media_type=MEDIA_TYPE, headers=headers)


async def _problem_response(_request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, RefusedError):
        refusal = error.refusal
        return answer(refusal.kind, refusal.kind.replace("-", " ").capitalize(), refusal.status, str(error))
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), 400)
    name = re.sub(r"(?<!^)(?=[A-Z])", " ", type(error).__name__.removesuffix("Error")).lower()
    more: dict[str, Any] = {}
    if isinstance(error, AlreadyClaimedError | GroupClaimedError | NotAllowedNowError):
        more = {"holder": error.holder, "since": error.since.isoformat() + "Z" if error.since else None}
    if isinstance(error, BadMappingError | BadFlowError):
        more = {"faults": [asdict(fault) for fault in error.faults]}
    if isinstance(error, InvalidSearchError):
        more = {"faults": [fault._asdict() for fault in error.faults]}
    if isinstance(error, ReasonMissingError):
        more = {"field": error.field}
    return answer(name.replace(" ", "-"), name.capitalize(), status, str(error), **more)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    if any(e["loc"] == ("header", wire.IDEMPOTENCY_KEY) and e["type"] == "missing" for e in error.errors()):
        return await _problem_response(request, BadRequestError(KEY_MISSING))
    parts = [f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in error.errors()]
    return answer("invalid-request", "Invalid request", 422, "; ".join(parts))


async def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    made = answer("http", str(error.detail), error.status_code, str(error.detail))
    made.headers.update(error.headers or {})
    return made


async def _crashed(_request: Request, error: Exception) -> JSONResponse:
    incident = uuid.uuid4().hex[:12]
    fail(trace.get_current_span(), error)
    _LOG.error("request.failed", incident=incident, exc_info=error)
    words = f"Something broke on our side. Give the operator of this server the incident {incident}."
    return answer("incident", "Internal error", 500, words, incident=incident)
