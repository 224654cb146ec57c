"""However a file's bytes are cut, repeated or broken: the same rows, and never a crash."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collectors.lines import Reader
from collectors.mapping import Mapping
from collectors.parse import MAX_LINE
from collectors.piece import Piece
from collectors.sections import MappingSettings
from tests.collectors.rows import NOW, logs, normaliser, read, spans
from tests.telemetry import TRACE

LINES = (
    b'{"event":"a","level":"info","timestamp":"2026-11-16T09:00:00Z"}',
    b'{"event":"b","level":"info"',
    b"2026-11-16 10:00:00,123 - shop - ERROR - no answer",
    b"Traceback (most recent call last):",
    b'  File "shop.py", line 3, in pay',
    b"TimeoutError: no answer",
    b"",
    "Grüße\u2028".encode(),
    b"plain words",
    b'{"log":"part one ","stream":"stdout","time":"2026-11-16T09:00:00Z"}',
    b'{"log":"part two\\n","stream":"stdout","time":"2026-11-16T09:00:00Z"}',
    b"\tat com.example.Shop.pay(Shop.java:3)",
    b"\xff\xfe broken",
)


def in_pieces(raw: bytes, cuts: list[int]) -> list[dict[str, Any]]:
    """Read bytes as they would arrive: at each cut only whole lines are there, and open ones come again."""
    n = normaliser()
    consumed = 0
    for cut in [*sorted(cuts), len(raw)]:
        end = raw.rfind(b"\n", 0, cut) + 1
        if end > consumed:
            lines = raw[consumed:end].split(b"\n")[:-1]
            consumed = Reader.into(n).read(Piece(lines, None, consumed, 7, final=False))
    rest = raw[consumed:].split(b"\n")
    Reader.into(n).read(Piece(rest, None, consumed, 7, final=True))
    return sorted(logs(n), key=lambda row: row["record_id"])


@example([LINES[2], LINES[9], LINES[3], LINES[0], LINES[0]], [])
@example([LINES[9], LINES[2], LINES[3], LINES[0], LINES[0]], [])
@given(st.lists(st.sampled_from(LINES), max_size=12), st.lists(st.integers(0, 800), max_size=6))
def test_the_same_bytes_give_the_same_rows_however_they_are_cut(lines: list[bytes], cuts: list[int]) -> None:
    raw = b"\n".join(lines)
    whole = sorted(logs(read(raw)), key=lambda row: row["record_id"])
    assert in_pieces(raw, cuts) == whole


@example(b"__CURSOR=")
@example(b"__CURSOR=s=1\nMESSAGE")
@example(b"__CURSOR=s=1\nMESSAGE\n" + (1 << 30).to_bytes(8, "little"))
@given(st.binary(max_size=400))
def test_no_bytes_stop_the_reader(raw: bytes) -> None:
    after = b'{"event":"after","level":"info"}'
    n = read(raw + b"\n" + after)
    read_after = [row["message"] for row in logs(n)][-1:] == ["after"]
    assert read_after or n.quarantined[-1].raw.endswith(after)


def test_an_entry_of_the_journal_may_hold_any_bytes_and_what_is_none_is_read_line_by_line() -> None:
    value = b"a\n\nb={"
    sized = b"MESSAGE\n" + len(value).to_bytes(8, "little") + value + b"\n"
    entry = b"__CURSOR=s=1\n" + sized + b"PRIORITY=3\n\n"
    after = b'{"event":"after"}'
    assert [row["message"] for row in logs(read(entry + after))] == [value.decode(), "after"]
    assert [row["message"] for row in logs(read(b"__CURSOR=\n" + after))] == ["__CURSOR=", "after"]
    assert [q.raw for q in read(entry[:40]).quarantined] == [entry[:40]]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(
    [
        "event",
        "message",
        "level",
        "timestamp",
        "time",
        "exception",
        "error",
        "record",
        "extra",
        "log",
        "service",
        "unsnag.attempt",
        "unsnag.value.amount",
        "unsnag.data",
        "unsnag.record_id",
        "trace_id",
        "MESSAGE",
        "stream",
        "jsonPayload",
        "attributes",
        "resource",
        "resourceSpans",
        "unsnag.idempotent",
        "body",
        "name",
        "correlation_id",
    ]
)


def test_a_mapping_may_say_what_a_failure_looks_like() -> None:
    settings = MappingSettings.model_validate({"failure": {"attribute": "state", "equals": "rejected"}})
    rejected, accepted = logs(
        read(
            '{"event": "closed", "state": "rejected"}\n{"event": "closed", "state": "ok"}\n',
            Mapping.of(settings),
        )
    )
    assert rejected["outcome"] == "failed"
    assert "outcome" not in accepted


@given(st.dictionaries(names, json_values, max_size=6))
def test_no_value_of_a_known_field_stops_the_reader(fields: dict[str, Any]) -> None:
    """Whatever stands in a field: a row that can be stored, or a reason."""
    n = read(json.dumps(fields))
    for row in logs(n):
        assert str(row).encode()
        assert 0 <= row["time"] <= NOW + 300_000_000
    assert all(entry.reason for entry in n.quarantined)
    assert not any("cannot be read" in entry.reason for entry in n.quarantined)


BAD: dict[str, tuple[bytes, str]] = {
    "broken": (b'{"event":"x","level":', "not JSON"),
    "nested": (b'{"event":' + b"[" * 300 + b"]" * 300 + b"}", "nested"),
    "nested beyond any parser": (b'{"event":' + b"[" * 50_000 + b"]" * 50_000 + b"}", "nested"),
    "too long": (b'{"event":"' + b"x" * MAX_LINE + b'"}', "bytes"),
    "spans of a wrong form": (b'{"resourceSpans":"none"}', "not a list"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_quarantined_with_the_reason(name: str) -> None:
    raw, reason = BAD[name]
    n = read(b'{"event":"before"}\n' + raw + b'\n{"event":"after"}')
    assert [row["message"] for row in logs(n)] == ["before", "after"]
    (entry,) = n.quarantined
    assert reason in entry.reason
    assert entry.source_offset == len(b'{"event":"before"}\n')
    assert entry.size == len(raw)


ODD: dict[str, tuple[str | bytes, dict[str, Any], dict[str, Any]]] = {
    "attempt as text": (
        '{"event":"x","unsnag.attempt":"abc"}',
        {"attempt": None},
        {"unsnag.attempt": "abc"},
    ),
    "negative attempt": ('{"event":"x","unsnag.attempt":-1}', {"attempt": None}, {"unsnag.attempt": -1}),
    "money beyond all": (
        '{"event":"x","unsnag.value.amount":"1e99"}',
        {"value_amount": None},
        {"unsnag.value.amount": "1e99"},
    ),
    "an exponent that would fill memory": (
        '{"event":"x","unsnag.value.amount":"1e999999999"}',
        {"value_amount": None},
        {"unsnag.value.amount": "1e999999999"},
    ),
    "truth as text": (
        '{"event":"x","unsnag.idempotent":"perhaps"}',
        {"idempotent": None},
        {"unsnag.idempotent": "perhaps"},
    ),
    "a year that is far ahead": (
        '{"event":"x","timestamp":"9999-12-31T23:59:59Z"}',
        {"time": NOW},
        {"unsnag.original_time": "9999-12-31T23:59:59Z"},
    ),
    "a number that is far ahead": (
        '{"event":"x","timestamp":4102444800000000000}',
        {"time": NOW},
        {"unsnag.original_time": "2100-01-01T00:00:00.000000Z"},
    ),
    "a time before all computers": (
        '{"event":"x","timestamp":-5}',
        {"time": NOW},
        {"unsnag.original_time": -5},
    ),
    "a time that is none": (
        '{"event":"x","timestamp":"yesterday"}',
        {"time": NOW},
        {"unsnag.original_time": "yesterday"},
    ),
    "no time": ('{"event":"x"}', {"time": NOW}, {}),
    "NUL": ('{"event":"a\\u0000b"}', {"message": "a�b"}, {}),
    "a lone surrogate": ('{"event":"a\\ud800b"}', {"message": "a�b"}, {}),
    "bytes that are not UTF-8": (b'{"event":"a\xff\xfeb"}', {"message": "a��b"}, {}),
    "an integer beyond 64 bits": (
        '{"event":"x","n":123456789012345678901234567890}',
        {},
        {"n": "123456789012345678901234567890"},
    ),
    "an integer of 5,000 digits": ('{"event":"x","n":' + "1" * 5000 + "}", {}, {"n": "1" * 5000}),
    "not a number": ('{"event":"x","n":NaN}', {}, {"n": "nan"}),
    "a script and SQL": (
        '{"event":"<script>alert(1)</script>","q":"\'; drop table log; --"}',
        {"message": "<script>alert(1)</script>"},
        {"q": "'; drop table log; --"},
    ),
    "an unknown level": ('{"event":"x","level":"loud"}', {"severity": "info"}, {"level": "loud"}),
    "a trace id that is none": ('{"event":"x","trace_id":"12"}', {"trace_id": None}, {"trace_id": "12"}),
    "a number as correlation id": ('{"event":"x","unsnag.correlation_id":42}', {"correlation_id": "42"}, {}),
}


@pytest.mark.parametrize("name", ODD)
def test_a_value_that_does_not_fit_costs_no_record(name: str) -> None:
    raw, columns, attributes = ODD[name]
    n = read(raw)
    (row,) = logs(n)
    assert {key: row.get(key) for key in columns} == columns
    assert row["attributes"] == attributes
    assert not n.quarantined


def test_the_clients_lines_fill_typed_columns() -> None:
    line = {
        "timestamp": "2026-11-16T09:00:00Z",
        "unsnag.record_id": "00000000000000ff",
        "unsnag.flow": "order-to-cash",
        "unsnag.correlation_id": "SO-1",
        "unsnag.step": "pay",
        "unsnag.attempt": 3,
        "unsnag.value.amount": "129.90",
        "unsnag.value.currency": "EUR",
        "unsnag.idempotent": True,
        "unsnag.error.class": "business",
        "unsnag.outcome": "failed",
        "unsnag.data": {"order": "SO-1"},
        "event": "unit.failed",
        "level": "error",
        "service.name": "payment",
        "deployment.environment": "prod",
        "code.function": "pay",
    }
    (row,) = logs(read(json.dumps(line)))
    assert row["record_id"] == 255
    assert (row["flow"], row["correlation_id"], row["step"], row["attempt"]) == (
        "order-to-cash",
        "SO-1",
        "pay",
        3,
    )
    assert (str(row["value_amount"]), row["value_currency"], row["idempotent"]) == ("129.9000", "EUR", True)
    assert (row["error_class"], row["outcome"], row["environment"]) == ("business", "failed", "prod")
    assert (row["data"], row["attributes"]) == ('{"order":"SO-1"}', {"code.function.name": "pay"})


def test_span_lines_of_the_spool_become_spans() -> None:
    span = {
        "traceId": TRACE,
        "spanId": "b7ad6b7169203331",
        "name": "pay",
        "kind": 1,
        "startTimeUnixNano": "1794819600000000000",
        "endTimeUnixNano": "1794819601500000000",
        "attributes": [
            {"key": "unsnag.kind", "value": {"stringValue": "step"}},
            {"key": "unsnag.attempt", "value": {"intValue": "2"}},
        ],
        "status": {"code": 2},
    }
    line = {"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"spans": [span]}]}]}
    n = read(json.dumps(line))
    (row,) = spans(n)
    assert (row["role"], row["attempt"], row["status"]) == ("step", 2, "error")
    assert row["duration_ns"] == 1_500_000_000
    assert not logs(n), "the client writes its own record of a failure"


@pytest.mark.parametrize(
    ("kind", "expected"), [("flow", {"run_id": "r-1"}), ("task", {"technical_id": "r-1"})]
)
def test_the_run_of_a_task_inside_a_run_is_a_task_and_no_run(kind: str, expected: dict[str, str]) -> None:
    attributes = [
        {"key": key, "value": {"stringValue": value}}
        for key, value in {"prefect.run.id": "r-1", "prefect.run.type": kind}.items()
    ]
    times = {"startTimeUnixNano": "1795942800000000000", "endTimeUnixNano": "1795942801000000000"}
    span = {"traceId": "a" * 32, "spanId": "b" * 16, "name": "load", "attributes": attributes, **times}
    line = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    (row,) = spans(read(json.dumps(line)))
    assert {name: row[name] for name in ("run_id", "technical_id") if name in row} == expected
