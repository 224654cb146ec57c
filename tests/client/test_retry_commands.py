"""A worker runs wrapped commands again: those that its machine declares, and never what a record says."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.client.conftest import Ran, clean_environment
from tests.client.server import Server, running
from unsnag import retry_commands
from unsnag.retry_commands import Declared
from unsnag.retry_queue import RetryQueueError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCRIPT = """#!/bin/sh
known="$UNSNAG_CORRELATION_ID $UNSNAG_ATTEMPT $UNSNAG_IDEMPOTENCY_KEY $UNSNAG_RETRY_ID"
echo "$known $TRACEPARENT $@" >> "{seen}"
pwd >> "{seen}"
{end}
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server with a failed nightly export, of which a person has asked for a retry."""
    with running(tmp_path / "center") as opened:
        opened.fail("N-1; touch /tmp/x", flow="nightly", step="again.sh", data='{"command": "rm -rf /"}')
        opened.ask_for_retry()
        yield opened


def script(tmp_path: Path, end: str) -> Path:
    file = tmp_path / "again.sh"
    file.write_text(SCRIPT.format(seen=tmp_path / "seen", end=end))
    file.chmod(0o700)
    return file


def work(server: Server, tmp_path: Path, *options: str) -> Ran:
    command = [sys.executable, "-m", "unsnag", "worker", "--url", server.url, "--once", *options]
    own = clean_environment(UNSNAG_SPOOL=str(tmp_path / "spool"))
    done = subprocess.run(command, env=own, capture_output=True, text=True, check=False, timeout=60)
    return Ran(done, tmp_path / "spool")


def ends(ran: Ran) -> list[dict[str, Any]]:
    return [span for span in ran.spans if span.get("unsnag.kind") == "unit"]


def test_a_command_runs_again_as_its_machine_declares_it(server: Server, tmp_path: Path) -> None:
    file = script(tmp_path, "exit 0")
    ran = work(server, tmp_path, "--command", f"nightly='{file}' --all 'two words'")
    assert ran.returncode == 0, ran.stderr
    first, folder = (tmp_path / "seen").read_text().splitlines()
    case, retry = server.case(), server.retry()
    words = first.rsplit(" --all ", 1)[0].rsplit(" ", 4)
    assert words[0] == "N-1; touch /tmp/x"
    assert words[1:3] == ["4", case["idempotency_key"]]
    assert words[3].startswith(retry["id"])
    assert words[4].startswith(f"00-{case['trace_id']}-")
    assert first.endswith(" --all two words")
    assert folder
    assert retry["state"] == "succeeded"
    (end,) = ends(ran)
    assert (end["unsnag.outcome"], end["unsnag.correlation_id"]) == ("success", "N-1; touch /tmp/x")
    assert end["unsnag.retry_id"].startswith(retry["id"])


def test_a_command_that_fails_again_is_reported_by_its_error(server: Server, tmp_path: Path) -> None:
    file = script(tmp_path, "echo ERROR no route to db1 >&2; echo INFO bye >&2; exit 75")
    config = tmp_path / "commands.toml"
    config.write_text(
        f'[[command]]\nflow = "nightly"\ncommand = ["{file}"]\nfolder = "{tmp_path}"\ncompletes = true\n'
    )
    ran = work(server, tmp_path, "--commands", str(config))
    retry = server.retry()
    assert retry["state"] == "failed"
    assert retry["error_message"] == "again.sh ended with exit code 75: ERROR no route to db1"
    assert retry["error_class"] == "infrastructure"
    assert (tmp_path / "seen").read_text().splitlines()[1] == str(tmp_path)
    assert ends(ran)[0]["unsnag.completes"] is True
    assert "INFO bye" in ran.stderr


@pytest.mark.parametrize(
    ("text", "declared"),
    [
        ("nightly=./export.sh --full", Declared("nightly", "export.sh", ["./export.sh", "--full"])),
        ("nightly/load=psql -f 'a b.sql'", Declared("nightly", "load", ["psql", "-f", "a b.sql"])),
        ("f/a/b=x y=z", Declared("f", "a/b", ["x", "y=z"])),
    ],
)
def test_what_an_option_declares(text: str, declared: Declared) -> None:
    assert retry_commands.of_option(text) == declared


@pytest.mark.parametrize("text", ["nightly", "=./x", "nightly=", "nightly='open"])
def test_an_option_that_declares_nothing_is_refused(text: str) -> None:
    with pytest.raises(RetryQueueError, match="--command"):
        retry_commands.of_option(text)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('[[command]]\nflow = "f"\ncommand = "rm -rf /"', "a list of texts"),
        ('[[command]]\ncommand = ["x"]', "needs flow"),
        ('[[command]]\nflow = "f"\ncommand = ["x"]\nshell = true', "has no shell"),
        ("[[command", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "c.toml").write_text(content)
    with pytest.raises(RetryQueueError, match=reason):
        retry_commands.of_file(str(tmp_path / "c.toml"))


def test_a_worker_without_anything_to_do_says_what_it_needs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "unsnag", "worker"]
    own = clean_environment(UNSNAG_SPOOL=str(tmp_path))
    done = subprocess.run(command, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--command FLOW=COMMAND" in done.stderr


def test_an_error_far_above_the_end_is_named(tmp_path: Path) -> None:
    source = "import sys; print('ERROR disk is full\\n' + 'INFO bye\\n' * 100, file=sys.stderr); sys.exit(3)"
    command = [sys.executable, "-m", "unsnag", "run", "--flow", "f", "--", sys.executable, "-c", source]
    own = clean_environment(UNSNAG_SPOOL=str(tmp_path))
    done = subprocess.run(command, env=own, capture_output=True, text=True, check=False)
    (failed,) = Ran(done, tmp_path).named("unit.failed")
    assert failed["exception.message"].endswith("ended with exit code 3: ERROR disk is full")
    assert failed["unsnag.data"]["stderr"].splitlines() == [*["INFO bye"] * 19, ""]
