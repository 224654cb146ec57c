"""Cases as REST shows them, from a store: what tests compare."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cases import queries
from server.api import answers

if TYPE_CHECKING:
    from data.store import Reading, Store

    Shown = dict[str, Any]


def cases(store: Store, chosen: queries.CaseFilter | None = None) -> list[Shown]:
    """Return the cases that pass the filter, the most urgent first."""
    return cases_within(store.everything(), chosen)


def cases_within(reading: Reading, chosen: queries.CaseFilter | None = None) -> list[Shown]:
    """Return the cases within a scope."""
    found = queries.listed(reading, chosen or queries.CaseFilter(), 1_000, 0)
    return [answers.case(case) for case in found.items]


def case(store: Store, case_id: str) -> Shown:
    """Return a case with all that is known of it, and its retries."""
    detail = queries.one(store.everything(), case_id)
    return {**answers.case_detail(detail), "retries": [asdict(retry) for retry in detail.retries]}
