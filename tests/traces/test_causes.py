"""A failure comes from that of a service that it called only where the trace shows each step between."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from tests.traces.records import log, span
from traces.failures import resolve

if TYPE_CHECKING:
    from traces.record import Record

REFUSED = "OrderError: the order could not be paid"
NO_ROWS = "OperationalError: the database is gone"


def causes(*records: Record) -> dict[str, str | None]:
    """Return for each failed service that of the failure it comes from, whatever the order of arrival."""
    answers = []
    for order in itertools.islice(itertools.permutations(records), 24):
        found = resolve(order)[1].failures
        service = {f.anchor: next(r.service for r in records if r.rid == f.anchor) for f in found}
        answers.append({service[f.anchor]: f.cause and service[f.cause] for f in found})
    assert all(answer == answers[0] for answer in answers)
    return answers[0]


def caller(*, parent: str | None = None, **fields: object) -> Record:
    own = {"fails": REFUSED, "until": 3, **fields}
    return span("POST /orders", parent, kind="server", route="/orders", **own)


def called(parent: str = "POST /orders", **fields: object) -> Record:
    own = {"kind": "server", "service": "payments", "fails": NO_ROWS, "at": 1, "until": 2}
    return span("POST /pay", parent, **{**own, **fields})


def test_a_caller_that_fails_with_the_service_that_it_called_comes_from_it() -> None:
    assert causes(caller(), called()) == {"shop": "payments", "payments": None}


def test_the_cause_is_the_innermost_of_a_chain_of_services() -> None:
    gateway = span(
        "POST /gate", "POST /orders", kind="server", service="gate", fails="GateError: no", until=2.5
    )
    found = causes(caller(), gateway, called("POST /gate"))
    assert found == {"shop": "payments", "gate": "payments", "payments": None}


def test_a_log_of_the_caller_counts_by_the_span_it_was_written_in() -> None:
    line = log("payment failed", "POST /orders", fails=REFUSED, at=2.5)
    assert causes(span("POST /orders", kind="server", until=3), called(), line)["shop"] == "payments"


def test_who_stopped_waiting_comes_from_the_call_that_failed_later() -> None:
    waiting = span("POST", "root", kind="client", fails="ReadTimeout: 10 s", until=10)
    assert causes(waiting, called("POST", until=25))["shop"] == "payments"


@pytest.mark.parametrize(
    ("why", "records"),
    [
        ("a call that was handled", (
            caller(), span("charge", "POST /orders", at=1, until=2), called("charge"),
        )),
        ("a failure beside it at the same time", (
            span("root", service="edge", until=4), caller(parent="root"), called("root"),
        )),
        ("another trace at the same time", (caller(), called(parent="elsewhere"))),
        ("a message that was taken from a queue", (caller(), called(kind="consumer"))),
        ("a call long before the failure", (caller(until=60), called())),
        ("a call that failed long after the failure", (caller(until=3), called(until=30))),
        ("two calls that failed", (
            caller(), called(), span("GET /stock", "POST /orders", kind="server", service="stock",
                                     fails="StockError: empty", at=1, until=2),
        )),
        ("two steps of one service", (caller(), called(service="shop"))),
    ],
)  # fmt: skip
def test_without_evidence_nothing_is_a_cause(why: str, records: tuple[Record, ...]) -> None:
    assert causes(*records).get("shop") is None, why
