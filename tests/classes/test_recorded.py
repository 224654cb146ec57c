from __future__ import annotations

from collections import Counter

import pytest

from tests.classes.recorded import FORMS, Recorded, recorded
from unsnag.evidence import type_name
from unsnag.masking import mask_text

LABELS = {"business", "data", "infrastructure", "unknown"}


def test_there_are_enough_exceptions_of_enough_libraries_in_both_halves() -> None:
    for half in (True, False):
        own = [one for one in recorded() if one.is_held_out is half]
        assert len(own) >= 300
        assert len({one.library for one in own}) >= 40
        counts = Counter(one.label for one in own)
        assert set(counts) == LABELS
        assert min(counts["business"], counts["unknown"]) >= 8


def test_each_has_a_name_a_label_and_the_three_texts() -> None:
    assert len({one.name for one in recorded()}) == len(recorded())
    for one in recorded():
        assert one.label in LABELS
        assert set(one.log) == set(FORMS)
        assert one.form in FORMS


def test_no_text_names_the_machine_that_it_was_recorded_on() -> None:
    text = "\n".join(one.log["exception"] for one in recorded())
    for place in ("/root/", "/home/", "pyenv", "/wt-"):
        assert place not in text


@pytest.mark.parametrize("one", recorded()[::40], ids=lambda one: one.name)
def test_an_exception_is_raised_again_as_it_was(one: Recorded) -> None:
    error = one.raised()
    assert type_name(type(error)) == one.exception["type"]
    assert str(error) == one.exception["message"]
    assert mask_text(str(error))
