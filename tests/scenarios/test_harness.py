"""The harness itself: nothing is lost on the way, and a wrong statement is seen as one. Needs no programs."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from tests.scenarios import orders, records
from tests.scenarios.capture import JSON, Capture, Sent
from tests.scenarios.expected import ANY, NO_UNIT, SOME, TRACE, Case, Rate, Row, Unit
from tests.scenarios.seen import Names, Seen, differences
from tests.scenarios.table import ROWS

HERE = Path(__file__).parent
LOGS = {
    "resourceLogs": [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "s"}}]},
            "scopeLogs": [
                {
                    "scope": {"name": "x"},
                    "logRecords": [
                        {"timeUnixNano": str(at), "severityNumber": 17, "body": {"stringValue": f"m{at}"}}
                        for at in (1, 2, 3)
                    ],
                }
            ],
        }
    ]
}


@pytest.fixture
def requests() -> list[Sent]:
    """Return what the real SDK sends for seven spans, three at a time, and a client's log records in JSON."""
    with Capture() as capture:
        provider = TracerProvider(resource=Resource.create({"service.name": "s"}))
        exporter = OTLPSpanExporter(f"{capture.address}/v1/traces")
        provider.add_span_processor(BatchSpanProcessor(exporter, max_export_batch_size=3))
        tracer = provider.get_tracer("t")
        for number in range(7):
            tracer.start_span(f"span {number}", attributes={"order.id": f"SO-{number}"}).end()
        provider.shutdown()
        packed = gzip.compress(json.dumps(LOGS).encode())
        headers = {"content-type": JSON, "content-encoding": "gzip"}
        httpx.post(f"{capture.address}/v1/logs", content=packed, headers=headers)
        return list(capture.requests)


def test_the_capture_keeps_the_bytes_that_were_sent(requests: list[Sent]) -> None:
    assert [sent.path for sent in requests] == ["/v1/traces"] * 3 + ["/v1/logs"]
    assert json.loads(gzip.decompress(requests[-1].body)) == LOGS
    assert {one.name for one in records.records(requests)} == {
        *(f"span {number}" for number in range(7)), "m1", "m2", "m3",
    }  # fmt: skip


@pytest.mark.parametrize("order", orders.ORDERS)
def test_an_order_of_arrival_keeps_every_record(order: str, requests: list[Sent]) -> None:
    before = Counter(map(str, records.records(requests)))
    after = Counter(map(str, records.records(orders.ORDERS[order](requests))))
    times = 3 if order == "twice" else 1
    assert after == Counter({text: n * times for text, n in before.items()})


def test_record_by_record_means_one_record_a_request(requests: list[Sent]) -> None:
    alone = orders.apart(requests)
    assert [len(records.records([sent])) for sent in alone] == [1] * 10
    assert alone == orders.apart(requests), "the seed is fixed"
    assert [one.name for one in records.records(alone)] != [one.name for one in records.records(requests)]


def test_moving_times_moves_every_time_alike(requests: list[Sent]) -> None:
    by = 5_000_000_000
    moved = records.records([records.later(sent, by) for sent in requests])
    assert [one.time_ns - by for one in moved] == [one.time_ns for one in records.records(requests)]


# --- the comparison fails where it must ----------------------------------------------------------

WANTED = Row(
    name="x",
    section="2",
    play=lambda _world: pytest.fail("nothing is run here"),
    units=(Unit("SO-1", "f", "failed"),),
    cases=(Case("SO-1", "f", "pay", says="refused"),),
    k19=Rate(0.0, 1),
    groups=1,
)
CASE: dict[str, Any] = {
    "unit": "SO-1", "flow": "f", "step": "pay", "state": "open", "occurrences": 1, "affected": frozenset(),
    "tenant": "", "says": "Card REFUSED", "title": "Card", "severity": "high", "value": None, "group": "g",
}  # fmt: skip
RIGHT = Seen(Counter([Unit("SO-1", "f", "failed")]), (CASE,), 1, Rate(None, 0), "0", Rate(0.0, 1))
WRONG: dict[str, Seen] = {
    "a unit is missing": replace(RIGHT, units=Counter()),
    "a unit too many": replace(RIGHT, units=Counter([*RIGHT.units, Unit("SO-2", "f", "success")])),
    "a unit twice": replace(RIGHT, units=RIGHT.units + RIGHT.units),
    "another outcome": replace(RIGHT, units=Counter([Unit("SO-1", "f", "success")])),
    "no case": replace(RIGHT, cases=()),
    "a case too many": replace(RIGHT, cases=(CASE, CASE)),
    "another group": replace(RIGHT, groups=2),
    "K1": replace(RIGHT, k1=Rate(100.0, 1)),
    "K9": replace(RIGHT, k9="12.5"),
    "K19": replace(RIGHT, k19=Rate(0.0, 2)),
    **{
        f"a case with another {name}": replace(RIGHT, cases=({**CASE, name: value},))
        for name, value in {
            "unit": NO_UNIT, "flow": "g", "step": "", "state": "recovered", "occurrences": 2, "tenant": "t",
            "says": "ok", "affected": frozenset({"s"}),
        }.items()
    },
}  # fmt: skip


def test_what_is_as_stated_differs_in_nothing() -> None:
    assert differences(RIGHT, WANTED) == []


@pytest.mark.parametrize("name", WRONG)
def test_whatever_is_not_as_stated_is_told(name: str) -> None:
    assert differences(WRONG[name], WANTED)


def test_at_least_one_affected_is_not_none() -> None:
    row = replace(WANTED, cases=(Case("SO-1", "f", ANY, affected=SOME),))
    assert differences(RIGHT, row)
    assert not differences(replace(RIGHT, cases=({**CASE, "affected": frozenset({"s"})},)), row)


def test_a_key_is_called_what_it_is() -> None:
    names = Names(frozenset({"ab" * 16}), frozenset({"r-1"}))
    labels = [names.label(key) for key in ("ab" * 16, "r-1", "SO-1", "", "f-20261125T101112Z-0a1b")]
    assert labels == [TRACE, "a run", "SO-1", NO_UNIT, "a run"]


# --- the table and the environment ---------------------------------------------------------------


def test_every_row_has_a_name_of_its_own_and_says_where_it_is_stated() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert {row.section[0] for row in ROWS} <= set("1234")


def test_everything_in_the_programs_environment_is_pinned_with_a_reason() -> None:
    wanted = re.findall(r"^([a-z0-9-]+)", (HERE / "requirements.in").read_text(), re.MULTILINE)
    lines = (HERE / "requirements.txt").read_text().splitlines()
    pins = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9._-]+==[\w.!+-]+", pin) for pin in pins)
    assert set(wanted) <= {pin.partition("==")[0] for pin in pins}


def test_the_node_programs_are_pinned_and_name_no_registry() -> None:
    asked = json.loads((HERE / "node/package.json").read_text())["dependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in asked.values())
    locked = json.loads((HERE / "node/package-lock.json").read_text())["packages"]
    assert set(asked) <= {name.removeprefix("node_modules/") for name in locked}
    assert not [name for name, package in locked.items() if "resolved" in package]
