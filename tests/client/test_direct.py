"""A line whose JSON is structlog's, or made of parts, is recorded as one whose fields are encoded."""

from __future__ import annotations

import datetime as dt
import io
import logging
import threading
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import structlog

import unsnag
from unsnag import hooks, testing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from unsnag.testing import Events


class Odd:
    def __repr__(self) -> str:
        return "Odd()"


FIELDS: dict[str, dict[str, Any]] = {
    "plain": {"order": "SO-1", "lines": 3, "total": 523.1234567890123, "is_new": True, "note": None},
    "nested": {"data": {"lines": [1, 2, {"sku": "a"}]}, "at": dt.date(2026, 11, 30)},
    "nested time": {"data": {"x": 1, "timestamp": "2026-11-30T00:00:00Z"}},
    "text like a time": {"note": ',"timestamp":"2026-11-30T00:00:00Z"', "more": '{"timestamp":"x"}'},
    "objects": {"total": Decimal("1.50"), "odd": Odd(), "tags": {"a"}},
    "secrets": {"card": "4111 1111 1111 1111", "password": "hunter2", "mail": "anna@example.com"},
    "of the scope": {"unsnag.correlation_id": "SO-9", "unsnag.flow": "other"},
    "of the record": {"unsnag.record_id": "1", "trace_id": "a" * 32},
    "a stack": {"stack_info": "Stack", "exception": "Traceback\nValueError: no"},
    "long": {"text": "x" * 5000},
    "accents": {"näme": "Jörg \u2028 \U0001f600"},
}
STAMPS: dict[str, Any] = {
    "no time": None,
    "its time last": structlog.processors.TimeStamper(fmt="iso", utc=True),
    "its time as a number": structlog.processors.TimeStamper(),
}


