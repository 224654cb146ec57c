"""A unit of work as a story in plain sentences.

Pure functions: spans, logs, acts and cases go in, lines come out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from cases.lifecycle import CODE_NAMES, LIVE
from data import formats
from unsnag import conventions
from views.trace.records import attempts, by_trace, first_line, log_text, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cases.case import Case
    from cases.queries import AuditEntry
    from cases.unit import Records
    from traces.telemetry import LogRecord, Span

KINDS: Final = {
    "steps": "Steps",
    "warnings": "Warnings",
    "exceptions": "Exceptions",
    "people": "People",
    "logs": "All logs",
}


USUAL: Final = ("steps", "warnings", "exceptions", "people")


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


def story(found: Records, acts: Iterable[AuditEntry] = (), cases: Iterable[Case] = ()) -> list[Line]:
    """Return everything that happened as lines of text, oldest first."""
    steps = list(_steps(found.spans))
    shown = _failed_places(steps)
    by_id = {case.id: case for case in cases}
    lines = [_step_line(span) for span in steps]
    lines += [_finish_line(span) for span in found.spans if _finishes(span)]
    lines += [_log_line(log, shown) for log in found.logs]
    lines += [_act_line(act, by_id.get(act.case_id or "")) for act in _without_repeats(acts, steps)]
    return sorted(lines, key=lambda line: line.time)


def chosen(lines: Sequence[Line], kinds: Iterable[str]) -> list[Line]:
    """Return the lines of these kinds; all logs are those of the other kinds too."""
    kinds = set(kinds)
    return [line for line in lines if line.kind in kinds]


def _steps(spans: Sequence[Span]) -> Iterator[Span]:
    """Yield the attempts of steps; of a trace without steps, its two outer levels."""
    for own in by_trace(spans).values():
        yield from attempts(own) or (span for depth, span in walk(own) if depth <= 2 and not span.role)  # noqa: PLR2004


def _step_line(span: Span) -> Line:
    name, attempt = span.step or span.name, span.attempt or 1
    what = f"Retry of {name}" if span.retry_id else name
    what += f", attempt {attempt}," if attempt > 1 else ""
    took = formats.duration(span.duration_ns / 1e9)
    lane = span.service or ""
    if span.is_failed:
        why = span.status_message or span.error_type
        text = f"{what} failed after {took}" + (f": {first_line(why)}" if why else "")
        return Line(span.end, "steps", lane, "cancel", text, "red")
    return Line(span.end, "steps", lane, "check", f"{what} succeeded in {took}")


def _finishes(span: Span) -> bool:
    return bool(span.role == "unit" and span.outcome == "success")


def _finish_line(span: Span) -> Line:
    text = f"{span.flow or span.name} finished"
    return Line(span.end, "steps", span.service or "", "flag", text, "green")


def _log_line(log: LogRecord, shown: set[tuple[Any, ...]]) -> Line:
    lane = log.service or log.source
    how = log.level
    is_new = shown.isdisjoint(_places(log))
    if how == "error" and is_new:
        return Line(log.time, "exceptions", lane, "error", log_text(log), "red")
    if how == "warning" and (is_new or log.message != conventions.EVENT_STEP_FAILED):
        return Line(log.time, "warnings", lane, "warning", log_text(log), "amber")
    return Line(log.time, "logs", lane, "notes", log_text(log), "red" if how == "error" else "")


def _failed_places(steps: Iterable[Span]) -> set[tuple[Any, ...]]:
    """Return the places of failed steps: an error log from there repeats the failure."""
    return {place for span in steps if span.is_failed for place in _places(span)}


def _without_repeats(acts: Iterable[AuditEntry], steps: Iterable[Span]) -> list[AuditEntry]:
    """Leave out "failed again" and "the retry failed" where the line of the failed attempt says it."""
    left = Counter(span.step for span in steps if span.is_failed)
    kept = []
    for act in sorted(acts, key=lambda act: act.at):
        if act.verb in _FAILURES and left[act.step]:
            left[act.step] -= 1
            if act.verb in _REPEATS:
                continue
        kept.append(act)
    return kept


def _places(record: Span | LogRecord) -> list[tuple[Any, ...]]:
    trace_id = record.trace_id
    by_step = [(trace_id, "step", record.step)] if record.step else []
    return [(trace_id, "span", record.span_id), *by_step] if trace_id else []


_ACTS: Final = {
    "opened": ("error", "red", "Exception opened at {step}: {title}"),
    "recurred": ("error", "red", "{step} failed again"),
    "reopened": ("error", "red", "Exception reopened at {step}: {title}"),
    "claimed": ("person", "", "{actor} claimed the exception at {step}"),
    "renewed": ("person", "", "{actor} kept the claim on the exception at {step}"),
    "taken_over": ("swap_horiz", "", "{actor} took over the exception at {step}"),
    "released": ("person", "", "{actor} released the exception at {step}"),
    "retried": ("replay", "", "{actor} requested a retry of {step}"),
    "retry_cancelled": ("block", "", "{actor} cancelled the retry of {step}"),
    "classified": ("category", "", "{actor} named the class of the exception at {step}"),
    "joined": ("group_work", "", "The exception at {step} joined a claim: {reason}"),
    "noted": ("sticky_note_2", "", "{actor} wrote a note on the exception at {step}"),
    "assigned": ("assignment_ind", "", "{actor} assigned the exception at {step}"),
    "snoozed": ("snooze", "", "{actor} snoozed the exception at {step}"),
    "woken": ("alarm", "", "The exception at {step} is among the open ones again"),
    "fixed_outside": ("build", "", "{actor} marked the exception at {step} as fixed outside"),
    "verified": ("verified", "green", "Verified: the unit completed after {step}"),
    "resolved": ("task_alt", "green", "{actor} resolved the exception at {step}: {code}"),
    "closed": ("task_alt", "", "The exception at {step} was closed: {reason}"),
    "expired": ("timer_off", "amber", "The claim on the exception at {step} expired"),
    "verifying": ("hourglass_top", "", "The retry of {step} ran; waiting for the unit's own success"),
    "retry_failed": ("cancel", "red", "The retry of {step} failed"),
    "unproven": (
        "help",
        "amber",
        "No success of the unit arrived in time: the exception at {step} is open again",
    ),
    "rekeyed": ("move_down", "", "The exception at {step} moved to this unit: a later record names it"),
    "updated": ("info", "", "Details of the exception at {step} were updated"),
    "merged": ("merge", "", "The exception at {step} was merged into another"),
    "withdrawn": (
        "undo",
        "",
        "The exception at {step} was withdrawn: later records show that it was handled",
    ),
    "asked": ("how_to_reg", "amber", "{step} asks for an approval: {title}"),
    "approved": ("thumb_up", "green", "{actor} approved what {step} asks"),
    "rejected": ("thumb_down", "red", "{actor} rejected what {step} asks"),
    "unanswered": ("how_to_reg", "", "Nobody answered what {step} asks: {reason}"),
    "recovered": ("verified", "green", "Recovered: the unit completed after {step}"),
}


_REPEATS: Final = ("recurred", "retry_failed")
_FAILURES: Final = ("opened", *_REPEATS)
_GIVES_REASON: Final = (
    "released", "noted", "snoozed", "taken_over", "retried", "retry_cancelled", "fixed_outside",
    "resolved", "retry_failed", "approved", "rejected",
)  # fmt: skip


def _act_line(act: AuditEntry, case: Case | None) -> Line:
    verb = act.verb
    icon, tone, template = _ACTS.get(verb, ("person", "", "{actor}: {verb}"))
    details = act.details
    code = details.get("code") or "closed"
    text = template.format(
        actor=act.actor,
        verb=verb,
        step=act.step or "a step",
        title=case.title if case else "",
        reason=act.reason or "",
        code=CODE_NAMES.get(code, code),
    ).rstrip(": ")
    if act.reason and verb in _GIVES_REASON:
        text += f" ({first_line(act.reason)})"
    human = act.actor_type == "human"
    lane = act.actor if human else "exception center"
    return Line(_moment(act, case), "people" if human else "exceptions", lane, icon, text, tone)


def _moment(act: AuditEntry, case: Case | None) -> datetime:
    """Return when it happened: an event that is detected later has its own event time."""
    moment: datetime = act.at
    if act.verb == "opened" and case:
        moment = min(moment, case.first_seen)
    if act.verb in ("recovered", "verified") and (proof := act.details.get("unit_completed_at")):
        moment = datetime.fromisoformat(proof)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def people(acts: Iterable[AuditEntry]) -> list[str]:
    """Return who acted, in order of the first act."""
    return list(dict.fromkeys(act.actor for act in acts if act.actor_type == "human"))


def live_cases(cases: Iterable[Case]) -> int:
    """Count the cases that are not finished."""
    return sum(case.state in LIVE for case in cases)


def last_lane(found: Records) -> tuple[str, datetime] | None:
    """Return which service spoke last, and when."""
    heard = [(span.end, span.service or "") for span in found.spans]
    heard += [(log.time, log.service or log.source) for log in found.logs]
    if not heard:
        return None
    time, service = max(heard)
    return service, time
