"""Connect: the lines for each way in, and the first record of what was connected."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from streamlit.testing.v1 import AppTest

from data.clock import micros, utc_now
from tests.telemetry import batch, log, span
from views.connect.ways import OTLP, PYTHON, Place, ways

if TYPE_CHECKING:
    from server.container import Container

WAYS = ways()
HERE = Place("http://127.0.0.1:8501")
THERE = Place("https://unsnag.example.com", "unsnag_1_s3cret")


def _page() -> None:
    from views.connect.page import page  # noqa: PLC0415 - runs inside Streamlit's script

    page()


def opened(way: str | None = None) -> AppTest:
    app = AppTest.from_function(_page, default_timeout=30)
    if way:
        app.query_params["way"] = way
    app.run()
    assert not app.exception
    return app


def arrive(container: Container, *rows: dict[str, Any], source: str = "spool") -> None:
    """Store records as if they had just come."""
    now = micros(utc_now() + timedelta(milliseconds=1))
    made = batch(*({**row, "ingested_at": now, "source": source} for row in rows), source=source)
    container.store.append(made).result()


def text_of(app: AppTest) -> str:
    """Return the text of the page, without the backslashes that keep names plain text."""
    return "\n".join(part.value for part in (*app.markdown, *app.caption)).replace("\\", "")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.usefixtures("container")
def test_each_way_has_lines_and_waits(way: str) -> None:
    app = opened(way)
    assert len(app.code) == len(WAYS[way].lines(WAYS[way].example, HERE))
    assert f"Waiting for the first record of {WAYS[way].example}" in text_of(app)


@pytest.mark.usefixtures("container")
def test_an_unknown_way_is_the_first_one() -> None:
    assert 'unsnag.init(flow="order-to-cash")' in opened("fax").code[2].value


def test_the_first_record_is_shown_with_its_unit(container: Container) -> None:
    app = opened("python")
    arrive(container, log(1, correlation_id="SO-1001", flow="order-to-cash", service="shop"))
    app.run()
    assert "Received now" in text_of(app) or "s ago**" in text_of(app)
    assert "order-to-cash · shop · spool · 1 record" in text_of(app)


def test_an_error_that_arrives_is_counted_as_one(container: Container) -> None:
    app = opened("python")
    row = {"correlation_id": "SO-1", "flow": "order-to-cash", "service": "shop"}
    arrive(container, log(1, **row), log(2, severity_number=17, severity="error", **row))
    app.run()
    assert "2 records · :red[1 error]" in text_of(app)


def test_a_service_is_known_by_its_name_and_may_name_no_unit(container: Container) -> None:
    app = opened("opentelemetry")
    arrive(container, span(1, 2, service="checkout"), source="otlp")
    app.run()
    assert "checkout · otlp · 1 record" in text_of(app)
    assert "No number of an order or unit yet." in text_of(app)


def test_records_of_others_are_no_answer(container: Container) -> None:
    app = opened("python")
    arrive(container, log(1, correlation_id="R-1", flow="<b>returns</b>"))
    app.run()
    assert "Waiting for the first record of order-to-cash" in text_of(app)
    assert "Other records arrive: <b>returns</b>" in text_of(app)
    assert not any("<b>" in part.value for part in app.caption)


def test_what_came_before_somebody_waited_is_no_answer(container: Container) -> None:
    arrive(container, log(1, correlation_id="SO-1001", flow="order-to-cash"))
    assert "Waiting for the first record of order-to-cash" in text_of(opened("python"))


def test_a_name_goes_into_the_lines_and_one_that_cannot_be_does_not(container: Container) -> None:
    app = opened("python")
    app.text_input[0].set_value("billing").run()
    assert 'unsnag.init(flow="billing")' in app.code[2].value
    app.text_input[0].set_value('x"); import os').run()
    assert 'unsnag.init(flow="order-to-cash")' in app.code[2].value
    assert "Use letters, digits" in text_of(app)
    assert container.settings.url in app.code[1].value


def test_a_token_stands_in_the_lines_of_what_sends() -> None:
    assert "export UNSNAG_TOKEN=unsnag_1_s3cret" in PYTHON.lines("shop", THERE)[1].text
    assert (
        "OTEL_EXPORTER_OTLP_HEADERS=Authorization=Bearer%20unsnag_1_s3cret" in OTLP.lines("a", THERE)[0].text
    )
    assert "TOKEN" not in PYTHON.lines("shop", HERE)[1].text
    for way in WAYS.values():
        assert way.sends == ("s3cret" in str(way.lines("shop", THERE)))
    assert "s3cret" not in repr(THERE)
