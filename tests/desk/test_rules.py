"""The desk's rules, as tables."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from desk.priority import TRIAGE, due_at, severity
from desk.title import title
from tests.telemetry import START
from traces.fingerprint import fingerprint, template


@pytest.mark.parametrize(
    ("value", "number", "expected"),
    [
        (Decimal(10_000), 17, "critical"),
        (Decimal("9999.99"), 17, "high"),
        (Decimal(1_000), 17, "high"),
        (Decimal("999.99"), 17, "medium"),
        (Decimal("49.99"), 17, "low"),
        (None, 17, "medium"),
        (Decimal(1), 21, "critical"),
    ],
)
def test_severity_follows_money_and_fatal_records(value: Decimal | None, number: int, expected: str) -> None:
    assert severity(value, number) == expected


def test_the_worse_the_sooner_it_is_due() -> None:
    dues = [due_at(START, name) for name in TRIAGE]
    assert dues == sorted(dues)
    assert due_at(START, "critical") == START + timedelta(minutes=30)


@pytest.mark.parametrize(
    ("error_class", "dependency", "error_type", "message", "expected"),
    [
        (
            "infrastructure",
            "payment-gateway",
            "TimeoutError",
            "read timed out",
            "Payment gateway did not answer in time",
        ),
        ("infrastructure", "erp", "HTTPError", "HTTP 429 Too Many Requests", "Erp asked us to slow down"),
        ("infrastructure", "erp", "ConnectionRefusedError", "[Errno 111]", "Erp could not be reached"),
        ("infrastructure", "erp", "HTTPError", "HTTP 503", "Erp answered with an error"),
        ("infrastructure", None, "OperationalError", "database is locked", "Pay was busy"),
        ("infrastructure", None, None, "disk on fire", "Pay failed: disk on fire"),
        (
            "business",
            "crm",
            "BusinessError",
            "Credit limit exceeded by 120 EUR.\nmore",
            "Credit limit exceeded by 120 EUR",
        ),
        ("data", None, "KeyError", "'vat_id'", "A record could not be used: 'vat_id'"),
        ("data", None, "DataError", "Row 7 has no customer", "Row 7 has no customer"),
        ("unknown", None, "RuntimeError", "", "RuntimeError"),
        ("unknown", None, None, "", "No message"),
    ],
)
def test_a_title_is_plain_words(
    error_class: str, dependency: str | None, error_type: str | None, message: str, expected: str
) -> None:
    made = title(
        error_class=error_class, step="pay", dependency=dependency, error_type=error_type, message=message
    )
    assert made == expected


def test_a_title_never_grows_past_its_line() -> None:
    made = title(error_class="business", step="s", dependency=None, error_type=None, message="word " * 100)
    assert len(made) <= 120
    assert made.endswith("…")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("order SO-1001 timed out after 10.2 s", "order SO-77 timed out after 9 s"),
        ("no customer 'ann'", "no customer 'bob'"),
        ("id 0af7651916cd43dd8448eb211c80319c missing", "id 4bf92f3577b34da6a3ce929d0e0e4736 missing"),
        ("mail to a@b.example failed", "mail to c@d.example failed"),
    ],
)
def test_what_varies_does_not_split_a_group(one: str, other: str) -> None:
    assert template(one) == template(other)


def _trace(line: int, function: str) -> str:
    return (
        f'Traceback (most recent call last):\n  File "/srv/pay.py", line {line}, in {function}\n'
        '  File "/usr/lib/python3.11/socket.py", line 5, in connect\nTimeoutError: x'
    )


def test_a_group_is_flow_step_type_sentence_and_culprit_but_not_the_line() -> None:
    same = {"flow": "f", "step": "s", "error_type": "T", "message": "m"}
    base = fingerprint(**same, stacktrace=_trace(10, "capture"))
    assert fingerprint(**same, stacktrace=_trace(99, "capture")) == base
    assert fingerprint(**same, stacktrace=_trace(10, "refund")) != base
    for name in same:
        assert fingerprint(**{**same, name: "other"}, stacktrace=_trace(10, "capture")) != base
