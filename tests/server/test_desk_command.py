"""`unsnag cases` and `unsnag batches` against the real routes: what terminals show and scripts read."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from access import roles
from access.roles import Grant
from cases.batch_runner import step
from cases.retries import lease_next
from tests import shown
from tests.docs.test_docs import ROOT
from tests.server.team import OWN, team
from tests.telemetry import batch, failure
from unsnag import cli, desk

if TYPE_CHECKING:
    from pathlib import Path

    from server.container import Container

pytestmark = [pytest.mark.slow]


class Terminal:
    """Somebody who types commands."""

    def __init__(self, address: str, out: pytest.CaptureFixture[str], container: Container) -> None:
        self.address, self.out, self.container = address, out, container

    def run(self, *words: str, code: int = 0) -> str:
        """Run a command; return what it printed."""
        assert cli.main([*words, "--url", self.address, "--as", "ann"]) == code
        printed = self.out.readouterr()
        return printed.err if code == 2 else printed.out

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.run(*words, "--json", code=code))

    def carry_out(self, batch_id: str) -> None:
        while step(self.container.as_system(), batch_id):
            pass


@pytest.fixture
def terminal(address: str, container: Container, capsys: pytest.CaptureFixture[str]) -> Terminal:
    rows = [failure(n, f"SO-{n}", value_amount=10, value_currency="EUR", idempotent=True) for n in range(5)]
    container.store.append(batch(*rows, failure(9, "RT-1", flow="returns"))).result()
    return Terminal(address, capsys, container)


def test_cases_are_listed_shown_and_worked(terminal: Terminal) -> None:
    lines = terminal.run("cases", "list").splitlines()
    assert (lines[0].split("\t")[0], len(lines)) == ("id", 7)
    few = terminal.run("cases", "list", "--limit", "2", "--flow", "order-to-cash").splitlines()
    assert (len(few), few[-1]) == (4, "2 of 5 exceptions")
    first, second = (case["id"] for case in terminal.json("cases", "list", "--limit", "2")["items"])
    assert f"id\t{first}" in terminal.run("cases", "show", first)
    claimed = terminal.json("cases", "claim", first, second)["done"]
    assert {case["holder"] for case in claimed} == {"ann"}
    assert terminal.json("cases", "release", second)["done"][0]["state"] == "open"
    reason = ["--code", "duplicate", "--reason", "The other order was paid"]
    assert terminal.json("cases", "resolve", first, *reason)["done"][0]["resolution_code"] == "duplicate"
    late = terminal.json("cases", "claim", first, second, "nothing", code=1)
    assert [one["id"] for one in late["refused"]] == [first, "nothing"]
    assert [one["id"] for one in late["done"]] == [second]
    assert "was resolved" in terminal.run("cases", "claim", first, code=1)
    assert "There is no exception nothing" in terminal.run("cases", "show", "nothing", code=2)


def test_all_that_match_become_a_batch(terminal: Terminal) -> None:
    given = ["cases", "resolve", "--flow", "order-to-cash", "--code", "false_alarm", "--reason", "A test run"]
    preview = terminal.run(*given)
    assert "resolve 5 exceptions of order-to-cash, 50.00 EUR" in preview
    assert "Nothing was done. Start it: unsnag batches start" in preview
    batch_id = preview.split()[-1]
    assert terminal.json("batches", "start", batch_id)["state"] == "running"
    assert terminal.json("batches", "pause", batch_id)["why"] == "ann paused it"
    assert terminal.json("batches", "resume", batch_id)["state"] == "running"
    terminal.carry_out(batch_id)
    assert "\t5\t5\t0\t0\t0" in terminal.run("batches", "show", batch_id)
    assert terminal.json("batches", "items", batch_id, "--state", "done")["total"] == 5
    assert terminal.json("batches", "list", "--state", "done")["items"][0]["id"] == batch_id
    assert "is done and cannot be cancelled" in terminal.run("batches", "cancel", batch_id, code=2)
    assert {case["state"] for case in shown.cases(terminal.container.store)} == {"open", "resolved"}


def test_yes_starts_it_at_once_and_an_empty_filter_starts_nothing(terminal: Terminal) -> None:
    lease_next(terminal.container.context(OWN), None)
    started = terminal.json("cases", "retry", "--search", "SO-", "--reason", "Gateway is back", "--yes")
    terminal.carry_out(started["id"])
    assert terminal.json("cases", "list", "--state", "retrying")["total"] == 5
    assert "An empty filter would reach everything" in terminal.run("cases", "claim", code=2)


def test_groups_are_listed_shown_claimed_and_noted(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = terminal.json("groups", "list", "flow:order-to-cash")["items"][0]
    assert group["open"] == 5
    lines = terminal.run("groups", "list", "--flow", "order-to-cash").splitlines()
    assert (lines[0].split("\t")[:4], len(lines)) == (["id", "state", "class", "open"], 2)
    assert terminal.json("groups", "list", "--state", "closed")["items"] == []
    assert f"id\t{group['id']}" in terminal.run("groups", "show", group["id"])
    assert terminal.run("groups", "note", group["id"]).strip() == ""
    written = terminal.json("groups", "note", group["id"], "Ask the **bank** first")
    assert (written["version"], written["author"]) == (1, "ann")
    monkeypatch.setattr("sys.stdin", io.StringIO("It answers again\n"))
    assert "It answers again" in terminal.run("groups", "note", group["id"], "-")
    assert terminal.json("groups", "note", group["id"])["total"] == 2
    assert "It answers again" in terminal.run("groups", "show", group["id"])
    claimed = terminal.json("groups", "claim", group["id"])
    assert (len(claimed["claimed"]), claimed["holder"], claimed["left_out"]) == (6, "ann", []), (
        "of both flows"
    )
    assert terminal.json("cases", "list", "is:mine")["total"] == 6
    assert "There is no group nothing" in terminal.run("groups", "show", "nothing", code=2)
    assert "Character 1: There is no qualifier" in terminal.run("groups", "list", "flwo:x", code=2)


def test_assign_and_snooze_take_ids_or_a_filter(terminal: Terminal) -> None:
    first, second = (case["id"] for case in terminal.json("cases", "list", "--limit", "2")["items"])
    assigned = terminal.json("cases", "assign", first, second, "--to", "desk", "--team")["done"]
    assert {case["assignee"] for case in assigned} == {"desk"}
    assert terminal.json("cases", "snooze", first, "--more", "3")["done"][0]["snoozed_by"] == "ann"
    started = terminal.json("cases", "assign", "--flow", "order-to-cash", "--to", "bob", "--yes")
    terminal.carry_out(started["id"])
    assert terminal.json("cases", "list", "assignee:bob")["total"] == 5
    preview = terminal.run("cases", "snooze", "--flow", "returns", "--more", "2")
    terminal.run("batches", "start", preview.split()[-1])
    terminal.carry_out(preview.split()[-1])
    assert terminal.json("cases", "list", "is:snoozed flow:returns")["total"] == 1
    assert "An empty filter" in terminal.run("cases", "assign", "--to", "bob", code=2)


def test_escalate_takes_ids_or_a_filter(terminal: Terminal) -> None:
    why = ("--reason", "The bank does not answer its phone")
    (first,) = (case["id"] for case in terminal.json("cases", "list", "flow:returns")["items"])
    raised = terminal.json("cases", "escalate", first, "--to", "eve", *why)["done"]
    assert [(case["assignee"], case["escalation_level"]) for case in raised] == [("eve", 1)]
    words = ("cases", "escalate", "--flow", "order-to-cash", "--to", "Leads", "--kind", "team")
    started = terminal.json(*words, "--yes", *why)
    terminal.carry_out(started["id"])
    assert terminal.json("cases", "list", "assignee:Leads")["total"] == 5
    refused = terminal.run("cases", "escalate", "--flow", "returns", "--yes", "--reason", "no", code=2)
    assert "at least 10 characters" in refused


def test_a_search_of_qualifiers_lists_and_freezes_the_same(terminal: Terminal) -> None:
    assert terminal.json("cases", "list", "flow:returns")["total"] == 1
    assert terminal.json("cases", "list", "value:>=10", "is:unclaimed", "SO-3")["total"] == 1
    assert terminal.json("cases", "list", "--search", "flow:returns is:mine")["total"] == 0
    frozen = terminal.json("cases", "claim", "--search", "flow:order-to-cash value:>=10")
    assert (frozen["total"], frozen["flows"]) == (5, ["order-to-cash"])
    assert frozen["asked"]["search"] == "flow:order-to-cash value:>=10"
    refused = terminal.run("cases", "list", "is:unclaimed", "flwo:returns", code=2)
    assert "Character 14: There is no qualifier flwo:. Did you mean flow:?" in refused
    assert "An empty filter" in terminal.run("cases", "claim", "--search", "is:unclaimed is:awake", code=2)


def test_it_acts_with_the_rights_of_the_token(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with team(tmp_path) as crew:
        crew.container.store.append(batch(failure(1))).result()
        (case,) = shown.cases(crew.container.store)
        for role, code in ((roles.VIEWER, 1), (roles.OPERATOR, 0)):
            monkeypatch.setenv("UNSNAG_TOKEN", crew.token(f"t-{role}", Grant(role)))
            assert desk.main(["cases", "list", "--url", crew.address]) == 0
            assert desk.main(["cases", "claim", case["id"], "--url", crew.address]) == code
        monkeypatch.setenv("UNSNAG_TOKEN", "wrong")
        assert desk.main(["batches", "list", "--url", crew.address]) == 2
    assert "may not claim an exception" in capsys.readouterr().out


def test_the_command_line_finds_it_and_other_commands_do_not_load_it(terminal: Terminal) -> None:
    environment = {**os.environ, "UNSNAG_URL": terminal.address, "PYTHONPATH": str(ROOT)}
    listed = [sys.executable, "-m", "unsnag", "cases", "list", "--json"]
    run = subprocess.run(listed, env=environment, check=True, capture_output=True, text=True, timeout=60)
    assert json.loads(run.stdout)["total"] == 6
    program = (
        "import sys; from unsnag import cli; cli.main(['flush', '--wait', '0']); "
        "sys.exit({'unsnag.desk', 'unsnag.rest'} & set(sys.modules) != set())"
    )
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=60)


def test_cases_are_listed_in_an_order(terminal: Terminal) -> None:
    more = failure(20, "SO-99", value_amount=999, value_currency="EUR")
    terminal.container.store.append(batch(more)).result()
    by_value = terminal.json("cases", "list", "--sort", "value")["items"]
    assert by_value[0]["correlation_id"] == "SO-99"
    assert by_value[-1]["value"] is None, "what has no value comes last"
    upwards = terminal.json("cases", "list", "--sort", "value.asc")["items"]
    assert (upwards[-2]["correlation_id"], upwards[-1]["value"]) == ("SO-99", None)
    pages = [terminal.json("cases", "list", "--sort", "unit", "--limit", str(n))["items"] for n in (2, 50)]
    assert [case["id"] for case in pages[0]] == [case["id"] for case in pages[1]][:2]
    assert "sort" in terminal.run("cases", "list", "--sort", "mood", code=2)
