"""One cause is one group whatever it names, and two causes are two; measured on what real programs raised."""

from __future__ import annotations

import random

import pytest

from tests.grouping import measured
from tests.grouping.tables import FORMS, PAIRS, SENTENCES
from traces.fingerprint import fingerprint, template
from unsnag.masking import mask_text

IDS = 1_000
FEW = 10
"""Groups that a thousand identifiers may make: random letters look like a word now and then."""


def group(kind: str | None, message: str, stack: str | None = None) -> str:
    return fingerprint(flow="f", step="s", error_type=kind, message=message, stacktrace=stack)


@pytest.mark.parametrize("sentence", SENTENCES)
@pytest.mark.parametrize("form", FORMS)
def test_an_identifier_of_any_form_does_not_split_a_cause(form: str, sentence: str) -> None:
    dice = random.Random(form)
    found = {template(sentence.format(FORMS[form](dice))) for _ in range(IDS)}
    assert len(found) <= FEW, sorted(found)[:FEW]


@pytest.mark.parametrize("pair", PAIRS)
def test_what_tells_two_causes_apart_is_kept(pair: str) -> None:
    one, other = PAIRS[pair]
    assert group(*one) != group(*other), template(one[1], error_type=one[0])


# --- the place, where the message says little ---------------------------------------------------------


def _python(function: str, line: int = 10) -> str:
    return (
        f'Traceback (most recent call last):\n  File "/srv/pay.py", line {line}, in {function}\n'
        '  File "/usr/lib/python3.11/json/decoder.py", line 5, in raw_decode\nValueError: x'
    )


JAVA = (
    "java.lang.NullPointerException\n\tat java.base/java.util.Objects.requireNonNull(Objects.java:233)\n"
    "\tat com.acme.Pay.{}(Pay.java:{})\n\tat com.acme.Main.main(Main.java:3)"
)
NODE = (
    "TypeError: x\n    at internalBinding (node:internal/util:1:1)\n    at {} (/srv/pay.js:{}:7)\n"
    "    at main (/srv/main.js:1:1)"
)
NET = (
    "System.NullReferenceException: x\n   at System.String.Concat(String a)\n"
    "   at Acme.Pay.{}(String id) in /srv/Pay.cs:line {}\n   at Acme.Program.Main()"
)
STACKS = {
    "Python": _python,
    "Java": lambda function, line=10: JAVA.format(function, line),
    "Node": lambda function, line=10: NODE.format(function, line),
    ".NET": lambda function, line=10: NET.format(function, line),
}


@pytest.mark.parametrize("language", STACKS)
def test_a_fault_of_the_code_is_known_by_its_own_innermost_frame_but_not_by_the_line(language: str) -> None:
    stack = STACKS[language]
    kind = "NullPointerException"
    assert group(kind, "x", stack("capture")) == group(kind, "x", stack("capture", 99))
    assert group(kind, "x", stack("capture")) != group(kind, "x", stack("refund"))


def test_an_outage_is_one_group_over_all_flows_steps_and_places() -> None:
    message = "could not connect to server: connection to host db-1 was refused"
    one = fingerprint(
        flow="a", step="s", error_type="x.OperationalError", message=message, stacktrace=_python("f")
    )
    other = fingerprint(
        flow="b", step="t", error_type="OperationalError", message=message, stacktrace=_python("g")
    )
    assert one == other


def test_what_says_little_is_known_by_its_flow_and_step() -> None:
    same = {"flow": "f", "step": "s", "error_type": None, "message": "failed"}
    base = fingerprint(**same)
    assert all(fingerprint(**{**same, name: "other"}) != base for name in same)


# --- identifiers that are known, and masked ones --------------------------------------------------------


def test_what_names_the_unit_is_no_part_of_the_cause() -> None:
    sentence = "booking of {} was refused by the bank"
    assert template(sentence.format("north street"), ids=["north street"]) == template(sentence.format("*"))
    assert template("the art of artisans", ids=["art"]) == "the * of artisans"


MESSAGES = [one.message for half in ("looked at", "held out") for one in measured.recorded(half)]
MASKED = (
    "mail to ann.li@shop.example could not be sent",
    "card 4111 1111 1111 1111 was refused by the bank",
    "no answer from +49 170 1234567 in time",
    "AKIAIOSFODNN7EXAMPLE is not known to the bucket",
)


def test_masking_changes_no_group() -> None:
    assert all(mask_text(message) != message for message in MASKED)
    for message in (*MASKED, *MESSAGES):
        assert template(mask_text(message)) == template(message), message


# --- measured -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("half", ["looked at", "held out"])
def test_tracebacks_of_real_programs_are_grouped_by_cause(half: str) -> None:
    """`python -m bench grouping` prints the figures, beside other ways of grouping."""
    samples = measured.recorded(half)
    causes = [one.cause for one in samples]
    assert len(set(causes)) > 30
    found = [group(one.type, one.message, one.stack) for one in samples]
    assert measured.accuracy(causes, found) > 0.9
    assert measured.f1(causes, found) > 0.95


def test_lines_of_the_layouts_programs_are_grouped_by_sentence() -> None:
    samples = measured.logged()
    assert (
        measured.accuracy([one.cause for one in samples], [group(None, one.message) for one in samples]) == 1
    )


def test_the_measures_are_those_of_the_literature() -> None:
    causes, groups = list("aabbb"), list("xxyyz")
    assert measured.accuracy(causes, groups) == pytest.approx(2 / 5)
    # Pairs with one cause: 4; in one group: 2, both right.
    assert measured.f1(causes, groups) == pytest.approx(2 * 1 * 0.5 / 1.5)
