"""What pages show: text of telemetry made safe, and values of cases."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cases.case import Money
from views.kit import labels
from views.kit.markdown import escape


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
