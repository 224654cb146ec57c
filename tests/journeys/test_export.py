"""All of a store as Parquet while its server works, and a store made of it elsewhere: nothing differs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.journeys.copying import Load, answers, command, every
from tests.journeys.serving import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

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
def test_an_export_taken_under_load_and_imported_elsewhere_is_the_same(
    server: Server, other: Server, tmp_path: Path
) -> None:
    load = Load(server)
    load.wait_for(sent=50, claimed=5)
    sent, claimed = list(load.sent), list(load.claimed)
    made = server.command("export", str(tmp_path / "exports"))
    after = len(load.sent)
    load.wait_for(sent=after + 10, claimed=len(claimed) + 1)
    load.stop()
    assert command("check", made) == (0, "Nothing is wrong.\n")

    code, printed = command("import", made, "--data", str(other.data))
    assert (code, "rows imported" in printed) == (0, True), printed
    other.start()
    there = every(other, "/api/v1/cases")
    units = [case["correlation_id"] for case in there]
    assert len(units) == len(set(units))
    assert set(sent) <= set(units) <= set(load.sent), "all that was acknowledged before, and nothing twice"
    assert set(claimed) <= {case["id"] for case in there if case["state"] == "claimed"}
    other.stop()

    # The same of a store at rest, by every answer.
    made = server.command("export", str(tmp_path / "exports"))
    rest = Server(tmp_path / "rest")
    assert command("import", made, "--data", str(rest.data))[0] == 0
    try:
        rest.start()
        now = datetime.now(UTC).isoformat()
        assert answers(rest, now) == answers(server, now)
        assert rest.get("/api/v1/audit/verdict")["intact"]
        (entry, *_) = rest.get("/api/v1/audit", verb="store imported")["items"]
        assert entry["subject"] == "store"
        assert rest.command("check") == ""
    finally:
        rest.kill()


@pytest.mark.timeout(600)
def test_what_cannot_be_imported_is_one_line_and_nothing_is_left(server: Server, tmp_path: Path) -> None:
    made = Path(server.command("export", str(tmp_path / "exports")))
    none = tmp_path / "none"

    def refusal(*words: str) -> str:
        code, printed = command("import", *words)
        assert (code, printed.count("\n")) == (2, 1), printed
        return printed

    assert "is not empty" in refusal(str(made), "--data", str(server.data))
    assert "is no export" in refusal(str(tmp_path), "--data", str(none))
    manifest = json.loads((made / "export.json").read_text(encoding="utf-8"))
    newer = manifest | {"schema": "9999_later.sql"}
    (made / "export.json").write_text(json.dumps(newer), encoding="utf-8")
    assert "newer version" in refusal(str(made), "--data", str(none))
    (made / "export.json").write_text(json.dumps(manifest), encoding="utf-8")
    (made / "tables" / "log.parquet").unlink()
    assert "tables/log.parquet is missing" in refusal(str(made), "--data", str(none))
    code, printed = command("check", str(made))
    assert (code, "tables/log.parquet is missing" in printed) == (1, True)
    assert not none.exists()
