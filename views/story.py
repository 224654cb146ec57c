"""A unit of work told twice: as the rows of a waterfall, and as a story in plain words.

Pure functions: what `desk.units` returns goes in, rows come out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from desk.lifecycle import CODE_NAMES, LIVE
from views.kit import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    Row = dict[str, Any]
    Interval = tuple[float, float]

WARNING: Final = 13
ERROR: Final = 17
"""Severity numbers of OpenTelemetry: from here on a warning, from here on an error."""
FOLD_SHARE: Final = 0.1
FOLD_MS: Final = 30_000.0
"""An idle gap is folded when it is longer than this, and than this share of what is not folded yet."""

KINDS: Final = {
    "steps": "Steps",
    "warnings": "Warnings",
    "exceptions": "Exceptions",
    "people": "People",
    "logs": "All logs",
}
USUAL: Final = ("steps", "warnings", "exceptions", "people")


# --- identity: what the address and the waterfall call a span or a log ----------------------------


def span_key(span: Row) -> str:
    """Return the name of a span: span IDs of foreign tools are unique within their trace only."""
    key = f"{span['trace_id']}-{span['span_id']}"
    return f"{key}-{span['record_id']:016x}" if span.get("id_reused") else key


def log_keys(logs: Sequence[Row]) -> list[str]:
    """Return a name for each log that stays the same when later logs arrive."""
    seen: Counter[int] = Counter()
    keys = []
    for log in logs:
        micros = round(log["time"].timestamp() * 1_000_000)
        keys.append(f"log-{micros}-{seen[micros]}" if seen[micros] else f"log-{micros}")
        seen[micros] += 1
    return keys


# --- time -----------------------------------------------------------------------------------------


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the union of intervals, in order."""
    union: list[Interval] = []
    for low, high in sorted(intervals):
        if union and low <= union[-1][1]:
            union[-1] = union[-1][0], max(high, union[-1][1])
        else:
            union.append((low, high))
    return union


