"""The glance over a column finds all that the glance at one text finds."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from collectors.columns import glance
from tests.client import mask_forms
from unsnag.glance import be_thorough, suspicious
from unsnag.mask_rules import RULES
from unsnag.masking import mask_text

be_thorough()
HINTS = sorted({hint for rule in RULES for hint in rule.hints})
PARTS = [
    *HINTS, "AKIA", "ASIA", "sk-", "unsnag_", "SSN", "cvv", "\\u00a0", "\\u00", "\u017f", "\u212a",
    "000", "0000", "00", "+0", "00)", "0.", "AB00", "_", ".", "x" * 18, "A1b2C3d4E5f6G7h8I9",
    " ", "/", "(", ")", "-", "\u00a0", "\u2009", "\u202f", "é", "日", "\n", '"', "=", ":", "z", "Q", "@", "",
]  # fmt: skip


def found(texts: list[str]) -> list[bool]:
    made: list[bool] = glance.suspicious(pa.array(texts, pa.string())).tolist()
    return made


def odd(part: str, rng: random.Random) -> str:
    """Return a part with other digits, other case, and what is left out between its letters."""
    chars = (str(rng.randrange(10)) if char == "0" else char for char in part)
    cased = (char.upper() if rng.random() < 0.2 else char for char in chars)
    return "".join(char + (rng.choice(" ./()_-") if rng.random() < 0.1 else "") for char in cased)


def missed(texts: list[str]) -> list[str]:
    pairs = zip(texts, found(texts), strict=True)
    return [text for text, is_found in pairs if not is_found and suspicious(text.encode())]


@pytest.mark.parametrize("most", [1, 2, 5])
def test_what_the_glance_leaves_out_is_clean(most: int) -> None:
    rng = random.Random(most)
    rows = [rng.choices(PARTS, k=rng.randint(1, most)) for _ in range(20_000)]
    texts = ["".join(odd(part, rng) for part in row) for row in rows]
    assert not missed(texts)
    assert 0.05 < sum(found(texts)) / len(texts) < 0.99


@pytest.mark.parametrize("form", mask_forms.FORMS, ids=lambda form: form.name)
def test_each_form_that_is_masked_is_found(form: mask_forms.Form) -> None:
    assert found([form.text]) == [True] or mask_text(form.text) == form.text


def test_plain_texts_are_left_out() -> None:
    assert not any(
        found(
            [
                "capture payment",
                "GET /orders/{id}",
                "SELECT a FROM orders WHERE id = 12",
                "10.0.0.7",
                "",
                "müde",
            ]
        )
    )


def test_null_is_clean() -> None:
    assert glance.needing_python(pa.array([None, "a", 'b"', "c\n"], pa.string())).tolist() == [
        False, False, True, True,
    ]  # fmt: skip
