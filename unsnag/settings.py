"""What `unsnag.init` was told, completed by the environment.

OpenTelemetry's variables mean here what they mean there, so moving to its SDK or from it changes no code.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from unsnag import conventions, process

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_EVENT_BYTES: Final = 64 * 1024
ROTATE_BYTES: Final = 64 * 1024 * 1024
QUEUE_EVENTS: Final = 20_000
QUEUE_BYTES: Final = 32 * 1024 * 1024


class Settings(NamedTuple):
    """Everything the client was told."""

    flow: str
    service: str
    environment: str
    spool: str
    resource: Mapping[str, str]
    logs_url: str | None
    traces_url: str | None
    headers: Mapping[str, str]
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
    """Complete what a script said by what its environment says; the script's word counts more."""
    resource = _pairs(os.environ.get("OTEL_RESOURCE_ATTRIBUTES", ""))
    own_service = service or os.environ.get("OTEL_SERVICE_NAME") or resource.get(conventions.SERVICE_NAME)
    own_environment = environment or _environment_of(resource)
    return Settings(
        flow=flow,
        service=own_service or _program_name(),
        environment=own_environment or "production",
        spool=os.path.abspath(spool or os.environ.get(conventions.ENV_SPOOL) or conventions.DEFAULT_SPOOL),  # noqa: PTH100
        resource=_with_host(resource),
        logs_url=_endpoint("LOGS", "v1/logs"),
        traces_url=_endpoint("TRACES", "v1/traces"),
        headers=_pairs(os.environ.get("OTEL_EXPORTER_OTLP_HEADERS", "")),
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


def _endpoint(signal: str, path: str) -> str | None:
    particular = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", "").strip()
    if particular:
        return particular
    base = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip()
    return f"{base.rstrip('/')}/{path}" if base else None


def _pairs(text: str) -> dict[str, str]:
    """Read ``key=value,key=value`` with values percent-encoded."""
    if not text:
        return {}
    from urllib.parse import unquote  # noqa: PLC0415 - 5 ms that most scripts never need

    split = (pair.partition("=") for pair in text.split(",") if "=" in pair)
    return {unquote(key.strip()): unquote(value.strip()) for key, _, value in split if key.strip()}
