"""Patterns of mappings, and what a mapping makes of a sample."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from pydantic import ValidationError

from collectors import extract
from collectors.sections import MappingSettings
from collectors.trial import MOST_LINES, Trial, trial
from tests.patterns import hostile

ROOT = Path(__file__).parents[2]
LINES = rb"""2026-11-16 09:00:00 INFO picked SO-1 of EUR 12
2026-11-16 09:00:01 ERROR no label for SO-2
Traceback (most recent call last):
  File "a.py", line 1, in f
TimeoutError: late
{"event":"packed","level":"info","order":"17","user":"ann"}
{"event":
{"event":"probe","path":"/healthz"}
nothing known
""".splitlines()


def tried(path: str | None = None, **mapping: Any) -> Trial:
    return trial(LINES, MappingSettings.model_validate(mapping), path=path)


def test_a_pattern_takes_the_whole_match_or_its_group() -> None:
    found = tried(
        correlation_id={"from": "message", "pattern": r"SO-\d+"},
        value_currency={"from": "message", "pattern": r"of ([A-Z]{3})"},
    )
    assert [record.fields.get("correlation_id") for record in found.records] == [
        "SO-1", "SO-2", None, None, None,
    ]  # fmt: skip
    assert found.records[0].fields["value_currency"] == "EUR"
    assert found.filled == {"correlation_id": 2, "value_currency": 1}


def test_patterns_of_attributes_and_of_the_path_are_fallbacks_with_prefixes() -> None:
    rules = [
        {"from": "order", "pattern": r"\d+", "prefix": "SO-"},
        {"from": "path", "pattern": "run_id=([^/]+)", "prefix": "R-"},
    ]
    found = tried("/logs/run_id=7x/a.log", correlation_id=rules)
    ids = [record.fields["correlation_id"] for record in found.records]
    assert ids == ["R-7x", "R-7x", "SO-17", "R-7x", "R-7x"]
    # Without a path, as for what OTLP brings, a pattern of the path finds nothing.
    assert tried(correlation_id=rules).filled == {"correlation_id": 1}


def test_a_pattern_that_finds_nothing_or_everything_is_taken_at_its_word() -> None:
    lines = [b'{"event":"order 7 failed"}', b'{"event":"order 8 failed"}']
    nothing = trial(
        lines, MappingSettings.model_validate({"correlation_id": {"from": "message", "pattern": "NO-\\d+"}})
    )
    assert nothing.filled == {"correlation_id": 0}
    everything = trial(
        lines, MappingSettings.model_validate({"correlation_id": {"from": "message", "pattern": ".+"}})
    )
    assert [record.fields["correlation_id"] for record in everything.records] == [
        "order 7 failed",
        "order 8 failed",
    ]
    assert (
        trial(lines, MappingSettings.model_validate({"drop": {"from": "message", "pattern": "."}})).dropped
        == 2
    )
    assert (
        trial(lines, MappingSettings.model_validate({"drop": {"from": "message", "pattern": "NO-"}})).dropped
        == 0
    )


def test_levels_mean_what_the_mapping_says() -> None:
    lines = [
        b'{"event":"late","level":"E","time":"2026-11-16 09:00:00"}',
        b'{"event":"number","level":10}',
        b'{"event":"inside","log":{"level":"E"}}',
        b'{"event":"as usual","level":"warning"}',
        b"?F? nothing of a layout",
        b'{"event":"elsewhere","prio":"F"}',
    ]
    levels = {"E": "error", "10": "info", "F": "critical"}
    found = trial(lines, MappingSettings.model_validate({"severity": levels}))
    assert [record.severity for record in found.records] == ["error", "info", "error", "warning"] + 2 * [
        "info"
    ]
    assert found.left_over == {"prio": 1}
    places = ["prio", {"from": "message", "pattern": r"^\?(.)\?"}]
    found = trial(lines, MappingSettings.model_validate({"severity": levels, "severity_from": places}))
    assert [record.severity for record in found.records][4:] == ["critical", "critical"]


def test_the_zone_of_a_mapping_counts_for_times_without_one() -> None:
    lines = [
        b'{"event":"a","timestamp":"2026-11-16T09:00:00"}',
        b"2026-11-16 09:00:00,000 INFO b",
        b'{"event":"c","timestamp":"2026-11-16T09:00:00Z"}',
    ]
    berlin = MappingSettings.model_validate({"timezone": "Europe/Berlin"})
    assert [record.time.hour for record in trial(lines, berlin).records] == [8, 8, 9]
    tokyo = trial(lines, berlin, zone=ZoneInfo("Asia/Tokyo"))
    assert [record.time.hour for record in tokyo.records] == [8, 8, 9]


def test_records_are_left_out_by_a_pattern() -> None:
    found = tried(drop=[{"from": "message", "pattern": "^nothing"}, {"from": "user", "pattern": "an+"}])
    assert (found.dropped, [record.line for record in found.records]) == (2, [1, 2, 8])
    by_path = tried("/logs/probe/a.log", drop={"from": "path", "pattern": "/probe/"})
    assert (by_path.dropped, by_path.records) == (5, [])


def test_a_trial_says_what_was_not_understood() -> None:
    found = tried(
        flow="'shipping'",
        step="order",
        correlation_id="nr",
        drop={"attribute": "path", "equals": "/healthz"},
    )
    assert [record.line for record in found.records] == [1, 2, 6, 9]
    error = found.records[1]
    assert (error.severity, error.error_type, error.has_stacktrace) == ("error", "TimeoutError", True)
    assert (found.dropped, found.without_time) == (1, 2)
    assert found.filled == {"correlation_id": 0, "flow": 4, "step": 1}
    assert found.left_over == {"user": 1}
    (unread,) = found.unread
    assert (unread.line, unread.text) == (7, '{"event":')
    assert unread.reason.startswith("not JSON")


def test_text_is_masked_as_in_the_store() -> None:
    (record,) = trial([b'{"event":"mail to ann@example.com","password":"hunter2"}']).records
    assert "ann@example.com" not in record.message
    assert "hunter2" not in str(record.attributes)


def test_only_the_first_lines_are_read() -> None:
    assert len(trial([b'{"event":"x"}'] * (MOST_LINES + 10)).records) == MOST_LINES
    assert trial([]).records == []


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "is no pattern that RE2 knows"),
        ("(?=a)b", "is no pattern that RE2 knows"),
        (r"(a)\1", "is no pattern that RE2 knows"),
        ("(a)(b)", "has 2 groups"),
        ("x*", "matches where there is nothing"),
        ("", "at least 1 character"),
        ("a" * (extract.LONGEST + 1), "at most 500 characters"),
    ],
)
def test_a_pattern_that_cannot_be_is_refused_by_name(pattern: str, reason: str) -> None:
    with pytest.raises(ValidationError) as refused:
        MappingSettings.model_validate({"correlation_id": {"from": "message", "pattern": pattern}})
    (error,) = refused.value.errors()
    assert reason in error["msg"]


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+b", "(?:a*)*b", "(.*a){12}b"])
def test_no_pattern_makes_a_text_take_more_than_its_share(pattern: str) -> None:
    ready = extract.Extract("message", extract.re2_pattern(pattern))
    short, long = "a" * 8_000, "a" * 64_000
    once, eight = (hostile.cost(ready.part, text, 0, times=5) for text in (short, long))
    assert eight < 3 * 8 * once + 0.001


# --- the command ---------------------------------------------------------------------------------


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    config = folder / "unsnag.toml"
    config.write_text(
        "[collectors.mappings.ship]\nflow = \"'shipping'\"\n"
        'correlation_id = { from = "message", pattern = "SO-\\\\d+" }\n'
    )
    (folder / "ship.log").write_bytes(b"\n".join(LINES))
    given = [sys.executable, "app.py", "mapping", "test", *words, "--config", str(config)]
    return subprocess.run(given, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.slow
def test_the_command_prints_what_a_mapping_makes_of_a_file(tmp_path: Path) -> None:
    ran = command(tmp_path, str(tmp_path / "ship.log"), "--mapping", "ship")
    assert (ran.returncode, ran.stderr) == (1, "")
    lines = ran.stdout.splitlines()
    assert lines[0] == "5 records, 0 left out by the mapping, 1 cannot be read"
    assert "correlation_id found in 2 of 5" in lines
    assert any(line.startswith("line 7 cannot be read: not JSON") for line in lines)
    assert any("error (TimeoutError) no label for SO-2" in line for line in lines)
    whole = orjson.loads(command(tmp_path, str(tmp_path / "ship.log"), "--json").stdout)
    assert len(whole["records"]) == 5


@pytest.mark.slow
def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    ran = command(tmp_path, str(tmp_path / "none.log"))
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "none.log cannot be read: No such file or directory." in ran.stderr
    ran = command(tmp_path, str(tmp_path / "ship.log"), "--mapping", "shop")
    assert "The config file has no mapping 'shop'. It has: ship." in ran.stderr
