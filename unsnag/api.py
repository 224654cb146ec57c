"""What a script calls beside `unit` and `step`: `init`, and the ways to hand context to other programs.

The life of a unit in one program:

1. `unit.__enter__` makes a scope, begins a span and records ``unit.started`` with the unit's value.
2. Each `step` is one attempt: a span, and when it fails the record ``step.failed``, a warning.
3. The block ends normally: the unit's span says ``success``, or ``progress`` when a later program goes on.
4. An exception leaves the outermost block, or the script called ``fail``: one record ``unit.failed`` says
   from which step.
5. `ending.py` holds what the script says of the end: ``ok``, ``fail``, ``partial``.
"""

from __future__ import annotations

import atexit
from contextlib import contextmanager
from typing import TYPE_CHECKING

from unsnag import client as clients
from unsnag import clock, conventions, heartbeat, hooks, joining, propagation, settings
from unsnag.context import entered
from unsnag.steps import key_of

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping


def init(
    flow: str,
    *,
    spool: str | os.PathLike[str] | None = None,
    service: str | None = None,
    environment: str | None = None,
    allow_fields: Iterable[str] | None = None,
    max_event_bytes: int = settings.MAX_EVENT_BYTES,
    rotate_bytes: int = settings.ROTATE_BYTES,
    queue_events: int = settings.QUEUE_EVENTS,
    queue_bytes: int = settings.QUEUE_BYTES,
    capture_stdlib: bool = True,
    capture_structlog: bool = True,
    capture_exceptions: bool = True,
    propagate_threads: bool = True,
) -> None:
    """Hook this process. Calling it again changes flow, service and the rest for what follows.

    Args:
        flow: Name of the automated process that this program is part of.
        spool: Folder for the files that a collector reads; else ``UNSNAG_SPOOL``, else `unsnag.folders`.
        service: Name of this program; else ``OTEL_SERVICE_NAME``, else the script's file name.
        environment: Where it runs; else from ``OTEL_RESOURCE_ATTRIBUTES``, else ``production``.
        allow_fields: The only fields of the script's own that may leave; others are dropped and counted.
        max_event_bytes: Longer events are cut, with a note of their size.
        rotate_bytes: A spool file of this size is left, and the next one begun.
        queue_events: Events that may wait for the writer; more are dropped and counted.
        queue_bytes: The same in bytes.
        capture_stdlib: Record what goes through `logging`.
        capture_structlog: Record what goes through structlog.
        capture_exceptions: Record exceptions that nobody caught.
        propagate_threads: Let threads and thread pools inherit the unit in which they are asked for.
    """
    try:
        clock.shift_by_environment()
        options = settings.read(
            flow,
            spool=spool,
            service=service,
            environment=environment,
            allow_fields=allow_fields,
            max_event_bytes=max_event_bytes,
            rotate_bytes=rotate_bytes,
            queue_events=queue_events,
            queue_bytes=queue_bytes,
        )
        hooks.want("stdlib", is_wanted=capture_stdlib)
        hooks.want("structlog", is_wanted=capture_structlog)
        hooks.want("exceptions", is_wanted=capture_exceptions)
        hooks.want("threads", is_wanted=propagate_threads)
        begin(options)
    except Exception as fault:  # noqa: BLE001 - an automation must run without its telemetry
        clients.own_fault(fault)


def begin(options: settings.Settings) -> None:
    """Hook this process with complete settings."""
    client, is_new = clients.start(options)
    heartbeat.beats.interval_s = heartbeat.interval_from_environment()
    hooks.install()
    joining.join(client)
    if is_new:
        hooks.install_once("atexit", lambda: atexit.register(shutdown))
        _count_invalid(client, propagation.from_environment())


def shutdown() -> None:
    """Write what waits and unhook. It is called at exit by itself."""
    try:
        clients.stop()
    except Exception as fault:  # noqa: BLE001
        clients.own_fault(fault)


def flush(timeout_s: float = 5.0) -> bool:
    """Write what waits; False when that did not work in time."""
    client = clients.active()
    return client is None or client.output.flush(timeout_s)


# --- Context for others --------------------------------------------------------------------------


def correlation_id() -> str | None:
    """Return the identity of the unit at hand, outside of units None."""
    return clients.current().correlation_id


def idempotency_key() -> str:
    """Return the key that makes asking twice harmless: the same on every try of this unit's step."""
    scope = clients.current()
    return scope.fields.get(conventions.IDEMPOTENCY_KEY) or key_of(scope, scope.step or "")


def headers() -> dict[str, str]:
    """Return HTTP headers that carry the context: ``traceparent``, ``tracestate``, ``baggage``."""
    try:
        return joining.adjusted(clients.current()).carrier()
    except Exception as fault:  # noqa: BLE001
        clients.own_fault(fault)
        return {}


def environment() -> dict[str, str]:
    """Return environment variables that carry the context to a program that is started."""
    return {key.upper(): text for key, text in headers().items()}


@contextmanager
def from_headers(headers: Mapping[str, object]) -> Iterator[None]:
    """Go on with the work of the program that sent these headers."""
    token = None
    try:
        remote = propagation.parse(headers)
        token = entered.set(clients.current().continuing(remote))
        _count_invalid(clients.active(), remote)
    except Exception as fault:  # noqa: BLE001
        clients.own_fault(fault)
    try:
        yield
    finally:
        if token is not None:
            entered.reset(token)


def _count_invalid(client: clients.Client | None, remote: propagation.Remote) -> None:
    if client is not None and remote.is_invalid:
        client.record("warning", conventions.EVENT_CONTEXT_INVALID, {"header": "traceparent"})