def gaps(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the idle gaps that are folded at first, in order; all in milliseconds.

    The longest goes first: once it is folded, the next one is compared with what is left.
    """
    union = merged(intervals)
    if not union:
        return []
    left = union[-1][1] - union[0][0]
    folded = []
    idle = [(before[1], after[0]) for before, after in pairwise(union)]
    for low, high in sorted(idle, key=lambda gap: gap[0] - gap[1]):
        if high - low <= max(FOLD_MS, FOLD_SHARE * left):
            break
        folded.append((low, high))
        left -= high - low
    return sorted(folded)


def working(spans: Sequence[Row]) -> float:
    """Return the seconds in which at least one span was running."""
    union = merged((span["start"].timestamp(), span["end"].timestamp()) for span in spans)
    return sum(high - low for low, high in union)


def bounds(unit: Row) -> tuple[datetime, datetime] | None:
    """Return the first and the last moment that a span or a log speaks of."""
    times = [time for span in unit["spans"] for time in (span["start"], span["end"])]
    times += [log["time"] for log in unit["logs"]]
    return (min(times), max(times)) if times else None


@dataclass(frozen=True, slots=True)
class Times:
    """How long a unit took, in seconds."""

    total: float
    working: float

    @property
    def waiting(self) -> float:
        """Return the rest: nothing was running."""
        return max(0.0, self.total - self.working)


def times(unit: Row, now: datetime) -> Times:
    """Return how long a unit took; one in flight takes until now."""
    known = bounds(unit)
    if known is None:
        return Times(0.0, 0.0)
    end = max(now, known[1]) if unit.get("state") == "in_flight" else known[1]
    return Times((end - known[0]).total_seconds(), working(unit["spans"]))


# --- waterfall ------------------------------------------------------------------------------------


def waterfall(unit: Row) -> Row:
    """Return what the waterfall draws: rows from the top down, folded gaps, and the whole length.

    Times are milliseconds after the first moment. A row's children follow it with a higher level.
    """
    known = bounds(unit)
    if known is None:
        return {"rows": [], "gaps": [], "total": 0.0, "services": []}
    zero = known[0]
    rows = _span_rows(unit["spans"], zero)
    _hang_logs(rows, unit["logs"], zero)
    busy = [(row["at"], row["at"] + row["ms"]) for row in rows if row["kind"] == "span"]
    busy += [(log["at"], log["at"]) for row in rows for log in row["logs"]]
    for row in rows:
        row.pop("trace")
    return {
        "rows": rows,
        "gaps": [list(gap) for gap in gaps(busy)],
        "total": _ms(known[1], zero),
        "services": list(dict.fromkeys(row["service"] for row in rows if row["kind"] == "span")),
    }


def _ms(moment: datetime, zero: datetime) -> float:
    return round((moment - zero).total_seconds() * 1000, 3)


def _span_rows(spans: Sequence[Row], zero: datetime) -> list[Row]:
    notes = attempt_notes(spans)
    rows = []
    for trace_id, own in _by_trace(spans).items():
        tree = list(_walk(own))
        roots = sum(level == 1 for level, _ in tree)
        if roots > 1:
            rows.append(_trace_row(trace_id, own, roots, zero))
        rows += [_span_row(span, level + (roots > 1), notes, zero) for level, span in tree]
    return rows


def _by_trace(spans: Sequence[Row]) -> dict[str, list[Row]]:
    traces: dict[str, list[Row]] = {}
    for span in sorted(spans, key=lambda span: span["start"]):
        traces.setdefault(span["trace_id"], []).append(span)
    return traces


def _walk(spans: Sequence[Row]) -> Iterator[tuple[int, Row]]:
    """Yield the spans of a trace with their level, parents first, each once.

    A stack instead of recursion: foreign traces may be thousands deep, or go round in circles.
    """
    known = {span["span_id"] for span in spans}
    children: dict[str | None, list[Row]] = defaultdict(list)
    for span in spans:
        parent = span["parent_span_id"]
        children[parent if parent in known and parent != span["span_id"] else None].append(span)
    seen: set[str] = set()
    for start in (*children[None], *spans):
        stack = [(1, start)]
        while stack:
            level, span = stack.pop()
            if span_key(span) in seen:
                continue
            seen.add(span_key(span))
            yield level, span
            stack += [(level + 1, child) for child in reversed(children[span["span_id"]])]


def attempt_notes(spans: Sequence[Row]) -> dict[str, str]:
    """Return "attempt 2" and the like for steps that ran more than once."""
    steps = [span for span in spans if span["role"] == "step"]
    runs = Counter((span["flow"], span["step"]) for span in steps)
    return {
        span_key(span): f"attempt {span['attempt'] or 1}"
        for span in steps
        if (span["attempt"] or 1) > 1 or runs[span["flow"], span["step"]] > 1
    }


def _span_row(span: Row, level: int, notes: dict[str, str], zero: datetime) -> Row:
    return {
        "id": span_key(span),
        "trace": span["trace_id"],
        "kind": "span",
        "level": level,
        "name": span["name"],
        "place": f"{span['trace_id']}-{span['span_id']}",
        "note": notes.get(span_key(span), "") or ("same id" if span.get("id_reused") else ""),
        "service": span["service"] or "",
        "at": _ms(span["start"], zero),
        "ms": _ms(span["end"], span["start"]),
        "failed": failed(span),
        "logs": [],
    }


def _trace_row(trace_id: str, spans: Sequence[Row], roots: int, zero: datetime) -> Row:
    start, end = spans[0]["start"], max(span["end"] for span in spans)
    return {
        "id": f"trace-{trace_id}",
        "trace": trace_id,
        "kind": "trace",
        "level": 1,
        "name": f"Trace {trace_id[:8]}",
        "note": f"{roots} parts",
        "service": spans[0]["service"] or "",
        "at": _ms(start, zero),
        "ms": _ms(end, start),
        "failed": False,
        "logs": [],
    }


def _hang_logs(rows: list[Row], logs: Sequence[Row], zero: datetime) -> None:
    """Put each log on the row of its span, else of its trace, else on a row of its service's logs."""
    places = {row["id"]: row for row in rows}
    for row in rows:
        places.setdefault(row.pop("place", row["trace"]), row)
        places.setdefault(row["trace"], row)
    for key, log in zip(log_keys(logs), logs, strict=True):
        at = _ms(log["time"], zero)
        place = places.get(f"{log['trace_id']}-{log['span_id']}") or places.get(log["trace_id"] or "")
        row = place or _lane(rows, places, log, at)
        row["logs"].append({"id": key, "at": at, "level": level(log), "text": _told(log)[:200]})


def _lane(rows: list[Row], places: dict[str, Row], log: Row, at: float) -> Row:
    """Return the row of the logs of a service that sent no span, made when its first log comes."""
    name = log["service"] or log["logger"] or log["source"]
    if f"logs-{name}" not in places:
        rows.append(_logs_row(name, at))
        places[f"logs-{name}"] = rows[-1]
    row = places[f"logs-{name}"]
    row["ms"] = round(at - row["at"], 3)
    return row


def _logs_row(lane: str, at: float) -> Row:
    return {
        "id": f"logs-{lane}",
        "trace": "",
        "kind": "logs",
        "level": 1,
        "name": lane,
        "note": "logs only",
        "service": lane,
        "at": at,
        "ms": 0.0,
        "failed": False,
        "logs": [],
    }


def level(log: Row) -> str:
    """Return error, warning, info or debug."""
    number = log["severity_number"]
    if number >= ERROR:
        return "error"
    if number >= WARNING:
        return "warning"
    return "info" if number >= 9 else "debug"  # noqa: PLR2004 - OpenTelemetry's INFO


def failed(span: Row) -> bool:
    """Tell whether a span ended badly."""
    return bool(span["status"] == "error" or span["outcome"] == "failed")


def first_look(unit: Row) -> str | None:
    """Return what to show when nobody chose: the last step that failed, else span, else error log."""
    wrong = [span for span in unit["spans"] if failed(span)]
    if wrong:
        steps = [span for span in wrong if span["role"] == "step"]
        return span_key(max(steps or wrong, key=lambda span: span["end"]))
    keys = zip(log_keys(unit["logs"]), unit["logs"], strict=True)
    return next((key for key, log in reversed(list(keys)) if level(log) == "error"), None)


# --- story ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the story."""

    time: datetime
    kind: str
    lane: str
    icon: str
    words: str
    tone: str = ""
    """red where something failed, amber for a warning, green for a good end."""


def story(unit: Row) -> list[Line]:
    """Return everything that happened, in plain words, oldest first."""
    steps = list(_steps(unit["spans"]))
    told = _told_by(steps)
    cases = {case["id"]: case for case in unit.get("cases", ())}
    lines = [_step_line(span) for span in steps]
    lines += [_finish_line(span) for span in unit["spans"] if _finishes(span)]
    lines += [_log_line(log, told) for log in unit["logs"]]
    lines += [_act_line(act, cases.get(act["case_id"], {})) for act in unit.get("acts", ())]
    return sorted(lines, key=lambda line: line.time)


def chosen(lines: Sequence[Line], kinds: Iterable[str]) -> list[Line]:
    """Return the lines of these kinds; all logs are those of the other kinds too."""
    kinds = set(kinds)
    return [line for line in lines if line.kind in kinds]


def _steps(spans: Sequence[Row]) -> Iterator[Row]:
    """Yield the steps; of a trace whose author knows no steps, its two outer levels."""
    for own in _by_trace(spans).values():
        said = [span for span in own if span["role"] == "step"]
        yield from said or (span for depth, span in _walk(own) if depth <= 2 and not span["role"])  # noqa: PLR2004


def _step_line(span: Row) -> Line:
    name, attempt = span["step"] or span["name"], span["attempt"] or 1
    what = f"Retry of {name}" if span.get("retry_id") else name
    what += f", attempt {attempt}," if attempt > 1 else ""
    took = words.duration(span["duration_ns"] / 1e9)
    lane = span["service"] or ""
    if failed(span):
        why = span["status_message"] or span.get("error_type")
        told = f"{what} failed after {took}" + (f": {_first_line(why)}" if why else "")
        return Line(span["end"], "steps", lane, "cancel", told, "red")
    return Line(span["end"], "steps", lane, "check", f"{what} succeeded in {took}")


def _finishes(span: Row) -> bool:
    return bool(span["role"] == "unit" and span["outcome"] == "success")


def _finish_line(span: Row) -> Line:
    told = f"{span['flow'] or span['name']} finished"
    return Line(span["end"], "steps", span["service"] or "", "flag", told, "green")


def _log_line(log: Row, told: set[tuple[Any, ...]]) -> Line:
    lane = log["service"] or log["source"]
    how = level(log)
    if how == "error" and told.isdisjoint(_places(log)):
        return Line(log["time"], "exceptions", lane, "error", _told(log), "red")
    if how == "warning":
        return Line(log["time"], "warnings", lane, "warning", _told(log), "amber")
    return Line(log["time"], "logs", lane, "notes", _told(log), "red" if how == "error" else "")


def _told_by(steps: Iterable[Row]) -> set[tuple[Any, ...]]:
    """Return where steps failed: a log from there says the same once more."""
    return {place for span in steps if failed(span) for place in _places(span)}


def _places(record: Row) -> list[tuple[Any, ...]]:
    trace_id = record["trace_id"]
    by_step = [(trace_id, "step", record["step"])] if record["step"] else []
    return [(trace_id, "span", record["span_id"]), *by_step] if trace_id else []


def _told(log: Row) -> str:
    """Say what a log says; of a failure, what failed and why instead of the name of the event."""
    exception = log["exception"] or {}
    why = [part for part in (exception.get("type"), exception.get("message")) if part]
    message = log["message"]
    if why and " " not in message:
        message = f"{log['step'] or log['flow'] or log['service'] or message} failed"
    return _first_line(": ".join([message, *(part for part in why if part != message)]))


def _first_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip()), "").strip()


