"""Spans and logs of a unit: their names in the address, which of them failed, and their order."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cases.unit import Records
    from traces.telemetry import LogRecord, Span


def span_key(span: Span) -> str:
    """Return the name of a span: span IDs of foreign tools are unique within their trace only."""
    key = f"{span.trace_id}-{span.span_id}"
    return f"{key}-{span.record_id:016x}" if span.id_reused else key


def log_keys(logs: Sequence[LogRecord]) -> list[str]:
    """Return a name for each log that stays the same when later logs arrive."""
    seen: Counter[int] = Counter()
    keys = []
    for log in logs:
        micros = round(log.time.timestamp() * 1_000_000)
        keys.append(f"log-{micros}-{seen[micros]}" if seen[micros] else f"log-{micros}")
        seen[micros] += 1
    return keys


def by_trace(spans: Sequence[Span]) -> dict[str, list[Span]]:
    """Return spans by trace ID, each list by start time."""
    traces: dict[str, list[Span]] = {}
    for span in sorted(spans, key=lambda span: span.start):
        traces.setdefault(span.trace_id, []).append(span)
    return traces


def walk(spans: Sequence[Span]) -> Iterator[tuple[int, Span]]:
    """Yield the spans of a trace with their level, parents first, each once.

    A stack instead of recursion: foreign traces may be thousands deep, or go round in circles.
    """
    known = {span.span_id for span in spans}
    children: dict[str | None, list[Span]] = defaultdict(list)
    for span in spans:
        parent = span.parent_span_id
        children[parent if parent in known and parent != span.span_id else None].append(span)
    seen: set[str] = set()
    for start in (*children[None], *spans):
        stack = [(1, start)]
        while stack:
            level, span = stack.pop()
            if span_key(span) in seen:
                continue
            seen.add(span_key(span))
            yield level, span
            stack += [(level + 1, child) for child in reversed(children[span.span_id])]


def attempts(spans: Sequence[Span]) -> list[Span]:
    """Return the spans that are attempts of steps, by start time, each attempt once.

    A worker's retry and the service that it calls may both record a span for the step: the outer one counts.
    """
    known: dict[tuple[str, str | None], Span] = {span.place: span for span in spans}
    steps = [span for span in spans if span.is_step]
    return sorted((s for s in steps if not _is_inside_same_step(s, known)), key=lambda span: span.start)


def _is_inside_same_step(span: Span, known: dict[tuple[str, str | None], Span]) -> bool:
    seen = set()
    above = known.get((span.trace_id, span.parent_span_id))
    while above is not None and (place := above.place) not in seen:
        if above.is_step and (above.flow, above.step) == (span.flow, span.step):
            return True
        seen.add(place)
        above = known.get((above.trace_id, above.parent_span_id))
    return False


def first_look(found: Records) -> str | None:
    """Return what to show first: the last failed step, else the last failed span, else the last error log."""
    wrong = [span for span in found.spans if span.is_failed]
    if wrong:
        steps = [span for span in wrong if span.is_step]
        return span_key(max(steps or wrong, key=lambda span: span.end))
    keys = zip(log_keys(found.logs), found.logs, strict=True)
    return next((key for key, log in reversed(list(keys)) if log.level == "error"), None)


def log_text(log: LogRecord) -> str:
    """Return the text of a log; for a failure, what failed and why instead of the name of the event."""
    raised = log.exception
    why = [part for part in (raised.type, raised.message) if part] if raised else []
    message = log.message
    if why and " " not in message:
        message = f"{log.step or log.flow or log.service or message} failed"
    return first_line(": ".join([message, *(part for part in why if part != message)]))


def first_line(text: str) -> str:
    """Return the first line of a text that is not blank."""
    return next((line for line in text.splitlines() if line.strip()), "").strip()
