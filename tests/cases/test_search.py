"""The search of the queue: what a text chooses among real cases, what is wrong with it, and where."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from access.commands import perform
from cases import queries, search
from cases.assigning import TEAM, Assign
from cases.case import SEVERITIES
from cases.commands import Claim
from cases.queries import CaseFilter
from cases.search import IS, MAX_CHARS, QUALIFIERS, Asker, Fault, InvalidSearchError, parse
from cases.snoozing import Snooze
from data.clock import stored
from tests.cases.test_life import ANN, BOB
from tests.gates import local_context
from tests.telemetry import at, batch, failure
from unsnag.conventions import ERROR_CLASSES

if TYPE_CHECKING:
    from data.store import Reading, Store

ASKER = Asker("ann", at(7_200))


def faults(text: str) -> list[tuple[int, int]]:
    with pytest.raises(InvalidSearchError) as raised:
        parse(text, ASKER)
    return [(fault.position, fault.length) for fault in raised.value.faults]


# --- the text -----------------------------------------------------------------------------------------


def test_the_search_of_the_issue_states_a_filter() -> None:
    found = parse('flow:invoice class:business value:>1000 is:unclaimed "timeout"', ASKER)
    assert found == CaseFilter(
        flow=["invoice"],
        klass=["business"],
        value_from=Decimal("1000.0001"),
        claimed=[False],
        words=["timeout"],
    )


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("", {}),
        ("   ", {}),
        ("bad gateway", {"words": ["bad", "gateway"]}),
        ('"bad  gateway"', {"words": ["bad  gateway"]}),
        ('flow:a,"b c" flow:d', {"flow": ["a", "b c", "d"]}),
        ("SEVERITY:High", {"severity": ["high"]}),
        ("10:31 https://pay.example/x a,b", {"words": ["10:31", "https://pay.example/x", "a,b"]}),
        ('"order:12"', {"words": ["order:12"]}),
        ("value:100..500", {"value_from": Decimal(100), "value_to": Decimal(500)}),
        ("value:<=49.5 value:>=0", {"value_from": Decimal(0), "value_to": Decimal("49.5")}),
        ("value:<100", {"value_to": Decimal("99.9999")}),
        ("value:7", {"value_from": Decimal(7), "value_to": Decimal(7)}),
        ("currency:eur", {"currency": ["EUR"]}),
        ("holder:me assignee:me,desk", {"holder": ["ann"], "assignee": ["ann", "desk"]}),
        ("is:claimed,safe", {"claimed": [True], "safe": [True]}),
        ("age:>2h", {"opened_to": stored(at(0))}),
        ("age:1h..2h", {"opened_from": stored(at(0)), "opened_to": stored(at(3_600))}),
    ],
)
def test_texts_and_what_they_choose(text: str, chosen: dict[str, Any]) -> None:
    assert parse(text, ASKER) == CaseFilter(**chosen)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("flwo:invoice", [(1, 12)]),
        ("pay class:biz", [(5, 9)]),
        ("value:abc is:x", [(1, 9), (11, 4)]),
        ("flow: invoice", [(1, 5)]),
        ("class:,", [(1, 7)]),
        ('x "no end', [(3, 7)]),
        ("-flow:a", [(1, 7)]),
        ("age:2", [(1, 5)]),
        ("value:$12", [(1, 9)]),
        ("value:99999999999999", [(1, 20)]),
        ("x" * 401, [(401, 1)]),
    ],
)
def test_a_fault_has_its_place(text: str, places: list[tuple[int, int]]) -> None:
    assert faults(text) == places


def test_hints_say_what_to_write() -> None:
    def hint(text: str) -> str:
        with pytest.raises(InvalidSearchError) as raised:
            parse(text, ASKER)
        return str(raised.value)

    assert "Character 1: There is no qualifier flwo:. Did you mean flow:?" in hint("flwo:a")
    assert "put it in quotes" in hint("order:12")
    assert "Choose one of: business, data, infrastructure, unknown." in hint("class:biz")
    assert "Did you mean is:unclaimed?" in hint("is:unclaimd")
    assert "flow: lacks a value, such as flow:invoice. No space may follow" in hint("flow: a")


def test_what_excludes_each_other_chooses_nothing() -> None:
    assert parse("is:claimed is:unclaimed", ASKER).nothing
    assert CaseFilter(flow=["a"]).within(parse("flow:b", ASKER)).nothing
    assert CaseFilter(flow=["a", "b"]).within(parse("flow:b", ASKER)) == CaseFilter(flow=["b"])


PARTS = st.sampled_from(
    [
        *(f"{name}:" for name in QUALIFIERS),
        *IS,
        *SEVERITIES,
        *ERROR_CLASSES,
        '"',
        ",",
        " ",
        ":",
        "-",
        "..",
        ">",
        "1",
    ]
)


@given(st.one_of(st.text(max_size=MAX_CHARS + 1), st.lists(PARTS, max_size=60).map("".join)))
@settings(max_examples=600)
def test_any_text_is_a_filter_or_has_faults_within_it(text: str) -> None:
    found: list[Fault] = []
    try:
        parse(text, ASKER)
    except InvalidSearchError as error:
        found = error.faults or [Fault(0, 0, "no fault is named")]
    for fault in found:
        assert 1 <= fault.position <= len(text)
        assert fault.length >= 1
        assert fault.position - 1 + fault.length <= len(text)


@given(st.text(max_size=MAX_CHARS))
def test_the_parts_cover_the_text_once_and_in_order(text: str) -> None:
    """Each character is looked at once: parts do not overlap, and between them is only space."""
    place = 0
    for part in search.tokens(text):
        assert part.start >= place
        assert part.end > part.start
        assert not text[place : part.start].strip()
        place = part.end
    assert not text[place:].strip()


VALUES = st.text(
    st.characters(exclude_characters='"', exclude_categories=["Cs"]), min_size=1, max_size=20
).filter(str.strip)


@given(
    st.dictionaries(st.sampled_from(["flow", "tenant", "step", "group"]), VALUES),
    st.lists(VALUES, max_size=4),
)
def test_quoted_values_come_back_as_they_are(named: dict[str, str], texts: list[str]) -> None:
    text = " ".join(
        [*(f'{name}:"{value}"' for name, value in named.items()), *(f'"{word}"' for word in texts)]
    )
    if len(text) <= MAX_CHARS:
        wanted: dict[str, Any] = {name: [value] for name, value in named.items()}
        assert parse(text, ASKER) == CaseFilter(**wanted, words=texts or None)


# --- what it finds among cases ------------------------------------------------------------------------


@pytest.fixture
def reading(store: Store) -> Reading:
    """Four cases: 0 is claimed by ann, 1 assigned to a team, 2 snoozed, 9 of another flow, without money."""
    rows = [
        failure(n, f"SO-{n}", value_amount=10**n * 10, value_currency="EUR", idempotent=n < 2)
        for n in range(3)
    ]
    other = failure(
        9, "RT-9", flow="returns", tenant="globex", step="ship", exception_message="The label printer is off"
    )
    store.append(batch(*rows, other)).result()
    ids = {case.correlation_id: case.id for case in queries.listed(store.everything(), CaseFilter()).items}
    perform(Claim(ids["SO-0"]), local_context(store, ANN))
    perform(Assign(ids["SO-1"], "desk", TEAM), local_context(store, BOB))
    perform(Snooze(ids["SO-2"], more=5), local_context(store, BOB))
    return store.everything()


def units(reading: Reading, text: str) -> set[str]:
    chosen = parse(text, Asker("ann", ASKER.now + timedelta(days=30)))
    found = {case.correlation_id for case in queries.listed(reading, chosen).items}
    assert len(found) == sum(queries.counts(reading, chosen).values()), (
        "the list and its count are one filter"
    )
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {"SO-0", "SO-1", "SO-2", "RT-9"}),
        ("is:unclaimed", {"SO-1", "SO-2", "RT-9"}),
        ("is:mine", {"SO-0"}),
        ("holder:bob", set()),
        ("is:assigned", {"SO-1"}),
        ("assignee:desk", {"SO-1"}),
        ("is:snoozed", {"SO-2"}),
        ("is:awake is:unclaimed", {"SO-1", "RT-9"}),
        ("is:safe", {"SO-0", "SO-1"}),
        ("is:unsafe", {"SO-2"}),
        ("value:>100", {"SO-2"}),
        ("value:>=100", {"SO-1", "SO-2"}),
        ("value:<=100", {"SO-0", "SO-1"}),
        ("value:10..100 currency:EUR", {"SO-0", "SO-1"}),
        ("currency:USD", set()),
        ("tenant:globex", {"RT-9"}),
        ("step:ship", {"RT-9"}),
        ("flow:returns,order-to-cash is:assigned", {"SO-1"}),
        ("printer label", {"RT-9"}),
        ('"label printer"', {"RT-9"}),
        ('"printer label"', set()),
        ("age:>29d is:overdue", {"SO-0", "SO-1", "RT-9"}),
        ("age:<1h", set()),
    ],
)
def test_a_search_finds_its_cases(reading: Reading, text: str, expected: set[str]) -> None:
    assert units(reading, text) == expected


def test_facets_count_within_the_search_and_leave_their_own_choice_open(reading: Reading) -> None:
    found = queries.facets(reading, parse("flow:returns", ASKER))
    assert found.flow == {"order-to-cash": 3, "returns": 1}, "what one gets by choosing another flow"
    assert (found.tenant, sum(found.klass.values())) == ({"globex": 1}, 1)
    assert queries.facets(reading, parse("is:mine", ASKER)).flow == {"order-to-cash": 1}


def test_a_state_of_the_search_narrows_list_and_counts(reading: Reading) -> None:
    chosen = parse("state:claimed", ASKER)
    assert queries.counts(reading, chosen, "ann") == {"claimed": 1, "mine": 1, "unaddressed": 0}
    assert queries.counts(reading, parse("state:open", ASKER), "ann")["mine"] == 0
