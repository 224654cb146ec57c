"""The disk fills under a real server: it warns, refuses, keeps what it acknowledged, and resumes by itself.

Two ways to fill it: a limit on the size of the server's files, which works on any machine, and a small file
system where one may be mounted; where not, the limit stands in for it.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import time
import uuid
from typing import TYPE_CHECKING, Any

import duckdb
import httpx
import pytest

from data.store import FILE_NAME
from tests.journeys.serving import Server
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600)]
MB = 10**6


def _body(names: list[str]) -> dict[str, Any]:
    records = [
        {
            "timeUnixNano": str(time.time_ns()),
            "severityNumber": 9,
            "body": {"stringValue": name + uuid.uuid4().hex * 60},
            "attributes": [
                {"key": "unsnag.correlation_id", "value": {"stringValue": name}},
                {"key": "unsnag.flow", "value": {"stringValue": "full"}},
            ],
        }
        for name in names
    ]
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}


class Sender:
    """Sends, and remembers what was acknowledged."""

    def __init__(self, server: Server) -> None:
        self.acknowledged: list[str] = []
        self._server = server

    def send(self) -> httpx.Response:
        """Send one request of 50 records."""
        names = [f"F-{uuid.uuid4().hex}" for _ in range(50)]
        answer = httpx.post(f"{self._server.address}/v1/logs", json=_body(names), timeout=60)
        if answer.status_code == 200:
            self.acknowledged += names
        return answer

    def send_until(self, status: int) -> httpx.Response:
        """Send until one request is answered with this status."""
        until = time.monotonic() + 240
        while (answer := self.send()).status_code != status:
            assert time.monotonic() < until, answer.text
        return answer


def _ready(server: Server) -> tuple[int, dict[str, Any]]:
    answer = httpx.get(f"{server.address}/readyz", timeout=60)
    return answer.status_code, dict(answer.json())


def _wait_until_ready(server: Server) -> None:
    eventually(lambda: _ready(server)[0] == 200, lambda: _ready(server))


def _kept(server: Server) -> list[str]:
    """Return the names of the records in the store of a server that has ended."""
    with duckdb.connect(str(server.data / FILE_NAME)) as connection:
        return [name for (name,) in connection.execute("select correlation_id from log").fetchall()]


def _check(server: Server, sender: Sender) -> None:
    server.kill()
    kept = _kept(server)
    assert len(kept) == len(set(kept)), "nothing twice"
    assert set(sender.acknowledged) <= set(kept), "nothing acknowledged is lost"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path / "limited")
    yield made
    made.kill()


def _limit(server: Server, size: int) -> None:
    """Limit how large a file of the running server may become."""
    assert server.process is not None
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_writes_that_fail_are_refused_and_resume_by_themselves(server: Server) -> None:
    server.start()
    sender = Sender(server)
    assert sender.send().status_code == 200
    log = server.data / f"{FILE_NAME}.wal"
    _limit(server, log.stat().st_size + 300_000)
    refused = sender.send_until(503)
    assert "disk" in refused.text
    assert str(server.data) not in refused.text
    status, ready = _ready(server)
    assert status == 503
    assert "disk" in ready["reasons"][0]
    found = sender.acknowledged[0]
    assert httpx.get(f"{server.address}/api/v1/units/{found}", timeout=60).status_code == 200, "reading works"
    assert "unsnag_store_writes 0" in httpx.get(f"{server.address}/metrics", timeout=60).text
    _limit(server, resource.RLIM_INFINITY)
    sender.send_until(200)
    _wait_until_ready(server)
    _check(server, sender)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path | None]:
    """Return a file system of 64 MB, or None where this user may not mount one."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m,mode=0700", "none", str(place)]
    mounted = (
        shutil.which("mount") and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    )
    yield place if mounted else None
    if mounted:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_disk_that_fills_is_warned_of_and_refused_before_it_is_full(
    tmp_path: Path, small: Path | None
) -> None:
    server = Server(small or tmp_path / "large")
    server.environment = {"UNSNAG_STORE__RESERVE_MB": "5" if small else "0"}
    filler = server.folder / "filler"
    try:
        server.start()
        sender = Sender(server)
        assert sender.send().status_code == 200
        if small:
            used = shutil.disk_usage(small)
            filler.write_bytes(b"x" * (used.free - 6 * MB))
            status, ready = _ready(server)
            assert (status, ready["status"]) == (200, "degraded")
            assert "% full" in ready["reasons"][0]
        else:
            _limit(server, (server.data / f"{FILE_NAME}.wal").stat().st_size + MB)
        refused = sender.send_until(503)
        assert "disk" in refused.text
        status, ready = _ready(server)
        assert (status, ready["status"]) == (503, "not ready")
        filler.unlink(missing_ok=True)
        _limit(server, resource.RLIM_INFINITY)
        sender.send_until(200)
        _wait_until_ready(server)
        _check(server, sender)
    finally:
        server.kill()
