"""A disk that is full while an audit entry is written: the act does not happen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import shown

ROOT = Path(__file__).parents[2]
ACTS_UNTIL_FULL = """
import resource, signal, sys
from data.store import Store
from audit.actor import Actor
from access.commands import perform
from cases.commands import Claim
from cases.intake import intake
from tests import shown
from tests.gates import local_context
from tests.telemetry import batch, failure

folder = sys.argv[1]
store = Store.open(folder, intake)
store.append(batch(*[failure(n, f"SO-{n}") for n in range(200)])).result()
found = shown.cases(store)
ctx = local_context(store, Actor("ann"))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a full disk is an error, not a signal
import pathlib
size = pathlib.Path(folder, "unsnag.duckdb.wal").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 40_000, size + 40_000))
for case in found:
    try:
        perform(Claim(case["id"]), ctx)
    except Exception as error:
        print("refused", case["id"], type(error).__name__, flush=True)
        break
    print("done", case["id"], flush=True)
import os
os._exit(0)  # as a power cut would
"""


@pytest.mark.fault
def test_an_act_whose_entry_cannot_be_written_does_not_happen(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", ACTS_UNTIL_FULL, str(tmp_path)],
        cwd=ROOT, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    reported = [line.split() for line in run.stdout.splitlines()]
    done = {words[1] for words in reported if words[0] == "done"}
    refused = {words[1] for words in reported if words[0] == "refused"}
    assert done, run.stderr
    assert len(refused) == 1, run.stderr

    from audit import trail  # noqa: PLC0415 - the store is opened again, with free space
    from cases import queries  # noqa: PLC0415
    from data.store import Store  # noqa: PLC0415

    store = Store.open(tmp_path)
    claimed = shown.cases(store, queries.CaseFilter(state=["claimed"]))
    assert {case["id"] for case in claimed} == done
    assert trail.verify(store).intact
    effects = [
        row for row in store.query("audit/page", {"after": 0, "limit": 5_000}) if row["verb"] == "claimed"
    ]
    assert {row["case_id"] for row in effects} == done
    store.close()
