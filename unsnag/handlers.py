"""The registry of retry handlers: what the worker runs when an operator retries a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from unsnag import wire


F = TypeVar("F", bound="Callable[[Retry], object]")


class Retry(NamedTuple):
    """One retry, as the exception center handed it over."""

    id: str
    case: str
    flow: str
    step: str
    correlation_id: str
    idempotency_key: str
    data: Mapping[str, Any]
    """The unit's context fields, as an operator may have corrected them."""
    attempt: int
    traceparent: str | None


registered: Final[dict[tuple[str, str], Callable[[Retry], object]]] = {}


def flows() -> list[str]:
    """Return the flows that have handlers."""
    return sorted({flow for flow, _ in registered})


def announced(of_flows: Collection[str]) -> list[wire.Handler]:
    """Return flow and step of each handler of these flows, for the server."""
    from unsnag import wire  # noqa: PLC0415 - scripts that only register handlers do not need it

    return [wire.Handler(flow=flow, step=step) for flow, step in sorted(registered) if flow in of_flows]


def handler(flow: str, step: str) -> Callable[[F], F]:
    """Register a function, sync or async, as what a retry of a flow's step does."""

    def register(function: F) -> F:
        registered[(flow, step)] = function
        return function

    return register
