"""Each command of docs/operations.md is run as it is written, with the folders of its examples replaced."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from data import backup
from tests.data.s3_server import KEY, SECRET, serving
from tests.journeys.serving import ROOT, Server, certificate
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = ROOT / "docs" / "operations.md"
EXAMPLE = re.compile(r"/mnt/backups/unsnag-\d{8}T\d{12}Z")
EXPORT = re.compile(r"/mnt/backups/parquet-unsnag-\d{8}T\d{12}Z")


def _commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


class Operator:
    """Runs the commands of the page, one after the other, beside a real server."""

    def __init__(self, folder: Path) -> None:
        self.server = Server(folder / "srv")
        self._folder = folder
        self.hold = "HOLD"
        self._left = _commands()

    def run(self, begins: str, code: int = 0) -> str:
        """Run the next command of the page, which begins so; return what it printed."""
        command = self._left.pop(0)
        assert command.startswith(f"python app.py {begins}"), command
        made = backup.found(self._folder / "backups")
        if made:
            command = EXAMPLE.sub(str(made[-1]), command)
        for exported in (self._folder / "backups").glob("parquet-*"):
            command = EXPORT.sub(str(exported), command)
        command = command.replace("/mnt/backups", str(self._folder / "backups"))
        command = command.replace("/srv/unsnag", str(self.server.data))
        command = command.replace("/srv/other", str(self._folder / "other"))
        command = command.replace("/srv/imported", str(self._folder / "imported"))
        command = command.replace("HOLD", self.hold)
        words = [sys.executable, *shlex.split(command)[1:]]
        run = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
        assert run.returncode == code, (command, run.stdout, run.stderr)
        return run.stdout + run.stderr

    def lose_the_log(self) -> None:
        """Kill the server after it acknowledged something, delete its log, and start it again."""
        record = {"timeUnixNano": str(time.time_ns()), "body": {"stringValue": "lost"}}
        body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
        assert httpx.post(f"{self.server.address}/v1/logs", json=body, timeout=60).status_code == 200
        self.server.kill()
        (self.server.data / "unsnag.duckdb.wal").unlink()
        self.server.start(until=503)

    def set_a_policy(self) -> None:
        """Start the server again with the policies of the page."""
        self.server.stop()
        (policies,) = re.findall(
            r"```toml\n(\[retention\].*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
        )
        config = self._folder / "retention.toml"
        config.write_text(policies, encoding="utf-8")
        self.server.environment["UNSNAG_CONFIG"] = str(config)
        self.server.start()

    @property
    def is_done(self) -> bool:
        """Return whether every command was run."""
        return not self._left


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    made = Operator(tmp_path)
    yield made
    made.server.kill()


@pytest.mark.fault
@pytest.mark.timeout(900)
def test_every_command_of_the_page_does_what_it_says(operator: Operator) -> None:
    operator.server.start()
    operator.run("backup")
    assert "Nothing is wrong" in operator.run("check --data")
    operator.run("backup")
    assert "read again and compared" in operator.run("export")
    assert "Nothing is wrong" in operator.run("check /mnt/backups/parquet-unsnag-")
    assert "rows imported" in operator.run("import")
    assert "Nothing is wrong" in operator.run("check /mnt/backups/unsnag-")
    operator.run("restore")
    operator.server.stop()
    assert "replaced-" in operator.run("restore")
    operator.server.start()
    operator.lose_the_log()
    assert "missing" in operator.run("store state", code=1)
    assert "Accepted" in operator.run("store accept")
    assert httpx.get(f"{operator.server.address}/readyz", timeout=60).status_code == 200
    assert "Nothing was changed" in operator.run("purge --dry-run")
    operator.set_a_policy()
    assert "0 rows removed" in operator.run("purge")
    operator.hold = operator.run("hold add").strip()
    assert operator.hold in operator.run("hold list")
    assert "Lifted" in operator.run("hold lift")
    assert operator.is_done


@pytest.mark.integration
@pytest.mark.timeout(900)
def test_the_object_store_of_the_page_takes_the_backups_of_a_running_server(tmp_path: Path) -> None:
    (block,) = re.findall(r"```toml\n(\[backup\].*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    bucket = tmp_path / "objects" / "our-backups"
    bucket.mkdir(parents=True)
    cert, key = certificate(tmp_path)
    with serving(bucket.parent, tls=(cert, key)) as access:
        config = tmp_path / "unsnag.toml"
        written = block.replace("https://objects.example.net", str(access.endpoint)).replace(
            '"UNSNAG"', f'"{KEY}"'
        )
        config.write_text(f"{written}every_hours = 1\n", encoding="utf-8")
        reach = {
            "UNSNAG_CONFIG": str(config), "UNSNAG_BACKUP__SECRET_KEY": SECRET, "SSL_CERT_FILE": str(cert),
        }  # fmt: skip
        server = Server(tmp_path / "srv", environment=reach).start()

        def run(*words: str) -> str:
            command = [sys.executable, "app.py", *words]
            done = subprocess.run(
                command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
                env={**os.environ, **reach},
            )  # fmt: skip
            assert done.returncode == 0, (command, done.stdout, done.stderr)
            assert SECRET not in done.stdout + done.stderr
            return done.stdout + done.stderr

        try:
            eventually(lambda: list(bucket.glob("unsnag/unsnag-*/manifest.json")))
            printed = run("backup", "s3://our-backups/by-hand", "--data", str(server.data))
        finally:
            server.stop()
        (made,) = re.findall(r"^s3://our-backups/by-hand/unsnag-\S+$", printed, re.MULTILINE)
        assert "Nothing is wrong" in run("check", made)
        run("restore", made, "--data", str(tmp_path / "other"))
        assert "Nothing is wrong" in run("check", "--data", str(tmp_path / "other"))
        assert SECRET not in (server.folder / "server.log").read_text(encoding="utf-8")
