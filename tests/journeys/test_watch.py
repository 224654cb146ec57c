"""Unsnag watches Unsnag: failures of one real server become exceptions of another, as docs/watch.md says."""

from __future__ import annotations

import re
import resource
import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.journeys.serving import ROOT, STUCK, Server
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

RECIPE = (Path(__file__).parents[2] / "docs" / "watch.md").read_text()
CLAIM = "POST /api/v1/cases/{case_id}/claim"
PACK = "POST /api/v1/audit/pack"
UNLIMITED = resource.RLIM_INFINITY
pytestmark = pytest.mark.fault

Case = dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("watch")


@pytest.fixture(scope="module")
def watcher(folder: Path) -> Iterator[Server]:
    """Start the server that receives, with the config of the recipe."""
    (sample,) = re.findall(r"```toml\n(.*?)```", RECIPE, re.DOTALL)
    config = folder / "watcher.toml"
    config.write_text(sample.replace("/var/log/unsnag/", f"{folder}/"))
    server = Server(folder / "watcher", config).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def watched(folder: Path, watcher: Server) -> Iterator[Server]:
    """Start the server that fails, with the environment of the recipe."""
    config = folder / "watched.toml"
    config.write_text(f'[log]\nfile = "{folder}/unsnag.log"\n[cases]\nclaim_minutes = 0.1\n')
    (folder / "temporary").mkdir()
    (lines,) = re.findall(r"```sh\n(.*?)```", RECIPE, re.DOTALL)
    recipe = dict(line.split("=", 1) for line in lines.split())
    del recipe["OTEL_EXPORTER_OTLP_HEADERS"]  # nobody signs in at the watcher
    environment = {
        **recipe,
        "OTEL_EXPORTER_OTLP_ENDPOINT": watcher.address,
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "TMPDIR": str(folder / "temporary"),
    }
    server = Server(folder / "watched", config, environment).start()
    yield server
    _limit_files(server, UNLIMITED)
    server.stop()


def test_a_request_that_fails_is_one_exception_at_its_route(
    watched: Server, watcher: Server, folder: Path
) -> None:
    assert _post(watched, "/audit/pack").status_code == 200
    assert _post(watched, "/cases/no-such-case/claim").status_code == 404  # an answer, no failure
    shutil.rmtree(folder / "temporary")
    answer = _post(watched, "/audit/pack")
    assert answer.status_code == 500
    (found,) = eventually(lambda: _at(watcher, PACK))
    assert (found["flow"], found["error_type"], found["service"]) == ("unsnag", "FileNotFoundError", "unsnag")
    trace = eventually(lambda: _trace_with_span_and_log(watcher, found["trace_id"]))
    (line,) = trace["logs"]
    assert line["message"] == "request.failed"
    assert answer.json()["incident"] in str(line)
    assert len(_at(watcher, PACK)) == 1  # span and log line describe one failure


def test_a_full_disk_is_exceptions_at_the_step_commit_until_there_is_room(
    watched: Server, watcher: Server
) -> None:
    first, second = _stuck(watched, "SO-1", "SO-2")
    assert _post(watched, f"/cases/{first['id']}/claim").status_code == 200
    _limit_files(watched, (watched.data / "unsnag.duckdb.wal").stat().st_size)
    assert _post(watched, f"/cases/{second['id']}/claim").status_code == 503
    request = eventually(lambda: _affecting(watcher, CLAIM))
    assert (request["flow"], request["step"]) == ("unsnag", "commit")
    assert "File too large" in request["message"]
    # The claim of the first runs out, and the sweep that should return it cannot commit.
    sweep = eventually(lambda: _affecting(watcher, "sweep"))
    assert (sweep["flow"], sweep["step"], sweep["unit_kind"]) == ("unsnag", "commit", "business")
    sweep = eventually(lambda: (c := _affecting(watcher, "sweep")) and c["occurrences"] > 1 and c)
    _limit_files(watched, UNLIMITED)
    eventually(lambda: watched.get(f"/api/v1/cases/{first['id']}")["state"] == "open")
    eventually(lambda: watcher.get(f"/api/v1/cases/{sweep['id']}")["state"] == "recovered")


def _limit_files(server: Server, size: int) -> None:
    """Let no file of the server grow over `size`, as on a disk that is full."""
    assert server.process is not None
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, UNLIMITED))


def _post(server: Server, path: str) -> httpx.Response:
    headers = {"Idempotency-Key": uuid.uuid4().hex, "X-Unsnag-Actor": "ann"}
    return httpx.post(f"{server.address}/api/v1{path}", headers=headers, timeout=30)


def _cases(server: Server) -> list[Case]:
    items: list[Case] = server.get("/api/v1/cases")["items"]
    return items


def _at(server: Server, step: str) -> list[Case]:
    return [case for case in _cases(server) if case["step"] == step]


def _affecting(server: Server, step: str) -> Case | None:
    """Return the exception that affected a step around it."""
    return next((c for c in _cases(server) if step in [a["step"] for a in c["affected"]]), None)


def _trace_with_span_and_log(server: Server, trace_id: str) -> Any:
    trace = server.get(f"/api/v1/traces/{trace_id}")
    return trace if trace["logs"] and trace["spans"] else None


def _stuck(server: Server, *names: str) -> list[Case]:
    for unit in names:
        program = STUCK.format(spool=str(server.spool), unit=unit)
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=60)
    found: list[Case] = eventually(lambda: len(c := _cases(server)) == len(names) and c)
    return found
