"""The rules over the recorded exceptions, and what each kind of rule decides."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from bench.classes import client_before, client_now, judged, tally, text_before, text_now
from tests.classes.recorded import recorded
from unsnag import class_codes, class_texts, class_types, failures
from unsnag.classification import SURE, VERSION, Evidence, decide, of_code
from unsnag.conventions import ERROR_CLASSES


@pytest.mark.parametrize("is_held_out", [False, True], ids=["looked at", "held out"])
def test_most_exceptions_get_their_class_and_few_a_wrong_one(is_held_out: bool) -> None:  # noqa: FBT001
    own = [one for one in recorded() if one.is_held_out is is_held_out]
    client = tally(own, client_now)
    text = tally(own, lambda one: text_now(one.text))
    assert client["right"] >= 0.90 * len(own)
    assert text["right"] >= 0.85 * len(own)
    assert client["wrong"] <= 0.02 * len(own)
    assert text["wrong"] <= 0.02 * len(own)


def test_the_rules_are_better_than_those_before() -> None:
    before, now = tally(recorded(), client_before), tally(recorded(), client_now)
    assert now["right"] > before["right"]
    assert now["wrong"] < before["wrong"] / 2
    assert tally(recorded(), lambda one: text_before(one.text))["right"] < len(recorded()) * 0.85


@pytest.mark.parametrize(
    ("label", "found", "is_stated", "expected"),
    [
        ("data", "data", True, "right"),
        ("data", "business", True, "wrong"),
        ("data", "data", False, "asks"),
        ("data", "unknown", True, "asks"),
        ("unknown", "unknown", True, "right"),
        ("unknown", "data", True, "wrong"),
    ],
)
def test_only_a_stated_class_is_right_or_wrong(
    label: str,
    found: str,
    is_stated: bool,  # noqa: FBT001
    expected: str,
) -> None:
    assert judged(label, found, is_stated) == expected


@pytest.mark.parametrize(
    ("evidence", "error_class", "rule"),
    [
        (Evidence("x.ApiError", http_status=402), "business", "http.402"),
        (Evidence("shop.Declined", "no answer within 4 s"), "infrastructure", "text.timeout"),
        (Evidence("shop.Declined", "card refused: code=51"), "business", "name.Declined"),
        (Evidence("x.ApiError", "Order is blocked: credit limit reached", 409), "business", "text.limit"),
        (Evidence("x.ApiError", "Version conflict", 409), "data", "http.409"),
        (Evidence("x.ApiError", "Payment declined by a firewall", 503), "infrastructure", "http.503"),
        (Evidence("psycopg.Error", codes={"sqlstate": "23505"}), "data", "sqlstate.23505"),
        (Evidence("psycopg.Error", codes={"sqlstate": "08006"}), "infrastructure", "sqlstate.08006"),
        (Evidence("psycopg.Error", codes={"sqlstate": "P0001"}), "business", "sqlstate.P0001"),
        (Evidence("x", codes={"sqlite": "SQLITE_FULL_X"}), "infrastructure", "sqlite.SQLITE_FULL_X"),
        (Evidence("x.ClientError", codes={"aws": "SlowDown"}), "infrastructure", "aws.SlowDown"),
        (Evidence("x", "An error occurred (NoSuchKey) when calling GetObject"), "data", "aws.NoSuchKey"),
        (Evidence("x", "credit limit", codes={"grpc": "FAILED_PRECONDITION"}), "business", "text.limit"),
        (Evidence("tenacity.RetryError", cause=Evidence("KeyError")), "infrastructure", "type.RetryError"),
        (Evidence("RuntimeError", cause=Evidence("KeyError", "'sku'")), "data", "cause.type.KeyError"),
        (Evidence("", "order 7: KeyError('sku')"), "data", "type.KeyError"),
        (Evidence("", "[Errno 28] No space left on device"), "infrastructure", "errno.28"),
        (Evidence("TypeError", "timed out"), "unknown", "type.TypeError"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_verdict_names_the_rule_that_decided(evidence: Evidence, error_class: str, rule: str) -> None:
    found = decide(evidence)
    assert (found.error_class, found.rule) == (error_class, rule)
    assert found.is_sure


def test_what_says_little_is_a_guess_or_nothing() -> None:
    guess = decide(Evidence("IndexError", "x"))
    assert guess.error_class == "data"
    assert guess.confidence < SURE
    assert decide(Evidence("RuntimeError", "step 3")) == ("unknown", "none", 0.0, VERSION)


def test_tables_hold_known_classes_and_every_code_decides() -> None:
    for name in (
        "HTTP",
        "SQLSTATE",
        "SQLITE",
        "MYSQL",
        "GRPC",
        "AWS",
        "AZURE",
        "STRIPE",
        "SALESFORCE",
        "TWILIO",
        "MONGO",
    ):
        table: dict[str, str] = getattr(class_codes, name)
        assert set(table.values()) <= set(ERROR_CLASSES)
        assert all(of_code(name.lower(), code) for code in table), name
    for types in (class_types.QUALIFIED, class_types.LAST, class_types.GENERIC, class_types.GUESSES):
        assert set(types.values()) <= set(ERROR_CLASSES)


def test_rules_over_text_have_names_of_their_own() -> None:
    rules = [*class_texts.BUSINESS, *class_texts.EXACT, *class_texts.STRONG, *class_texts.TEXTS]
    assert len({rule.name for rule in rules}) == len(rules)
    assert all(0 < rule.confidence <= 1 for rule in rules)


class Hostile(Exception):  # noqa: N818 - a stranger's exception
    """An exception whose attributes raise."""

    def __getattribute__(self, name: str) -> Any:
        if name in {"response", "code", "status", "sqlstate", "errno", "orig", "args"}:
            raise RuntimeError(name)
        return super().__getattribute__(name)


def test_an_exception_whose_attributes_raise_is_classified_all_the_same() -> None:
    assert failures.verdict(Hostile()).error_class == "unknown"


def test_a_chain_that_leads_back_to_itself_ends() -> None:
    one, two = RuntimeError("a"), RuntimeError("b")
    one.__cause__, two.__cause__ = two, one
    assert failures.verdict(one).error_class == "unknown"


def test_a_script_without_an_error_does_not_pay_for_the_tables() -> None:
    code = "import sys, unsnag; unsnag.init, unsnag.unit; print([m for m in sys.modules if '.class_' in m])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_verdict_travels_as_text() -> None:
    found = decide(Evidence("x", http_status=402))
    assert found.why == f"http.402 0.90 {VERSION}"