_ACTS: Final = {
    "opened": ("error", "red", "Exception opened at {step}: {title}"),
    "recurred": ("error", "red", "{step} failed again"),
    "reopened": ("error", "red", "Exception opened again at {step}: {title}"),
    "claimed": ("person", "", "{actor} claimed the exception at {step}"),
    "renewed": ("person", "", "{actor} kept the claim on the exception at {step}"),
    "released": ("person", "", "{actor} released the exception at {step}"),
    "retried": ("replay", "", "{actor} asked for a retry of {step}"),
    "retry_cancelled": ("block", "", "{actor} cancelled the retry of {step}"),
    "fixed_outside": ("build", "", "{actor} marked the exception at {step} as fixed outside"),
    "verified": ("verified", "green", "Verified: the unit went past {step} to its end"),
    "resolved": ("task_alt", "green", "{actor} resolved the exception at {step}: {code}"),
    "closed": ("task_alt", "", "The exception at {step} was closed: {reason}"),
    "expired": ("timer_off", "amber", "The claim on the exception at {step} ran out"),
    "verifying": ("hourglass_top", "", "The retry of {step} ran; the unit's own success is still awaited"),
    "retry_failed": ("cancel", "red", "The retry of {step} failed"),
    "unproven": (
        "help",
        "amber",
        "No success of the unit came in time: the exception at {step} is open again",
    ),
    "rekeyed": ("move_down", "", "The exception at {step} moved to this unit: a later record named it"),
    "updated": ("info", "", "More became known of the exception at {step}"),
    "merged": ("merge", "", "The exception at {step} was merged into another"),
    "withdrawn": (
        "undo",
        "",
        "The exception at {step} was withdrawn: later records showed that it was handled",
    ),
    "recovered": ("verified", "green", "Recovered: the unit went past {step} to its end"),
}
_GIVES_REASON: Final = ("retried", "retry_cancelled", "fixed_outside", "resolved", "retry_failed")


