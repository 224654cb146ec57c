"""Aids for tests of automations: captured events and a clock that stands where the test says."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson

from unsnag import client as clients
from unsnag import clock as clocks
from unsnag import context, settings
from unsnag.heartbeat import beats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Captured:
    """A sink that keeps what would have been written."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.fault: OSError | None = None

    def write(self, lines: bytes | bytearray) -> int:
        """Keep lines."""
        self.lines.extend(bytes(lines).splitlines(keepends=True))
        return len(lines)

    def sync(self) -> None:
        """Have nothing to make last."""

    def drain(self, within_s: float) -> None:
        """Have nowhere else to bring them."""

    def lost(self) -> int:
        """Return 0: nothing is given up."""
        return 0

    def close(self, within_s: float = 0.0) -> None:
        """Have nothing to give back."""

    def forget(self) -> None:
        """Begin again in a forked child."""
        self.lines.clear()


class Events:
    """What the client recorded, as dictionaries."""

    def __init__(self, sink: Captured, client: clients.Client) -> None:
        self._sink = sink
        self._client = client

    @property
    def lines(self) -> list[bytes]:
        """Everything as it would have been written."""
        self._client.output.flush()
        return self._sink.lines

    @property
    def logs(self) -> list[dict[str, Any]]:
        """Log records."""
        return [line for line in map(orjson.loads, self.lines) if "resourceSpans" not in line]

    @property
    def spans(self) -> list[dict[str, Any]]:
        """Spans, flat: name, ids, times, ``status``, and every attribute by its name."""
        lines = [orjson.loads(line) for line in self.lines]
        return [_flat(line["resourceSpans"][0]) for line in lines if "resourceSpans" in line]

    def named(self, event: str) -> list[dict[str, Any]]:
        """Return log records of one event."""
        return [log for log in self.logs if log["event"] == event]


@contextmanager
def captured(flow: str = "test", **options: Any) -> Iterator[Events]:
    """Run a client that writes nothing anywhere, instead of the process's own.

    Args:
        flow: Name of the flow.
        options: What `unsnag.init` takes.
    """
    from unsnag import hooks  # noqa: PLC0415 - the worker of a test may never need it

    sink = Captured()
    client = clients.Client(settings.read(flow, **options))
    client.output.sink = sink
    previous = clients.replace(client)
    token = context.entered.set(None)
    for name in ("stdlib", "structlog", "exceptions", "threads"):
        hooks.want(name, is_wanted=True)
    hooks.install()
    try:
        with beats.apart():
            try:
                yield Events(sink, client)
            finally:
                client.output.close()
    finally:
        context.entered.reset(token)
        clients.replace(previous)


@contextmanager
def clock(source: Callable[[], int] | float) -> Iterator[None]:
    """Let telemetry live by another clock: a function that returns nanoseconds, or fixed seconds."""
    previous = clocks.now_ns
    set_clock(source if callable(source) else _standing(source))
    try:
        yield
    finally:
        set_clock(previous)


def set_clock(source: Callable[[], int] | None) -> None:
    """Let telemetry live by another clock until further notice; None is the machine's."""
    clocks.use(source)


def _standing(seconds: float) -> Callable[[], int]:
    return lambda: int(seconds * 1e9)


def _flat(resource_spans: dict[str, Any]) -> dict[str, Any]:
    span = resource_spans["scopeSpans"][0]["spans"][0]
    return {
        **{key: item for key, item in span.items() if key != "attributes"},
        **_values(resource_spans["resource"]["attributes"]),
        **_values(span["attributes"]),
    }


def _values(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    return {item["key"]: _value(item["value"]) for item in attributes}


def _value(value: dict[str, Any]) -> Any:
    kind, content = next(iter(value.items()))
    if kind == "intValue":
        return int(content)
    if kind == "arrayValue":
        return [_value(item) for item in content["values"]]
    return _values(content["values"]) if kind == "kvlistValue" else content
