"""Due times over REST, in a terminal and on the page: one clock, one answer."""

from __future__ import annotations

import json
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from access.commands import perform
from audit.actor import Actor
from cases.commands import Claim
from cases.snoozing import Snooze
from data import clock
from data.clock import stored
from tests.gates import local_context
from tests.shown import cases
from tests.telemetry import at, batch, failure
from tests.views.drawn import note_of
from tests.views.test_exceptions import opened, text_of
from unsnag import cli

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from server.container import Container

ANN = Actor("ann")
MINUTE = 60
CRITICAL = {"value_amount": Decimal(20_000), "value_currency": "EUR"}
"""Triage is due after 10 minutes, the end after 30; of a medium one after 2 and 8 hours."""


@pytest.fixture
def queue(container: Container) -> Iterator[Container]:
    """Return exceptions at 0:45: nobody took SO-1 up, SO-2 is claimed, SO-3 snoozed, SO-4 was just opened."""
    clock.use(lambda: at(0))
    rows = [failure(0, f"SO-{n}", **CRITICAL) for n in (1, 2, 3)]
    container.store.append(batch(*rows)).result()
    ids = {case["correlation_id"]: case["id"] for case in cases(container.store)}
    ann = local_context(container.store, ANN)
    perform(Claim(ids["SO-2"]), ann)
    perform(Snooze(ids["SO-3"], until=stored(at(86_400))), ann)
    clock.use(lambda: at(45 * MINUTE))
    container.store.append(batch(failure(44 * MINUTE, "SO-4", **CRITICAL))).result()
    yield container
    clock.use(None)


def units(http: httpx.Client, **params: Any) -> list[str]:
    found = http.get("/api/v1/cases", params=params).json()
    assert found["total"] == len(found["items"])
    return [one["correlation_id"] for one in found["items"]]


def test_rest_chooses_by_due_time_and_says_how_each_stands(http: httpx.Client, queue: Container) -> None:
    assert queue.store
    assert units(http, due="breached") == ["SO-1", "SO-2"], "triage of the first, the end of the second"
    assert units(http, due="next_hour") == ["SO-4"]
    assert units(http, due="unaddressed") == ["SO-1"], "a snoozed one was looked at, a claimed one taken up"
    stands = {one["correlation_id"]: one for one in http.get("/api/v1/cases").json()["items"]}
    assert {unit: one["due_state"] for unit, one in stands.items()} == {
        "SO-1": "breached", "SO-2": "breached", "SO-3": None, "SO-4": "due",
    }  # fmt: skip
    assert stands["SO-1"]["next_due_at"] == stands["SO-1"]["triage_due_at"] == "2026-11-16T09:10:00.000000Z"
    assert stands["SO-2"]["next_due_at"] == stands["SO-2"]["due_at"] == "2026-11-16T09:30:00.000000Z"
    clock.use(lambda: at(44 * MINUTE + 8 * MINUTE))
    stands = {one["correlation_id"]: one for one in http.get("/api/v1/cases").json()["items"]}
    assert stands["SO-4"]["due_state"] == "warning"
    assert units(http, due="warning") == units(http, q="is:warning") == ["SO-4"]
    wrong = http.get("/api/v1/cases", params={"due": "soon"})
    assert (wrong.status_code, wrong.headers["content-type"]) == (422, "application/problem+json")


def test_what_warns_is_what_says_so(http: httpx.Client, queue: Container) -> None:
    """The filter and the state of each agree at every minute of three quarters of an hour."""
    assert queue.store
    warned = set()
    for passed in range(45, 90):
        clock.use(lambda passed=passed: at(passed * MINUTE))
        found = http.get("/api/v1/cases").json()["items"]
        stated = {one["correlation_id"] for one in found if one["due_state"] == "warning"}
        assert set(units(http, due="warning")) == stated
        warned |= {(unit, passed) for unit in stated}
    assert warned == {("SO-4", 52), ("SO-4", 53)}, "7.5 to 10 minutes after it failed in minute 44"


def test_groups_count_what_is_due(http: httpx.Client, queue: Container) -> None:
    assert queue.store
    counted = {}
    for word in ("breached", "next_hour", "warning", "unaddressed"):
        found = http.get("/api/v1/groups", params={"due": word, "state": "all"}).json()["items"]
        counted[word] = sum(group["total"] for group in found)
    assert counted == {"breached": 2, "next_hour": 1, "warning": 0, "unaddressed": 1}
    assert http.get("/api/v1/groups", params={"due": "soon"}).status_code == 422


def test_a_batch_reaches_what_the_list_shows(http: httpx.Client, queue: Container) -> None:
    assert queue.store
    body = {"act": "claim", "filter": {"due": "unaddressed"}}
    frozen = http.post("/api/v1/batches", json=body, headers={"Idempotency-Key": uuid.uuid4().hex}).json()
    assert (frozen["total"], [one["correlation_id"] for one in frozen["samples"]]) == (1, ["SO-1"])


def test_a_terminal_lists_what_is_breached(
    address: str, queue: Container, capsys: pytest.CaptureFixture[str]
) -> None:
    assert queue.store
    assert cli.main(["cases", "list", "--due", "breached", "--url", address]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    place = head.split("\t").index("due_state")
    assert [line.split("\t")[place] for line in lines] == ["breached", "breached"]


def test_an_exception_is_escalated_over_rest_and_in_a_terminal(
    http: httpx.Client, address: str, queue: Container, capsys: pytest.CaptureFixture[str]
) -> None:
    (case, *_) = cases(queue.store)
    path, key = f"/api/v1/cases/{case['id']}/escalate", {"Idempotency-Key": uuid.uuid4().hex}
    body = {"reason": "The customer calls every ten minutes", "to": "Leads", "kind": "team"}
    assert http.post(path, json=body).status_code == 400, "writes take a key"
    for _ in range(2):
        found = http.post(path, json=body, headers=key).json()
        assert (found["escalation_level"], found["assignee"]) == (1, "Leads"), "the same request is one act"
    words = ["cases", "escalate", case["id"], "--reason", body["reason"], "--to", "eve", "--as", "ann"]
    assert cli.main([*words, "--url", address, "--json"]) == 0
    (done,) = json.loads(capsys.readouterr().out)["done"]
    assert (done["escalation_level"], done["assignee"], done["assignee_kind"]) == (2, "eve", "person")
    assert cli.main(["cases", "escalate", case["id"], "--reason", body["reason"], "--url", address]) == 1
    assert "Name a person or a team" in capsys.readouterr().out


def test_the_tab_unaddressed_counts_and_lists_them(queue: Container) -> None:
    assert queue.store
    assert note_of(opened("unaddressed")) == "1–1 of 1"
    assert "nobody has taken up" not in text_of("unaddressed")