def _act_line(act: Row, case: Row) -> Line:
    verb = act["verb"]
    icon, tone, template = _ACTS.get(verb, ("person", "", "{actor}: {verb}"))
    details = act.get("details") or {}
    code = details.get("code") or "closed"
    said = template.format(
        actor=act["actor"],
        verb=verb,
        step=act["step"] or "a step",
        title=case.get("title", ""),
        reason=act.get("reason") or "",
        code=CODE_NAMES.get(code, code),
    ).rstrip(": ")
    if act["reason"] and verb in _GIVES_REASON:
        said += f" ({_first_line(act['reason'])})"
    human = act["actor_type"] == "human"
    lane = act["actor"] if human else "exception center"
    return Line(_moment(act, case), "people" if human else "exceptions", lane, icon, said, tone)


def _moment(act: Row, case: Row) -> datetime:
    """Return when it happened: what is noticed later has an event time of its own."""
    moment: datetime = act["at"]
    if act["verb"] == "opened" and case:
        moment = min(moment, case["first_seen"])
    if act["verb"] in ("recovered", "verified") and (
        proof := (act.get("details") or {}).get("unit_completed_at")
    ):
        moment = datetime.fromisoformat(proof)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


# --- header ---------------------------------------------------------------------------------------


def people(unit: Row) -> list[str]:
    """Return who acted, in order of the first act."""
    acts = unit.get("acts", ())
    return list(dict.fromkeys(act["actor"] for act in acts if act["actor_type"] == "human"))


def live_cases(unit: Row) -> int:
    """Count the cases that still need somebody or something."""
    return sum(case["state"] in LIVE for case in unit["cases"])


def last_lane(unit: Row) -> tuple[str, datetime] | None:
    """Return which service spoke last, and when."""
    heard = [(span["end"], span["service"] or "") for span in unit["spans"]]
    heard += [(log["time"], log["service"] or log["source"]) for log in unit["logs"]]
    if not heard:
        return None
    time, service = max(heard)
    return service, time
