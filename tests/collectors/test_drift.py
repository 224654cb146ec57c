"""A field that a mapping relies on vanishes, or changes its type: it is noticed, and ends by itself."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from collectors.drift import row_limit, summary
from collectors.mapping import Mapping
from collectors.sections import MappingSettings
from collectors.sources import Sources
from data.clock import utc_now
from server import container as containers
from server.container import Container
from server.metrics import render
from server.settings import load
from tests.collectors.rows import logs, read
from tests.server.team import address
from views.kit import strip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from collectors.drift import Drift, Mark

MAPPING: dict[str, Any] = {
    "owner": "team-shipping",
    "flow": "'shipping'",
    "correlation_id": "order_no",
    "value_amount": "total",
    "success": {"attribute": "state", "equals": "done"},
}


def mapping(**changed: Any) -> Mapping:
    return Mapping.of(MappingSettings.model_validate(MAPPING | changed))


def line(number: int, **changed: Any) -> bytes:
    fields = {
        "time": 1_795_000_000 + number,
        "level": "info",
        "msg": "handed over",
        "order_no": f"SO-{number}",
    }
    fields |= {"total": 12.5, "state": "done"} | changed
    return json.dumps({name: value for name, value in fields.items() if value is not None}).encode()


@pytest.mark.parametrize(
    ("before", "having", "longest", "limit"),
    [
        (49, 49, 0, None),  # too little is known
        (1_000, 9, 0, None),  # too rare to be missed
        (1_000, 1_000, 0, 20),
        (1_000, 900, 3, 20),
        (1_000, 900, 30, 60),
        (1_000, 100, 40, 140),
        (1_000_000, 900_000, 50_000, 2_000),
    ],
)
def test_how_many_records_in_a_row_it_takes(
    before: int, having: int, longest: int, limit: int | None
) -> None:
    assert row_limit(before, having, longest) == limit


@given(st.lists(st.lists(st.booleans(), max_size=9), min_size=1, max_size=6))
def test_batches_add_up_however_the_records_are_cut(parts: list[list[bool]]) -> None:
    of = mapping()

    def tally(records: list[bool]) -> Any:
        marks: list[Mark] = [(None, of, False, int(has) << 1, {}) for has in records]
        return next((one for one in summary(marks) if one.field == of.relied[1].field), None)

    added = None
    for one in filter(None, map(tally, parts)):
        added = one if added is None else added.then(one)
    whole = tally([has for part in parts for has in part])
    assert added == whole


def test_a_value_of_a_wrong_type_goes_to_quarantine_unless_it_opens_or_ends_an_exception() -> None:
    wrong = {"order_no": {"id": 7}}
    lines = [
        line(1, **wrong, state="new"),
        line(2, **wrong, state="new", level="error", msg="no answer"),
        line(3, total=[1, 2]),
        line(4, total="n/a", state="new"),
    ]
    n = read(b"\n".join(lines), mapping())
    assert [entry.reason for entry in n.quarantined] == ["correlation_id (order_no) is an object"]
    assert n.quarantined[0].raw == lines[0]
    assert [row["message"] for row in logs(n)] == ["no answer", "handed over", "handed over"]


# --- in a running center -----------------------------------------------------------------------------


@pytest.fixture
def center(tmp_path: Path) -> Iterator[Callable[[], Container]]:
    """Return what starts the collectors over the same store again, as a restart does."""
    config = tmp_path / "unsnag.toml"
    (tmp_path / "logs").mkdir()
    running: list[Container] = []

    def stop() -> None:
        while running:
            one = running.pop()
            assert one.collectors
            one.collectors.stop()
            containers.install(None)
            one.store.close()

    def start(**changed: Any) -> Container:
        stop()
        own = MAPPING | changed
        config.write_text(
            f'[[collectors.jsonl]]\nname = "shop"\npaths = ["{tmp_path}/logs/*"]\nmapping = "m"\n'
            "[collectors.mappings.m]\n" + "".join(f"{name} = {toml(value)}\n" for name, value in own.items())
        )
        given = [
            "--data",
            str(tmp_path / "store"),
            "--spool",
            str(tmp_path / "spool"),
            "--config",
            str(config),
        ]
        opened = Container.open(load(given, {}))
        opened.collectors = Sources(opened.store, opened.settings.collectors, opened.settings.spools)
        opened.collectors.start()
        containers.install(opened)
        running.append(opened)
        return opened

    yield start
    stop()


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {json.dumps(one)}" for name, one in value.items()) + " }"
    return json.dumps(value)


class Log:
    """A log file of a program that goes on writing."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "logs/shop.log"
        self.written = 0

    def write(self, count: int, **changed: Any) -> None:
        with self.path.open("ab") as file:
            for _ in range(count):
                self.written += 1
                file.write(line(self.written, **changed) + b"\n")

    def wait(self, container: Container) -> None:
        until = time.monotonic() + 60
        while (shop := source(container)).records + shop.quarantined < self.written or shop.unread_bytes:
            assert time.monotonic() < until
            time.sleep(0.05)


