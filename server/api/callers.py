"""Who calls, and with which Idempotency-Key."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import unquote

from fastapi import Depends, Header, Request

from desk.audit import Actor
from server.api.problems import BadRequestError
from server.identity import HEADER, default_name


def caller(request: Request) -> Actor:
    """Return the person whom the identity middleware put into the header."""
    return Actor(unquote(request.headers.get(HEADER, "")) or default_name())


def token(
    idempotency_key: Annotated[
        str | None,
        Header(description="A new one for each act: the same key answers the same again.", max_length=200),
    ] = None,
) -> str:
    """Return the request's Idempotency-Key.

    Raises:
        BadRequestError: there is none.
    """
    if not idempotency_key or not idempotency_key.strip():
        raise BadRequestError("Send an Idempotency-Key header: a new random text for each act.")
    return idempotency_key.strip()


Caller = Annotated[Actor, Depends(caller)]
Token = Annotated[str, Depends(token)]
