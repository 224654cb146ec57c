"""Take over, extend, notices and the race of a claim and a resolve, over real HTTP."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from data.clock import utc_now
from tests.telemetry import batch, failure

if TYPE_CHECKING:
    from server.container import Container

pytestmark = [pytest.mark.slow]

REASON = "It is one of two orders"


def act(http: httpx.Client, path: str, body: Any = None, *, who: str = "ann") -> httpx.Response:
    headers = {"Idempotency-Key": uuid.uuid4().hex, "X-Unsnag-Actor": who}
    return http.post(f"/api/v1/{path}", json=body, headers=headers)


def cases(http: httpx.Client) -> list[dict[str, Any]]:
    return list(http.get("/api/v1/cases", params={"limit": 200}).json()["items"])


@pytest.fixture
def case(container: Container, http: httpx.Client) -> dict[str, Any]:
    container.store.append(batch(failure(1))).result()
    return cases(http)[0]


def test_only_the_holder_acts_until_somebody_takes_over(http: httpx.Client, case: dict[str, Any]) -> None:
    path = f"cases/{case['id']}"
    assert act(http, f"{path}/claim").status_code == 200
    refused = act(http, f"{path}/resolve", {"code": "duplicate", "reason": REASON}, who="bob")
    assert (refused.status_code, refused.json()["holder"]) == (409, "ann")
    assert act(http, f"{path}/takeover", {"reason": "x"}, who="bob").status_code == 422
    taken = act(http, f"{path}/takeover", {"reason": "ann went home an hour ago"}, who="bob").json()
    assert (taken["state"], taken["holder"]) == ("claimed", "bob")
    assert act(http, f"{path}/extend").status_code == 409
    assert act(http, f"{path}/extend", who="bob").json()["lease_until"] >= taken["lease_until"]
    (notice,) = http.get("/api/v1/notices", headers={"X-Unsnag-Actor": "ann"}).json()["items"]
    assert (notice["kind"], notice["actor"], notice["case_id"]) == ("taken_over", "bob", case["id"])
    assert notice["reason"] == "ann went home an hour ago"
    assert act(http, "notices/seen", {"ids": [notice["id"]]}, who="bob").json() == {"seen": 0}
    assert act(http, "notices/seen", {"ids": [notice["id"]]}).json() == {"seen": 1}
    assert http.get("/api/v1/notices", headers={"X-Unsnag-Actor": "ann"}).json()["total"] == 0


def test_claims_are_released_one_by_one_and_all_at_once(
    http: httpx.Client, container: Container, case: dict[str, Any]
) -> None:
    container.store.append(batch(failure(2, "SO-2"), failure(3, "SO-3"))).result()
    for one in cases(http):
        act(http, f"cases/{one['id']}/claim")
    act(http, f"cases/{case['id']}/return", {"note": "The bank is closed"})
    answer = act(http, "cases/release", {"note": "My shift is over"}).json()
    assert len(answer["released"]) == 2
    notes = [http.get(f"/api/v1/cases/{one['id']}").json()["acts"][-1]["reason"] for one in cases(http)]
    assert sorted(notes) == ["My shift is over", "My shift is over", "The bank is closed"]


def test_a_resolve_that_is_sent_with_a_claim_always_wins(http: httpx.Client, container: Container) -> None:
    """Both saw the open case. In either order the case ends resolved and nobody holds it."""
    container.store.append(batch(*(failure(n, f"SO-{n}") for n in range(40)))).result()
    order: dict[str, int] = {"claim first": 0, "resolve first": 0}
    with httpx.Client(base_url=http.base_url, timeout=30) as other:
        for one in cases(http):
            claim, resolve = at_once(http, other, one)
            assert resolve.status_code == 200, resolve.text
            assert claim.status_code in (200, 409)
            order["claim first" if claim.status_code == 200 else "resolve first"] += 1
            now = http.get(f"/api/v1/cases/{one['id']}").json()
            assert (now["state"], now["holder"]) == ("resolved", None)
            assert [entry["verb"] for entry in now["acts"]].count("resolved") == 1
    notices = http.get("/api/v1/notices", headers={"X-Unsnag-Actor": "ann"}).json()
    assert notices["total"] == order["claim first"]
    assert sum(order.values()) == 40


def at_once(
    http: httpx.Client, other: httpx.Client, case: dict[str, Any]
) -> tuple[httpx.Response, httpx.Response]:
    """Let ann claim and bob resolve a case at the same moment, both on the version that they saw."""
    gate, answers = threading.Barrier(2), {}
    body = {"code": "duplicate", "reason": REASON, "version": case["version"]}

    def send(name: str, client: httpx.Client, path: str, content: Any, who: str) -> None:
        gate.wait()
        answers[name] = act(client, f"cases/{case['id']}/{path}", content, who=who)

    threads = [
        threading.Thread(target=send, args=("claim", http, "claim", None, "ann")),
        threading.Thread(target=send, args=("resolve", other, "resolve", body, "bob")),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers["claim"], answers["resolve"]


def test_a_resolve_on_the_version_of_a_claim_is_refused(http: httpx.Client, case: dict[str, Any]) -> None:
    claimed = act(http, f"cases/{case['id']}/claim").json()
    body = {"code": "duplicate", "reason": REASON, "version": claimed["version"]}
    refused = act(http, f"cases/{case['id']}/resolve", body, who="bob")
    assert refused.status_code == 409
    body["version"] = case["version"]
    assert act(http, f"cases/{case['id']}/resolve", body, who="bob").json()["state"] == "resolved"


def test_notes_snooze_and_assignment_over_rest(http: httpx.Client, case: dict[str, Any]) -> None:
    path = f"cases/{case['id']}"
    assert act(http, f"{path}/notes", {"text": " "}).status_code == 422
    act(http, f"{path}/notes", {"text": "The **bank** is closed"})
    (note,) = http.get(f"/api/v1/{path}").json()["notes"]
    assert (note["actor"], note["text"], note["is_hand_over"]) == ("ann", "The **bank** is closed", False)
    assert act(http, f"{path}/snooze", {}).status_code == 422
    assert act(http, f"{path}/snooze", {"until": "soon"}).status_code == 400
    assert act(http, f"{path}/snooze", {"until": "9999-12-31T23:59:59-12:00"}).status_code == 400
    until = (utc_now() + timedelta(hours=3)).isoformat()
    snoozed = act(http, f"{path}/snooze", {"until": until, "more": 5}).json()
    assert (snoozed["state"], snoozed["snoozed_by"], snoozed["snoozed_count"]) == ("open", "ann", 6)
    assert snoozed["snoozed_until"].startswith(until[:16])
    for asked, total in (("true", 1), ("false", 0)):
        assert http.get("/api/v1/cases", params={"snoozed": asked}).json()["total"] == total
    assert act(http, f"{path}/wake").json()["snoozed_by"] is None
    assert act(http, f"{path}/wake").status_code == 409
    assigned = act(http, f"{path}/assign", {"to": "payments", "kind": "team"}).json()
    assert (assigned["assignee"], assigned["assignee_kind"]) == ("payments", "team")
    assert http.get("/api/v1/cases", params={"assignee": "payments"}).json()["total"] == 1
    assert http.get("/api/v1/groups", params={"assignee": "billing"}).json()["total"] == 0


def test_a_group_is_claimed_with_what_arrives_and_released(http: httpx.Client, container: Container) -> None:
    container.store.append(batch(*(failure(n, f"SO-{n}") for n in range(3)))).result()
    first = cases(http)[0]
    group = f"groups/{first['group']}"
    act(http, f"cases/{first['id']}/claim", who="bob")
    claimed = act(http, f"{group}/claim").json()
    assert (claimed["group"], claimed["holder"], len(claimed["claimed"])) == (first["group"], "ann", 2)
    (left,) = claimed["left_out"]
    assert left["id"] == first["id"]
    assert left["reason"].startswith("bob has it until ")
    refused = act(http, f"{group}/claim", who="bob")
    assert (refused.status_code, refused.json()["holder"]) == (409, "ann")
    container.store.append(batch(failure(9, "SO-9"))).result()
    (late,) = [case for case in cases(http) if case["correlation_id"] == "SO-9"]
    assert (late["state"], late["holder"], late["lease_until"]) == ("claimed", "ann", claimed["lease_until"])
    assert http.get(f"/api/v1/{group}").json()["claim"]["holder"] == "ann"
    assert len(act(http, f"{group}/release", {"note": "Over to you"}).json()["released"]) == 3
    assert act(http, f"{group}/release", {}).status_code == 409
    assert http.get(f"/api/v1/{group}").json()["claim"] is None
    assert act(http, "groups/nothing/claim").status_code == 404


def test_the_note_of_a_group_over_rest(http: httpx.Client, case: dict[str, Any]) -> None:
    group = f"groups/{case['group']}"
    first = act(http, f"{group}/note", {"text": "Ask the bank", "expected": 0}).json()
    assert (first["version"], first["author"]) == (1, "ann")
    assert act(http, f"{group}/note", {"text": "Ask me", "expected": 0}, who="bob").status_code == 409
    assert http.get(f"/api/v1/cases/{case['id']}").json()["group_note"]["text"] == "Ask the bank"
    assert http.get(f"/api/v1/{group}").json()["note"]["version"] == 1
    act(http, f"{group}/note", {"text": "", "expected": 1})
    assert http.get(f"/api/v1/{group}").json()["note"] is None
    versions = http.get(f"/api/v1/{group}/notes").json()
    assert [one["text"] for one in versions["items"]] == ["", "Ask the bank"]
    assert http.get("/api/v1/groups/nothing/notes").status_code == 404
