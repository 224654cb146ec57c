"""A unit of work as the rows of a waterfall.

Pure functions: spans and logs go in, rows come out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from data.nouns import shallow
from views.trace.records import attempts, by_trace, log_keys, log_text, span_key, walk
from views.trace.times import bounds, gaps

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cases.unit import Records
    from traces.telemetry import LogRecord, Span
    from views.trace.times import Interval


class Dot(NamedTuple):
    """A log on a row; `at` is in milliseconds after the first moment."""

    id: str
    at: float
    level: str
    text: str


@dataclass(slots=True, kw_only=True)
class Bar:
    """A row. Its children follow it with a higher level; times are in milliseconds."""

    id: str
    kind: str
    """span, trace, or logs of a service that sent no span."""
    level: int = 1
    name: str
    note: str
    service: str
    at: float
    ms: float
    failed: bool = False
    logs: list[Dot] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Chart:
    """What the waterfall draws: rows from the top down, folded gaps, and the whole length."""

    rows: Sequence[Bar] = ()
    gaps: Sequence[Interval] = ()
    total: float = 0.0
    services: Sequence[str] = ()

    def data(self) -> dict[str, Any]:
        """Return it as the component in the browser reads it."""
        rows = [{**shallow(bar), "logs": [dot._asdict() for dot in bar.logs]} for bar in self.rows]
        return {**shallow(self), "rows": rows, "gaps": [list(gap) for gap in self.gaps]}


class _Placed(NamedTuple):
    """A row, and the trace and the span whose logs it takes."""

    bar: Bar
    trace_id: str
    place: str


def waterfall(found: Records) -> Chart:
    """Return the chart of a unit or a trace."""
    known = bounds(found)
    if known is None:
        return Chart()
    zero = known[0]
    bars = _with_logs(_span_rows(found.spans, zero), found.logs, zero)
    spans = [bar for bar in bars if bar.kind == "span"]
    busy = [(bar.at, bar.at + bar.ms) for bar in spans]
    busy += [(dot.at, dot.at) for bar in bars for dot in bar.logs]
    return Chart(
        rows=bars,
        gaps=gaps(busy),
        total=_ms(known[1], zero),
        services=list(dict.fromkeys(bar.service for bar in spans)),
    )


def _ms(moment: datetime, zero: datetime) -> float:
    return round((moment - zero).total_seconds() * 1000, 3)


def _span_rows(spans: Sequence[Span], zero: datetime) -> list[_Placed]:
    notes = attempt_notes(spans)
    rows = []
    for trace_id, own in by_trace(spans).items():
        tree = list(walk(own))
        roots = sum(level == 1 for level, _ in tree)
        if roots > 1:
            rows.append(_trace_row(trace_id, own, roots, zero))
        rows += [_span_row(span, level + (roots > 1), notes, zero) for level, span in tree]
    return rows


def attempt_notes(spans: Sequence[Span]) -> dict[str, str]:
    """Return "attempt 2" and the like for steps that ran more than once."""
    steps = attempts(spans)
    runs = Counter((span.flow, span.step) for span in steps)
    return {
        span_key(span): f"attempt {span.attempt or 1}"
        for span in steps
        if (span.attempt or 1) > 1 or runs[span.flow, span.step] > 1
    }


def _span_row(span: Span, level: int, notes: dict[str, str], zero: datetime) -> _Placed:
    bar = Bar(
        id=span_key(span),
        kind="span",
        level=level,
        name=span.name,
        note=notes.get(span_key(span), "") or ("same id" if span.id_reused else ""),
        service=span.service or "",
        at=_ms(span.start, zero),
        ms=_ms(span.end, span.start),
        failed=span.is_failed,
    )
    return _Placed(bar, span.trace_id, f"{span.trace_id}-{span.span_id}")


def _trace_row(trace_id: str, spans: Sequence[Span], roots: int, zero: datetime) -> _Placed:
    start, end = spans[0].start, max(span.end for span in spans)
    bar = Bar(
        id=f"trace-{trace_id}",
        kind="trace",
        name=f"Trace {trace_id[:8]}",
        note=f"{roots} parts",
        service=spans[0].service or "",
        at=_ms(start, zero),
        ms=_ms(end, start),
    )
    return _Placed(bar, trace_id, trace_id)


def _with_logs(rows: Sequence[_Placed], logs: Sequence[LogRecord], zero: datetime) -> list[Bar]:
    """Put each log on the row of its span, else of its trace, else on a row of its service's logs."""
    bars = [row.bar for row in rows]
    places = {bar.id: bar for bar in bars}
    for row in rows:
        places.setdefault(row.place, row.bar)
        places.setdefault(row.trace_id, row.bar)
    for key, log in zip(log_keys(logs), logs, strict=True):
        at = _ms(log.time, zero)
        place = places.get(f"{log.trace_id}-{log.span_id}") or places.get(log.trace_id or "")
        bar = place or _lane(bars, places, log, at)
        bar.logs.append(Dot(key, at, log.level, log_text(log)[:200]))
    return bars


def _lane(bars: list[Bar], places: dict[str, Bar], log: LogRecord, at: float) -> Bar:
    """Return the row of the logs of a service that sent no span, made when its first log comes."""
    name = log.service or log.logger or log.source
    key = f"logs-{name}"
    if key not in places:
        places[key] = Bar(id=key, kind="logs", name=name, note="logs only", service=name, at=at, ms=0.0)
        bars.append(places[key])
    bar = places[key]
    bar.ms = round(at - bar.at, 3)
    return bar
