"""The weeks before the demonstration: made by the programs and by people at the queue, and audited."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cases import queries
from cases.intake import intake
from cases.queries import CaseFilter
from data.clock import aware, use, utc_now
from data.store import FILE_NAME, Reading, Store
from examples import operators
from kpis import periods, weeks
from tests.data import keys

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
MAKE = """
import sys
from dataclasses import replace
from pathlib import Path
from examples import history
history.quiet()
weeks = [replace(history.WEEKS[2], rate=0.5)]
history.make(Path(sys.argv[1]), "examples/unsnag.toml", weeks)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make one short week; return the folder of its store."""
    folder = tmp_path_factory.mktemp("history")
    environment = {**os.environ, "EXAMPLES_VAR": str(folder / "var"), "UNSNAG_SPOOL": str(folder / "unused")}
    command = [sys.executable, "-c", MAKE, str(folder / "data")]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("demo:   week 1 of 1: ")
    return folder / "data"


@pytest.fixture
def store(made: Path) -> Iterator[Store]:
    opened = Store.open(made, intake)
    yield opened
    opened.close()


@pytest.mark.slow
def test_no_key_of_a_table_occurs_twice(store: Store) -> None:
    assert keys.repeated(store) == {}


@pytest.mark.slow
def test_the_last_week_is_frozen_and_this_one_is_a_draft(store: Store) -> None:
    reading = store.everything()
    this = periods.week(periods.week_of(utc_now(), "UTC"), "UTC")
    last, before = (periods.week_of(this.earlier(n).start, "UTC") for n in (1, 2))
    (kept,) = weeks.frozen(reading)
    content = weeks.Content.of(kept.content)
    assert (kept.week, kept.actor, weeks.verdict([kept]).intact) == (last, "ann", True)
    assert content.uncommented == []
    assert {one.kind for one in content.entries} == {"win", "miss", "decision"}
    assert {one.week for one in content.promises} == {before}
    draft = weeks.draft(reading, periods.week_of(this.start, "UTC"), "UTC")
    assert [one.kind for one in draft.entries] == ["miss"]
    assert [one.state for one in draft.promises].count("open") == 3
    assert draft.promises[0].is_overdue(utc_now().date())


@pytest.mark.slow
def test_the_week_lies_before_now_and_nothing_is_left_beside_the_store(made: Path, store: Store) -> None:
    assert (made / FILE_NAME).exists()
    assert not made.with_name("data.part").exists()
    assert not (made.parent / "unused").exists()
    assert not (made.parent / "var" / "history").exists()
    found = queries.listed(Reading(store, None), CaseFilter(), 200, 0)
    assert found.total > 5
    now = utc_now()
    for case in found.items:
        opened = aware(case.opened_at)
        assert opened
        assert now - timedelta(days=8) < opened < now


@pytest.mark.slow
def test_people_claimed_and_retried_and_units_proved_it(store: Store) -> None:
    facets = store.query("audit/facets", {"scope": None})
    actors = {row["value"] for row in facets if row["name"] == "actor"}
    verbs = {row["value"] for row in facets if row["name"] == "verb"}
    assert actors & set(operators.PEOPLE)
    assert verbs >= {"claimed", "retried", "verifying", "recovered"}
    found = queries.listed(Reading(store, None), CaseFilter(state=["recovered"]), 200, 0)
    assert any(case.people_at for case in found.items)


@pytest.mark.slow
def test_the_audit_is_intact(made: Path) -> None:
    verify = [sys.executable, "app.py", "audit", "verify", "--data", str(made)]
    done = subprocess.run(verify, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith("INTACT: ")


def test_another_clock_is_lived_by_until_it_is_taken_back() -> None:
    past = utc_now() - timedelta(days=50)
    use(lambda: past)
    try:
        assert utc_now() == past
    finally:
        use(None)
    assert utc_now() > past
