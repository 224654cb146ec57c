"""Files of a real store are damaged while its server is dead: the next start says what is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.journeys.serving import ROOT, Server, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.fault]
COMMITS = 12


def _logs(number: int) -> dict[str, Any]:
    attributes = {"unsnag.flow": "damage", "unsnag.correlation_id": f"D-{number}"}
    record = {
        "timeUnixNano": str(time.time_ns()),
        "severityNumber": 9,
        "body": {"stringValue": f"line {number}"},
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
    }
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}


def _send(address: str, number: int) -> int:
    return httpx.post(f"{address}/v1/logs", json=_logs(number), timeout=60).status_code


def _is_there(address: str, number: int) -> bool:
    return httpx.get(f"{address}/api/v1/units/D-{number}", timeout=60).status_code == 200


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data folder of a server that answered some requests with 200 and was killed."""
    server = Server(tmp_path_factory.mktemp("killed")).start()
    assert [_send(server.address, number) for number in range(COMMITS)] == [200] * COMMITS
    server.kill()
    return server.data


@pytest.fixture
def server(tmp_path: Path, killed: Path) -> Iterator[Server]:
    """Return a server that is not started, over a copy of the killed one's files."""
    copy = Server(tmp_path)
    shutil.copytree(killed, copy.data)
    yield copy
    copy.kill()


def _log(data: Path) -> Path:
    return data / "unsnag.duckdb.wal"


def _cut(data: Path) -> None:
    os.truncate(_log(data), _log(data).stat().st_size - 1000)


def _empty(data: Path) -> None:
    os.truncate(_log(data), 0)


def _delete(data: Path) -> None:
    _log(data).unlink()


def _flip(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 0xFF]))


def _start_and_wait(server: Server) -> dict[str, Any]:
    """Start a server that will not be ready; return what /readyz answers."""
    server.start(until=503)
    answer = httpx.get(f"{server.address}/readyz", timeout=60)
    return {"code": answer.status_code, **answer.json()}


