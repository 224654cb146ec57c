"""What people wrote is text in a spreadsheet, never a formula."""

from __future__ import annotations

import csv
import io

import pytest

from data import sheet


@pytest.mark.parametrize(
    "sign", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
)
def test_text_that_begins_as_a_formula_is_made_harmless(sign: str) -> None:
    out = io.BytesIO()
    sheet.write([{"name": f"{sign}HYPERLINK(1)"}], ["name"], out)
    ((_, (cell,))) = [*csv.reader(io.StringIO(out.getvalue().decode(), newline=""))]
    assert cell == f"'{sign}HYPERLINK(1)"


@pytest.mark.parametrize("value", ["order 1", "a=b", "", None, -5, "\uff11"])
def test_other_values_stay_as_they_are(value: object) -> None:
    assert sheet.harmless(value) == value