@pytest.fixture
def unhooked() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def printed_and_recorded(
    serializer: Callable[..., Any], stamp: Any, work: Callable[[Any], None], **options: Any
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Log by a chain whose renderer has this serializer; return what it printed and what was recorded."""
    out = io.BytesIO()
    stamps = [stamp] if stamp else []
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            *stamps,
            structlog.processors.JSONRenderer(serializer=serializer),
        ],
        logger_factory=structlog.BytesLoggerFactory(out),
    )
    with testing.captured("f", service="s", max_event_bytes=2000, **options) as events:
        with unsnag.unit("SO-1"):
            work(structlog.get_logger())
        logs = [log for log in events.logs if log["event"] != "unit.started"]
    ours = {"timestamp", "unsnag.record_id", "unsnag.seq", "service.instance.id", "trace_id", "span_id"}
    printed = [orjson.loads(line) for line in out.getvalue().splitlines()]
    return [{**line, "timestamp": None} for line in printed], [
        {key: item for key, item in log.items() if key not in ours} for log in logs
    ]


def by_another(value: Any, **options: Any) -> bytes:
    """Make the same JSON, but not as orjson's own function: the fields are encoded again for the record."""
    return orjson.dumps(value, **options)


@pytest.mark.usefixtures("unhooked")
@pytest.mark.parametrize("stamp", STAMPS)
@pytest.mark.parametrize("fields", FIELDS)
@pytest.mark.parametrize("method", ["info", "warning", "error"])
def test_both_ways_record_and_print_the_same(fields: str, stamp: str, method: str) -> None:
    def work(log: Any) -> None:
        getattr(log, method)("accepted", **FIELDS[fields])

    direct = printed_and_recorded(orjson.dumps, STAMPS[stamp], work)
    assert getattr(structlog.get_config()["processors"][-1], "is_unsnag", False)
    assert direct == printed_and_recorded(by_another, STAMPS[stamp], work)
    assert len(direct[1]) == 1


@pytest.mark.usefixtures("unhooked")
def test_with_an_allow_list_both_ways_leave_the_same_out() -> None:
    def work(log: Any) -> None:
        log.info("accepted", order="SO-1", secret_plan="x")

    direct = printed_and_recorded(orjson.dumps, None, work, allow_fields=["order"])
    assert direct == printed_and_recorded(by_another, None, work, allow_fields=["order"])
    assert "secret_plan" not in direct[1][0]


@pytest.mark.usefixtures("unhooked")
@pytest.mark.parametrize("level", [["info"], 7, None])
def test_a_level_that_is_no_text_does_not_stop_the_script(level: Any) -> None:
    def work(log: Any) -> None:
        log.bind(level=level).msg("accepted")

    structlog_only = printed_and_recorded(by_another, None, work)
    assert printed_and_recorded(orjson.dumps, None, work) == structlog_only


@pytest.mark.usefixtures("unhooked")
def test_what_the_renderer_refuses_is_recorded_and_raised() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise ValueError("no text")

    def work(log: Any) -> None:
        with pytest.raises(TypeError):
            log.info("refused", odd=Broken())
        log.info("accepted", order=1)

    _, recorded = printed_and_recorded(orjson.dumps, None, work)
    assert [(line["event"], line.get("order")) for line in recorded] == [("refused", None), ("accepted", 1)]


@pytest.mark.usefixtures("unhooked")
def test_an_unusual_object_in_one_thread_changes_nothing_in_another() -> None:
    entered, go_on = threading.Event(), threading.Event()

    class Slow:
        def __repr__(self) -> str:
            entered.set()
            assert go_on.wait(60)
            return "Slow()"

    def work(log: Any) -> None:
        other = threading.Thread(target=lambda: log.info("slow", odd=Slow(), total=Decimal("1.50")))
        other.start()
        assert entered.wait(60)
        log.info("quick", order=1)
        go_on.set()
        other.join()

    _, recorded = printed_and_recorded(orjson.dumps, None, work)
    lines = {line["event"]: line for line in recorded}
    assert lines["quick"]["order"] == 1
    assert (lines["slow"]["odd"], lines["slow"]["total"]) == ("Slow()", "1.50")


# --- stdlib logging ------------------------------------------------------------------------------


@pytest.fixture
def events() -> Iterator[Events]:
    with testing.captured("f", service="s", max_event_bytes=2000) as captured:
        yield captured


@pytest.mark.parametrize(
    "message",
    ["plain", 'quo"tes \\ and\nline', "Jörg \U0001f600", "lone \ud800", "mail anna@example.com", "x" * 5000],
)
@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO, 25, logging.WARNING])
def test_a_message_alone_is_recorded_as_one_with_a_field(events: Events, message: str, level: int) -> None:
    logger = logging.getLogger("shop.direct")
    logger.setLevel(1)
    logger.log(level, "%s", message)
    logger.log(level, "%s", message, extra={"order": 7})
    own = {"timestamp", "unsnag.record_id", "unsnag.seq", "unsnag.client.original_bytes"}
    alone, beside = ({key: item for key, item in log.items() if key not in own} for log in events.logs)
    if len(message) < 2000:
        assert beside.pop("order") == 7
        assert alone == beside
    assert (alone["logger"], alone["level"]) == ("shop.direct", beside["level"])


def test_the_time_of_a_line_is_its_clocks_own_however_that_jumps(events: Events) -> None:
    times = [0.0, 0.25, 1764482352.5, 1764482353.999999, 1764482352.75, 1.5, 4102444800.0]
    for number, time in enumerate(times):
        with testing.clock(time):
            logging.getLogger("shop.direct").warning("n%d", number)
    stamps = [dt.datetime.fromisoformat(log["timestamp"]).timestamp() for log in events.logs]
    assert stamps == pytest.approx(times, abs=1e-6)


def test_names_of_loggers_without_end_do_not_fill_the_memory(events: Events) -> None:
    for number in range(hooks._MOST_ENDS + 10):
        logging.getLogger(f"request-{number}").warning("n%d", number)
    assert len(hooks._ends) <= hooks._MOST_ENDS
    assert [log["logger"] for log in events.logs][-1] == f"request-{hooks._MOST_ENDS + 9}"
