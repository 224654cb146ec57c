"""The one client of a process: its settings, its root scope and its output.

Everything else asks `active()`; before `unsnag.init` there is none, and nothing is recorded.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from unsnag import clock, context, conventions, process, propagation, runs
from unsnag.context import Scope, entered
from unsnag.encoding import encode, encode_within
from unsnag.heartbeat import beats
from unsnag.output import Output
from unsnag.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from typing_extensions import ParamSpec

    from unsnag.output import Sink
    from unsnag.records import Span
    from unsnag.settings import Settings

    P = ParamSpec("P")

_IDENTITY: Final = frozenset(
    {conventions.FIELD_TIMESTAMP, conventions.RECORD_ID, conventions.SEQ, conventions.SERVICE_INSTANCE}
)
OF_SCOPE: Final = (
    context.OF_UNIT
    | _IDENTITY
    | {conventions.SERVICE_NAME, conventions.ENVIRONMENT, conventions.FLOW, conventions.RUN_ID}
    | {conventions.FIELD_TRACE_ID, conventions.FIELD_SPAN_ID}
)
"""What a scope carries. Only a line that has one of these itself needs merging, which costs 2 us."""
_ALWAYS: Final = (
    frozenset(
        value
        for name, value in vars(conventions).items()
        if isinstance(value, str) and "." in value and name.isupper()
    )
    | {conventions.FIELD_EVENT, conventions.FIELD_LEVEL, conventions.FIELD_LOGGER}
    | OF_SCOPE
)
"""What an allow-list need not name."""
_ERRORS: Final = frozenset({"error", "critical", "fatal", "exception"})


class Client:
    """Records what the process does."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.root = _root_scope(settings)
        self.output = Output(
            _sink(settings),
            lambda: self.root,
            max_events=settings.queue_events,
            max_bytes=settings.queue_bytes,
            beat=self._beat,
        )
        self.output.longest_json = _longest_json(settings)

    def _beat(self) -> None:
        """Record the heartbeats that are due; called by the writer thread."""
        if _client is not self:  # a test has put another client in its place
            return
        try:
            beats.record_due(self)
        except Exception as fault:  # noqa: BLE001 - the writer must go on
            own_fault(fault)

    def change(self, settings: Settings) -> None:
        """Go on with other settings: a process may run several programs one after the other."""
        old, self.settings = self.settings, settings
        self.output.longest_json = _longest_json(settings)
        if old.fields() != settings.fields():
            self.root = _root_scope(settings)
        if (old.destination, old.rotate_bytes) != (settings.destination, settings.rotate_bytes):
            self.output.flush()
            retired, self.output.sink = self.output.sink, _sink(settings)
            retired.close()

    def record(
        self,
        level: str,
        event: str,
        fields: Mapping[str, Any],
        scope: Scope | None = None,
        logger: str = "unsnag",
    ) -> None:
        """Record an event of our own; of the script's fields only its data is in it."""
        own = self.allowed_data({"event": event, "level": level, "logger": logger, **fields})
        is_outcome = event in conventions.OUTCOME_EVENTS
        self._write(own, scope or self.scope(), clock.now_ns(), is_outcome=is_outcome)

    def capture(self, fields: dict[str, Any], scope: Scope, time_ns: int | None = None) -> None:
        """Record a line of the script: `fields` is ours to change, the objects in it are the script's."""
        if scope.ending is not None and _is_error(fields):
            scope.ending.error_logged()
        if self.settings.allow_fields is not None:
            fields = self._allowed(fields, self.settings.allow_fields)
        self._write(fields, scope, time_ns or clock.now_ns())

    def _write(self, fields: dict[str, Any], scope: Scope, time_ns: int, *, is_outcome: bool = False) -> None:
        seq = process.next_seq()
        is_merged = not OF_SCOPE.isdisjoint(fields)
        if is_merged:
            fields = _merged(fields, scope)
        body = encode(fields)
        if len(body) > self.settings.max_event_bytes:
            body = self._cut(fields)
        self.output.put((time_ns, scope, body[1:], is_merged, seq, is_outcome, ""))

    def span(self, span: Span) -> None:
        """Record a span that has ended."""
        self.output.put(span)

    def scope(self) -> Scope:
        """Return where the running code is."""
        return entered.get() or self.root

    def _allowed(self, fields: dict[str, Any], allowed: frozenset[str]) -> dict[str, Any]:
        kept = {key: value for key, value in fields.items() if key in allowed or key in _ALWAYS}
        dropped = len(fields) - len(kept)
        return self.allowed_data({**kept, conventions.FIELDS_DROPPED: dropped} if dropped else kept)

    def allowed_data(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Return fields with only so much of an error's context as may leave, and the number of the rest."""
        allowed, data = self.settings.allow_fields, fields.get(conventions.DATA)
        if allowed is None or not isinstance(data, dict):
            return fields
        kept = {key: value for key, value in data.items() if key in allowed}
        dropped = fields.get(conventions.FIELDS_DROPPED, 0) + len(data) - len(kept)
        return fields | {conventions.DATA: kept} | ({conventions.FIELDS_DROPPED: dropped} if dropped else {})

    def _cut(self, fields: dict[str, Any]) -> bytes:
        body, original = encode_within(fields, self.settings.max_event_bytes - 64)
        return body[:-1] + b',"%s":%d}' % (conventions.ORIGINAL_BYTES.encode(), original)


_client: Client | None = None


def active() -> Client | None:
    """Return the process's client, before `unsnag.init` None."""
    return _client


def current() -> Scope:
    """Return where the running code is, also before `unsnag.init`."""
    return entered.get() or (_client.root if _client else context.EMPTY)


def settle() -> None:
    """Wait until what was recorded is written: a block has ended."""
    if _client is not None:
        _client.output.settle()


def start(settings: Settings) -> tuple[Client, bool]:
    """Return the process's client with these settings, and whether it was made just now."""
    global _client  # noqa: PLW0603 - one process has one client
    if _client is not None:
        _client.change(settings)
        return _client, False
    _client = Client(settings)
    return _client, True


def replace(client: Client | None) -> Client | None:
    """Put another client in the place of the process's own, and return that; for tests."""
    global _client
    previous, _client = _client, client
    return previous


def stop() -> None:
    """Write what waits and forget the client."""
    global _client
    client, _client = _client, None
    if client is not None:
        client.output.close()


def harmless(function: Callable[P, None]) -> Callable[P, None]:
    """Keep the client's own faults from the script; ``UNSNAG_DEBUG=1`` shows them."""

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except Exception as fault:  # noqa: BLE001 - whatever it is, the script must not see it
            own_fault(fault)

    return guarded


def own_fault(fault: Exception) -> None:
    """Count a record lost by a fault of the client itself."""
    if _client is not None:
        _client.output.drop(1)
    if os.environ.get("UNSNAG_DEBUG"):
        with suppress(Exception):
            import traceback  # noqa: PLC0415

            sys.stderr.write("".join(traceback.format_exception(type(fault), fault, fault.__traceback__)))


def _is_error(fields: dict[str, Any]) -> bool:
    level = fields.get(conventions.FIELD_LEVEL)
    return isinstance(level, str) and level.lower() in _ERRORS


def _longest_json(settings: Settings) -> int:
    """Return how many bytes a line may have that is recorded without a look at its fields; 0 is for none."""
    return settings.max_event_bytes if settings.allow_fields is None else 0


def _root_scope(settings: Settings) -> Scope:
    """Begin where the program that started us says we are."""
    remote = propagation.from_environment()
    ours = {conventions.FLOW, conventions.RUN_ID}
    inherited = {key: value for key, value in remote.baggage.items() if key not in ours}
    run_id = runs.current(remote.baggage.get(conventions.RUN_ID))
    home = Scope(settings.fields() | ({conventions.RUN_ID: run_id} if run_id else {}))
    return home.continuing(remote._replace(baggage=inherited))


def _sink(settings: Settings) -> Sink:
    destination = settings.destination
    if not destination.is_remote:
        return Spool(destination.spool, settings.service, settings.rotate_bytes, mode=destination.mode)
    from unsnag.sending import Sender  # noqa: PLC0415 - only who sends pays for it

    return Sender(destination, settings.service, settings.resource, rotate_bytes=settings.rotate_bytes)


def _merged(fields: dict[str, Any], scope: Scope) -> dict[str, Any]:
    """Let what the line says itself count more than what its scope says."""
    return {**scope.of_lines(), **{key: value for key, value in fields.items() if key not in _IDENTITY}}
