"""The disk under the store: warnings, refusals, and a database that DuckDB gave up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from data.disk import Disk
from data.errors import StoreFullError
from data.store import FILE_NAME, Store
from tests.telemetry import batch, log

ROOT = Path(__file__).parents[2]
GIVEN_UP = """
import resource, signal, sys
from data.store import Store, FILE_NAME
from data.errors import StoreFullError
from pathlib import Path
from tests.telemetry import batch, log

folder = Path(sys.argv[1])
store = Store.open(folder)
store._writer._connection.execute("set checkpoint_threshold = '200kB'")
opened_again, reopen = [], store._writer._reopen
store._writer._reopen = lambda: (opened_again.append(1), reopen())
size = (folder / FILE_NAME).stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 600_000, resource.RLIM_INFINITY))
done, refused, number = [], 0, 0
while refused < 3:
    number += 1
    try:
        store.append(batch(*(log(0, f"{number}-{i}-" + "x" * 500, record_id=number * 1000 + i)
                             for i in range(100)))).result()
        done.append(number)
    except StoreFullError:
        refused += 1
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
number += 1
store.append(batch(log(0, "after", record_id=1))).result()
assert store.troubles() == []
asked = "select count(*) as n, count(distinct record_id) as ids from log"
(row,) = store.act(lambda tx: tx.execute(asked)).result()
assert row["n"] == row["ids"] >= 100 * len(done) + 1, (row, len(done))
store.close()
print(len(opened_again), len(done))
"""


def test_a_database_that_duckdb_gave_up_is_opened_again(tmp_path: Path) -> None:
    """Its checkpoint fails for want of space; no restart is needed once there is some."""
    run = subprocess.run(
        [sys.executable, "-c", GIVEN_UP, str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    opened_again, acknowledged = map(int, run.stdout.split())
    assert opened_again, "the checkpoint failed, and not the commit"
    assert acknowledged > 1


def test_the_writer_stops_while_there_is_space_for_a_checkpoint(store: Store, tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store" / FILE_NAME, reserve=0)
    store.disk = disk
    store.append(batch(log(1))).result()
    assert store.troubles() == []
    disk.reserve = disk.free * 2
    with pytest.raises(StoreFullError, match="disk of the store is full"):
        store.append(batch(log(2))).result()
    with pytest.raises(StoreFullError):
        store.act(lambda tx: tx.execute("select 1")).result()
    assert len(store.troubles()) == 1
    assert store.everything().query("server/as_of"), "reading works"
    disk.reserve = 0
    assert store.append(batch(log(2))).result().records == 1
    assert store.troubles() == []


def test_days_left_follow_the_pace_of_the_last_day(tmp_path: Path) -> None:
    disk = Disk(tmp_path / FILE_NAME, reserve=0)
    disk.sample(0.0)
    assert disk.days_left() is None, "one look is no trend"
    disk.sample(30.0)
    assert len(disk._used) == 1, "at most one a minute"
    hour, day = 3_600.0, 86_400.0
    disk._used.clear()
    disk._used.extend([(0.0, 0), (hour, disk.free // 48)])
    left = disk.days_left()
    assert left == pytest.approx(48 * hour / day, rel=0.2), "others write to this disk too"
    assert "days at the pace" in (disk.warning() or "")
    disk._used.extend([(2 * hour, 0)])
    assert disk.days_left() is None, "it does not grow"
