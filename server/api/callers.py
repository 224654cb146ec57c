"""Who calls, what they may see, and with which Idempotency-Key."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Request

from access.errors import SignedOutError
from audit.actor import Actor
from server.api.problems import BadRequestError
from server.center import Seat, current
from server.guard import ACTOR


def caller(request: Request) -> Actor:
    """Return whom the guard recognised.

    Raises:
        SignedOutError: nobody; then this route has no business being open.
    """
    actor: Actor | None = request.scope.get(ACTOR)
    if actor is None:
        raise SignedOutError
    return actor


def seat(actor: Annotated[Actor, Depends(caller)]) -> Seat:
    """Return the system as the caller may see and use it.

    Raises:
        ForbiddenError: the caller may look at nothing.
    """
    center = current()
    center.authority.decide(actor, "read", anywhere=True)
    return center.seat(actor)


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
Here = Annotated[Seat, Depends(seat)]
Token = Annotated[str, Depends(token)]
