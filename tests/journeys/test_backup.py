"""A store is copied while its server works, and put in place elsewhere: nothing is lost, nothing differs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.journeys.copying import Load, answers, command, every
from tests.journeys.serving import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.fault]


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

    assert command("restore", made, "--data", str(other.data))[0] == 0
    other.start()
    there = every(other, "/api/v1/cases")
    units = [case["correlation_id"] for case in there]
    assert len(units) == len(set(units))
    assert set(sent) <= set(units) <= set(load.sent), "all that was acknowledged before, and nothing twice"
    assert set(claimed) <= {case["id"] for case in there if case["state"] == "claimed"}
    assert other.get("/api/v1/audit/verdict")["intact"]
    other.stop()

    # The same of a store at rest, by every answer.
    made = server.command("backup", str(tmp_path / "backups"))
    assert command("restore", made, "--data", str(other.data), "--replace")[0] == 0
    other.start()
    now = datetime.now(UTC).isoformat()
    assert answers(other, now) == answers(server, now)
    verdict = other.get("/api/v1/audit/verdict")
    assert verdict["intact"]
    assert verdict["checkpoints"] is None
    (entry, *_) = other.get("/api/v1/audit", verb="store restored")["items"]
    assert entry["subject"] == "store"
    assert other.command("check") == ""


def test_a_backup_that_was_altered_is_not_restored(server: Server, other: Server, tmp_path: Path) -> None:
    from pathlib import Path as Folder  # noqa: PLC0415 - the fixture's type is only for the checker

    made = Folder(server.command("backup", str(tmp_path / "backups")))
    assert command("check", str(made))[0] == 0
    file = made / "unsnag.duckdb"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    code, printed = command("check", str(made))
    assert (code, "unsnag.duckdb is not the file that was written" in printed) == (1, True)
    code, printed = command("restore", str(made), "--data", str(other.data))
    assert (code, "is not whole" in printed) == (2, True)
    assert not other.data.exists()


def test_a_store_that_is_there_is_moved_aside_and_never_under_a_running_server(
    server: Server, tmp_path: Path
) -> None:
    made = server.command("backup", str(tmp_path / "backups"))
    there = ["restore", made, "--data", str(server.data)]
    code, printed = command(*there)
    assert (code, "holds a store already" in printed) == (2, True)
    code, printed = command(*there, "--replace")
    assert (code, "Another process has" in printed) == (2, True)
    server.stop()
    code, printed = command(*there, "--replace")
    assert code == 0, printed
    (aside,) = server.data.glob("replaced-*")
    assert {"unsnag.duckdb", "unsnag.witness"} <= {path.name for path in aside.iterdir()}
    server.start()
    assert server.get("/api/v1/audit/verdict")["intact"]


def test_what_is_no_backup_and_where_none_can_be_written_is_one_line(server: Server, tmp_path: Path) -> None:
    code, printed = command("restore", str(tmp_path), "--data", str(tmp_path / "none"))
    assert (code, printed.count("\n"), "is no backup" in printed) == (2, 1, True)
    code, printed = command("backup", "/proc/unsnag-test", "--data", str(server.data))
    assert (code, printed.count("\n"), "could not be written" in printed) == (2, 1, True)
