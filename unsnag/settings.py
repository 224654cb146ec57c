"""The arguments of `unsnag.init`, completed by the environment.

OpenTelemetry's variables mean here what they mean there, so moving to its SDK or from it changes no code.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from unsnag import conventions, destination, process

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from unsnag.destination import Destination

MAX_EVENT_BYTES: Final = 64 * 1024
ROTATE_BYTES: Final = 64 * 1024 * 1024
QUEUE_EVENTS: Final = 20_000
QUEUE_BYTES: Final = 32 * 1024 * 1024


class Settings(NamedTuple):
    """The complete configuration of the client."""

    flow: str
    service: str
    environment: str
    destination: Destination
    resource: Mapping[str, str]
    allow_fields: frozenset[str] | None
    max_event_bytes: int
    rotate_bytes: int
    queue_events: int
    queue_bytes: int

    def fields(self) -> dict[str, Any]:
        """Return what every record of this process carries."""
        return {
            conventions.SERVICE_NAME: self.service,
            conventions.ENVIRONMENT: self.environment,
            conventions.FLOW: self.flow,
        }


def read(
    flow: str,
    *,
    spool: str | os.PathLike[str] | None = None,
    service: str | None = None,
    environment: str | None = None,
    allow_fields: Iterable[str] | None = None,
    max_event_bytes: int = MAX_EVENT_BYTES,
    rotate_bytes: int = ROTATE_BYTES,
    queue_events: int = QUEUE_EVENTS,
    queue_bytes: int = QUEUE_BYTES,
) -> Settings:
    """Complete the script's arguments with its environment; the arguments take precedence."""
    resource = destination.pairs(os.environ.get("OTEL_RESOURCE_ATTRIBUTES", ""))
    own_service = service or os.environ.get("OTEL_SERVICE_NAME") or resource.get(conventions.SERVICE_NAME)
    own_environment = environment or _environment_of(resource)
    return Settings(
        flow=flow,
        service=own_service or _program_name(),
        environment=own_environment or "production",
        destination=destination.read(spool),
        resource=_with_host(resource),
        allow_fields=None if allow_fields is None else frozenset(allow_fields),
        max_event_bytes=max(int(max_event_bytes), 1024),
        rotate_bytes=max(int(rotate_bytes), 4096),
        queue_events=queue_events,
        queue_bytes=queue_bytes,
    )


def _with_host(resource: Mapping[str, str]) -> Mapping[str, str]:
    """Name the machine whose clock times the records; OTEL_RESOURCE_ATTRIBUTES may call it otherwise."""
    host = process.host_name()
    return {conventions.HOST_NAME: host, **resource} if host else resource


def _environment_of(resource: Mapping[str, str]) -> str | None:
    return resource.get(conventions.ENVIRONMENT) or resource.get("deployment.environment")


def _program_name() -> str:
    name = os.path.basename(sys.argv[0] if sys.argv else "")  # noqa: PTH119 - pathlib costs 10 ms here
    return name.removesuffix(".py").strip("-") or "python"
