"""A header that cannot be read names its file and line, and keeps the server from starting."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kpis.definition import FaultyHeaderError, read

ROOT = Path(__file__).parents[2]
GOOD = """-- K99 Units seen
-- meaning: Units that were seen.
-- group: outcome
-- unit: units
-- better: up
-- grain: one row per period and split
-- version: 1
-- floor: 0
-- splits: flow, segment
-- rows: units
-- counted: completed
-- rule: A unit counts once.
select 1
"""
PACKAGES = (
    "tests",
    "access",
    "audit",
    "cases",
    "collectors",
    "data",
    "kpis",
    "flows",
    "server",
    "traces",
    "unsnag",
    "views",
)


def _without(key: str) -> str:
    return "".join(line for line in GOOD.splitlines(keepends=True) if not line.startswith(f"-- {key}:"))


FAULTS = {
    "no meaning": (_without("meaning"), 11, "no line `-- meaning: ...`"),
    "no rows": (_without("rows"), 11, "no line `-- rows: ...`"),
    "no rule": (_without("rule"), 11, "no line `-- rule: ...`"),
    "unknown unit": (GOOD.replace("unit: units", "unit: parsecs"), 4, "'parsecs' is no value for 'unit'"),
    "unknown direction": (GOOD.replace("better: up", "better: more"), 5, "choose one of: up, down"),
    "unknown group": (
        GOOD.replace("group: outcome", "group: rest"),
        3,
        "choose one of: outcome, speed, money",
    ),
    "unknown key": (GOOD.replace("better:", "bettr:"), 5, "the key 'bettr' is unknown"),
    "unknown rows": (
        GOOD.replace("rows: units", "rows: nothing"),
        10,
        "choose one of: cases_claimed, cases_closed",
    ),
    "key given twice": (GOOD.replace("floor: 0", "version: 2"), 8, "already given in line 7"),
    "version is a word": (GOOD.replace("version: 1", "version: one"), 7, "whole number from 1 on"),
    "version is zero": (GOOD.replace("version: 1", "version: 0"), 7, "whole number from 1 on"),
    "floor below zero": (GOOD.replace("floor: 0", "floor: -1"), 8, "whole number from 0 on"),
    "no key at all": (GOOD.replace("better: up", "up is better"), 5, "not of the form `key: value`"),
    "empty value": (GOOD.replace("better: up", "better:"), 5, "not of the form `key: value`"),
    "no name": (GOOD.replace("K99 Units seen", "K99"), 1, "the first line must be `-- ID Name`"),
    "no header": ("select 1\n", 1, "the first line must be `-- ID Name`"),
}


def test_a_header_is_read_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "k99_units_seen.sql"
    path.write_text(GOOD)
    one = read("kpis/k99_units_seen", path)
    assert (one.id, one.name, one.meaning) == ("K99", "Units seen", "Units that were seen.")
    assert (one.unit, one.better, one.version, one.floor) == ("units", "up", 1, 0)
    assert (one.splits, one.rows, one.counted) == (("flow", "segment"), "units", "completed")
    assert one.rules == ("A unit counts once.",)
    assert one.grain == "one row per period and split"
    assert one.statement == "kpis/k99_units_seen"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_header_names_its_file_and_line(tmp_path: Path, fault: str) -> None:
    text, line, reason = FAULTS[fault]
    path = tmp_path / "k99_units_seen.sql"
    path.write_text(text)
    with pytest.raises(FaultyHeaderError, match=re.escape(f"{path}, line {line}: ")) as raised:
        read("kpis/k99_units_seen", path)
    assert reason in str(raised.value)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the product, so that its tree of SQL can be changed."""
    folder = tmp_path_factory.mktemp("clone")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("var", "__pycache__"))
    (folder / "docs").mkdir()
    for name in ("app.py", "docs/kpis.md"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def _run(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=clone, env={"PYTHONPATH": str(clone), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("k99_units_seen", FAULTS["unknown unit"][0], "line 4: 'parsecs' is no value for 'unit'"),
        ("k20_again", GOOD.replace("K99", "K20"), "line 1: the id K20 is already that of k20_again.sql"),
    ],
)
def test_a_faulty_header_stops_the_start_of_the_server(
    clone: Path, name: str, text: str, reason: str
) -> None:
    path = clone / f"data/sql/kpis/{name}.sql"
    path.write_text(text)
    try:
        started = _run(clone, "app.py", "--port", "8999", "--data", "store", "--spool", "spool")
    finally:
        path.unlink()
    assert started.returncode == 2
    assert started.stderr.startswith(str(clone / "data/sql/kpis"))
    assert reason in started.stderr
    assert "Traceback" not in started.stderr
    assert not (clone / "store").exists()


NEW = """-- K99 Late units
-- meaning: Units that are in flight at the end of the period.
-- group: speed
-- unit: units
-- better: down
-- grain: one row per period and split
-- version: 1
-- floor: 0
-- splits: flow, segment
-- rows: units
-- counted: completed
-- rule: As of the end of the period.
select
    period,
    key,
    count(*) filter (where in_flight)::float8 as value,
    count(*) as n,
    0 as in_flight
from unit_in_period($starts, $ends, $scope, $flow, $by)
group by
    period,
    key
"""
ASKING = """
from dataclasses import asdict
from datetime import UTC, datetime

import httpx

from collectors.sources import Sources
from kpis.scoreboard import scoreboard
from server import container
from server.container import Container
from server.settings import load
from tests.server.team import address

settings = load(["--data", "store", "--spool", "spool"], {})
opened = Container.open(settings)
opened.collectors = Sources(opened.store, settings.collectors, settings.spools)
container.install(opened)
opened.store.act(lambda tx: tx.execute(
    "insert into unit by name select 'U' || i as correlation_id, 'orders' as flow, timestamp '2026-03-02' as"
    " opened_at, opened_at as first_seen, opened_at as last_seen, 0 as attempts, 0 as failed_attempts,"
    " 0 as errors from range(3) numbers (i)"
)).result()
start, end = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC)
one = scoreboard(opened.store.everything(), start, end, by="flow")[-1]
print(one.id, one.value, one.n, [asdict(part) for part in one.breakdown])
period = {"from": start.isoformat(), "to": end.isoformat(), "by": "flow"}
(*_, item) = httpx.get(f"{address()}/api/v1/kpis", params=period, timeout=60).json()["items"]
print(item["id"], item["name"], item["value"], item["breakdown"])
opened.close()
"""


@pytest.mark.slow
def test_a_new_kpi_is_one_file(clone: Path) -> None:
    """A new file is on the scoreboard, in REST and in the document; nothing else changes."""
    path = clone / "data/sql/kpis/k99_late_units.sql"
    path.write_text(NEW)
    try:
        listed = _run(clone, "-m", "kpis.listing")
        asked = _run(clone, "-c", ASKING)
    finally:
        path.unlink()
        shutil.rmtree(clone / "store", ignore_errors=True)
    assert listed.returncode == asked.returncode == 0, asked.stderr
    before = (clone / "docs/kpis.md").read_text()
    assert listed.stdout.startswith(before.rstrip("\n"))
    assert "## K99 Late units\n" in listed.stdout.removeprefix(before.rstrip("\n"))
    board, rest = asked.stdout.splitlines()[-2:]
    part = "[{'key': 'orders', 'value': 3.0, 'n': 3}]"
    assert board == f"K99 3.0 3 {part}"
    assert rest == f"K99 Late units 3.0 {part}"
