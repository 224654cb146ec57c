from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import unsnag
from tests.client.conftest import Ran, clean_environment

if TYPE_CHECKING:
    from pathlib import Path


def unsnag_run(tmp_path: Path, *arguments: str, **environment: str) -> Ran:
    done = subprocess.run(
        [sys.executable, "-m", "unsnag", "run", "--flow", "nightly", *arguments],
        env=clean_environment(UNSNAG_SPOOL=str(tmp_path / "spool"), **environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return Ran(done, tmp_path / "spool")


def test_a_command_that_goes_well_is_a_successful_unit(tmp_path: Path) -> None:
    ran = unsnag_run(
        tmp_path, "--unit", "N-1", "--value", "5", "--currency", "EUR", "--tenant", "acme", "--",
        "sh", "-c", "echo out; echo err >&2; cat",
    )  # fmt: skip
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "out\n", "err\n")
    step, unit = ran.spans
    assert (unit["unsnag.outcome"], unit["unsnag.value.amount"], unit["unsnag.tenant"]) == (
        "success",
        "5.00",
        "acme",
    )
    assert (step["unsnag.step"], step["parentSpanId"]) == ("sh", unit["spanId"])


def test_a_command_that_fails_is_one_error_with_its_last_words(tmp_path: Path) -> None:
    ran = unsnag_run(tmp_path, "--step", "export", "--idempotent", "--", "sh", "-c",
                     "for i in $(seq 50); do echo line $i >&2; done; exit 75")  # fmt: skip
    assert ran.returncode == 75
    assert ran.stderr.count("line ") == 50
    (failed,) = ran.named("unit.failed")
    assert failed["exception.message"] == "sh ended with exit code 75: line 50"
    assert failed["unsnag.data"]["stderr"].splitlines()[0] == "line 31"
    assert failed["unsnag.error.class"] == "infrastructure"
    assert (failed["unsnag.step"], failed["unsnag.idempotent"]) == ("export", True)
    assert re.fullmatch(r"nightly-\d{8}T\d{6}Z-[0-9a-f]{4}", failed["unsnag.correlation_id"])


def test_a_command_that_is_not_there_is_reported_as_a_shell_would(tmp_path: Path) -> None:
    ran = unsnag_run(tmp_path, "--", "/no/such/command")
    assert ran.returncode == 127
    assert "No such file" in ran.stderr
    assert len(ran.named("unit.failed")) == 1


def test_a_hooked_script_in_the_command_belongs_to_its_unit(tmp_path: Path) -> None:
    script = "import logging, unsnag; unsnag.init(flow='inner', service='inner'); logging.warning('inside')"
    ran = unsnag_run(tmp_path, "--unit", "N-1", "--", sys.executable, "-c", script)
    (inside,) = ran.named("inside")
    step = next(span for span in ran.spans if span["unsnag.kind"] == "step")
    assert inside["unsnag.correlation_id"] == "N-1"
    assert (inside["trace_id"], inside["span_id"]) == (step["traceId"], step["spanId"])


def test_signals_reach_the_command_and_its_end_is_ours(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "unsnag", "run", "--flow", "f", "--", "sh", "-c", "echo up; exec sleep 60"],
        env=clean_environment(UNSNAG_SPOOL=str(tmp_path)),
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    os.kill(process.pid, signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert '"unsnag.error.class":"infrastructure"' in "".join(file.read_text() for file in tmp_path.iterdir())


def test_the_version_is_data() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "unsnag", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"unsnag {unsnag.__version__}\n"


def test_without_a_command_help_is_given(tmp_path: Path) -> None:
    ran = unsnag_run(tmp_path)
    assert ran.returncode == 2
    assert "say which command to run" in ran.stderr
