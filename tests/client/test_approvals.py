"""A script that asks a person and waits: real processes, the real server, real HTTP."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
import pytest

import unsnag
from tests import shown
from tests.client.asking import QUESTION, approval_of, script
from tests.client.server import Server, running
from tests.telemetry import batch, log
from tests.waiting import eventually
from unsnag import desk
from unsnag.conventions import approval_id
from unsnag.testing import captured

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow]

REASON = "The price is above what was agreed"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server")) as opened:
        yield opened


def test_a_script_waits_and_goes_on_when_a_person_approves(server: Server, tmp_path: Path) -> None:
    with script(tmp_path, str(server.http.base_url), "SO-1") as process:
        case = approval_of(server.container.store, "SO-1")
        assert (case["title"], case["step"], case["tenant"]) == (QUESTION, "pay", "acme")
        assert case["approval_id"] == approval_id("acme", "order-to-cash", "SO-1", QUESTION)
        assert (case["due_at"] - case["first_seen"]).total_seconds() == 600
        assert case["value"] == {"amount": Decimal(12_000), "currency": "EUR"}, "that of its unit"
        assert process.poll() is None, "it waits"
        server.post(f"cases/{case['id']}/approve", {"reason": "checked with ACME"})
        out, err = process.communicate(timeout=60)
    assert "<approved by ann: checked with ACME> pays" in out, err
    eventually(lambda: server.http.get("/api/v1/units/SO-1").json()["state"] == "completed")
    assert [c for c in server.cases() if c["correlation_id"] == "SO-1" and not c["approval_id"]] == []


def test_a_rejection_is_false_and_brings_its_reason(server: Server, tmp_path: Path) -> None:
    with script(tmp_path, str(server.http.base_url), "SO-2") as process:
        case = approval_of(server.container.store, "SO-2")
        server.post(f"cases/{case['id']}/reject", {"reason": REASON})
        out, err = process.communicate(timeout=60)
    assert f"stops {REASON}" in out, err


def test_who_waited_long_enough_stops_and_the_approval_closes(server: Server, tmp_path: Path) -> None:
    with script(tmp_path, str(server.http.base_url), "SO-3", wait_s=0.5) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "NoAnswerError: Nobody has answered within 0.5 s" in err
    store = server.container.store
    eventually(lambda: approval_of(store, "SO-3")["state"] == "resolved")
    assert approval_of(store, "SO-3")["resolution_code"] == "stopped_waiting"
    failed = [c for c in shown.cases(store) if c["correlation_id"] == "SO-3" and not c["approval_id"]]
    assert [(c["error_type"], c["class"]) for c in failed] == [("unsnag.NoAnswerError", "business")]


def test_a_script_that_was_killed_and_started_again_gets_the_answer(server: Server, tmp_path: Path) -> None:
    store = server.container.store
    with script(tmp_path, str(server.http.base_url), "SO-4"):
        case = approval_of(store, "SO-4")
    server.post(f"cases/{case['id']}/approve", {})
    with script(tmp_path, str(server.http.base_url), "SO-4") as process:
        out, err = process.communicate(timeout=60)
    assert "pays" in out, err
    assert approval_of(store, "SO-4")["id"] == case["id"], "the same question is the same approval"


def test_a_failure_logged_beside_it_does_not_end_the_wait(server: Server, tmp_path: Path) -> None:
    store = server.container.store
    with script(tmp_path, str(server.http.base_url), "SO-5") as process:
        case = approval_of(store, "SO-5")
        server.fail("SO-5", service="payments", tenant="acme", time=_later(case))
        eventually(lambda: approval_of(store, "SO-5")["occurrences"] == 2)
        assert approval_of(store, "SO-5")["state"] == "awaiting_approval", "it was asked again"
        server.post(f"cases/{case['id']}/approve", {})
        out, err = process.communicate(timeout=60)
    assert "pays" in out, err


def _later(case: dict[str, Any]) -> int:
    return int(case["last_seen"].timestamp() * 1_000_000) + 1


def test_nothing_is_asked_without_a_unit_or_a_question() -> None:
    with pytest.raises(unsnag.ApprovalError, match=r"inside of `with unsnag\.unit"):
        unsnag.approval("Sure?")
    with captured(), unsnag.unit("SO-1"), pytest.raises(unsnag.ApprovalError, match="needs a question"):
        unsnag.approval("  ")


def test_a_server_that_is_away_is_asked_again_until_the_wait_is_over() -> None:
    with captured() as seen, unsnag.unit("SO-1"):
        asked = unsnag.approval("Sure?", server="http://127.0.0.1:9")
        with pytest.raises(unsnag.NoAnswerError):
            asked.wait(0.3, every_s=0.2)
    assert [len(seen.named(f"approval.{event}")) for event in ("waits", "stopped", "answered")] == [1, 1, 0]


def test_the_command_line_approves_and_rejects(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    url = str(server.http.base_url)
    for unit, words, code in (
        ("SO-6", ["approve"], "approved"),
        ("SO-7", ["reject", "--reason", REASON], "rejected"),
    ):
        question = {"unsnag.approval.question": QUESTION}
        asked = log(0, "waits", correlation_id=unit, flow="f", attributes=orjson.dumps(question).decode())
        server.container.store.append(batch(asked)).result()
        case = approval_of(server.container.store, unit)
        assert desk.main(["cases", *words, case["id"], "--url", url, "--as", "ann"]) == 0
        assert approval_of(server.container.store, unit)["resolution_code"] == code
        assert desk.main(["cases", "approve", case["id"], "--url", url]) == 1
        assert "has ended already" in capsys.readouterr().out
