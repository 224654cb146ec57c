"""A unit as rows and as a story: tables for pure functions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from cases.queries import AuditEntry
from cases.unit import UnitDetail, UnitState
from tests.telemetry import at
from traces.telemetry import LogRecord, RaisedException, Span
from views.trace import bars, story
from views.trace import records as unit_records
from views.trace import times as unit_times

Record = Span | LogRecord | AuditEntry
MINUTE = 60_000.0


def span(start: float, end: float, name: str, parent: str | None = None, **fields: Any) -> Span:
    own = {
        "trace_id": "t1", "span_id": name, "parent_span_id": parent, "name": name, "kind": "internal",
        "service": "shop", "flow": "orders", "step": None, "attempt": None, "status": "unset",
        "status_message": None, "role": None, "outcome": None, "start": at(start), "end": at(end),
        "duration_ns": int((end - start) * 1e9),
    }  # fmt: skip
    return Span(**{**own, **fields})


def step(start: float, end: float, name: str, **fields: Any) -> Span:
    return span(start, end, name, **{"role": "step", "step": name, "attempt": 1, **fields})


def log(seconds: float, message: str = "hello", **fields: Any) -> LogRecord:
    own = {
        "time": at(seconds), "severity": "info", "severity_number": 9, "message": message, "logger": None,
        "service": "shop", "flow": "orders", "step": None, "trace_id": None, "span_id": None,
        "source": "test",
    }  # fmt: skip
    return LogRecord(**{**own, **fields})


def act(seconds: float, verb: str, actor: str = "ann", kind: str = "human", **fields: Any) -> AuditEntry:
    entry = AuditEntry(0, at(seconds), actor, kind, verb, "c1", "pay", None, None, None, {})
    return replace(entry, **fields)


def unit(*records: Record, **fields: Any) -> UnitDetail:
    own: dict[str, Any] = {
        "correlation_id": "SO-1",
        "state": UnitState.COMPLETED,
        "opened_at": at(0),
        "last_seen": at(0),
        "context": {},
        "spans": [one for one in records if isinstance(one, Span)],
        "logs": [one for one in records if isinstance(one, LogRecord)],
        "acts": [one for one in records if isinstance(one, AuditEntry)],
    }
    return UnitDetail(**{**own, **fields})


def tree(*spans: Span) -> list[tuple[int, str]]:
    return [(bar.level, bar.name) for bar in bars.waterfall(unit(*spans)).rows]


def story_of(*records: Record, cases: Any = ()) -> list[story.Line]:
    found = unit(*records)
    return story.story(found, found.acts, cases)


def lines_of(*records: Record) -> list[str]:
    return [line.words for line in story_of(*records)]


# --- gaps and lengths -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("busy", "folded"),
    [
        ([], []),
        ([(0, 10)], []),
        ([(0, 10), (10 + 29_000, 40_000)], []),  # too short, however large its share
        ([(0, 1), (31_000, 31_001)], [(1, 31_000)]),
        ([(0, 10 * MINUTE), (11 * MINUTE, 20 * MINUTE)], []),  # 5 % of the whole
        # The small one counts by what is left.
        ([(0, 5), (MINUTE, MINUTE + 5), (600 * MINUTE, 600 * MINUTE + 5)],
         [(5, MINUTE), (MINUTE + 5, 600 * MINUTE)]),
        ([(0, 600 * MINUTE), (MINUTE, MINUTE + 1)], []),  # covered: nothing was idle
        ([(600 * MINUTE, 600 * MINUTE + 5), (0, 5)], [(5, 600 * MINUTE)]),  # whatever the order
    ],
)  # fmt: skip
def test_long_idle_gaps_are_folded(
    busy: list[tuple[float, float]], folded: list[tuple[float, float]]
) -> None:
    assert unit_times.gaps(busy) == folded


def test_working_time_counts_what_overlaps_once() -> None:
    assert unit_times.working([span(0, 10, "a"), span(5, 12, "b"), span(100, 101, "c")]) == 13


def test_total_is_working_and_waiting() -> None:
    times = unit_times.times(unit(span(0, 10, "a"), span(50, 60, "b")), at(1000))
    assert (times.total, times.working, times.waiting) == (60, 20, 40)


def test_a_unit_in_flight_waits_until_now() -> None:
    assert unit_times.times(unit(span(0, 10, "a"), state=UnitState.IN_FLIGHT), at(100)).waiting == 90


def test_nothing_takes_no_time() -> None:
    assert unit_times.times(unit(), at(0)).total == 0
    assert bars.waterfall(unit()).data() == {"rows": [], "gaps": [], "total": 0.0, "services": ()}


# --- tree -----------------------------------------------------------------------------------------


def test_children_follow_their_parent_in_order_of_time() -> None:
    spans = (
        span(0, 9, "root"),
        span(5, 6, "late", "root"),
        span(1, 2, "early", "root"),
        span(1, 2, "leaf", "late"),
    )
    assert tree(*spans) == [(1, "root"), (2, "early"), (2, "late"), (3, "leaf")]


def test_traces_stand_one_after_the_other_by_their_start() -> None:
    assert tree(span(50, 51, "second", trace_id="t2"), span(0, 1, "first")) == [(1, "first"), (1, "second")]


def test_same_span_ids_in_two_traces_are_two_spans() -> None:
    rows = bars.waterfall(unit(span(0, 1, "1"), span(2, 3, "1", trace_id="t2"))).rows
    assert len({row.id for row in rows}) == 2


def test_two_spans_of_one_id_are_two_rows() -> None:
    same = {"span_id": "s", "id_reused": True}
    spans = [
        span(0, 3, "charge", record_id=1, **same),
        span(1, 2, "refund", record_id=2, **same),
        span(1, 2, "inside", parent="s"),
    ]
    rows = bars.waterfall(unit(*spans, log(1, "here", trace_id="t1", span_id="s"))).rows
    found = [row for row in rows if row.kind == "span"]
    assert sorted((row.name, row.note, len(row.logs)) for row in found) == [
        ("charge", "same id", 1), ("inside", "", 0), ("refund", "same id", 0),
    ]  # fmt: skip
    assert len({row.id for row in rows}) == len(rows)


def test_a_trace_in_parts_gets_a_row_of_its_own() -> None:
    spans = span(0, 1, "a", "never-received"), span(2, 3, "b")
    assert tree(*spans) == [(1, "Trace t1"), (2, "a"), (2, "b")]


@pytest.mark.parametrize(
    "spans",
    [
        [span(0, 1, "self", "self")],
        [span(0, 1, "a", "b"), span(1, 2, "b", "a")],
        [span(0, 1, "r"), span(1, 2, "a", "c"), span(2, 3, "b", "a"), span(3, 4, "c", "b")],
    ],
)
def test_spans_that_are_their_own_ancestors_are_shown_once(spans: list[Any]) -> None:
    names = [name for _, name in tree(*spans) if not name.startswith("Trace")]
    assert sorted(names) == sorted(s.name for s in spans)


def test_two_thousand_levels_are_no_problem() -> None:
    chain = [span(n, 3000, f"s{n}", f"s{n - 1}" if n else None) for n in range(2000)]
    assert tree(*chain)[-1] == (2000, "s1999")


def test_attempts_are_numbered_where_a_step_ran_twice() -> None:
    spans = [step(0, 1, "pay"), step(5, 6, "pay", attempt=2, span_id="again"), step(8, 9, "ship")]
    notes = [row.note for row in bars.waterfall(unit(*spans)).rows if row.kind == "span"]
    assert notes == ["attempt 1", "attempt 2", ""]


def test_a_log_is_a_dot_on_its_span_or_its_trace_or_its_service() -> None:
    chart = bars.waterfall(
        unit(
            span(0, 9, "root"),
            span(1, 2, "inner", "root"),
            log(1.5, "on span", trace_id="t1", span_id="inner"),
            log(3, "on trace", trace_id="t1", span_id="gone"),
            log(4, "alone", service="ship"),
            log(6, "alone too", service="ship"),
        )
    )
    dots = {row.name: [dot.text for dot in row.logs] for row in chart.rows}
    assert dots == {"root": ["on trace"], "inner": ["on span"], "ship": ["alone", "alone too"]}
    assert chart.rows[-1].ms == 2000


def test_times_are_milliseconds_after_the_first_moment() -> None:
    chart = bars.waterfall(unit(span(2, 3.5, "a"), log(1)))
    assert (chart.total, chart.rows[0].at, chart.rows[0].ms) == (2500, 1000, 1500)


def test_logs_of_one_moment_have_names_that_last() -> None:
    early = [log(1), log(1)]
    assert unit_records.log_keys([*early, log(1), log(2)])[:2] == unit_records.log_keys(early)
    assert len(set(unit_records.log_keys([*early, log(1)]))) == 3


@pytest.mark.parametrize(
    ("records", "shown"),
    [
        ([span(0, 1, "fine")], None),
        ([span(0, 9, "unit", status="error"), step(0, 5, "pay", status="error")], "t1-pay"),
        ([span(0, 5, "a", status="error"), span(0, 9, "b", status="error")], "t1-b"),
        ([log(1, severity_number=17), log(2)], f"log-{round(at(1).timestamp() * 1e6)}"),
    ],
)
def test_the_page_opens_on_what_failed(records: list[Any], shown: str | None) -> None:
    assert unit_records.first_look(unit(*records)) == shown


# --- story ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (step(0, 0.312, "pay"), "pay succeeded in 312 ms"),
        (step(0, 2, "pay", attempt=2), "pay, attempt 2, succeeded in 2 s"),
        (step(0, 2, "pay", attempt=3, retry_id="r"), "Retry of pay, attempt 3, succeeded in 2 s"),
        (step(0, 2, "pay", status="error"), "pay failed after 2 s"),
        (step(0, 2, "pay", status="error", status_message="no answer\nat all"),
         "pay failed after 2 s: no answer"),
        (span(0, 2, "u", role="unit", outcome="success"), "orders finished"),
        (log(0, "low stock", severity_number=13), "low stock"),
        (log(0, "unit.failed", severity_number=17, step="pay", exception=RaisedException("E", "no", None)),
         "pay failed: E: no"),
        (log(0, "it broke", severity_number=17, exception=RaisedException(None, "it broke", None)),
         "it broke"),
        (act(0, "claimed"), "ann claimed the exception at pay"),
        (act(0, "retried", reason="it is back"), "ann requested a retry of pay (it is back)"),
        (act(0, "resolved", reason="informed sales", details={"code": "data_corrected"}),
         "ann resolved the exception at pay: Data corrected by hand (informed sales)"),
        (act(0, "resolved", details={"code": "of_tomorrow"}),
         "ann resolved the exception at pay: of_tomorrow"),
        (act(0, "opened", kind="system"), "Exception opened at pay"),
        (act(0, "waved"), "ann: waved"),
        (act(0, "claimed", actor="{step}", step=None), "{step} claimed the exception at a step"),
    ],
)  # fmt: skip
def test_what_happened_in_plain_words(record: Record, words: str) -> None:
    assert lines_of(record) == [words]


def test_a_failure_is_shown_once() -> None:
    """The failed step says it; the error log of the same span or step goes to all logs."""
    records = [
        step(0, 2, "pay", status="error"),
        log(2, "unit.failed", severity_number=17, trace_id="t1", span_id="u", step="pay"),
        log(2, "gateway refused", severity_number=17, trace_id="t1", span_id="pay"),
        log(3, "another thing", severity_number=17, trace_id="t1", span_id="u"),
    ]
    kinds = [(line.kind, line.words) for line in story_of(*records)]
    assert [kind for kind, _ in kinds] == ["steps", "logs", "logs", "exceptions"]


def test_a_failed_attempt_is_one_line() -> None:
    """Its warning goes to all logs; what intake and worker record of it repeats the line."""
    records = [
        step(0, 2, "pay", status="error"),
        log(2, "step.failed", severity_number=13, trace_id="t1", span_id="pay", step="pay"),
        act(2, "opened", kind="system"),
        step(8, 9, "pay", attempt=2, span_id="p2", status="error", retry_id="r1"),
        log(9, "step.failed", severity_number=13, trace_id="t1", span_id="p2", step="pay"),
        act(9, "retry_failed", actor="worker", kind="system"),
        act(20, "recurred", kind="system"),
    ]
    lines = story.chosen(story_of(*records), story.USUAL)
    assert [line.words for line in lines] == [
        "pay failed after 2 s",
        "Exception opened at pay",
        "Retry of pay, attempt 2, failed after 1 s",
        "pay failed again",
    ]


def test_a_retry_that_worker_and_service_record_counts_once() -> None:
    spans = [
        step(0, 9, "pay", attempt=2, span_id="worker", retry_id="r1"),
        span(1, 8, "POST /pay", "worker"),
        step(2, 7, "pay", attempt=2, span_id="service", parent="POST /pay"),
        step(3, 4, "ship", span_id="ship", parent="worker"),
    ]
    assert [one.span_id for one in unit_records.attempts(spans)] == ["worker", "ship"]
    assert [line.words for line in story_of(*spans)] == [
        "ship succeeded in 1 s",
        "Retry of pay, attempt 2, succeeded in 9 s",
    ]


def test_a_trace_without_steps_shows_its_two_outer_levels() -> None:
    spans = [span(0, 9, "GET /"), span(1, 5, "query", "GET /"), span(2, 3, "socket", "query")]
    assert lines_of(*spans) == ["query succeeded in 4 s", "GET / succeeded in 9 s"]


def test_the_story_runs_in_order_of_time_and_by_kind() -> None:
    records = [
        act(30, "claimed"),
        log(5, "careful", severity_number=13),
        step(0, 10, "pay"),
        log(1),
        act(20, "expired", actor="unsnag", kind="system"),
    ]
    lines = story_of(*records)
    assert [line.kind for line in lines] == ["logs", "warnings", "steps", "exceptions", "people"]
    assert [line.kind for line in story.chosen(lines, ["people", "steps"])] == ["steps", "people"]


def test_what_is_noticed_late_has_the_time_when_it_happened() -> None:
    case = SimpleNamespace(id="c1", title="No answer", first_seen=at(10))
    proof = at(20).replace(tzinfo=None).isoformat()
    records = [
        act(5000, "opened", kind="system"),
        act(5001, "recovered", kind="system", details={"unit_completed_at": proof}),
    ]
    lines = story_of(*records, cases=[case])
    assert [line.time for line in lines] == [at(10), at(20)]
    assert lines[0].words == "Exception opened at pay: No answer"


def test_people_are_named_once_and_systems_never() -> None:
    acts = [
        act(1, "claimed"),
        act(2, "opened", "unsnag", "system"),
        act(3, "retried", "bob"),
        act(4, "released"),
    ]
    assert story.people(acts) == ["ann", "bob"]


def test_the_last_to_speak_is_known() -> None:
    records = [span(0, 5, "a", service="pay"), log(3, service="stock")]
    assert story.last_lane(unit(*records)) == ("pay", at(0) + timedelta(seconds=5))
    assert story.last_lane(unit()) is None
