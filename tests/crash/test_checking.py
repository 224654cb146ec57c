"""The crash suite can fail: what is lost, doubled or altered in a store is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from access.commands import perform
from audit.actor import Actor
from cases.commands import Claim
from cases.intake import intake
from data.store import Store
from tests import shown
from tests.crash import __main__ as program
from tests.crash import checking
from tests.crash.ledger import Ledger
from tests.gates import local_context
from tests.telemetry import batch, failure, log

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A store with a record, an exception and a claim, and what was acknowledged of them."""
    store = Store.open(tmp_path / "data", intake)
    rows = (log(1, "K-1", correlation_id="K-1", flow="f"), failure(2, "SO-2"))
    store.append(batch(*rows)).result()
    (case,) = shown.cases(store)
    perform(Claim(case["id"]), local_context(store, Actor("ann")))
    store.close()
    names = {"K-1"}
    return Ledger(sent=set(names), acknowledged=set(names), claimed={case["id"]})


def found(tmp_path: Path, ledger: Ledger, sql: str = "") -> str:
    """Run a statement over the store and return what the check says then."""
    if sql:
        store = Store.open(tmp_path / "data", intake)
        store.act(lambda tx: tx.execute(sql)).result()
        store.close()
    return "; ".join(checking.problems(tmp_path / "data", ledger, tmp_path))


def test_a_store_with_all_of_it_is_whole(tmp_path: Path, ledger: Ledger) -> None:
    assert not found(tmp_path, ledger)


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("delete from log where message = 'K-1'", "1 acknowledged records are missing: K-1"),
        ("insert into log select * from log where message = 'K-1'", "1 records are there more than once"),
        ("insert into unit select * from unit where correlation_id = 'K-1'", "1 units are there more than"),
        ("delete from unit where correlation_id = 'K-1'", "1 acknowledged records have no unit: K-1"),
        ("delete from audit where verb = 'claimed'", "1 acknowledged claims are not there once"),
        ("update audit set actor = 'eve' where seq = 2", "the audit is broken at 2"),
        ("update exception_case set holder = 'eve'", "its holder is eve"),
    ],
)
def test_what_is_lost_doubled_or_altered_is_named(
    tmp_path: Path, ledger: Ledger, sql: str, words: str
) -> None:
    assert words in found(tmp_path, ledger, sql)


def test_an_act_or_a_record_that_never_came_is_named(tmp_path: Path, ledger: Ledger) -> None:
    ledger.acknowledged.add("K-3")
    ledger.noted.add("a note")
    text = found(tmp_path, ledger)
    assert "acknowledged records are missing: K-3" in text
    assert "1 acknowledged notes are not there once: a note" in text


@pytest.mark.integration
@pytest.mark.timeout(7200)
def test_kills_over_everything_that_writes_lose_and_double_nothing() -> None:
    assert program.main(["--kills", "20"]) == 0
