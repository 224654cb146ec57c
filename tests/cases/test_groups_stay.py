"""A group stays what it is: after a restart, in any order, and when the rules that make groups change."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import permutations
from typing import TYPE_CHECKING, Any

from access.commands import perform
from audit.actor import Actor
from cases import queries
from cases.commands import Classify
from cases.intake import intake
from data.store import Store
from tests.gates import local_context
from tests.telemetry import batch, failure
from traces import fingerprint_1

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def opened(folder: Path) -> Iterator[Store]:
    """Open the store of a folder for a while."""
    store = Store.open(folder, intake)
    try:
        yield store
    finally:
        store.close()


OUTAGE = "the gateway at pay.example answered 503 for order {}"


def groups(store: Store) -> dict[str, str]:
    """Return the group of each unit's case."""
    found = queries.listed(store.everything(), queries.CaseFilter(), 100, 0).items
    return {case.correlation_id: case.fingerprint for case in found}


def fail(store: Store, seconds: float, unit: str, **fields: Any) -> None:
    """Let a unit fail in the outage."""
    store.append(batch(failure(seconds, unit, exception_message=OUTAGE.format(unit), **fields))).result()


def test_the_same_failure_has_the_same_group_in_any_order_and_after_a_restart(tmp_path: Path) -> None:
    units = ("SO-1", "b7Kq9", "north")
    seen = []
    for number, order in enumerate(permutations(units)):
        folder = tmp_path / str(number)
        for unit in order:
            with opened(folder) as store:
                fail(store, units.index(unit), unit)
        with opened(folder) as store:
            seen.append(groups(store))
    assert all(one == seen[0] for one in seen)
    assert len(set(seen[0].values())) == 1


def under_older_rules(folder: Path, **fields: Any) -> None:
    """Write a store with a case in the group that the rules before gave it."""
    with opened(folder) as store:
        fail(store, 0, "SO-1", **fields)
        change = f"update exception_case set fingerprint = '{older('SO-1')}', group_version = null"  # noqa: S608
        store.act(lambda tx: tx.execute(change)).result()


def older(unit: str) -> str:
    """Return the group under the rules before."""
    return fingerprint_1.fingerprint(
        flow="order-to-cash", step="pay", error_type="TimeoutError", message=OUTAGE.format(unit)
    )


def test_a_case_of_older_rules_keeps_its_group(tmp_path: Path) -> None:
    under_older_rules(tmp_path)
    with opened(tmp_path) as store:
        fail(store, 60, "SO-1")
        fail(store, 70, "SO-2")
        assert groups(store)["SO-1"] == older("SO-1")
        assert groups(store)["SO-2"] != older("SO-2")


def test_what_a_person_stated_of_a_group_holds_on_under_newer_rules(tmp_path: Path) -> None:
    under_older_rules(tmp_path)
    with opened(tmp_path) as store:
        (case,) = queries.listed(store.everything(), queries.CaseFilter(), 10, 0).items
        perform(Classify(case.id, "data", for_group=True), local_context(store, Actor("ann")))
        fail(store, 60, "SO-2")
        fail(store, 70, "SO-3", step="other")
        found = queries.listed(store.everything(), queries.CaseFilter(), 10, 0).items
        rules = {one.correlation_id: one.class_rule for one in found}
        assert rules["SO-2"] == "group"
        assert rules["SO-3"] != "group"
