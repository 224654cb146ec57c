"""Batches over real HTTP: frozen, started, paused, carried out by the runner, and listed page by page."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from access.commands import perform
from cases.batch_runner import BatchRunner, RunItems
from tests.telemetry import batch, failure
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from server.container import Container

pytestmark = [pytest.mark.slow]
FLOW = {"flow": ["order-to-cash"]}


class Caller:
    """Somebody who uses the routes, in local mode under a name."""

    def __init__(self, http: httpx.Client, name: str = "ann") -> None:
        self.http, self.name = http, name

    def post(self, path: str, body: Any = None, key: str | None = None) -> httpx.Response:
        headers = {"Idempotency-Key": key or uuid.uuid4().hex, "X-Unsnag-Actor": self.name}
        return self.http.post(f"/api/v1/batches{path}", json=body, headers=headers)

    def get(self, path: str = "", **params: Any) -> Any:
        answer = self.http.get(f"/api/v1/batches{path}", params=params)
        answer.raise_for_status()
        return answer.json()

    def frozen(self, act: str = "resolve", **more: Any) -> Any:
        answer = self.post("", {"act": act, "filter": FLOW, **more})
        assert answer.status_code == 201, answer.text
        return answer.json()


@pytest.fixture
def ann(http: httpx.Client, container: Container) -> Caller:
    rows = [failure(n, f"SO-{n}", value_amount=10, value_currency="EUR") for n in range(7)]
    container.store.append(batch(*rows)).result()
    return Caller(http)


@pytest.fixture
def runner(container: Container) -> Iterator[BatchRunner]:
    made = BatchRunner(container.as_system(), lambda: container.events.revision("batch"))
    made.start()
    yield made
    made.stop()


@pytest.mark.usefixtures("runner")
def test_a_batch_from_the_filter_to_its_end(ann: Caller) -> None:
    held = ann.http.get("/api/v1/cases", params={"q": "SO-3"}).json()["items"][0]["id"]
    own = {"Idempotency-Key": "c", "X-Unsnag-Actor": "bob"}
    ann.http.post(f"/api/v1/cases/{held}/claim", headers=own)
    made = ann.frozen(reason="Raised by a faulty deployment")
    assert (made["state"], made["total"], made["left_out_total"], made["waiting"]) == ("frozen", 6, 1, 6)
    assert made["left_out"] == [{"id": held, "reason": "bob has claimed it"}]
    assert made["reasons"] == [
        {"state": "left_out", "cause": "held", "words": "claimed by others", "items": 1}
    ]
    assert made["value"] == [{"amount": "60.00", "currency": "EUR"}]
    assert (made["flows"], len(made["samples"]), made["asked"]) == (["order-to-cash"], 5, FLOW)
    assert ann.post(f"/{made['id']}/start", {"code": "nothing"}).status_code == 422
    started = ann.post(f"/{made['id']}/start", {"code": "false_alarm"})
    assert (started.status_code, started.json()["state"]) == (200, "running")
    done = eventually(lambda: (b := ann.get(f"/{made['id']}"))["state"] == "done" and b)
    assert (done["done"], done["failed"], done["skipped"], done["waiting"]) == (6, 0, 0, 0)
    assert done["case_states"] == {"resolved": 6}
    cases = ann.http.get("/api/v1/cases", params={"state": "resolved"}).json()
    assert {case["resolution_reason"] for case in cases["items"]} == {"Raised by a faulty deployment"}


def test_items_and_batches_are_paged_by_key(ann: Caller, container: Container) -> None:
    made = [ann.frozen("claim") for _ in range(3)]
    ann.post(f"/{made[1]['id']}/start")
    perform(RunItems(made[1]["id"], limit=3), container.as_system())
    path, seen, cursor = f"/{made[1]['id']}/items", [], None
    while True:
        part = ann.get(path, limit=3, **({"cursor": cursor} if cursor else {}))
        assert part["total"] == 7
        seen += part["items"]
        if not (cursor := part["next"]):
            break
    assert [item["place"] for item in seen] == list(range(1, 8))
    assert [item["state"] for item in seen] == ["done"] * 3 + ["waiting"] * 4
    assert ann.get(path, state="done")["total"] == 3
    first = ann.get(limit=2)
    second = ann.get(limit=2, cursor=first["next"])
    assert [b["id"] for b in first["items"] + second["items"]] == [b["id"] for b in reversed(made)]
    assert (first["total"], second["next"]) == (3, None)
    assert [b["id"] for b in ann.get(state="running")["items"]] == [made[1]["id"]]
    assert ann.get(author="bob")["items"] == []


def test_pause_resume_and_cancel(ann: Caller) -> None:
    path = f"/{ann.frozen('claim')['id']}"
    assert ann.post(f"{path}/pause").status_code == 409
    ann.post(f"{path}/start")
    paused = ann.post(f"{path}/pause").json()
    assert (paused["state"], paused["why"]) == ("paused", "ann paused it")
    assert Caller(ann.http, "bob").post(f"{path}/resume").status_code == 403
    assert ann.post(f"{path}/resume").json()["state"] == "running"
    ended = Caller(ann.http, "bob").post(f"{path}/cancel").json()
    assert (ended["state"], ended["skipped"], ended["waiting"]) == ("cancelled", 7, 0)
    problem = ann.post(f"{path}/start")
    assert (problem.status_code, "is cancelled and cannot be started" in problem.text) == (409, True)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"act": "claim", "filter": {}}, 422),
        ({"act": "claim", "filter": {"state": ["open"]}}, 422),
        ({"act": "claim"}, 422),
        ({"act": "claim", "filter": FLOW, "ids": ["x"]}, 422),
        ({"act": "delete", "filter": FLOW}, 422),
        ({"act": "claim", "filter": {"flows": ["x"]}}, 422),
    ],
)
def test_what_chooses_nothing_in_particular_is_refused(ann: Caller, body: Any, status: int) -> None:
    assert ann.post("", body).status_code == status
    assert ann.get()["items"] == []


def test_the_same_key_freezes_once(ann: Caller) -> None:
    body = {"act": "claim", "filter": FLOW}
    first, again = ann.post("", body, "k"), ann.post("", body, "k")
    assert first.json() == again.json()
    assert ann.get()["total"] == 1
    assert ann.post("", {**body, "act": "release"}, "k").status_code == 422


def test_what_does_not_exist_is_404(ann: Caller) -> None:
    assert ann.http.get("/api/v1/batches/nothing").json()["type"] == "urn:unsnag:batch-not-found"
    assert ann.http.get("/api/v1/batches/nothing/items").status_code == 404
    assert ann.post("/nothing/start").status_code == 404
    assert ann.http.get("/api/v1/batches", params={"cursor": "x"}).status_code == 400
    assert ann.http.get("/api/v1/batches", params={"state": "asleep"}).status_code == 400


def test_a_search_becomes_a_frozen_list_and_a_repeated_request_the_same_one(ann: Caller) -> None:
    """`age:` depends on the time: the request that is sent again must still be the same request."""
    body = {"act": "claim", "filter": {"q": "age:>1m SO-3"}}
    first, again = (ann.post("", body, key="the same").json() for _ in range(2))
    assert (first["id"], first["total"], first["asked"]["search"]) == (again["id"], 1, "age:>1m SO-3")
    narrower = ann.post("", {"act": "claim", "filter": {**FLOW, "q": "flow:returns"}}).json()
    assert narrower["total"] == 0, "a search never widens the filter beside it"
    refused = ann.post("", {"act": "claim", "filter": {"q": "is:unclaimed value:abc"}})
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:unsnag:invalid-search")
    assert refused.json()["faults"][0]["position"] == 14
    assert ann.post("", {"act": "claim", "filter": {"q": "is:unclaimed"}}).status_code == 422


def test_lists_of_cases_and_groups_take_the_same_search(ann: Caller, http: httpx.Client) -> None:
    def total(path: str, **params: str) -> int:
        answer = http.get(f"/api/v1/{path}", params=params, headers={"X-Unsnag-Actor": "ann"})
        assert answer.is_success, answer.text
        return int(answer.json()["total"])

    case_id = ann.http.get("/api/v1/cases", params={"q": "SO-3"}).json()["items"][0]["id"]
    ann.http.post(f"/api/v1/cases/{case_id}/claim", headers={"Idempotency-Key": "k", "X-Unsnag-Actor": "ann"})
    assert (total("cases", q="is:mine"), total("groups", q="is:mine")) == (1, 1)
    assert (total("cases", q="flow:returns"), total("groups", q="flow:returns")) == (0, 0)
    assert total("cases", q="is:mine", flow="returns") == 0
    for path in ("cases", "groups"):
        refused = http.get(f"/api/v1/{path}", params={"q": 'SO-3 flwo:x "open'})
        assert refused.status_code == 422
        assert refused.headers["content-type"] == "application/problem+json"
        assert [fault["position"] for fault in refused.json()["faults"]] == [6, 13]
        assert "Character 6: There is no qualifier flwo:" in refused.json()["detail"]
