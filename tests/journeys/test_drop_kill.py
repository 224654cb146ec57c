"""A process is killed while it reads a partner's files: each row is stored once, each file noted once."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from data.store import Store
from tests.collectors.test_dropfolder import there
from tests.journeys.serving import ROOT

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 8_000
FILES = 4
COLLECT = """
import sys, time
from cases.intake import intake
from collectors import dropfolder
from collectors.sources import Sources
from data.store import Store
from server.settings import load

dropfolder.BATCH_ROWS = 500
store = Store.open(sys.argv[2], intake)
sources = Sources(store, load(["--config", sys.argv[1]], {}).collectors)
sources.start()
while True:
    (partner,) = (source for source in sources._supervisor if source.name == "partner")
    print(partner.records, len(store.source_items("partner")), flush=True)
    time.sleep(0.02)
"""
COUNTED = "select attributes::json->>'no' as no, count(*) as n from log where source = 'partner' group by all"


def _put(folder: Path, number: int) -> None:
    """Put a file in by a rename; rows carry no time, so that no time can hide a row that came twice."""
    hidden = folder / f".{number}.csv"
    with hidden.open("w") as file:
        file.write("no;note\n")
        for row in range(ROWS):
            file.write(f'F{number}-{row};"two\nlines"\n' if row % 7 else f"F{number}-{row};\n")
        file.write(f"bad;row;of;{number}\n")
    hidden.rename(folder / f"{number}.csv")


def _run(config: Path, folder: Path) -> subprocess.Popen[str]:
    """Start a process that collects, and prints how many rows and files are committed, again and again."""
    command = [sys.executable, "-c", COLLECT, str(config), str(folder / "store")]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _progress(process: subprocess.Popen[str]) -> tuple[int, int]:
    """Return what the process prints next: rows since its start, and files taken in all."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()[1]
    rows, files = line.split()
    return int(rows), int(files)


@pytest.mark.fault
@pytest.mark.timeout(900)
@pytest.mark.parametrize("rounds", [8, pytest.param(40, marks=pytest.mark.integration)])
def test_kills_between_rows_and_commits_lose_nothing_and_double_nothing(tmp_path: Path, rounds: int) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    config = tmp_path / "unsnag.toml"
    config.write_text(
        f'[[collectors.dropfolder]]\nname = "partner"\npath = "{folder}"\nsettle_seconds = 0\n'
        'finished = "move"\n'
    )
    for number in range(FILES):
        _put(folder, number)
    killed_at = []
    for _ in range(rounds):
        process = _run(config, tmp_path)
        while (progress := _progress(process))[0] == 0 and progress[1] < FILES:
            pass
        time.sleep(random.uniform(0, 0.6))
        process.kill()
        process.communicate()
        killed_at.append(progress[1])
    process = _run(config, tmp_path)
    while _progress(process)[1] < FILES or there(folder) != ["taken"]:
        pass
    process.terminate()
    process.communicate()
    assert len(there(folder / "taken")) == FILES
    assert min(killed_at) < FILES, "killed on its way"
    _check(tmp_path / "store")


def _check(data: Path) -> None:
    store = Store.open(data)
    try:
        rows = store.act(lambda tx: tx.execute(COUNTED)).result()
        bad = store.query("server/quarantine", {"limit": 99, "offset": 0, "behind": None})
        items = store.source_items("partner")
        (counted,) = (row for row in store.query("server/sources") if row["name"] == "partner")
    finally:
        store.close()
    assert len(rows) == ROWS * FILES, "lost"
    assert [row for row in rows if row["n"] != 1] == [], "doubled"
    names = [f"{number}.csv" for number in range(FILES)]
    assert sorted(row["reason"].partition(":")[0] for row in bad) == names
    assert sorted((item.name, item.records, item.rejected) for item in items) == [
        (name, ROWS, 1) for name in names
    ]
    assert (counted["records"], counted["duplicates"], counted["quarantined"]) == (ROWS * FILES, 0, FILES)
