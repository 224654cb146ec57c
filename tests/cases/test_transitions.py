"""The table of transitions: it is the story of the lifecycle, and what the store does stays within it."""

from __future__ import annotations

from itertools import product

from cases import lifecycle
from cases.case import CaseState
from cases.commands import CaseCommand
from cases.lifecycle import ENDED, FOR_PEOPLE, LIVE, PENDING, TRANSITIONS, WAITING
from cases.tabs import TABS
from views.kit import labels


def test_every_state_is_pending_or_ended_and_has_a_name_on_screens() -> None:
    assert set(CaseState) == PENDING | ENDED
    assert not PENDING & ENDED
    assert WAITING < LIVE < PENDING
    assert WAITING < FOR_PEOPLE < PENDING
    assert set(labels.STATES) == {str(state) for state in CaseState}


def test_every_state_is_listed_by_a_tab_of_the_queue() -> None:
    assert {state for tab in TABS.values() for state in tab.states} == set(CaseState)


def test_every_command_on_a_case_says_what_it_did() -> None:
    # A class with slots is made twice, so names are compared.
    assert {kind.__name__ for kind in labels.DONE} == {kind.__name__ for kind in CaseCommand.__subclasses__()}


def test_every_state_but_the_first_is_reached_and_every_live_one_is_left() -> None:
    assert {transition.target for transition in TRANSITIONS} == set(CaseState)
    assert set().union(*(transition.sources for transition in TRANSITIONS)) == set(CaseState)


def test_a_transition_leads_to_another_state_or_renews_a_claim() -> None:
    for transition in TRANSITIONS:
        assert transition.verb == "renewed" or transition.target not in transition.sources, transition


def test_what_is_no_transition_is_refused() -> None:
    assert lifecycle.allowed("claimed", CaseState.OPEN, CaseState.CLAIMED)
    assert not lifecycle.allowed("claimed", CaseState.RECOVERED, CaseState.CLAIMED)
    assert not lifecycle.allowed("recovered", CaseState.RESOLVED, CaseState.RECOVERED)
    ways = {(s, t.target) for t in TRANSITIONS for s in t.sources} | {(s, s) for s in CaseState}
    unknown = [pair for pair in product(CaseState, repeat=2) if pair not in ways]
    assert (CaseState.OPEN, CaseState.OPEN) not in unknown
    assert (CaseState.EXPIRED, CaseState.RECOVERED) in unknown
