"""Which run a record belongs to: only where a wrapper or an orchestrator names one."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from tests.client.server import running
from tests.client.test_command import unsnag_run
from tests.client.test_worker import start

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.client.conftest import Ran

LINE = """
    import logging, unsnag
    unsnag.init(flow="f")
    with unsnag.unit("SO-1"): logging.warning("a")
"""


def run_ids(ran: Ran) -> set[str | None]:
    return {record.get("unsnag.run_id") for record in [*ran.logs, *ran.spans]}


AIRFLOW = {
    "AIRFLOW_CTX_DAG_ID": "nightly",
    "AIRFLOW_CTX_DAG_RUN_ID": "manual__2026",
    "AIRFLOW_CTX_TASK_ID": "t",
}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        (AIRFLOW, "nightly/manual__2026"),
        ({"AIRFLOW_CTX_DAG_RUN_ID": "manual__2026"}, "manual__2026"),
        ({"AIRFLOW_CTX_DAG_ID": "nightly"}, None),
        ({"PREFECT__FLOW_RUN_ID": "0f1e"}, "0f1e"),
        ({"GITHUB_RUN_ID": "77", "GITHUB_RUN_ATTEMPT": "2"}, "77/2"),
        ({"GITHUB_RUN_ID": "77"}, "77"),
        ({"CI_PIPELINE_ID": "5", "CI_JOB_ID": "9"}, "5/9"),
        ({"CI_JOB_ID": "9"}, None),
        ({"BUILD_TAG": "jenkins-export-12"}, "jenkins-export-12"),
        ({"UNSNAG_RUN_ID": "mine", **AIRFLOW}, "mine"),
        ({"UNSNAG_RUN_ID": "  "}, None),
    ],
)
def test_an_orchestrator_names_the_run(
    run_script: Callable[..., Ran], environment: dict[str, str], expected: str | None
) -> None:
    assert run_ids(run_script(LINE, **environment)) == {expected}


def test_the_wrapper_makes_one_and_every_child_carries_it(tmp_path: Path) -> None:
    child = "import logging, unsnag; unsnag.init(flow='f', service='c'); logging.warning('inside')"
    ran = unsnag_run(tmp_path, "--", sys.executable, "-c", f"{child}\nwith unsnag.unit('SO-1'): pass")
    (run_id,) = run_ids(ran)
    assert re.fullmatch(r"run-[0-9a-f]{16}", str(run_id))
    assert {log["service.name"] for log in ran.logs} == {"c", sys.executable.rpartition("/")[2]}


def test_the_wrapper_names_its_own_run_inside_an_orchestrator(tmp_path: Path) -> None:
    """Two wrapped commands of one task end apart, so each is a run."""
    ran = unsnag_run(tmp_path, "--", "true", GITHUB_RUN_ID="77")
    (run_id,) = run_ids(ran)
    assert str(run_id).startswith("run-")


def test_a_worker_is_part_of_no_run(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.fail()
        server.ask_for_retry()
        process = start(server.url, tmp_path, "--once", GITHUB_RUN_ID="77", BAGGAGE="unsnag.run_id=run-1")
        process.communicate(timeout=30)
        retry_id = server.retry()["id"]
    written = "".join(file.read_text() for file in (tmp_path / "spool").iterdir())
    assert retry_id in written
    assert "unsnag.run_id" not in written
