"""The Trace page, drawn over a real store."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from streamlit.testing.v1 import AppTest

from access.commands import perform
from audit.actor import Actor
from cases import units
from cases.commands import Claim
from tests import shown
from tests.app import app, local
from tests.telemetry import TRACE, batch, failure, log, span, success

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from server.container import Container

MARKUP = "<b>loud</b> [go](http://x) **bold**"


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Container]:
    with app(local(tmp_path, UNSNAG_ZONE="Europe/Berlin")) as opened:
        yield opened


ANN = Actor("ann")


def ingest(container: Container, *rows: dict[str, Any]) -> None:
    container.store.append(batch(*rows)).result()


def stuck(container: Container, unit: str = "SO-1", **fields: Any) -> str:
    """Let a unit fail at its payment, and return the exception's id."""
    own = {"correlation_id": unit, "flow": "order-to-cash", "service": "payment", **fields}
    pay = span(0, 10, "capture", role="step", step="pay", status="error", status_message="no answer", **own)
    ingest(
        container,
        pay,
        log(5, MARKUP, severity="warning", severity_number=13, trace_id=TRACE, span_id=pay["span_id"], **own),
        failure(10, unit, value_amount=Decimal("99.50"), value_currency="EUR", trace_id=TRACE, tenant="acme"),
    )
    (case,) = [c for c in shown.cases(container.store) if c["correlation_id"] == unit]
    return str(case["id"])


def opened(**address: str) -> AppTest:
    def script() -> None:
        from views.trace import page as trace  # noqa: PLC0415 - the script is run from its source

        trace.page()

    app = AppTest.from_function(script, default_timeout=20)
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def address(app: AppTest, name: str) -> str:
    """Return a parameter; AppTest gives what it was given as text, and what the page set as a list."""
    value = app.query_params[name]
    return value if isinstance(value, str) else value[0]


def texts(app: AppTest) -> str:
    kinds = [app.markdown, app.caption, app.get("html"), app.code, app.text, app.info]
    return "\n".join(str(getattr(e, "value", None) or e.proto.body) for kind in kinds for e in kind)


def badges(app: AppTest) -> str:
    return "\n".join(element.value for element in app.markdown if "-badge" in element.value)


