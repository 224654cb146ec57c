"""The supervisor of the demonstration."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from examples import demo

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[2]


def test_a_second_demo_in_the_same_folder_is_refused_kindly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXAMPLES_VAR", str(tmp_path))
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ended = subprocess.run(
            [sys.executable, "-m", "examples.demo"], cwd=ROOT, capture_output=True, text=True, check=False
        )
    assert ended.returncode == 2
    assert "another demo runs" in ended.stderr


def start(_name: str, command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command)


def test_a_crashed_program_starts_again_after_a_pause_and_with_a_note(
    capsys: pytest.CaptureFixture[str],
) -> None:
    child = demo.Child("payment", [sys.executable, "-c", "raise SystemExit(3)"])
    child.look_after(0.0, start)
    assert child.process
    child.process.wait()
    child.look_after(1.0, start)
    assert "payment ended with code 3" in capsys.readouterr().err
    child.look_after(2.0, start)
    assert child.process is None
    child.look_after(4.0, start)
    assert child.process
    child.process.wait()


def test_a_scheduled_job_runs_again_when_it_is_due_and_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    child = demo.Child("nightly-export", ["true"], every_s=90.0)
    child.look_after(0.0, start)
    assert child.process
    child.process.wait()
    child.look_after(1.0, start)
    child.look_after(80.0, start)
    assert child.process is None
    child.look_after(90.0, start)
    assert child.process
    child.process.wait()
    assert not capsys.readouterr().err
