"""Kills while a store of the first version is brought up to date: nothing of it may be lost or doubled."""

from __future__ import annotations

import random
import shutil
import time
from typing import TYPE_CHECKING

import duckdb

from audit import trail
from audit.differences import differences
from data.store import FILE_NAME, Store
from server import backups
from tests.data.test_migration import written_by_the_first_version
from tests.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.journeys.serving import Server

ROWS = 20_000
_FILL = f"""
    insert into log by name
    select
        i + 1000 as record_id, 'M-' || i as message, make_timestamp(1700000000000000 + i) as time,
        make_timestamp(1700000000000000 + i) as ingested_at, 'info' as severity, 9 as severity_number,
        'old' as source, 'order-to-cash' as flow, 'M-' || (i // 10) as correlation_id
    from range({ROWS}) as numbers (i)
"""  # noqa: S608 - a number of ours
ACTS = [("claimed", "done1"), ("claimed", "open1"), ("retried", "done1")]
_ACTS = "select verb, case_id, count(*) as n from audit where actor = 'ann' group by all order by all"
_KILLED_WITHIN_S = 1.5


def make_old(folder: Path) -> None:
    """Write a store as the first version left it, with many records."""
    folder.mkdir(parents=True)
    written_by_the_first_version(folder)
    shutil.rmtree(folder / "migrations")
    connection = duckdb.connect(str(folder / FILE_NAME))
    connection.execute(_FILL)
    connection.close()


def kill_in_upgrade(server: Server, old: Path) -> str:
    """Start a server over a copy of an old store and kill it while the schema changes; return when."""
    shutil.rmtree(server.data, ignore_errors=True)
    shutil.copytree(old, server.data)
    server.launch()
    # The copy that is made before the schema changes.
    eventually((server.data / "backups").exists, (server.folder / "server.log").read_text, server.ready_s)
    after = random.uniform(0, _KILLED_WITHIN_S)
    time.sleep(after)
    server.kill()
    return f"{after:.2f} s after its copy began"


def problems(server: Server) -> list[str]:
    """Let the upgrade go on where it was killed, and return what is wrong with the store then."""
    server.start()
    server.kill()
    wrong = backups_of_upgrades(server.data)
    store = Store.open(server.data)
    try:
        (logs,) = store.act(
            lambda tx: tx.execute("select count(*) as n, count(distinct message) as names from log")
        ).result()
        if (logs["n"], logs["names"]) != (ROWS, ROWS):
            wrong.append(f"{ROWS} records were there, now {logs['n']} with {logs['names']} names")
        cases = store.act(lambda tx: tx.execute("select id from exception_case order by id")).result()
        if [case["id"] for case in cases] != ["done1", "open1"]:
            wrong.append(f"the exceptions are {cases}")
        twice = "select name from schema_migration group by name having count(*) > 1"
        wrong += [f"{row['name']} ran twice" for row in store.act(lambda tx: tx.execute(twice)).result()]
        verdict = trail.verify(store)
        if not verdict.intact:
            wrong.append(f"the audit is broken at {verdict.broken_at}: {verdict.reason}")
        acts = store.act(lambda tx: tx.execute(_ACTS)).result()
        if [tuple(act.values()) for act in acts] != [(verb, case, 1) for verb, case in ACTS]:
            wrong.append(f"the acts of before are {acts}")
        return wrong + [one.text for one in differences(store)]
    finally:
        store.close()


def backups_of_upgrades(data: Path) -> list[str]:
    """Return what is wrong with the backups that were made before the upgrade."""
    made = [path for path in data.rglob("unsnag-*") if path.is_dir()]
    return [f"{path.name}: {problem}" for path in made for problem in backups.problems(path)]