def buttons(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def test_before_the_first_record_it_leads_to_the_page_connect(container: Container) -> None:  # noqa: ARG001
    app = opened()
    assert "No records yet" in texts(app)
    assert "(/connect)" in texts(app)


def test_without_a_unit_it_says_how_to_get_to_one(container: Container) -> None:
    stuck(container)
    assert "open Trace from an exception" in texts(opened())


def test_a_failed_unit_says_how_it_stands_and_why(container: Container) -> None:
    stuck(container)
    app = opened(id="SO-1")
    seen = texts(app)
    for words in (
        "Failed",
        "1 exception still open",
        "€99.50",
        "acme",
        "16 Nov 10:00:00",  # Berlin
        "10 s working + 0 s waiting",
        "pay failed after 10 s: no answer",
        "Exception opened at pay: Payment gateway did not answer within 10 s",
    ):
        assert words in seen
    assert "Open" in buttons(app)


def test_markup_in_telemetry_stays_text(container: Container) -> None:
    stuck(container)
    seen = texts(opened(id="SO-1"))
    assert "&lt;b&gt;loud&lt;/b&gt; [go](http://x) **bold**" in seen
    assert "<b>loud" not in seen


def test_an_exact_hit_opens(container: Container) -> None:
    stuck(container)
    stuck(container, "SO-10")
    app = opened(q="SO-1")
    assert address(app, "id") == "SO-1"
    assert "q" not in app.query_params


def test_several_hits_are_offered_and_one_is_taken(container: Container) -> None:
    stuck(container, "SO-11")
    ingest(container, success(60, "SO-12"))
    app = opened(q="SO-1")
    assert "2 records" in texts(app)
    assert "Unit of work" in texts(app)
    assert "Failed" in badges(app)
    assert "Completed" in badges(app)
    next(button for button in app.button if "12" in button.label).click().run()
    assert address(app, "id") == "SO-12"
    assert "order-to-cash finished" in texts(app)


def test_a_case_leads_to_its_unit_and_opens_there(container: Container) -> None:
    case = stuck(container)
    app = opened(q=case)
    assert address(app, "id") == "SO-1"
    assert address(app, "case") == case
    assert "Claim" in buttons(app)


def test_older_records_are_searched_at_a_click(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cases.carrying.NEWEST", 1)
    monkeypatch.setattr("cases.units.NEWEST", 1)
    everywhere = "Search the attributes of all records"
    ingest(container, log(1, attributes='{"order.id":"SO-7"}', service="nightly"))
    assert everywhere not in buttons(opened(q="SO-8")), "one record is one of the newest"
    ingest(container, log(2, service="nightly"))
    app = opened(q="SO-7")
    assert "newest 1 spans and log records were searched" in texts(app)
    next(button for button in app.button if button.label == everywhere).click()
    app.run()
    assert (address(app, "id"), address(app, "everywhere")) == ("SO-7", "1")
    assert everywhere not in buttons(opened(q="SO-8", everywhere="1")), "nothing is left to search"


def test_what_nobody_sent_is_stated_plainly(container: Container) -> None:
    stuck(container)
    for address in ({"q": "<i>nobody</i>"}, {"id": "<i>nobody</i>"}):
        seen = texts(opened(**address))
        assert "No record has \\<i\\>nobody" in seen
        assert "The newest data arrived" in seen


def test_searching_from_the_box_writes_the_address(container: Container) -> None:
    stuck(container)
    app = opened()
    app.text_input(key="trace_search").set_value(" SO-1 ").run()
    assert address(app, "id") == "SO-1"


def test_a_trace_id_shows_that_trace_and_leads_to_its_unit(container: Container) -> None:
    stuck(container)
    app = opened(id=TRACE)
    assert TRACE in texts(app)
    next(button for button in app.button if "SO" in button.label).click().run()
    assert address(app, "id") == "SO-1"


def test_the_exception_is_claimed_on_this_page(container: Container) -> None:
    case = stuck(container)
    app = opened(id="SO-1", case=case)
    next(button for button in app.button if button.label == "Claim").click().run()
    assert shown.case(container.store, case)["state"] == "claimed"
    assert "claimed the exception at pay" in texts(app)


def test_acts_of_people_and_the_recovery_are_part_of_the_story(container: Container) -> None:
    case = stuck(container)
    perform(Claim(case), container.context(Actor("ann")))
    ingest(container, success(3600))
    app = opened(id="SO-1")
    seen = texts(app)
    assert "Recovered" in badges(app)
    assert "ann claimed the exception at pay" in seen
    assert "Recovered: the unit completed after pay" in seen
    assert "1 h" in seen
    assert "Details" in buttons(app)


def test_the_address_chooses_what_the_story_shows(container: Container) -> None:
    stuck(container)
    usual, steps = texts(opened(id="SO-1")), texts(opened(id="SO-1", show="steps"))
    assert "Exception opened" in usual
    assert "Exception opened" not in steps
    assert "pay failed after" in steps
    assert "No lines of these kinds" in texts(opened(id="SO-1", show="none"))


def test_pills_write_the_address(container: Container) -> None:
    stuck(container)
    app = opened(id="SO-1")
    pills = app.get("button_group")[0]
    pills.set_value(["steps", "logs"]).run()
    assert address(app, "show") == "steps,logs"


def test_the_address_names_the_selected_log(container: Container) -> None:
    stuck(container)
    moment = units.unit(container.context(ANN).reading, "SO-1").logs[0].time
    seen = texts(opened(id="SO-1", sel=f"log-{round(moment.timestamp() * 1e6)}"))
    assert "**Log**" in seen
    assert "&lt;b&gt;loud" in seen


def test_a_time_that_was_replaced_is_shown_as_it_was_sent(container: Container) -> None:
    own = {"correlation_id": "SO-7", "flow": "order-to-cash", "trace_id": TRACE}
    reported = orjson.dumps({"unsnag.original_time": "2027-12-21T09:00:00.000000Z"}).decode()
    line = log(0, "hello", **own, attributes=reported)
    ends = ["2027-12-21T09:00:00.000000Z", "2027-12-21T09:00:01.000000Z"]
    work = span(0, 1, **own, attributes=orjson.dumps({"unsnag.original_time": ends}).decode())
    ingest(container, line, work)
    assert "Time as sent" in texts(opened(id="SO-7", sel=f"log-{line['time']}"))
    seen = texts(opened(id="SO-7", sel=f"{TRACE}-{work['span_id']}"))
    assert "Time as sent" in seen
    assert "2027-12-21T09:00:00.000000Z – 2027-12-21T09:00:01.000000Z" in seen


def test_a_stale_selection_is_no_error(container: Container) -> None:
    stuck(container)
    assert "Nothing selected" in texts(opened(id="SO-1", sel="gone", show="nonsense"))


def test_a_unit_in_flight_says_who_spoke_last(container: Container) -> None:
    own = {"correlation_id": "SO-5", "flow": "order-to-cash", "service": "stock"}
    ingest(container, span(0, 1, "reserve", role="step", step="reserve", **own))
    app = opened(id="SO-5")
    assert "In flight" in badges(app)
    assert "Last heard from stock" in texts(app)


def test_more_than_can_be_drawn_is_stated(container: Container) -> None:
    own = {"correlation_id": "SO-6", "flow": "bulk", "role": "step"}
    ingest(container, *(span(n, n + 1, f"part {n}", span_id=f"{n:016x}", **own) for n in range(2010)))
    app = opened(id="SO-6")
    assert "Showing the first 2,000 of 2,010 spans" in texts(app)
    assert "Show all 2,000 lines" in buttons(app)


def test_a_unit_of_logs_only_has_a_waterfall_and_a_story(container: Container) -> None:
    ingest(container, log(1, "booked the truck", correlation_id="SO-7", flow="shipping", service="shipping"))
    assert "booked the truck" in texts(opened(id="SO-7", show="logs"))


def test_an_id_that_records_only_carry_says_so_and_how_it_becomes_a_unit(container: Container) -> None:
    attributes = orjson.dumps({"order.id": "SO-9", "note": MARKUP}).decode()
    work = span(0, 1, "send invoice", service="nightly", flow="night", attributes=attributes)
    ingest(container, work, log(1, "described", service="nightly", flow="night", attributes=attributes))
    app = opened(q="so-9")
    assert address(app, "id") == "SO-9"
    seen = texts(app)
    assert "These records mention this ID; none belongs to it." in seen
    assert 'match = { "service.name" = "nightly" }' in seen
    assert 'correlation_id = "order.id"' in seen
    assert "send invoice" in texts(opened(id="SO-9", show="steps,logs"))
    next(button for button in app.button if button.label == TRACE).click().run()
    assert address(app, "id") == TRACE


def test_an_id_that_only_a_text_names_has_a_page_too(container: Container) -> None:
    ingest(container, log(1, "merged SO-1 and SO-2", service="merge", mentions=["SO-1", "SO-2"]))
    app = opened(id="SO-2")
    assert "These records mention this ID; none belongs to it." in texts(app)
    assert "correlation_id" not in texts(app)


def test_a_failure_that_settles_is_shown_and_is_no_exception(container: Container) -> None:
    own = {"correlation_id": "SO-8", "flow": "orders", "service": "shop"}
    ingest(container, span(1, 2, "query", kind="client", status="error", parent_span_id="f" * 16, **own))
    assert "1 failure is waiting for the end of the surrounding work" not in texts(opened(id="SO-8")), (
        "a span with its own ID is a unit root"
    )
    bare = {**own, "correlation_id": None, "trace_id": "c" * 32}
    order = span(1, 2, "order", **{**own, "trace_id": "c" * 32})
    ingest(container, span(3, 4, "ask", status="error", parent_span_id="e" * 16, **bare), order)
    app = opened(id="SO-8")
    assert "1 failure is waiting for the end of the surrounding work" in texts(app)


def test_a_purged_unit_and_its_trace_say_what_was_removed(tmp_path: Path) -> None:
    with app(local(tmp_path, UNSNAG_RETENTION__LOGS_DAYS="7", UNSNAG_RETENTION__SPANS_DAYS="7")) as container:
        stuck(container)
        container.retention.purge(container.context(ANN))
        unit, trace = opened(id="SO-1"), opened(id=TRACE)
        assert not unit.exception
        assert ["Details removed on" in info.value for info in unit.info] == [True, True]
        assert "Details removed on" in trace.info[0].value
        assert "unknown" not in trace.info[0].value
