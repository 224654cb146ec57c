"""Who calls, what they may see, and with which Idempotency-Key.

These look into memory only. They are `async` so that none of them takes a thread, as FastAPI gives others.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Depends, Header, Request
from fastapi.exceptions import RequestValidationError

from access.errors import SignedOutError
from audit.actor import Actor
from server.api.problems import KEY_MISSING, BadRequestError
from server.container import current
from server.context import ServerContext
from server.identity import ACTOR
from unsnag import wire

_KEY: Final = (
    "A new random text for each write, such as a UUID. The same key with the same request is answered the "
    "same again and acts once; with another request it is refused with 422."
)
_NOTHING: Final = (b"", b"{}", b"null")


async def caller(request: Request) -> Actor:
    """Return whom the guard recognised.

    Raises:
        SignedOutError: nobody; then this route has no business being open.
    """
    actor: Actor | None = request.scope.get(ACTOR)
    if actor is None:
        raise SignedOutError
    return actor


async def caller_context(actor: Annotated[Actor, Depends(caller)]) -> ServerContext:
    """Return the system as the caller may use it: for commands, which ask for their own right."""
    return current().context(actor)


async def context(ctx: Annotated[ServerContext, Depends(caller_context)]) -> ServerContext:
    """Return the system as the caller may see it.

    Raises:
        ForbiddenError: the caller may look at nothing.
    """
    ctx.authority.decide(ctx.actor, "read", anywhere=True)
    return ctx


async def key(
    request: Request,
    idempotency_key: Annotated[
        str,
        Header(alias=wire.IDEMPOTENCY_KEY, description=_KEY, min_length=1, max_length=200),
    ],
) -> str:
    """Return the request's Idempotency-Key.

    Raises:
        BadRequestError: there is none.
        RequestValidationError: the request has a body, and its route takes none.
    """
    if not idempotency_key.strip():
        raise BadRequestError(KEY_MISSING)
    if request.scope["route"].body_field is None and (await request.body()).strip() not in _NOTHING:
        raise RequestValidationError([{"loc": ("body",), "msg": "This request takes no body."}])
    return idempotency_key.strip()


Caller = Annotated[Actor, Depends(caller)]
CallerContext = Annotated[ServerContext, Depends(caller_context)]
Context = Annotated[ServerContext, Depends(context)]
Key = Annotated[str, Depends(key)]
