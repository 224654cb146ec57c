"""Collectors: what could not be read is shown as text, and can be read again."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson
import pytest
from streamlit.testing.v1 import AppTest

from collectors.states import SourceState
from collectors.status import FileStatus, SourceStatus
from data.clock import micros, utc_now
from data.records import Quarantined, SourceItem, TextLines
from tests.telemetry import at, batch, log
from tests.waiting import eventually
from unsnag import testing
from unsnag.client import active
from unsnag.conventions import DROPPED
from views import collectors as collectors_page
from views.kit import strip

if TYPE_CHECKING:
    from pathlib import Path

    from server.container import Container

GOOD = b'{"event":"now readable","level":"info","timestamp":"2026-11-16T09:00:00Z"}'


def _page() -> None:
    from views.collectors import page  # noqa: PLC0415 - runs inside Streamlit's script

    page()


def quarantine(container: Container, raw: bytes) -> None:
    made = batch(source="spool")
    made.quarantined.append(Quarantined("spool", "<b>not JSON</b>", 0, raw, 0))
    container.store.append(made).result()


def opened() -> AppTest:
    app = AppTest.from_function(_page, default_timeout=30).run()
    assert not app.exception
    return app


def tables(app: AppTest) -> str:
    return "\n".join(part.proto.body for part in app.get("html"))


def test_a_record_that_can_be_read_today_is_read_again(container: Container) -> None:
    quarantine(container, GOOD)
    app = opened()
    assert app.code[0].value == GOOD.decode()
    app.button[0].click().run()
    assert not app.exception
    assert [toast.value for toast in app.toast] == ["The record was read and stored"]
    assert app.button[0].disabled
    assert (
        container.store.query("server/quarantine", {"limit": 1, "offset": 0, "behind": None})[0][
            "replay_result"
        ]
        == "replayed"
    )


def test_a_record_that_still_cannot_be_read_says_why_and_stays(container: Container) -> None:
    quarantine(container, b'{"event":')
    app = opened()
    app.button[0].click().run()
    assert "Kept: still unreadable" in app.toast[0].value
    assert not app.button[0].disabled


@pytest.mark.usefixtures("container")
def test_nothing_in_quarantine_is_shown() -> None:
    assert any("No records in quarantine" in text.value for text in opened().markdown)


def test_clocks_that_are_off_are_listed_with_the_amount(container: Container) -> None:
    own = {"source": "otlp", "severity_number": 9}
    fast = log(30.04, **own, host="<b>alpha</b>", ingested_at=micros(at(0)))
    slow = log(0, **own, instance="p1", ingested_at=micros(at(3600)))
    right = log(0, **own, host="gamma", ingested_at=micros(at(0.1)))
    assert not any(heading.value == "Clocks that are off" for heading in opened().subheader)
    container.store.append(batch(fast, slow, right, source="otlp")).result()
    app = opened()
    assert any(heading.value == "Clocks that are off" for heading in app.subheader)
    table = app.dataframe[0].value
    assert list(zip(table["Host"], table["Clock"], table["Requests"], strict=True)) == [
        ("process p1", "clock 1 h slow, or records late", "1"),
        ("<b>alpha</b>", "clock 30 s fast", "1"),
    ]


# --- what is unread ----------------------------------------------------------------------------------

LINE = b'{"event":"e","level":"info","timestamp":"2026-11-16T09:00:00Z"}\n'


@pytest.mark.slow
def test_a_large_file_that_is_read_shows_how_much_is_left_and_then_nothing(
    container: Container, tmp_path: Path
) -> None:
    path, count = tmp_path / "spool/a.jsonl", 20_000
    path.write_bytes(LINE * count)
    go = threading.Event()
    container.store.act(lambda _tx: go.wait(60))
    collecting = container.collectors
    assert collecting is not None
    collecting.start()
    try:
        shown = [bar.proto.text for bar in opened().get("progress")]
        assert shown == ["0 % read, 1 file, 1.3 MB unread; oldest unread record 16 Nov 09:00:00"]
        go.set()
        eventually(lambda: not sum(source.unread_bytes for source in container.sources()))
        app = opened()
    finally:
        go.set()
        collecting.stop()
    assert not app.get("progress")
    assert f'<td data-name="Records">{count:,}</td>' in tables(app)


def test_names_of_sources_are_text(container: Container) -> None:
    container.store.append(batch(log(0, source="<b>x</b>"), source="<b>x</b>")).result()
    assert "<td><b>&lt;b&gt;x&lt;/b&gt;</b></td>" in tables(opened())


def test_a_source_that_never_received_a_record_says_what_to_do(container: Container) -> None:
    assert container.collectors is not None
    captions = [caption.value for caption in opened().caption]
    assert any("**spool**: No record has arrived yet" in text and "`--spool`" in text for text in captions)
    assert any("**otlp**" in text and "OTEL_EXPORTER_OTLP_ENDPOINT" in text for text in captions)


def file(state: SourceState, size: int, unread: int) -> FileStatus:
    return FileStatus(
        path="a",
        state=state,
        size_bytes=size,
        read_bytes=size - unread,
        unread_bytes=unread,
        incomplete_bytes=0,
        oldest_unread_at=None,
        lag_s=0,
        last_error=None,
    )


def test_what_is_left_in_words() -> None:
    now = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    source = SourceStatus(
        name="partner",
        kind="jsonl",
        state=SourceState.RUNNING,
        reason="Reading.",
        next_step="",
        files=[
            file(SourceState.RUNNING, 2_000_000_000, 1_200_000_000),
            file(SourceState.FAILED, 9_000_000_000, 9_000_000_000),
        ],
        unread_files=3,
        unread_bytes=1_200_000_000,
        seconds_left=372,
        oldest_unread_at=now.replace(hour=14, minute=2),
    )
    assert collectors_page._left(source, "UTC", now) == (
        "40.0 % read, 3 files, 1.2 GB unread, about 6 min at the current rate; oldest unread record 14:02:00"
    )


def test_what_was_taken_is_listed_with_what_came_of_it(container: Container) -> None:
    made = batch(source="partner")
    made.items += [
        SourceItem("a.csv", "a" * 64, "1:1:1", 2_000_000, records=1234, rejected=5),
        SourceItem("b.csv", "a" * 64, "2:1:1", 10, same_as="a.csv"),
        SourceItem("c.csv", "c" * 64, "3:1:1", 10, error="it is an Excel file, not text"),
    ]
    container.store.append(made).result()
    again = batch(source="partner")
    again.items.append(SourceItem("a.csv", "a" * 64, "9:1:1", 2_000_000))
    container.store.append(again).result()
    app = opened()
    table = next(frame.value for frame in app.dataframe if "SHA-256" in frame.value)
    rows = {row["File"]: row for row in table.to_dict("records")}
    assert (rows["a.csv"]["Rows"], rows["a.csv"]["Rejected"]) == ("1,234", "5")
    assert {name: row["Note"] for name, row in rows.items()} == {
        "a.csv": "came 1 more time: not read again",
        "b.csv": "same content as a.csv: not read",
        "c.csv": "it is an Excel file, not text",
    }


def test_no_table_of_files_is_shown_where_nothing_was_taken(container: Container) -> None:
    assert container.store
    assert "Files taken" not in [header.value for header in opened().subheader]


def test_what_programs_lost_is_counted_once_for_each_source(container: Container) -> None:
    """A real client whose queue is too small reports it; the report reaches the store twice."""
    spool = container.settings.spools[0]
    with testing.captured("f", queue_events=10) as events:
        client = active()
        assert client is not None
        with client.output._lock:
            for number in range(25):
                logging.getLogger("x").warning("n%d", number)
        lines = events.lines
    spool.mkdir(exist_ok=True)
    (spool / "a.jsonl").write_bytes(b"".join(lines))
    assert container.collectors
    container.collectors.start()
    # Other threads of this process may log meanwhile.
    lost = sum(orjson.loads(line).get(DROPPED, 0) for line in lines)
    assert lost >= 15
    eventually(lambda: found(container).lost == lost)
    (spool / "again.jsonl").write_bytes(b"".join(lines))
    eventually(lambda: found(container).duplicates == len(lines))
    assert found(container).lost == lost
    assert found(container).lost_at is not None
    container.collectors.stop()
    counted = [caption.value for caption in opened().caption]
    assert any(f"{lost:,} lost before they came here, last" in text for text in counted)
    assert strip._sources([found(container)], utc_now()).startswith(
        ":orange[:material/warning: programs of spool lost"
    )


def found(container: Container) -> SourceStatus:
    (source,) = [source for source in container.sources() if source.name == "spool"]
    return source


def test_lines_of_no_layout_are_shown_with_a_sample(container: Container) -> None:
    made = batch(log(0), source="spool")
    made.text = TextLines(1204, ["<b>paid</b> 12 EUR", "done"], ["logfmt"])
    container.store.append(made).result()
    app = opened()
    (expander,) = app.expander
    assert expander.label == "spool: 1,204 lines of no known layout"
    assert [block.value for block in app.code] == ["<b>paid</b> 12 EUR\ndone"]
    assert any("1,204 of no layout" in caption.value for caption in app.caption)


def test_files_that_nobody_reads_and_only_info_are_named() -> None:
    def drawn() -> None:
        from datetime import UTC, datetime, timedelta  # noqa: PLC0415 - runs inside Streamlit's script

        from collectors.states import SourceState  # noqa: PLC0415
        from collectors.status import SourceStatus  # noqa: PLC0415
        from views import collectors as page  # noqa: PLC0415

        now = datetime(2026, 11, 16, 12, tzinfo=UTC)
        source = SourceStatus(
            name="shop",
            kind="jsonl",
            state=SourceState.RUNNING,
            reason="",
            next_step="",
            untaken_files=["/var/log/shop/new.txt"],
            layouts=["logfmt"],
            first_ingested_at=now - timedelta(days=2),
            last_ingested_at=now,
        )
        page._unread_lines([source], now)

    app = AppTest.from_function(drawn, default_timeout=30).run()
    assert not app.exception
    files, info = [caption.value for caption in app.caption]
    assert "no pattern of `paths` takes" in files
    assert "new" in files
    assert "nothing but info of the layout logfmt for a day" in info
