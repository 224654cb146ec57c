"""Collectors: what could not be read is shown as text, and can be read again."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from streamlit.testing.v1 import AppTest

from collectors.sources import Sources
from data.clock import micros
from data.records import Quarantined
from server import center as centers
from server.center import Center
from server.settings import load
from tests.telemetry import at, batch, log
from views import collecting as collecting_page
from views.kit import words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GOOD = b'{"event":"now readable","level":"info","timestamp":"2026-11-16T09:00:00Z"}'


@pytest.fixture
def center(tmp_path: Path) -> Iterator[Center]:
    opened = Center.open(load(["--data", str(tmp_path / "store"), "--spool", str(tmp_path / "spool")], {}))
    opened.collecting = Sources(opened.store, opened.settings.collectors, opened.settings.spool)
    centers.install(opened)
    yield opened
    centers.install(None)
    opened.store.close()


def _page() -> None:
    from views.collecting import page  # noqa: PLC0415 - runs inside Streamlit's script

    page()


def quarantine(center: Center, raw: bytes) -> None:
    made = batch(source="spool")
    made.quarantined.append(Quarantined("spool", "<b>not JSON</b>", 0, raw, 0))
    center.store.append(made).result()


def opened() -> AppTest:
    app = AppTest.from_function(_page, default_timeout=30).run()
    assert not app.exception
    return app


def test_a_record_that_can_be_read_today_is_read_again(center: Center) -> None:
    quarantine(center, GOOD)
    app = opened()
    assert app.code[0].value == GOOD.decode()
    app.button[0].click().run()
    assert not app.exception
    assert [toast.value for toast in app.toast] == ["The record could be read and is stored"]
    assert app.button[0].disabled
    assert (
        center.store.query("server/quarantine", {"limit": 1, "offset": 0})[0]["replay_result"] == "replayed"
    )


def test_a_record_that_still_cannot_be_read_says_why_and_stays(center: Center) -> None:
    quarantine(center, b'{"event":')
    app = opened()
    app.button[0].click().run()
    assert "Kept: still unreadable" in app.toast[0].value
    assert not app.button[0].disabled


@pytest.mark.usefixtures("center")
def test_nothing_in_quarantine_is_said_in_words() -> None:
    assert any("No record is in quarantine" in text.value for text in opened().markdown)


def test_clocks_that_are_off_are_listed_with_the_amount(center: Center) -> None:
    own = {"source": "otlp", "severity_number": 9}
    fast = log(30.04, **own, host="<b>alpha</b>", ingested_at=micros(at(0)))
    slow = log(0, **own, instance="p1", ingested_at=micros(at(3600)))
    right = log(0, **own, host="gamma", ingested_at=micros(at(0.1)))
    assert not any(heading.value == "Clocks that are off" for heading in opened().subheader)
    center.store.append(batch(fast, slow, right, source="otlp")).result()
    app = opened()
    assert any(heading.value == "Clocks that are off" for heading in app.subheader)
    table = app.dataframe[1].value
    assert list(zip(table["Host"], table["Clock"], table["Requests"], strict=True)) == [
        ("process p1", "clock 1 h 0 min slow, or records late", "1"),
        ("<b>alpha</b>", "clock 30 s fast", "1"),
    ]


# --- what is unread ----------------------------------------------------------------------------------

LINE = b'{"event":"e","level":"info","timestamp":"2026-11-16T09:00:00Z"}\n'


@pytest.mark.slow
def test_a_large_file_that_is_read_shows_how_much_is_left_and_then_nothing(
    center: Center, tmp_path: Path
) -> None:
    path, count = tmp_path / "spool/a.jsonl", 20_000
    path.write_bytes(LINE * count)
    go = threading.Event()
    center.store.act(lambda _tx: go.wait(60))
    collecting = center.collecting
    assert collecting is not None
    collecting.start()
    try:
        shown = [bar.proto.text for bar in opened().get("progress")]
        assert shown == ["0 % read, 1 file, 1.3 MB unread; oldest unread record 16 Nov 09:00:00"]
        go.set()
        until = time.monotonic() + 20
        while sum(source["unread_bytes"] for source in center.sources()):
            assert time.monotonic() < until
            time.sleep(0.05)
        app = opened()
    finally:
        go.set()
        collecting.stop()
    assert not app.get("progress")
    (table,) = app.dataframe
    assert f"{count:,}" in list(table.value["Records"])


def test_a_source_that_never_received_a_record_says_what_to_do(center: Center) -> None:
    assert center.collecting is not None
    captions = [caption.value for caption in opened().caption]
    assert any("**spool**: No record has arrived yet" in text and "`--spool`" in text for text in captions)
    assert any("**otlp**" in text and "OTEL_EXPORTER_OTLP_ENDPOINT" in text for text in captions)


def test_what_is_left_in_words() -> None:
    now = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    file = {"state": "running", "size_bytes": 2_000_000_000, "read_bytes": 800_000_000}
    broken = {"state": "failed", "size_bytes": 9_000_000_000, "read_bytes": 0, "unread_bytes": 9_000_000_000}
    source = {
        "files": [{**file, "unread_bytes": 1_200_000_000}, broken],
        "unread_files": 3,
        "unread_bytes": 1_200_000_000,
        "seconds_left": 372,
        "oldest_unread_at": now.replace(hour=14, minute=2),
    }
    assert collecting_page._left(source, "UTC", now) == (
        "40 % read, 3 files, 1.2 GB unread, about 6 min at the current rate; oldest unread record 14:02:00"
    )


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (999, "999 B"), (1_500, "2 kB"), (1_250_000, "1.2 MB"), (19.7e12, "19.7 TB")],
)
def test_sizes_in_words(count: float, said: str) -> None:
    assert words.size(count) == said
