"""Real foreign programs, recorded once, replayed in every order: Unsnag states the same, and the truth."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.scenarios import records
from tests.scenarios.orders import ORDERS
from tests.scenarios.seen import (
    Names,
    differences,
    missing_from_look_up,
    missing_from_search,
    missing_from_traces,
    recorded_in,
    seen,
)
from tests.scenarios.table import ROWS
from tests.scenarios.unsnag_server import UnsnagServer
from tests.scenarios.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.scenarios.capture import Recording, Sent
    from tests.scenarios.expected import Row

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(300)]

TICK_S = 1.3
"""The clock of cases ticks once a second: what it does must be done after this long."""
NS = 1_000_000_000
every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


@every_row
@pytest.mark.parametrize("order", ORDERS)
def test_a_scenario_states_the_truth_in_every_order(
    row: Row, order: str, recorded: Callable[[Row], Recording], tmp_path: Path
) -> None:
    recording = recorded(row)
    with UnsnagServer(tmp_path, row.config) as server:
        server.send(ORDERS[order](_timed(row, recording.requests)))
        _follow(server, recording, again=order == "twice")
        _judge(server, row, Names.of(recording))


@pytest.mark.parametrize("row", [row for row in ROWS if row.live], ids=lambda row: row.name)
@pytest.mark.usefixtures("environment")
def test_a_scenario_that_sends_to_unsnag_itself_states_the_truth(row: Row, tmp_path: Path) -> None:
    folder = tmp_path / "world"
    folder.mkdir()
    with UnsnagServer(tmp_path / "unsnag", row.config) as server:
        row.play(World(folder, server.address, server.arrived))
        _judge(server, row, Names.stored_in(server, row))


@every_row
def test_a_look_up_of_an_id_returns_every_record_that_carries_it(
    row: Row, recorded: Callable[[Row], Recording], tmp_path: Path
) -> None:
    recording = recorded(row)
    found = recorded_in(recording)
    with UnsnagServer(tmp_path, row.config) as server:
        server.send(_timed(row, recording.requests))
        _follow(server, recording, again=False)
        told = missing_from_traces(server, records.records(recording.requests))
        for known in row.found:
            told += missing_from_look_up(server, known, found)
        for unknown in row.unknown:
            assert server.http.get(f"/api/v1/units/{unknown}").status_code == 404
    _fail_if(told)


def _timed(row: Row, requests: Sequence[Sent]) -> Sequence[Sent]:
    """Move times to now where the row is about the time between event and arrival."""
    if not row.now or not requests:
        return requests
    by = int((time.time() - max(sent.at for sent in requests)) * NS)
    return [records.later(sent, by) for sent in requests]


def _follow(server: UnsnagServer, recording: Recording, *, again: bool) -> None:
    for files, folder in ((recording.files, server.incoming), (recording.spool, server.spool)):
        if files:
            server.follow(files, into=folder)
        if files and again:
            server.repeat(files, into=folder)


def _judge(server: UnsnagServer, row: Row, names: Names) -> None:
    told = differences(seen(server, names), row)
    if told:  # the clock of cases may still have something to do
        time.sleep(TICK_S)
        told = differences(seen(server, names), row)
    _fail_if(told)


@pytest.mark.parametrize("row", [row for row in ROWS if row.found], ids=lambda row: row.name)
def test_a_search_finds_an_id_in_whatever_case(
    row: Row, recorded: Callable[[Row], Recording], tmp_path: Path
) -> None:
    recording = recorded(row)
    with UnsnagServer(tmp_path, row.config) as server:
        server.send(_timed(row, recording.requests))
        _follow(server, recording, again=False)
        told = [words for known in row.found for words in missing_from_search(server, known)]
    _fail_if(told)


def _fail_if(told: list[str]) -> None:
    if told:
        pytest.fail("\n".join(told), pytrace=False)
