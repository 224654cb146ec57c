"""A unit told as rows and as a story: tables for pure functions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.telemetry import at
from views import story

Row = dict[str, Any]
MINUTE = 60_000.0


def span(start: float, end: float, name: str, parent: str | None = None, **fields: Any) -> Row:
    return {
        "trace_id": "t1", "span_id": name, "parent_span_id": parent, "name": name, "kind": "internal",
        "service": "shop", "flow": "orders", "step": None, "attempt": None, "status": "unset",
        "status_message": None, "role": None, "outcome": None, "start": at(start), "end": at(end),
        "duration_ns": int((end - start) * 1e9), "attributes": {}, "resource": {}, "events": [], "links": [],
        **fields,
    }  # fmt: skip


def step(start: float, end: float, name: str, **fields: Any) -> Row:
    return span(start, end, name, **{"role": "step", "step": name, "attempt": 1, **fields})


def log(seconds: float, message: str = "hello", **fields: Any) -> Row:
    return {
        "time": at(seconds), "severity": "info", "severity_number": 9, "message": message, "logger": None,
        "service": "shop", "flow": "orders", "step": None, "trace_id": None, "span_id": None,
        "exception": None, "attributes": {}, "source": "test", **fields,
    }  # fmt: skip


def act(seconds: float, verb: str, actor: str = "ann", kind: str = "human", **fields: Any) -> Row:
    return {
        "at": at(seconds), "verb": verb, "actor": actor, "actor_type": kind, "case_id": "c1",
        "step": "pay", "reason": None, "details": {}, **fields,
    }  # fmt: skip


def unit(*records: Row, **fields: Any) -> Row:
    return {
        "state": "completed",
        "spans": [r for r in records if "span_id" in r and "start" in r],
        "logs": [r for r in records if "severity" in r],
        "acts": [r for r in records if "verb" in r],
        "cases": [],
        "truncated": None,
        **fields,
    }


def tree(*spans: Row) -> list[tuple[int, str]]:
    return [(row["level"], row["name"]) for row in story.waterfall(unit(*spans))["rows"]]


def told(*records: Row, **fields: Any) -> list[str]:
    return [line.words for line in story.story(unit(*records, **fields))]


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
    assert story.gaps(busy) == folded


def test_working_time_counts_what_overlaps_once() -> None:
    assert story.working([span(0, 10, "a"), span(5, 12, "b"), span(100, 101, "c")]) == 13


def test_total_is_working_and_waiting() -> None:
    times = story.times(unit(span(0, 10, "a"), span(50, 60, "b")), at(1000))
    assert (times.total, times.working, times.waiting) == (60, 20, 40)


def test_a_unit_in_flight_waits_until_now() -> None:
    assert story.times(unit(span(0, 10, "a"), state="in_flight"), at(100)).waiting == 90


def test_nothing_takes_no_time() -> None:
    assert story.times(unit(), at(0)).total == 0
    assert story.waterfall(unit())["rows"] == []


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
    rows = story.waterfall(unit(span(0, 1, "1"), span(2, 3, "1", trace_id="t2")))["rows"]
    assert len({row["id"] for row in rows}) == 2


def test_two_spans_of_one_id_are_two_rows() -> None:
    same = {"span_id": "s", "id_reused": True}
    spans = [
        span(0, 3, "charge", record_id=1, **same),
        span(1, 2, "refund", record_id=2, **same),
        span(1, 2, "inside", parent="s"),
    ]
    rows = story.waterfall(unit(*spans, log(1, "here", trace_id="t1", span_id="s")))["rows"]
    found = [row for row in rows if row["kind"] == "span"]
    assert sorted((row["name"], row["note"], len(row["logs"])) for row in found) == [
        ("charge", "same id", 1), ("inside", "", 0), ("refund", "same id", 0),
    ]  # fmt: skip
    assert len({row["id"] for row in rows}) == len(rows)


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
def test_spans_that_are_their_own_ancestors_are_shown_once(spans: list[Row]) -> None:
    names = [name for _, name in tree(*spans) if not name.startswith("Trace")]
    assert sorted(names) == sorted(s["name"] for s in spans)


def test_two_thousand_levels_are_no_problem() -> None:
    chain = [span(n, 3000, f"s{n}", f"s{n - 1}" if n else None) for n in range(2000)]
    assert tree(*chain)[-1] == (2000, "s1999")


def test_attempts_are_numbered_where_a_step_ran_twice() -> None:
    spans = [step(0, 1, "pay"), step(5, 6, "pay", attempt=2, span_id="again"), step(8, 9, "ship")]
    notes = [row["note"] for row in story.waterfall(unit(*spans))["rows"] if row["kind"] == "span"]
    assert notes == ["attempt 1", "attempt 2", ""]


def test_a_log_is_a_dot_on_its_span_or_its_trace_or_its_service() -> None:
    chart = story.waterfall(
        unit(
            span(0, 9, "root"),
            span(1, 2, "inner", "root"),
            log(1.5, "on span", trace_id="t1", span_id="inner"),
            log(3, "on trace", trace_id="t1", span_id="gone"),
            log(4, "alone", service="ship"),
            log(6, "alone too", service="ship"),
        )
    )
    dots = {row["name"]: [dot["text"] for dot in row["logs"]] for row in chart["rows"]}
    assert dots == {"root": ["on trace"], "inner": ["on span"], "ship": ["alone", "alone too"]}
    assert chart["rows"][-1]["ms"] == 2000


def test_times_are_milliseconds_after_the_first_moment() -> None:
    chart = story.waterfall(unit(span(2, 3.5, "a"), log(1)))
    assert (chart["total"], chart["rows"][0]["at"], chart["rows"][0]["ms"]) == (2500, 1000, 1500)


def test_logs_of_one_moment_have_names_that_last() -> None:
    early = [log(1), log(1)]
    assert story.log_keys([*early, log(1), log(2)])[:2] == story.log_keys(early)
    assert len(set(story.log_keys([*early, log(1)]))) == 3


@pytest.mark.parametrize(
    ("records", "shown"),
    [
        ([span(0, 1, "fine")], None),
        ([span(0, 9, "unit", status="error"), step(0, 5, "pay", status="error")], "t1-pay"),
        ([span(0, 5, "a", status="error"), span(0, 9, "b", status="error")], "t1-b"),
        ([log(1, severity_number=17), log(2)], f"log-{round(at(1).timestamp() * 1e6)}"),
    ],
)
def test_the_page_opens_on_what_failed(records: list[Row], shown: str | None) -> None:
    assert story.first_look(unit(*records)) == shown


# --- story ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (step(0, 0.312, "pay"), "pay succeeded in 312 ms"),
        (step(0, 2, "pay", attempt=2), "pay, attempt 2, succeeded in 2.0 s"),
        (step(0, 2, "pay", attempt=3, retry_id="r"), "Retry of pay, attempt 3, succeeded in 2.0 s"),
        (step(0, 2, "pay", status="error"), "pay failed after 2.0 s"),
        (step(0, 2, "pay", status="error", status_message="no answer\nat all"),
         "pay failed after 2.0 s: no answer"),
        (span(0, 2, "u", role="unit", outcome="success"), "orders finished"),
        (log(0, "low stock", severity_number=13), "low stock"),
        (log(0, "unit.failed", severity_number=17, step="pay", exception={"type": "E", "message": "no"}),
         "pay failed: E: no"),
        (log(0, "it broke", severity_number=17, exception={"type": None, "message": "it broke"}), "it broke"),
        (act(0, "claimed"), "ann claimed the exception at pay"),
        (act(0, "retried", reason="it is back"), "ann asked for a retry of pay (it is back)"),
        (act(0, "resolved", reason="told sales", details={"code": "data_corrected"}),
         "ann resolved the exception at pay: Data corrected by hand (told sales)"),
        (act(0, "resolved", details={"code": "of_tomorrow"}),
         "ann resolved the exception at pay: of_tomorrow"),
        (act(0, "opened", kind="system"), "Exception opened at pay"),
        (act(0, "waved"), "ann: waved"),
        (act(0, "claimed", actor="{step}", step=None), "{step} claimed the exception at a step"),
    ],
)  # fmt: skip
def test_what_happened_in_plain_words(record: Row, words: str) -> None:
    assert told(record) == [words]


def test_a_failure_is_told_once() -> None:
    """The failed step says it; the error log of the same span or step goes to all logs."""
    records = [
        step(0, 2, "pay", status="error"),
        log(2, "unit.failed", severity_number=17, trace_id="t1", span_id="u", step="pay"),
        log(2, "gateway said no", severity_number=17, trace_id="t1", span_id="pay"),
        log(3, "another thing", severity_number=17, trace_id="t1", span_id="u"),
    ]
    kinds = [(line.kind, line.words) for line in story.story(unit(*records))]
    assert [kind for kind, _ in kinds] == ["steps", "logs", "logs", "exceptions"]


def test_a_trace_without_steps_tells_its_two_outer_levels() -> None:
    spans = [span(0, 9, "GET /"), span(1, 5, "query", "GET /"), span(2, 3, "socket", "query")]
    assert told(*spans) == ["query succeeded in 4.0 s", "GET / succeeded in 9.0 s"]


def test_the_story_runs_in_order_of_time_and_by_kind() -> None:
    records = [
        act(30, "claimed"),
        log(5, "careful", severity_number=13),
        step(0, 10, "pay"),
        log(1),
        act(20, "expired", actor="unsnag", kind="system"),
    ]
    lines = story.story(unit(*records))
    assert [line.kind for line in lines] == ["logs", "warnings", "steps", "exceptions", "people"]
    assert [line.kind for line in story.chosen(lines, ["people", "steps"])] == ["steps", "people"]


def test_what_is_noticed_late_is_told_when_it_happened() -> None:
    case = {"id": "c1", "title": "No answer", "first_seen": at(10)}
    proof = at(20).replace(tzinfo=None).isoformat()
    records = [
        act(5000, "opened", kind="system"),
        act(5001, "recovered", kind="system", details={"unit_completed_at": proof}),
    ]
    lines = story.story(unit(*records, cases=[case]))
    assert [line.time for line in lines] == [at(10), at(20)]
    assert lines[0].words == "Exception opened at pay: No answer"


def test_people_are_named_once_and_systems_never() -> None:
    acts = [
        act(1, "claimed"),
        act(2, "opened", "unsnag", "system"),
        act(3, "retried", "bob"),
        act(4, "released"),
    ]
    assert story.people(unit(*acts)) == ["ann", "bob"]


def test_the_last_to_speak_is_known() -> None:
    records = [span(0, 5, "a", service="pay"), log(3, service="stock")]
    assert story.last_lane(unit(*records)) == ("pay", at(0) + timedelta(seconds=5))
    assert story.last_lane(unit()) is None
