"""Flows as one caller may see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows import seen
from flows.kept import FlowNotFoundError

if TYPE_CHECKING:
    from flows.seen import SeenFlow
    from server.context import ServerContext


def listed(ctx: ServerContext) -> list[SeenFlow]:
    """Return the flows that the caller may see, see `flows.seen.listed`."""
    return seen.listed(ctx.reading, ctx.container.flows, ctx.now(), ctx.settings.zone)


def of_name(ctx: ServerContext, name: str) -> SeenFlow:
    """Return one flow.

    Raises:
        FlowNotFoundError: there is none of this name that the caller may see.
    """
    for one in listed(ctx):
        if one.name == name:
            return one
    raise FlowNotFoundError(f"There is no flow {name!r}: nothing arrived from it, and it has no settings.")
