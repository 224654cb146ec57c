"""A settings file is read as it stands, and what is wrong with it is named with its line and advice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cases.levels import ANY, Level, LevelTable
from flows import proposal
from flows.lint import lint, read
from flows.model import NOT_OF_A_FLOW, FlowSettings, levels
from flows.tree import MOST_BYTES, BadFlowError, decoded, parse

WHOLE = """\
flow: order-to-cash
owner: ann
contact: "#orders in the chat"
criticality: high
service_levels:
  - {class: business, severity: critical, triage: 30 min, resolve: 4 h}
  - triage: 1 d
targets:
  K1: 95.5
  K3: {target: 3600, owner: bob}
"""
OLDER = (
    f"{WHOLE}value: {{attribute: order.total, currency: EUR}}\ncost_rates: 54.20\nreporting_currency: EUR\n"
)
"""As an earlier version took it."""


def faults(text: str, flow: str | None = None) -> list[tuple[int, str]]:
    found = lint(text, flow)
    assert found.settings is None
    return [(one.line, f"{one.what} {one.advice}".strip()) for one in found.faults]


def test_a_file_with_everything_is_read() -> None:
    found = read(WHOLE, "order-to-cash")
    assert (found.owner, found.contact, found.criticality) == ("ann", "#orders in the chat", "high")
    critical = Level(timedelta(minutes=30), timedelta(hours=4))
    table = LevelTable({ANY: Level(timedelta(days=1))}, {"business": {"critical": critical}})
    assert levels(found) == table
    assert (found.targets["K1"].target, found.targets["K3"].owner) == (95.5, "bob")


@pytest.mark.parametrize("key", sorted(NOT_OF_A_FLOW))
def test_a_key_without_an_effect_is_refused_with_what_decides_instead(key: str) -> None:
    assert key not in FlowSettings.model_fields
    reported = f"{key} has no effect: remove it. {NOT_OF_A_FLOW[key]}"
    assert faults(f"flow: a\nowner: b\n{key}: 3\n") == [(3, reported)]


def test_a_version_that_was_kept_with_such_keys_counts_on() -> None:
    found = lint(OLDER, "order-to-cash", kept=True)
    assert found.settings == read(WHOLE)
    assert [(one.line, one.what.split()[0]) for one in found.notes] == [
        (11, "value"), (12, "cost_rates"), (13, "reporting_currency"),
    ]  # fmt: skip
    assert lint(OLDER).settings is None
    assert lint(WHOLE).notes == []


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "The file is empty. Name the flow first"),
        ("- a\n- b", 1, "The file is no list of keys."),
        ("owner: ann", 1, "The key flow is missing. Begin with `flow: order-to-cash`."),
        ("flow: a\nownr: b", 2, "The key ownr is not known. Do you mean owner?"),
        ("flow: a\ntargets:\n  K1: {goal: 3}", 3, "targets.K1.goal is not known. Known are: target, owner."),
        ("flow: a\nowner: b\n\nowner: c", 4, "The key owner is given twice, first in line 2. Remove one."),
        ("flow: a\ntargets:\n  K1: 3\n  K1: 4", 4, "The key K1 is given twice, first in line 3."),
        ("flow: no", 1, "YAML reads this as bool and not as text: put it in quotes"),
        ("flow: a\nowner: 2026-01-01", 2, "YAML reads this as date and not as text"),
        ("flow: a\nowner: 2026-13-41", 2, "'2026-13-41' cannot be read. Put it in quotes."),
        ("flow: a\ncriticality: urgent", 2, "criticality: input should be 'critical', 'high'"),
        ("flow: a\ntargets: {K1: 9, K99: 3}", 2, "there is no figure K99: known are K1,"),
        ("flow: a\ntargets:\n  K1: 9\n  K99: 3", 4, "there is no figure K99"),
        ("flow: a\ntargets:\n  K1: .nan", 3, "should be a finite number"),
        ("flow: a\nservice_levels: {triage: 1 h}", 2, "Write it as a list: each entry"),
        ("flow: a\nservice_levels:\n  - severity: high", 3, "give triage"),
        ("flow: a\nservice_levels:\n  - triage: 1 h\n    resolve: 30 min", 3, "is later than resolve"),
        ("flow: a\nservice_levels:\n  - triage: 4:30", 3, "write 30 min, 4 h, 2 d or 1 h 30 min"),
        ("flow: a\nservice_levels:\n  - triage: 3 moons", 3, "it is no duration"),
        ("flow: a\nservice_levels:\n  - triage: 0 min", 3, "it must be longer than nothing"),
        ("flow: a\nservice_levels:\n  - triage: 1 h\n  - triage: 2 h", 2, "about the same class"),
        ("flow: a\nservice_levels:\n  - {class: approval, triage: 1 h}", 3, "nobody takes up an approval"),
        ("flow: a\n\towner: b", 2, "tab"),
        ("flow: a: b", 1, "Put a text with a colon in quotes"),
        ('flow: "a\n', 2, "A quote is not closed."),
        ("flow: a\nowner: &x ann", 2, "Anchors (&) and aliases (*) are not read."),
        ("flow: &x [*x]", 1, "Anchors (&) and aliases (*) are not read."),
        ("flow: a\n? [b]\n: c", 2, "A key is a list or a block."),
        ("flow: !!python/object/apply:os.system [ls]", 1, "Tags (!) are not read."),
        ("flow: a\n---\nflow: b", 2, "The file holds several documents."),
        ("flow: a\nowner: \x07", 2, "A character is not allowed in YAML."),
        ("[" * 100_000, 1, "It is nested more than 8 deep."),
        ("flow: a\nowner: " + "x" * 300, 2, "at most 200 characters"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_line(text: str, line: int, says: str) -> None:
    found = faults(text)
    assert line in [at for at, _ in found], found
    assert any(says in what for at, what in found if at == line), found


def test_several_faults_come_in_the_order_of_their_lines() -> None:
    assert [line for line, _ in faults("criticality: x\nownr: a\nvalue: 3\nflow: 4")] == [1, 2, 3, 4]


def test_a_file_of_another_flow_is_refused() -> None:
    (found,) = faults("\nflow: returns", "orders")
    assert found == (2, "The file is about returns, not about orders. Write `flow: orders`.")


def test_a_file_of_five_megabytes_is_refused_before_it_is_read() -> None:
    large = "flow: a\n" + "# nothing\n" * 500_000
    assert faults(large) == [(1, "The file is larger than 256 KiB. Keep what is not a setting elsewhere.")]
    with pytest.raises(BadFlowError, match="larger than 256 KiB"):
        decoded(large.encode())
    fits = "flow: a\n#" + "x" * (MOST_BYTES - 9)
    assert lint(fits).settings is not None


def test_bytes_that_are_no_text_are_refused_with_their_line() -> None:
    with pytest.raises(BadFlowError, match="Line 2: The file is not UTF-8"):
        decoded(b"flow: a\nowner: \xff\n")
    assert decoded(b"\xef\xbb\xbfflow: a") == "flow: a"


def test_the_message_names_the_file() -> None:
    with pytest.raises(BadFlowError, match=r"^orders\.yaml: Line 1: The key flow is missing"):
        read("owner: ann", file="orders.yaml")


@pytest.mark.parametrize(
    "name",
    ["plain", "order-to-cash", "no", "5", "a: b", "# x", "'", '"', "a\nb", "\x85\u2028\x7f", "ü 😀", "-"],
)  # fmt: skip
def test_any_name_is_quoted_so_that_it_is_read_again(name: str) -> None:
    assert parse(f"flow: {proposal._quoted(name)}").values == {"flow": name}
