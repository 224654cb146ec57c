"""A store is copied while its server works, and put in place elsewhere: nothing is lost, nothing differs."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.journeys.serving import ROOT, Server
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.fault]


def _record(name: str) -> dict[str, Any]:
    attributes = {"unsnag.flow": "backup", "unsnag.step": "s", "unsnag.correlation_id": name}
    return {
        "timeUnixNano": str(time.time_ns()),
        "severityNumber": 17,
        "body": {"stringValue": f"{name} failed"},
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
    }


class Load:
    """Sends failures and claims their exceptions, and remembers what was acknowledged."""

    def __init__(self, server: Server) -> None:
        self.sent: list[str] = []
        self.claimed: list[str] = []
        self._server = server
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=work) for work in (self._send, self._claim)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, sent: int, claimed: int) -> None:
        """Wait until so much was acknowledged."""
        eventually(lambda: len(self.sent) >= sent and len(self.claimed) >= claimed, within_s=120)

    def stop(self) -> None:
        """End."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        while not self._stop.is_set():
            names = [f"B-{uuid.uuid4().hex}" for _ in range(5)]
            body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [_record(name) for name in names]}]}]}
            if httpx.post(f"{self._server.address}/v1/logs", json=body, timeout=60).status_code == 200:
                self.sent += names

    def _claim(self) -> None:
        while not self._stop.is_set():
            listed = self._server.get("/api/v1/cases", state="open", limit=3)["items"]
            for case in listed:
                path = f"{self._server.address}/api/v1/cases/{case['id']}/claim"
                key = {"Idempotency-Key": uuid.uuid4().hex}
                if httpx.post(path, headers=key, timeout=60).status_code == 200:
                    self.claimed.append(case["id"])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path / "source").start()
    yield started
    started.kill()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path / "elsewhere")
    yield made
    made.kill()


def _command(*words: str) -> tuple[int, str]:
    run = subprocess.run(
        [sys.executable, "app.py", *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    return run.returncode, run.stdout + run.stderr


def _all(server: Server, path: str, **params: Any) -> list[dict[str, Any]]:
    """Return every item of a list."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = server.get(path, limit=1000, **params, **({"cursor": cursor} if cursor else {}))
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            return found


def _answers(server: Server, until: str) -> dict[str, Any]:
    """Return cases, figures up to a time, and audit, as the routes answer them."""
    week = {"from": "2020-01-01T00:00:00Z", "to": until}
    return {
        "cases": sorted(_all(server, "/api/v1/cases"), key=lambda case: str(case["id"])),
        # When each server last took something in is its own.
        "figures": [
            {name: value for name, value in figure.items() if name != "data_as_of"}
            for figure in server.get("/api/v1/kpis", **week)["items"]
        ],
        "audit": [
            entry
            for entry in _all(server, "/api/v1/audit")
            if entry["verb"] not in ("store restored", "backup made", "store.backup", "store.restore")
        ],
    }


@pytest.mark.timeout(900)
def test_a_backup_taken_under_load_and_restored_elsewhere_is_the_same(
    server: Server, other: Server, tmp_path: Path
) -> None:
    load = Load(server)
    load.wait_for(sent=50, claimed=5)
    sent, claimed = list(load.sent), list(load.claimed)
    made = server.command("backup", str(tmp_path / "backups"))
    after = len(load.sent)
    load.wait_for(sent=after + 10, claimed=len(claimed) + 1)
    load.stop()
    assert after > len(sent), "the server worked while it was copied"

    assert _command("restore", made, "--data", str(other.data))[0] == 0
    other.start()
    there = _all(other, "/api/v1/cases")
    units = [case["correlation_id"] for case in there]
    assert len(units) == len(set(units))
    assert set(sent) <= set(units) <= set(load.sent), "all that was acknowledged before, and nothing twice"
    assert set(claimed) <= {case["id"] for case in there if case["state"] == "claimed"}
    assert other.get("/api/v1/audit/verdict")["intact"]
    other.stop()

    # The same of a store at rest, by every answer.
    made = server.command("backup", str(tmp_path / "backups"))
    assert _command("restore", made, "--data", str(other.data), "--replace")[0] == 0
    other.start()
    now = datetime.now(UTC).isoformat()
    assert _answers(other, now) == _answers(server, now)
    verdict = other.get("/api/v1/audit/verdict")
    assert verdict["intact"]
    assert verdict["checkpoints"] is None
    (entry, *_) = other.get("/api/v1/audit", verb="store restored")["items"]
    assert entry["subject"] == "store"
    assert other.command("check") == ""


def test_a_backup_that_was_altered_is_not_restored(server: Server, other: Server, tmp_path: Path) -> None:
    from pathlib import Path as Folder  # noqa: PLC0415 - the fixture's type is only for the checker

    made = Folder(server.command("backup", str(tmp_path / "backups")))
    assert _command("check", str(made))[0] == 0
    file = made / "unsnag.duckdb"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    code, printed = _command("check", str(made))
    assert (code, "unsnag.duckdb is not the file that was written" in printed) == (1, True)
    code, printed = _command("restore", str(made), "--data", str(other.data))
    assert (code, "is not whole" in printed) == (2, True)
    assert not other.data.exists()


def test_a_store_that_is_there_is_moved_aside_and_never_under_a_running_server(
    server: Server, tmp_path: Path
) -> None:
    made = server.command("backup", str(tmp_path / "backups"))
    there = ["restore", made, "--data", str(server.data)]
    code, printed = _command(*there)
    assert (code, "holds a store already" in printed) == (2, True)
    code, printed = _command(*there, "--replace")
    assert (code, "Another process has" in printed) == (2, True)
    server.stop()
    code, printed = _command(*there, "--replace")
    assert code == 0, printed
    (aside,) = server.data.glob("replaced-*")
    assert {"unsnag.duckdb", "unsnag.witness"} <= {path.name for path in aside.iterdir()}
    server.start()
    assert server.get("/api/v1/audit/verdict")["intact"]


def test_what_is_no_backup_and_where_none_can_be_written_is_one_line(server: Server, tmp_path: Path) -> None:
    code, printed = _command("restore", str(tmp_path), "--data", str(tmp_path / "none"))
    assert (code, printed.count("\n"), "is no backup" in printed) == (2, 1, True)
    code, printed = _command("backup", "/proc/unsnag-test", "--data", str(server.data))
    assert (code, printed.count("\n"), "could not be written" in printed) == (2, 1, True)
