"""The rules of cases, as tables."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cases.content import severity, title


@pytest.mark.parametrize(
    ("value", "number", "expected"),
    [
        (Decimal(10_000), 17, "critical"),
        (Decimal("9999.99"), 17, "high"),
        (Decimal(1_000), 17, "high"),
        (Decimal("999.99"), 17, "medium"),
        (Decimal(50), 17, "medium"),
        (Decimal("49.99"), 17, "low"),
        (None, 17, "medium"),
        (Decimal(1), 21, "critical"),
    ],
)
def test_severity_follows_money_and_fatal_records(value: Decimal | None, number: int, expected: str) -> None:
    assert severity(value, number) == expected


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
        (
            "infrastructure",
            "erp",
            "HTTPError",
            "HTTP 429 Too Many Requests",
            "Erp asked us to slow down (HTTP 429)",
        ),
        ("infrastructure", "erp", "ConnectionRefusedError", "[Errno 111]", "Erp refused the connection"),
        ("infrastructure", "erp", "HTTPError", "HTTP 503", "Erp is not available (HTTP 503)"),
        (
            "infrastructure",
            None,
            "OperationalError",
            "database is locked",
            "The database was locked by another program",
        ),
        ("infrastructure", None, None, "disk on fire", "Pay failed: disk on fire"),
        (
            "infrastructure",
            "payment-gateway",
            "RuntimeError",
            "gateway did not answer within 10.0 s",
            "Payment gateway did not answer within 10 s",
        ),
        (
            "business",
            "crm",
            "RuntimeError",
            "Customer C-5399 is 2,208 EUR over the credit limit",
            "Customer C-5399 is 2,208 EUR over the credit limit",
        ),
        (
            "business",
            "erp",
            "x.ApiError",
            "API answered 422: Posting period 2026-10 is closed",
            "API answered 422: Posting period 2026-10 is closed",
        ),
        (
            "data",
            None,
            "unsnag.DataError",
            "invalid literal for int() with base 10: 'x'",
            "A record could not be used: invalid literal for int() with base 10: 'x'",
        ),
        (
            "data",
            None,
            "ValueError",
            "invalid literal for int() with base 10: 'x'",
            "“x” is not a whole number",
        ),
        (
            "infrastructure",
            None,
            "smtplib.SMTPServerDisconnected",
            "certificate has expired",
            "The certificate of the mail server has expired",
        ),
        ("unknown", None, "RuntimeError", "could not finish step 3", "Could not finish step 3"),
        (
            "business",
            "crm",
            "BusinessError",
            "Credit limit exceeded by 120 EUR.\nmore",
            "Credit limit exceeded by 120 EUR",
        ),
        ("data", None, "KeyError", "'vat_id'", "The field vat_id is missing"),
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
    ("message", "expected"),
    [
        (
            "HTTPSConnectionPool(host='erp.example.com', port=443): Read timed out.",
            "erp.example.com did not answer in time",
        ),
        # up to four words behind a status explain nothing, nor does an address or a dump
        ("HTTP 503 the posting service sleeps", "The called system is not available (HTTP 503)"),
        ("HTTP 503 the posting service now sleeps", "Pay answered with an error"),
        ("HTTP 503 http://erp/x one two three four five", "erp is not available (HTTP 503)"),
        ("HTTP 503 {a b c d e f}", "The called system is not available (HTTP 503)"),
        ("HTTP 503 <p> a b c d e f", "The called system is not available (HTTP 503)"),
        ("HTTP 503 a=b c d e f g h", "The called system is not available (HTTP 503)"),
    ],
)
def test_a_title_names_the_host_and_leaves_explanations_as_they_are(message: str, expected: str) -> None:
    asked = {"step": "pay", "dependency": None, "error_type": "x.ApiError", "message": message}
    assert title(error_class="infrastructure", **asked) == expected
