"""Records that are mapped again are as if the mapping had been there when they came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from cases.intake import intake, prepare
from cases.units import search, unit
from collectors import again
from collectors.again import Again
from collectors.lines import Reader
from collectors.mapping import Mapping
from collectors.normalise import Normaliser
from collectors.piece import Piece
from collectors.sections import MappingSettings
from data.clock import micros, utc_now
from data.store import Reading, Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 11, 16, 12, tzinfo=UTC)
TRACE = "0af7651916cd43dd8448eb211c80319c"
WRONG = {"correlation_id": {"from": "message", "pattern": r"[A-Z]+-\d"}, "flow": "'old'"}
RIGHT = {
    "correlation_id": {"from": "message", "pattern": r"SO-\d+"},
    "flow": "'press'",
    "step": "action",
    "value_amount": "total",
    "severity": {"E": "error", "I": "info"},
    "success": {"attribute": "message", "equals": "SO-12 is out"},
}


def line(second: int, text: str, level: str = "I", **more: Any) -> bytes:
    moment = (NOW + timedelta(seconds=second)).isoformat()
    return orjson.dumps({"timestamp": moment, "event": text, "level": level, **more})


LINES = [
    line(0, "SO-11 begins", action="print", total="12.50"),
    line(1, "printer jam at SO-11", "E", action="print"),
    line(2, "printer jam at SO-12", "E", action="print"),
    line(3, "SO-12 is out", action="print"),
    line(4, "a word of SO-13 in a trace", trace_id=TRACE),
    line(5, "it broke", "error", trace_id=TRACE),
    line(6, "no number at all", "error"),
    line(7, "names itself SO-14", "error", **{"unsnag.correlation_id": "MINE-1", "unsnag.flow": "own"}),
    line(8, "half understood SO-15", "warning", run_id="r-1"),
    b"2026-11-16 12:00:09 ERROR plain text of SO-16",
]


def mapping(settings: dict[str, Any] | None) -> Mapping | None:
    return None if settings is None else Mapping.of(MappingSettings.model_validate(settings))


class Kept:
    """A store that took the lines with a mapping."""

    def __init__(self, folder: Path, settings: dict[str, Any] | None) -> None:
        self.store = Store.open(folder, intake)
        self.store.act(prepare).result()
        self.take(LINES, settings)

    def take(self, lines: list[bytes], settings: dict[str, Any] | None, seed: int = 1) -> None:
        n = Normaliser("press", "jsonl", micros(utc_now()), mapping=mapping(settings), zone=UTC)
        Reader.into(n).read(Piece(lines, None, 0, seed, final=True))
        self.store.append(n.batch()).result()

    def again(self, settings: dict[str, Any] | None, *known: dict[str, Any] | None) -> int:
        """Map everything again; return how many records changed."""
        asked = {
            "sources": ["press"], "since": datetime(2000, 1, 1), "until": datetime(2100, 1, 1),  # noqa: DTZ001
            "after_time": datetime(1999, 1, 1), "after_record": 0, "limit": 1_000,  # noqa: DTZ001
        }  # fmt: skip
        one = Again(mapping(settings), [mapping(before) for before in known])
        rows = self.store.query("collectors/logs_of_sources", asked)
        changed = [row for row in map(one.changed, rows) if row is not None]
        self.store.act(lambda tx: again.write(tx, changed)).result()
        return len(changed)

    def all(self, sql: str) -> list[tuple[Any, ...]]:
        rows = self.store.act(lambda tx: tx.execute(sql)).result()
        return sorted((tuple(row.values()) for row in rows), key=str)

    def state(self) -> dict[str, Any]:
        """Return everything that follows from the records, without what says when it was computed."""
        case = "correlation_id, flow, step, class, severity, title, occurrences, first_seen, last_seen"
        unit = "correlation_id, flow, first_seen, last_seen, completed_at, failed_at, value_amount, outcome"
        return {
            "logs": self.all("select * exclude (ingested_at, attributes, resource, data) from log"),
            "units": self.all(f"select {unit}, errors from unit"),  # noqa: S608 - text of ours
            "cases": self.all(f"select {case}, state = 'recovered' from exception_case"),  # noqa: S608
            "failures": self.all("select trace_id, record_id, correlation_id, flow, step from failure"),
            "signals": self.all(
                "select trace_id, record_id, correlation_id, flow, outcome, part from unit_signal"
                " group by all having sum(change) > 0"
            ),
            "traces": self.all("select distinct trace_id, correlation_id, flow, joined from unit_trace"),
        }


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Any]:
    opened: list[Kept] = []

    def make(settings: dict[str, Any] | None) -> Kept:
        opened.append(Kept(tmp_path / str(len(opened)), settings))
        return opened[-1]

    yield make
    for one in opened:
        one.store.close()


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("before", [None, WRONG])
def test_it_is_as_if_the_mapping_had_been_there(
    made: Any, before: dict[str, Any] | None, *, restarted: bool
) -> None:
    kept, wanted = made(before), made(RIGHT)
    if restarted:
        kept.store._writer._memo.clear()
    assert kept.again(RIGHT, before, None) > 5
    assert kept.state() == wanted.state()
    # A second time there is nothing left to do, and nothing doubled.
    assert kept.again(RIGHT, before, None, RIGHT) == 0
    assert kept.state() == wanted.state()


@pytest.mark.parametrize("restarted", [False, True])
def test_a_look_up_finds_what_was_mapped_again(made: Any, *, restarted: bool) -> None:
    kept = made(None)
    kept.again(RIGHT, None)
    if restarted:
        kept.store._writer._memo.clear()
    for name in ("SO-11", "so-12", "SO-13"):
        assert name.upper() in {log.correlation_id for log in unit(Reading(kept.store, None), name).logs}
        assert name.upper() in {hit.id for hit in search(Reading(kept.store, None), name)}


def test_the_way_back_leads_back(made: Any) -> None:
    kept, wanted = made(None), made(None)
    kept.again(RIGHT, None)
    kept.again(None, RIGHT, None)
    assert kept.state() == wanted.state()


def test_what_comes_later_joins_what_was_mapped_again(made: Any) -> None:
    kept, wanted = made(None), made(RIGHT)
    kept.again(RIGHT, None)
    later = [
        line(60, "printer jam at SO-11", "E", action="print"),
        line(61, "and more", "error", trace_id=TRACE),
    ]
    for one in (kept, wanted):
        one.take(later, RIGHT, seed=2)
    assert kept.state() == wanted.state()


def test_a_case_that_somebody_holds_moves_with_its_records(made: Any) -> None:
    kept = made(WRONG)
    # Before, the lines of two orders that name no other number stood in one case.
    held = kept.all("select id from exception_case where correlation_id = 'SO-1'")
    kept.again(RIGHT, WRONG, None)
    now = dict(kept.all("select id, correlation_id from exception_case"))
    assert held
    assert {now.get(case_id) for (case_id,) in held} & {"SO-11", "SO-12", "SO-16"}
    entries = kept.all("select verb from audit where verb = 'rekeyed'")
    assert entries


def test_a_record_keeps_what_it_states_itself(made: Any) -> None:
    kept = made(WRONG)
    kept.again(RIGHT, WRONG, None)
    rows = kept.all("select correlation_id, flow from log where message like 'names itself%'")
    assert rows == [("MINE-1", "own")]
