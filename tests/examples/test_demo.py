"""The supervisor of the demonstration."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from examples import demo
from tests.journeys.serving import Server, free_port

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


def test_a_taken_port_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        options = [f"--port={port}", f"--spool={tmp_path}/spool", f"--data={tmp_path}/data"]
        ended = subprocess.run(
            [sys.executable, "-m", "examples.demo", *options],
            cwd=ROOT, env={**os.environ, "EXAMPLES_VAR": str(tmp_path / "var")},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stderr == (
        f"demo: 127.0.0.1:{port} cannot be used: Address already in use. Nothing was changed. "
        "Stop the program that uses it, or choose another port: make demo PORT=8600\n"
    )
    assert not list(tmp_path.iterdir())


def test_make_passes_the_port_on() -> None:
    for target in ("demo", "run"):
        printed = subprocess.run(
            ["make", "--no-print-directory", "--dry-run", "--old-file=.venv/.runtime", target, "PORT=8600"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert printed.stdout.endswith("--port 8600\n")


def test_only_the_server_that_was_started_here_counts_as_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["demo", f"--data={tmp_path / 'data'}", f"--spool={tmp_path / 'spool'}"])
    stranger = Server(tmp_path / "stranger").start()
    try:
        given = demo.arguments()
        given.port = stranger.port
        assert not demo.Demo(given).is_ready()
        given.data = str(stranger.data)
        assert demo.Demo(given).is_ready()
    finally:
        stranger.stop()


@pytest.mark.slow
def test_ctrl_c_stops_everything_and_prints_no_trace_of_it(tmp_path: Path) -> None:
    options = [
        f"--port={(port := free_port())}", f"--gateway-port={free_port()}",
        f"--spool={tmp_path}/spool", f"--data={tmp_path}/data", "--no-history",
    ]  # fmt: skip
    lines = []
    with subprocess.Popen(
        [sys.executable, "-m", "examples.demo", *options],
        cwd=ROOT, env={**os.environ, "EXAMPLES_VAR": str(tmp_path / "var")},
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        for line in process.stderr or ():
            lines.append(line)
            if "ready:" in line:
                os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to all, make included
    assert process.returncode == 0
    assert lines[-1] == "demo: stopped\n"
    assert [line for line in lines if not line.startswith("demo: ")] == [
        f"Unsnag on http://127.0.0.1:{port}\n"
    ]
