"""Asking the holder of an exception over real HTTP and in a terminal: question, notice, answer, notice."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.telemetry import batch, failure
from unsnag import cli

if TYPE_CHECKING:
    import httpx

    from server.container import Container

pytestmark = [pytest.mark.slow]

QUESTION = "Are you on it? Can I have it?"


class People:
    """Several people at one exception."""

    def __init__(self, http: httpx.Client, case_id: str) -> None:
        self.http, self.id = http, case_id

    def act(self, who: str, verb: str, **body: Any) -> httpx.Response:
        headers = {"X-Unsnag-Actor": who, "Idempotency-Key": uuid.uuid4().hex}
        return self.http.post(f"/api/v1/cases/{self.id}/{verb}", json=body, headers=headers)

    def notices(self, who: str) -> list[tuple[str, str, str]]:
        found = self.http.get("/api/v1/notices", headers={"X-Unsnag-Actor": who}).json()["items"]
        return [(one["kind"], one["actor"], one["reason"]) for one in found if one["case_id"] == self.id]


@pytest.fixture
def people(container: Container, http: httpx.Client) -> People:
    container.store.append(batch(failure(1))).result()
    return People(http, http.get("/api/v1/cases").json()["items"][0]["id"])


def test_the_holder_sees_the_question_and_the_asker_the_answer(people: People) -> None:
    people.act("ann", "claim")
    before = people.http.get(f"/api/v1/cases/{people.id}").json()
    asked = people.act("bob", "ask", question=f"  {QUESTION} ")
    assert (asked.status_code, asked.json()["holder"]) == (200, "ann")
    assert asked.json()["lease_until"] == before["lease_until"], "a question renews no claim"
    assert people.notices("ann") == [("asked", "bob", QUESTION)]
    entry = people.http.get(f"/api/v1/cases/{people.id}").json()["acts"][-1]
    assert (entry["verb"], entry["actor"], entry["reason"]) == ("holder_asked", "bob", QUESTION)
    people.act("cat", "notes", text="I looked at it too")
    assert people.notices("bob") == [], "only the holder answers"
    people.act("ann", "notes", text="I wait for the bank")
    assert people.notices("bob") == [("answered", "ann", "I wait for the bank")]
    people.act("ann", "notes", text="It is done")
    assert len(people.notices("bob")) == 1, "one answer to one question"
    people.act("bob", "ask", question="And now?")
    people.act("ann", "notes", text="Take it")
    assert [text for _, _, text in people.notices("bob")] == ["I wait for the bank", "Take it"]


def test_nobody_is_asked_where_nobody_else_has_it(people: People) -> None:
    refused = people.act("bob", "ask", question=QUESTION)
    assert (refused.status_code, "nobody has it" in refused.json()["detail"]) == (409, True)
    people.act("ann", "claim")
    assert people.act("ann", "ask", question=QUESTION).status_code == 409
    assert people.act("bob", "ask", question=" \n").status_code == 422
    assert people.act("bob", "ask", question="x" * 4_001).status_code == 422
    assert people.notices("ann") == []


def test_the_same_request_asks_once(people: People) -> None:
    people.act("ann", "claim")
    headers = {"X-Unsnag-Actor": "bob", "Idempotency-Key": "one"}
    for _ in range(2):
        path = f"/api/v1/cases/{people.id}/ask"
        assert people.http.post(path, json={"question": QUESTION}, headers=headers).status_code == 200
    assert len(people.notices("ann")) == 1


def test_a_terminal_asks(people: People, address: str, capsys: pytest.CaptureFixture[str]) -> None:
    people.act("ann", "claim")
    words = ["cases", "ask", people.id, "--question", QUESTION, "--url", address, "--as", "bob"]
    assert cli.main(words) == 0
    assert "ann" in capsys.readouterr().out
    assert people.notices("ann") == [("asked", "bob", QUESTION)]
