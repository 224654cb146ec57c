"""The route that asks the holder of a case."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from access.commands import perform
from cases.asking import AskHolder
from cases.notes import MAX_CHARS
from server.api import answers, case_shapes, shapes
from server.api.callers import CallerContext, Key

router = APIRouter(prefix="/api/v1/cases", tags=["cases"])


class AskBody(shapes.Body):
    """What the holder is asked."""

    question: str = Field(max_length=MAX_CHARS, description="Plain text or Markdown.")


@router.post("/{case_id}/ask", response_model=case_shapes.Case)
def ask_holder(case_id: str, ctx: CallerContext, key: Key, body: AskBody) -> Any:
    """Ask who has a case; they get a notice, and a note by them is the answer."""
    return answers.case(perform(AskHolder(case_id, body.question), ctx, key=key))
