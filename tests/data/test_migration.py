"""A store that the first version wrote opens, shows the same, and goes on under the new rules."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb

from cases.intake import intake
from data import migrate as migration
from data.store import FILE_NAME, Store
from tests import shown
from tests.telemetry import at, batch, failure, success

FIRST = 6
"""The last schema change of the first version."""
CASE = {
    "version": 1,
    "class": "infrastructure",
    "severity": "medium",
    "flow": "order-to-cash",
    "step": "pay",
    "title": "Payment gateway did not answer in time",
    "message": "no answer",
    "fingerprint": "f" * 16,
    "attempts": 1,
}


def _insert(connection: duckdb.DuckDBPyConnection, table: str, row: dict[str, Any]) -> None:
    names, marks = ", ".join(row), ", ".join(f"${name}" for name in row)
    connection.execute(f"insert into {table} ({names}) values ({marks})", row)  # noqa: S608 - names of ours


def written_by_the_first_version(folder: Path) -> None:
    """Write an open case of two failures, a recovered one, and a unit that never failed."""
    old = folder / "migrations"
    old.mkdir(parents=True)
    for path in Path(migration.__file__).with_name("migrations").glob("*.sql"):
        if int(path.name[:4]) <= FIRST:
            shutil.copy(path, old)
    connection = duckdb.connect(str(folder / FILE_NAME))
    migration.migrate(connection, old)
    times = {
        name: at(9).replace(tzinfo=None) for name in ("opened_at", "first_seen", "last_seen", "updated_at")
    }
    _insert(
        connection,
        "exception_case",
        {**CASE, **times, "id": "open1", "state": "open", "occurrences": 2, "correlation_id": "SO-1"},
    )
    proven = {"verified_at": at(20).replace(tzinfo=None), "resolved_at": at(21).replace(tzinfo=None)}
    _insert(
        connection,
        "exception_case",
        {
            **CASE,
            **times,
            **proven,
            "id": "done1",
            "state": "recovered",
            "occurrences": 1,
            "correlation_id": "SO-2",
        },
    )
    unit = {
        "flow": "order-to-cash",
        "first_seen": at(0).replace(tzinfo=None),
        "last_seen": at(9).replace(tzinfo=None),
    }
    counts = {"opened_at": at(0).replace(tzinfo=None), "attempts": 1, "failed_attempts": 1, "errors": 1}
    _insert(
        connection,
        "unit",
        {**unit, **counts, "correlation_id": "SO-1", "failed_at": at(9).replace(tzinfo=None)},
    )
    acts = [("ann", "claimed", "open1"), ("ann", "retried", "done1"), ("ann", "claimed", "done1")]
    for seq, (actor, verb, case) in enumerate(acts, 1):
        entry = {"seq": seq, "time": at(15 + seq).replace(tzinfo=None), "actor": actor, "actor_type": "human"}
        _insert(connection, "audit", {**entry, "verb": verb, "case_id": case, "kind": "effect"})
    connection.close()


def states_of(store: Store) -> dict[str, tuple[str, int]]:
    found = shown.cases(store)
    return {case["id"]: (case["state"], case["occurrences"]) for case in found}


def episodes(store: Store) -> list[tuple[str, str, str]]:
    rows = store.act(
        lambda tx: tx.execute("select case_id, change, rule from case_episode order by all")
    ).result()
    return [tuple(row.values()) for row in rows]


def test_a_store_of_the_first_version_shows_the_same_and_goes_on(tmp_path: Path) -> None:
    written_by_the_first_version(tmp_path)
    store = Store.open(tmp_path, intake)
    try:
        assert states_of(store) == {"open1": ("open", 2), "done1": ("recovered", 1)}
        assert episodes(store) == [
            ("done1", "closed", "1"),
            ("done1", "opened", "1"),
            ("open1", "opened", "1"),
        ]
        acted = {name: shown.case(store, name)["people_at"] for name in ("open1", "done1")}
        assert acted == {"open1": None, "done1": at(17)}, "of ann's acts only the retry counts"
        store.append(batch(failure(60), failure(70, unit="SO-2"))).result()
        assert states_of(store) == {"open1": ("open", 3), "done1": ("open", 2)}
        store.append(batch(success(90))).result()
        assert states_of(store)["open1"] == ("recovered", 3)
        assert ("open1", "closed", "2") in episodes(store)
    finally:
        store.close()


def test_no_two_migrations_have_one_number() -> None:
    """Of two files with one number only the last would run."""
    numbers = [path.name[:4] for path in migration._FOLDER.glob("*.sql")]
    assert len(numbers) == len(set(numbers))