def source(container: Container) -> Any:
    return next(one for one in container.sources() if one.name == "shop")


def drifts(container: Container) -> list[Drift]:
    return list(source(container).drifts)


@pytest.mark.slow
def test_a_renamed_field_is_noticed_also_after_a_restart_until_it_comes_back(
    center: Callable[..., Container], tmp_path: Path
) -> None:
    container, log = center(), Log(tmp_path)
    log.write(100)
    log.wait(container)
    log.write(19, order_no=None, orderNumber="SO-1")
    log.wait(container)
    assert drifts(container) == []
    container = center()
    log.write(1, order_no=None, orderNumber="SO-1")
    log.wait(container)
    (drift,) = drifts(container)
    assert (drift.field, drift.names, drift.without, drift.share) == ("correlation_id", "order_no", 20, 1.0)
    assert drift.sentence == (
        "correlation_id (order_no) is missing in the last 20 records; before, 100 % had it"
    )
    assert drift.owner == "team-shipping"
    shown = strip._sources([source(container)], utc_now())
    assert shown.startswith(":orange[")
    assert r"shop\: correlation\_id \(order\_no\) vanished" in shown
    assert 'unsnag_source_vanished_fields{source="shop"} 1' in render(container)
    app = AppTest.from_function(_page, default_timeout=60).run()
    assert not app.exception
    assert any(heading.value == "Fields that vanished" for heading in app.subheader)
    assert any("team\\-shipping" in text.value for text in app.markdown)
    log.write(1)
    log.wait(container)
    assert drifts(container) == []


def _page() -> None:
    from views.collectors import page  # noqa: PLC0415 - runs inside Streamlit's script

    page()


@pytest.mark.slow
def test_a_field_that_changes_its_type_is_noticed_and_another_mapping_ends_it(
    center: Callable[..., Container], tmp_path: Path
) -> None:
    container, log = center(), Log(tmp_path)
    log.write(60)
    log.write(25, order_no={"id": 7}, state="new")
    log.wait(container)
    (drift,) = drifts(container)
    assert (drift.field, drift.wrong, drift.without) == ("correlation_id", "an object", 25)
    assert source(container).quarantined == 25
    container = center(correlation_id="order_no.id")
    log.write(1, order_no={"id": 7})
    log.wait(container)
    assert drifts(container) == []


@pytest.mark.slow
def test_what_says_success_the_value_and_the_level_are_watched_too(
    center: Callable[..., Container], tmp_path: Path
) -> None:
    container, log = center(), Log(tmp_path)
    for _ in range(30):
        log.write(9, state=None, total=None)
        log.write(1)
    log.wait(container)
    assert drifts(container) == []
    log.write(150, state=None, total="n/a", level=None)
    log.wait(container)
    assert {(one.field, one.names, one.wrong) for one in drifts(container)} == {
        ("success", "state", ""),
        ("value_amount", "total", "no number"),
        ("severity", "the level", ""),
    }


@pytest.mark.slow
def test_rest_lists_what_vanished(center: Callable[..., Container], tmp_path: Path) -> None:
    container, log = center(), Log(tmp_path)
    log.write(60)
    log.write(20, order_no=None)
    log.wait(container)
    items = httpx.get(f"{address()}/api/v1/sources", timeout=60).json()["items"]
    (drift,) = next(item for item in items if item["name"] == "shop")["drifts"]
    assert (drift["field"], drift["without"], drift["owner"]) == ("correlation_id", 20, "team-shipping")
