"""The writer's memory of IDs that failed: it holds each with its times, whatever happens to the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases.failures import failed_ids
from cases.intake import intake, prepare
from data.errors import StoreUnavailableError
from data.store import Store
from data.transaction import Tx
from tests import shown
from tests.telemetry import batch, failure, log, success

if TYPE_CHECKING:
    from traces.known import KnownIds

    Row = dict[str, Any]

_ROWS = """
    select correlation_id, epoch_us(time) as at from failure
    union all
    select correlation_id, epoch_us(first_seen) as at from exception_case
"""


def check(store: Store) -> int:
    """Compare the memory with the store: every failure and case within its ID's times; return how many."""

    def look(tx: Tx) -> int:
        rows = tx.execute(_ROWS)
        for row in rows:
            known = failed_ids(tx)
            assert known.before({row["correlation_id"]}) == {row["correlation_id"]}
            times = known.between({row["correlation_id"]})
            assert times["low"] <= row["at"] <= times["high"]
        return len(rows)

    return store.act(look).result()


def held(store: Store, *ids: str) -> set[str]:
    """Return which of these IDs the memory holds."""
    return store.act(lambda tx: failed_ids(tx).before(ids)).result()


def statements(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count from now on which statements the writer runs."""
    counted: Counter[str] = Counter()
    run = Tx.run

    def counting(tx: Tx, name: str, *args: Any, **options: Any) -> Any:
        counted[name] += 1
        return run(tx, name, *args, **options)

    monkeypatch.setattr(Tx, "run", counting)
    return counted


RECORDS = st.builds(
    lambda kind, second, unit, step: kind(second, unit) if kind is success else kind(second, unit, step),
    st.sampled_from((failure, failure, success)),
    st.integers(0, 400_000),
    st.sampled_from(("SO-1", "SO-2", "SO-3")),
    st.sampled_from(("pay", "ship")),
)


@given(parts=st.lists(st.tuples(st.lists(RECORDS, max_size=4), st.booleans()), max_size=6))
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_every_failure_and_case_is_held_over_batches_and_restarts(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[list[Row], bool]]
) -> None:
    folder = tmp_path_factory.mktemp("store")
    store = Store.open(folder, intake)
    for rows, restarts in parts:
        store.append(batch(*rows)).result()
        if restarts:
            store.close()
            store = Store.open(folder, intake)
            store.act(prepare).result()
        check(store)
    store.close()


def test_a_batch_that_is_rolled_back_leaves_nothing_in_memory(tmp_path: Path) -> None:
    broken = False

    def failing(tx: Tx) -> None:
        intake(tx)
        if broken:
            raise OSError("disk full")

    store = Store.open(tmp_path, failing)
    store.append(batch(failure(1, "SO-1"))).result()
    broken = True
    with pytest.raises(StoreUnavailableError):
        store.append(batch(failure(2, "SO-2"))).result()
    broken = False
    assert held(store, "SO-1", "SO-2") == {"SO-1"}
    store.append(batch(failure(3, "SO-2"))).result()
    assert held(store, "SO-1", "SO-2") == {"SO-1", "SO-2"}
    assert check(store) == 4
    store.close()


def test_the_memory_of_a_first_batch_that_is_rolled_back_is_read_again(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    broken = True

    def failing(tx: Tx) -> None:
        intake(tx)
        if broken:
            raise OSError("disk full")

    store = Store.open(tmp_path, failing)
    with pytest.raises(StoreUnavailableError):
        store.append(batch(failure(1))).result()
    broken = False
    assert held(store, "SO-1") == set()
    store.append(batch(failure(1))).result()
    assert check(store) == 2
    store.close()


def test_two_stores_of_one_process_do_not_mix(tmp_path: Path) -> None:
    one, other = (Store.open(tmp_path / name, intake) for name in ("one", "other"))
    one.append(batch(failure(1, "SO-1"))).result()
    other.append(batch(failure(1, "SO-2"))).result()
    other.append(batch(success(60, "SO-1"), success(60, "SO-2"))).result()
    one.append(batch(success(60, "SO-1"))).result()
    assert held(one, "SO-1", "SO-2") == {"SO-1"}
    assert held(other, "SO-1", "SO-2") == {"SO-2"}
    assert [shown.cases(store)[0]["state"] for store in (one, other)] == ["recovered", "recovered"]
    for store in (one, other):
        assert check(store) == 2
        store.close()


def test_what_is_deleted_for_its_age_is_only_asked_for_in_vain(store: Store) -> None:
    store.append(batch(failure(1, "SO-1"), failure(1, "SO-2"))).result()
    for table in ("failure", "exception_case", "case_occurrence", "unit", "unit_signal", "unit_trace"):
        deleted = f"delete from {table} where starts_with({'case_id' if table == 'case_occurrence' else 'correlation_id'}, 'SO-1')"  # noqa: E501, S608
        store.act(lambda tx, sql=deleted: tx.execute(sql)).result()
    store.append(batch(success(60, "SO-1"), success(60, "SO-2"))).result()
    (case,) = shown.cases(store)
    assert (case["correlation_id"], case["state"]) == ("SO-2", "recovered")
    store.append(batch(failure(90, "SO-1"))).result()
    assert {(case["correlation_id"], case["state"]) for case in shown.cases(store)} == {
        ("SO-1", "open"),
        ("SO-2", "recovered"),
    }
    check(store)


_KILLED = """
import sys
from pathlib import Path
from cases.intake import intake
from data.store import Store
from tests.telemetry import batch, failure
store = Store.open(Path(sys.argv[1]), intake)
for number in range(10_000):
    store.append(batch(failure(number * 60, f"SO-{number}"))).result()
    print(number, flush=True)
"""


def test_a_kill_loses_no_id_that_was_acknowledged(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(8)]
    process.send_signal(signal.SIGKILL)
    process.communicate()
    store = Store.open(tmp_path, intake)
    ids = {f"SO-{number}" for number in acknowledged}
    assert held(store, *ids) == ids
    check(store)
    store.append(batch(*(success(number * 60 + 30, f"SO-{number}") for number in acknowledged))).result()
    states = {case["correlation_id"]: case["state"] for case in shown.cases(store)}
    assert {states[one] for one in ids} == {"recovered"}
    store.close()


def test_a_success_of_an_id_that_never_failed_asks_for_no_case(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.append(batch(failure(1, "SO-1"))).result()
    counted = statements(monkeypatch)
    store.append(batch(success(60, "SO-2"), log(61, "fine", correlation_id="SO-3"))).result()
    assert not {name for name in counted if name.startswith("cases/")}
    store.append(batch(success(62, "SO-1"))).result()
    assert counted["cases/cases_to_prove"] == 1
    (case,) = shown.cases(store)
    assert case["state"] == "recovered"


def test_a_first_failure_asks_the_store_for_no_case_and_no_unit(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.append(batch(failure(1, "SO-1"))).result()
    counted = statements(monkeypatch)
    store.append(batch(failure(2, "SO-2"))).result()
    asked = {"cases/cases_by_key", "cases/failures_by_key", "cases/units_of_cases", "cases/cases_to_prove"}
    assert not asked & set(counted)
    store.append(batch(failure(90, "SO-2"))).result()
    assert {name: counted[name] for name in asked if counted[name]} == {
        "cases/cases_by_key": 1,
        "cases/failures_by_key": 1,
        "cases/units_of_cases": 1,
    }


def test_other_cases_lie_outside_of_the_times_that_are_read(store: Store) -> None:
    store.append(batch(failure(1, "SO-1"))).result()
    store.append(batch(failure(90_000, "SO-2"))).result()
    known: list[KnownIds] = []
    store.act(lambda tx: known.append(failed_ids(tx))).result()
    first, second = (known[0].between({name}) for name in ("SO-1", "SO-2"))
    assert first["high"] < second["low"]
