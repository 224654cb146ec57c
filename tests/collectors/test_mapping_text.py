"""Mappings as text: what is written is read as the same, and what is wrong is named with its line."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.mapping_text import LONGEST, BadMappingError, Fault, read, write
from collectors.sections import MappingSettings

WHOLE = r"""# how shipping writes
correlation_id = [
    "order_no",
    { from = "message", pattern = 'SO-\d+', prefix = "DE-" },
]
flow = "'shipping'"
step = "action"
severity = { "E" = "error", "10" = "info" }
timezone = "Europe/Berlin"
success = { attribute = "message", equals = "handed over" }
human = { attribute = "user", not_in = ["robot", 7] }
drop = [{ attribute = "path", equals = "/healthz" }, { from = "message", pattern = "^ping" }]
match = { "service.name" = "shipping" }
"""


def test_what_is_written_is_read_as_the_same() -> None:
    settings = read(WHOLE)
    assert read(write(settings)) == settings
    assert r"pattern = 'SO-\d+'" in write(settings)
    assert write(read(write(settings))) == write(settings)
    assert write(MappingSettings()) == ""


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(match=st.dictionaries(texts, texts, max_size=3), prefix=texts, step=st.lists(texts, max_size=3))
def test_any_text_survives(match: dict[str, str], prefix: str, step: list[str]) -> None:
    settings = MappingSettings.model_validate({"match": match, "prefix": prefix, "step": step})
    assert read(write(settings)) == settings


def test_the_heading_of_the_config_file_may_stand_above() -> None:
    assert read('[collectors.mappings.shipping]\nstep = "action"') == read('step = "action"')


def faults(text: str) -> tuple[Fault, ...]:
    with pytest.raises(BadMappingError) as caught:
        read(text)
    return caught.value.faults


@pytest.mark.parametrize(
    ("text", "line", "says", "advises"),
    [
        ('flow = "\'a\'"\ncorelation_id = "x"', 2, "'corelation_id' is not known", "correlation_id"),
        ('zzz = "x"', 1, "'zzz' is not known", "Known are: correlation_id"),
        ('step = "a"\nstep', 2, "Expected", "Each line is a name"),
        ('step = { from = "message", pattern = "\\d" }', 1, "Unescaped", "single quotes"),
        ('flow = [\n  "a",\n  { from = "message", pattern = "(" },\n]', 3, "no pattern", ""),
        ('flow = [\n  "a",\n  { from = "message", match = "x" },\n]', 3, "not known", ""),
        ('step = "a"\n[severity]\nE = "dreadful"', 3, "cannot mean 'dreadful'", ""),
        ('\n\ntimezone = "Mars"', 3, "no time zone 'Mars'", ""),
        ("step = 5", 1, "step", ""),
        ("=", 1, "", ""),
        ("x = [" * 5_000, 1, "", ""),
        ("#" * (LONGEST + 1), 1, "at most 20,000 characters", ""),
    ],
)
def test_what_is_wrong_has_its_line_and_advice(text: str, line: int, says: str, advises: str) -> None:
    (fault, *_) = faults(text)
    assert fault.line == line, fault
    assert says in fault.what
    assert advises in fault.advice


def test_every_fault_is_named() -> None:
    found = faults('corelation_id = "x"\nprefx = "y"\nseverity = { E = "bad" }')
    assert [fault.line for fault in found] == [1, 2, 3]


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    with contextlib.suppress(BadMappingError):
        made = read(text)
        assert read(write(made)) == made
