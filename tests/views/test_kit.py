"""What pages show: text of telemetry made safe, and values of cases."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cases.case import Money
from views.kit import labels
from views.kit.markdown import escape, written


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Money(Decimal("1188.07"), "EUR"), "€1,188.07"),
        (Money(Decimal(5), None), "5.00"),
        (None, "–"),
    ],
)
def test_a_value_has_its_currency_and_an_unknown_one_is_a_dash(value: Money | None, text: str) -> None:
    assert labels.amount(value) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words", "plain words"),
        ("**bold**", r"\*\*bold\*\*"),
        ("[click](http://x)", "\\[click\\]\\(http\\:\u200b//x\\)"),
        ("<b>x</b>", r"\<b\>x\</b\>"),
        (":red[alarm]", r"\:red\[alarm\]"),
        ("$x$ & `y`", r"\$x\$ \& \`y\`"),
        ("two\n# lines", r"two \# lines"),
        ("a\\b", r"a\\b"),
    ],
)
def test_text_of_telemetry_stays_text_in_markdown(text: str, shown: str) -> None:
    assert escape(text) == shown


@pytest.mark.parametrize("address", ["https://evil.example/x", "www.evil.example", "ann@evil.example"])
def test_an_address_from_telemetry_does_not_become_a_link(address: str) -> None:
    assert address not in escape(f"see {address} now").replace("\\", "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("**wait** for *six*", "**wait** for *six*"),
        ("- one\n- two", "- one  \n- two"),
        ("# no title", r"\# no title"),
        ("<b>x</b> & $5", r"\<b>x\</b> \& \$5"),
        (":red[alarm]", r"\:red\[alarm]"),
        ("run `a:b <c>` now: `", "run `a:b <c>` now\\: \\`"),
        ("```\na: <b>\n```\nb: c", "```\na: <b>\n```  \nb\\: c"),
        ("```\na: b", "```\na: b```"),
    ],
)
def test_a_note_keeps_its_emphasis_lists_and_code(text: str, shown: str) -> None:
    assert written(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "[click](https://evil.example)",
        "`[click](https://evil.example)",
        "\\`[click](https://evil.example)`",
        "![](https://evil.example/x.png)",
        "[a]: https://evil.example",
        "<https://evil.example>",
        "see https://evil.example or www.evil.example",
        "```[click](https://evil.example)",
    ],
)
def test_a_note_holds_no_link_and_no_picture(text: str) -> None:
    made = written(text)
    assert "](" not in made
    assert "]:" not in made
    assert "://" not in made
    assert "www." not in made
