"""A disk that is full while an audit entry is written: the act does not happen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ACTS_UNTIL_FULL = """
import resource, signal, sys
from data.store import Store
from audit.actor import Actor
from desk import cases
from desk.acts import Acts
from desk.intake import intake
from desk.lifecycle import Limits
from tests.gates import local_gate
from tests.telemetry import batch, failure

folder = sys.argv[1]
store = Store.open(folder, intake)
store.append(batch(*[failure(n, f"SO-{n}") for n in range(200)])).result()
found = cases.listed(store.everything(), cases.CaseFilter(), 200, 0).items
acts = Acts(local_gate(store), Limits())
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a full disk is an error, not a signal
import pathlib
size = max(path.stat().st_size for path in pathlib.Path(folder).iterdir())
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 40_000, size + 40_000))
for case in found:
    try:
        acts.claim(case["id"], actor=Actor("ann"))
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
    told = [line.split() for line in run.stdout.splitlines()]
    done = {words[1] for words in told if words[0] == "done"}
    refused = {words[1] for words in told if words[0] == "refused"}
    assert done, run.stderr
    assert len(refused) == 1, run.stderr

    from audit import trail  # noqa: PLC0415 - the store is opened again, with room
    from data.store import Store  # noqa: PLC0415
    from desk import cases  # noqa: PLC0415

    store = Store.open(tmp_path)
    claimed = cases.listed(store.everything(), cases.CaseFilter(state=["claimed"]), 500, 0).items
    assert {case["id"] for case in claimed} == done
    assert trail.verify(store).intact
    effects = [
        row for row in store.query("audit/page", {"after": 0, "limit": 5_000}) if row["verb"] == "claimed"
    ]
    assert {row["case_id"] for row in effects} == done
    store.close()
