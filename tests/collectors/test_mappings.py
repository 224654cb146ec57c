"""What mappings of the config file do: IDs in text, prefixes, people's steps, records that are left out."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from pydantic import ValidationError

from cases import units
from cases.errors import UnitNotFoundError
from cases.intake import intake
from collectors.lines import Reader
from collectors.mapping import Mapping
from collectors.normalise import Normaliser
from collectors.piece import Piece
from collectors.sections import MappingSettings
from collectors.settings import CollectorSettings
from collectors.text_ids import MOST_IDS, TextPattern, found
from data.store import Store
from tests.collectors.test_otlp import serve
from tests.patterns import hostile
from traces.known import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cases.unit import UnitDetail

# --- IDs in text --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "text", "ids"),
    [
        ("SO-{digits}", "SO-1 failed", ["SO-1"]),
        ("SO-{digits}", "merged SO-1, SO-2 and (SO-3); SO-1 again.", ["SO-1", "SO-2", "SO-3"]),
        ("SO-{digits}", "XSO-1 SO-12a SO- SO-3-4", []),
        ("SO-{digits}", "SO-SO-7", []),
        ("SO-{digits}", f"SO-{'9' * 100} SO-{'9' * 101}", [f"SO-{'9' * 100}"]),
        ("order ({word})", "order A-7_x: paid, border B, order  C", ["A-7_x"]),
        ("[{digits}]", "[17] [x] [18", ["[17]"]),
        ("[({digits})]", "[17][18]", ["17", "18"]),
        ("no=({digits}-X)", "no=5-X no=6-Y", ["5-X"]),
        ("no={digits}", "", []),
    ],
)
def test_ids_are_found_in_text(pattern: str, text: str, ids: list[str]) -> None:
    assert found([TextPattern.of(pattern)], text) == ids


@pytest.mark.parametrize(
    "pattern",
    [
        "SO-1",
        "{digits}",
        "({digits})",
        "a{digits}b{word}",
        "a{word}{word}",
        "a({word}",
        "a)({word}",
        "(a){word}",
    ],
)
def test_a_pattern_that_cannot_be_is_refused(pattern: str) -> None:
    with pytest.raises(ValidationError):
        MappingSettings(ids_in_text=[pattern])


@pytest.mark.parametrize("unit", ["a", "SO-", "SO-1", "SO-1 "])
def test_any_text_takes_time_in_proportion(unit: str) -> None:
    patterns = [TextPattern.of("SO-{digits}"), TextPattern.of("a({word})")]
    short, long = (unit * (size // len(unit)) for size in (250_000, 2_000_000))
    assert len(found(patterns, long)) <= MOST_IDS
    once, eight = (
        hostile.cost(lambda text: found(patterns, text), text, 0, times=3) for text in (short, long)
    )
    assert eight < 2 * 8 * once


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path, intake)
    yield opened
    opened.close()


def read(store: Store, settings: dict[str, Any], *lines: str) -> None:
    """Read lines of a file whose source has this mapping, as a follower does."""
    n = Normaliser("shipping", "jsonl", 0, mapping=Mapping.of(MappingSettings.model_validate(settings)))
    n.now, n.latest = 1_800_000_000_000_000, 1_900_000_000_000_000
    Reader.into(n).read(Piece([line.encode() for line in lines], None, 0, 7, final=True))
    store.append(n.batch()).result()


SHIPPING = {"flow": "'shipping'", "ids_in_text": ["SO-{digits}"]}
ONE = "2026-11-16 09:00:00 INFO SO-1 handed over"
SEVERAL = "2026-11-16 09:00:01 ERROR could not merge SO-1, SO-2 and so-3, SO-4"


def messages(found: UnitDetail) -> list[str]:
    return [log.message for log in found.logs]


def test_a_line_with_one_id_belongs_to_it_and_one_with_several_to_none(store: Store) -> None:
    read(store, SHIPPING, ONE, SEVERAL)
    (unit,) = store.everything().query("units/unit", {"correlation_id": "SO-1", **ALWAYS})
    assert (unit["flow"], unit["errors"]) == ("shipping", 0)
    assert store.everything().query("units/unit", {"correlation_id": "SO-2", **ALWAYS}) == []
    (case,) = store.act(
        lambda tx: tx.execute("select correlation_id, unit_kind from exception_case")
    ).result()
    assert case["unit_kind"] == "none"


def test_every_id_of_a_line_finds_it(store: Store) -> None:
    read(store, SHIPPING, ONE, SEVERAL)
    reading = store.everything()
    assert messages(units.unit(reading, "SO-1")) == ["SO-1 handed over", SEVERAL[26:]]
    found = units.unit(reading, "so-4")
    assert (found.state, messages(found), found.flows) == ("mentioned", [SEVERAL[26:]], ())
    assert found.logs[0].mentions == ["SO-1", "SO-2", "SO-4"]
    (hit,) = units.search(reading, "so-2")
    assert (hit.kind, hit.id, hit.state) == ("unit", "SO-2", "mentioned")
    assert sorted(hit.id for hit in units.search(reading, "SO-")) == ["SO-1", "SO-2", "SO-4"]
    with pytest.raises(UnitNotFoundError):
        units.unit(reading, "SO-9")


def test_a_line_that_names_its_own_id_keeps_it_and_mentions_the_others(store: Store) -> None:
    read(store, {**SHIPPING, "correlation_id": "no"}, '{"event": "SO-5 replaces SO-6", "no": "SO-5"}')
    assert messages(units.unit(store.everything(), "SO-5")) == ["SO-5 replaces SO-6"]
    assert units.unit(store.everything(), "SO-6").logs[0].correlation_id == "SO-5"


def test_what_lies_outside_the_scope_is_not_found_by_its_mention(store: Store) -> None:
    read(store, {**SHIPPING, "tenant": "'acme'"}, SEVERAL)
    from data.store import Reading  # noqa: PLC0415

    assert units.search(Reading(store, ("globex\x1f*",)), "SO-2") == []
    with pytest.raises(UnitNotFoundError):
        units.unit(Reading(store, ("globex\x1f*",)), "SO-2")
    assert units.unit(Reading(store, ("acme\x1f*",)), "SO-2").state == "mentioned"


# --- prefixes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ('{"event": "x", "no": "4711"}', "DE-4711"),
        ('{"event": "x", "correlation_id": "4711"}', "DE-4711"),
        ('{"event": "x", "unsnag.correlation_id": "4711"}', "4711"),
        ('{"event": "order #4711 paid"}', "DE-4711"),
        ('{"event": "x"}', None),
    ],
)
def test_a_prefix_keeps_number_ranges_apart(store: Store, line: str, kept: str | None) -> None:
    read(store, {"correlation_id": "no", "ids_in_text": ["#({digits})"], "prefix": "DE-"}, line)
    (row,) = store.act(lambda tx: tx.execute("select correlation_id from log")).result()
    assert row["correlation_id"] == kept


def test_several_ids_in_a_text_get_the_prefix_too(store: Store) -> None:
    read(store, {"ids_in_text": ["#{digits}"], "prefix": "DE-"}, '{"event": "#1 and #2"}')
    assert units.unit(store.everything(), "de-#2").state == "mentioned"


# --- records that are left out ------------------------------------------------------------------


def counted(store: Store) -> tuple[int, int]:
    (row,) = store.query("server/sources")
    return row["records"], row["dropped"]


def test_what_a_drop_rule_names_is_counted_and_not_stored(store: Store) -> None:
    rule = {"attribute": "path", "equals": "/healthz"}
    lines = [
        '{"event": "asked", "path": "/healthz"}',
        '{"event": "asked", "path": "/orders"}',
        '{"event": "asked"}',
    ]
    read(store, {"drop": rule}, *lines)
    assert counted(store) == (2, 1)
    read(store, {"drop": [rule, {"attribute": "message", "equals": "asked"}]}, *lines)
    assert counted(store) == (2, 4)


def test_a_piece_that_is_read_again_counts_what_is_left_out_once() -> None:
    """A stack trace may still grow: what lies behind the open record is read again."""
    rules = MappingSettings.model_validate({"drop": {"attribute": "message", "equals": "noise"}})
    n = Normaliser("s", "jsonl", 0, mapping=Mapping.of(rules))
    lines = [b'{"event": "noise"}', b"2026-11-16 09:00:00 ERROR open"]
    reader = Reader.into(n)
    consumed = reader.read(Piece(lines, None, 0, 7, final=False))
    assert consumed == len(lines[0]) + 1
    reader.read(Piece([lines[1], b'{"event": "noise"}'], None, consumed, 7, final=True))
    assert n.batch().dropped == 2
    assert len(n.logs) == 1


def test_a_source_of_which_everything_is_left_out_is_shown(store: Store) -> None:
    rules = {"match": {"service.name": "probe"}, "drop": {"attribute": "kind", "equals": 1}}
    settings = CollectorSettings.model_validate({"mappings": {"probe": rules}})
    with serve(store, settings) as served:
        url = served.address
        provider = TracerProvider(resource=Resource.create({"service.name": "probe"}))
        provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{url}/v1/traces")))
        provider.get_tracer("t").start_span("ping", attributes={"kind": 1}).end()
        provider.shutdown()
        logs = LoggerProvider(resource=Resource.create({"service.name": "probe"}))
        logs.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(f"{url}/v1/logs")))
        logs.get_logger("t").emit(LogRecord(timestamp=time.time_ns(), body="ping", attributes={"kind": 1}))
        logs.shutdown()
    assert counted(store) == (0, 2)


@pytest.mark.parametrize(
    "bad",
    [
        {"drop": {"attribute": "x"}},
        {"drop": {"from": "message"}},
        {"drop": {"from": "message", "pattern": "x", "attribute": "y", "equals": 1}},
        {"drop": {"from": "message", "pattern": "("}},
        {"severity": {"E": "dreadful"}},
        {"timezone": "Mars/Olympus"},
        {"human": {"attribute": "x"}},
        {"human": {"attribute": "x", "in": ["a"], "not_in": ["b"]}},
        {"human": {"attribute": "x", "in": []}},
    ],
)
def test_a_rule_that_says_nothing_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MappingSettings.model_validate(bad)


# --- steps that a person carried out ------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "value", "by_person"),
    [
        ({"in": ["clerk", "boss"]}, "clerk", True),
        ({"in": "clerk"}, "robot", False),
        ({"in": ["clerk"]}, None, False),
        ({"not_in": ["robot", 7]}, "ann", True),
        ({"not_in": ["robot", 7]}, 7, False),
        ({"not_in": ["robot"]}, None, False),
    ],
)
def test_who_carried_out_a_step_is_read_from_an_attribute(
    store: Store, rule: dict[str, Any], value: Any, *, by_person: bool
) -> None:
    line = orjson.dumps({"event": "approved", "no": "SO-1", "user": value}).decode()
    read(store, {"correlation_id": "no", "human": {"attribute": "user", **rule}}, line)
    (row,) = store.act(lambda tx: tx.execute("select actor_type from log")).result()
    assert row["actor_type"] == ("human" if by_person else None)


def touchless(store: Store) -> dict[str, bool]:
    """Return the finished units, and whether nobody touched them, as three figures state it."""
    moments = {"from": datetime(2000, 1, 1), "to": datetime(2100, 1, 1)}  # noqa: DTZ001 - as stored
    params = {
        **moments,
        "flow": None,
        "counted": "touchless",
        "only_counted": None,
        "limit": 50,
        "offset": 0,
        "behind": None,
        "by": None,
        "part": None,
    }
    rows = store.everything().query("kpis/rows_units", params)
    found = {row["correlation_id"]: row["counted"] for row in rows}
    period = {"starts": [moments["from"]], "ends": [moments["to"]], "flow": None}
    (rate,) = store.everything().query("kpis/k1_touchless_rate", period | {"by": None})
    assert rate["touchless"] == sum(found.values())
    rows = store.everything().query("kpis/shape_of_work", period | {"by": None, "part": None})
    shapes = {row["shape"]: row["units"] for row in rows}
    counted = (shapes.get("touchless", 0), shapes.get("assisted", 0))
    assert counted == (sum(found.values()), len(found) - sum(found.values()))
    return found


def test_a_step_by_a_person_touches_its_unit(store: Store, url: str) -> None:
    """The step has the order's ID, or is in a trace of which one record has it, or says itself who acted."""
    provider = TracerProvider(resource=Resource.create({"service.name": "desk"}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{url}/v1/traces")))
    tracer = provider.get_tracer("t")
    for order, inner in (
        ("SO-1", {"user": "robot"}),
        ("SO-2", {"user": "ann"}),
        ("SO-3", {"no": "SO-3", "user": "ann"}),
        ("SO-4", {"unsnag.actor.type": "human"}),
    ):
        with tracer.start_as_current_span("work"):
            with tracer.start_as_current_span("check", attributes=inner):
                pass
            with tracer.start_as_current_span("done", attributes={"no": order}):
                pass
    provider.shutdown()
    assert touchless(store) == {"SO-1": True, "SO-2": False, "SO-3": False, "SO-4": False}


DESK = {
    "match": {"service.name": "desk"},
    "correlation_id": "no",
    "flow": "'approvals'",
    "success": {"span": "done"},
    "human": {"attribute": "user", "not_in": ["robot"]},
}


@pytest.fixture
def url(store: Store) -> Iterator[str]:
    with serve(store, CollectorSettings.model_validate({"mappings": {"desk": DESK}})) as served:
        yield served.address