def _refused(data: Path, *more: str) -> tuple[int, list[str]]:
    """Start a server that cannot start; return its exit code and the lines that it printed."""
    given = [sys.executable, "app.py", "--port", str(free_port()), "--data", str(data), *more]
    run = subprocess.run(given, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    return run.returncode, (run.stdout + run.stderr).splitlines()


def test_a_killed_server_starts_again_and_misses_nothing(server: Server) -> None:
    server.start()
    assert all(_is_there(server.address, number) for number in range(COMMITS))
    assert server.command("store", "state").startswith("last commit: ")


@pytest.mark.parametrize("damage", [_cut, _empty, _delete])
def test_acknowledged_requests_that_are_missing_are_reported(
    server: Server, damage: Callable[[Path], None]
) -> None:
    damage(server.data)
    found = _start_and_wait(server)
    assert found["code"] == 503
    (reason,) = found["reasons"]
    assert "acknowledged commit" in reason
    assert "store accept" in reason
    console = (server.folder / "server.log").read_text()
    assert f"WARNING: {reason}" in console
    metrics = httpx.get(f"{server.address}/metrics", timeout=60).text
    (missing,) = [
        line.split()[1] for line in metrics.splitlines() if line.startswith("unsnag_store_missing_commits ")
    ]
    assert int(missing) >= 1
    assert "unsnag_store_writes 0" in metrics
    # Nothing is written before somebody decides, and what is there can be read.
    assert _send(server.address, 100) == 503
    assert httpx.get(f"{server.address}/api/v1/cases", timeout=60).status_code == 200


def test_an_operator_goes_on_without_what_is_missing_and_the_audit_says_so(server: Server) -> None:
    _delete(server.data)
    _start_and_wait(server)
    server.command("store", "accept", "--reason", "the log was deleted by hand")
    assert httpx.get(f"{server.address}/readyz", timeout=60).status_code == 200
    assert _send(server.address, 100) == 200
    assert _is_there(server.address, 100)
    entries = server.get("/api/v1/audit", verb="loss accepted")["items"]
    assert [entry["reason"] for entry in entries] == ["the log was deleted by hand"]
    assert server.get("/api/v1/audit/verdict")["intact"]
    server.kill()
    server.start()
    assert _is_there(server.address, 100), "the witness follows the store again"


def test_a_refused_decision_changes_nothing(server: Server) -> None:
    server.start()
    answer = httpx.post(
        f"{server.address}/api/v1/store/accept", json={"reason": "by mistake"},
        headers={"Idempotency-Key": uuid.uuid4().hex}, timeout=60,
    )  # fmt: skip
    assert answer.status_code == 409
    assert _send(server.address, 100) == 200


def test_an_older_copy_of_the_store_is_noticed(server: Server, tmp_path: Path) -> None:
    server.start()
    server.stop()
    shutil.copytree(server.data, tmp_path / "old")
    server.start()
    assert _send(server.address, 100) == 200
    server.kill()
    _delete(server.data)
    shutil.copy(tmp_path / "old" / "unsnag.duckdb", server.data)
    assert "missing from the store" in _start_and_wait(server)["reasons"][0]


def test_another_store_in_its_place_is_noticed(server: Server, tmp_path: Path) -> None:
    other = Server(tmp_path / "other").start()
    for number in range(COMMITS):
        assert _send(other.address, number) == 200
    other.stop()
    _delete(server.data)
    shutil.copy(other.data / "unsnag.duckdb", server.data)
    assert "not the one that its commit witness saw" in _start_and_wait(server)["reasons"][0]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda data: _flip(_log(data), _log(data).read_bytes().index(b"line 5")), "cannot be read: "),
        (lambda data: _flip(data / "unsnag.duckdb", 40), "cannot be read: "),
        (lambda data: os.truncate(data / "unsnag.duckdb", 100_000), "cannot be read: "),
        (lambda data: (data / "unsnag.duckdb").write_bytes(os.urandom(60_000)), "cannot be read: "),
        (lambda data: os.truncate(data / "unsnag.duckdb", 0), "cannot be read: "),
        (lambda data: (data / "unsnag.duckdb").unlink(), "is gone"),
    ],
    ids=["log", "header", "truncated", "garbage", "emptied", "deleted"],
)
def test_a_file_that_cannot_be_read_is_one_line_and_exit_code_2(
    server: Server, damage: Callable[[Path], Any], words: str
) -> None:
    damage(server.data)
    before = _files(server.data)
    code, (line,) = _refused(server.data)
    assert code == 2
    assert words in line
    assert "restore" in line
    assert _files(server.data) == before


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def test_a_second_server_on_the_same_folder_is_one_line_and_exit_code_2(server: Server) -> None:
    server.start()
    code, (line,) = _refused(server.data)
    assert (code, "Another process" in line) == (2, True)
    assert _send(server.address, 100) == 200


@pytest.mark.parametrize("folder", ["/proc/unsnag-test", "/sys/kernel"])
def test_a_folder_that_cannot_be_written_is_one_line_and_exit_code_2(folder: str) -> None:
    """The kernel refuses files there to every user, also to root."""
    code, (line,) = _refused(Path(folder))
    assert (code, f"The data folder {folder} cannot be written" in line) == (2, True)


def test_a_store_of_a_newer_version_is_one_line_and_exit_code_2(server: Server) -> None:
    values = "9999, '9999_future.sql', now()::timestamp"
    add = f'duckdb.connect(sys.argv[1]).execute("insert into schema_migration values ({values})")'  # noqa: S608
    path = str(server.data / "unsnag.duckdb")
    subprocess.run([sys.executable, "-c", f"import duckdb, sys; {add}", path], check=True, timeout=60)
    code, (line,) = _refused(server.data)
    assert (code, "9999_future.sql" in line) == (2, True)


def test_files_of_the_store_are_for_its_user_alone(server: Server) -> None:
    shutil.rmtree(server.data)
    server.start()
    _send(server.address, 1)
    modes = {path.name: path.stat().st_mode & 0o777 for path in server.data.iterdir() if path.is_file()}
    assert {"unsnag.duckdb", "unsnag.duckdb.wal", "unsnag.witness"} <= set(modes)
    assert set(modes.values()) == {0o600}
    folders = [server.data, *(path for path in server.data.iterdir() if path.is_dir())]
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}
