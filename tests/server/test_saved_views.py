"""Saved views over real HTTP: own and shared, who may change them, and what the audit has of them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from access import roles
from access.commands import perform
from access.roles import Grant
from audit import trail
from cases.saved_views import SaveView
from tests.server.team import team

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from tests.server.team import Team

pytestmark = [pytest.mark.slow]
LARGE = {"q": "value:>1000 is:unclaimed", "flow": "invoice", "class": "business", "tab": "open"}


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Team]:
    with team(tmp_path) as made:
        yield made


class Person:
    """Somebody with a role who uses the routes."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def send(self, method: str, path: str = "", body: Any = None) -> httpx.Response:
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        return self.http.request(method, f"/api/v1/views{path}", json=body, headers=headers)

    def saved(self, name: str, **more: Any) -> Any:
        answer = self.send("POST", "", {"name": name, "filter": LARGE, **more})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def names(self) -> list[str]:
        return [view["name"] for view in self.http.get("/api/v1/views").json()["items"]]


def test_own_views_are_ones_own_and_shared_ones_everybodys(crew: Team) -> None:
    with crew.holder("ann", Grant(roles.OPERATOR)) as a, crew.holder("bob", Grant(roles.VIEWER)) as b:
        ann, bob = Person(a), Person(b)
        own, shared = ann.saved("Large"), ann.saved("Desk", shared=True)
        assert shared["filter"]["q"] == LARGE["q"]
        assert shared["filter"]["class"] == "business"
        bob.saved("large ")
        assert (ann.names(), bob.names()) == (["Desk", "Large"], ["Desk", "large"])
        assert bob.send("DELETE", f"/{own['id']}").json()["type"] == "urn:unsnag:view-not-found"
        refused = bob.send("DELETE", f"/{shared['id']}")
        assert (refused.status_code, bob.names()) == (403, ["Desk", "large"])
        assert bob.send("POST", "", {"name": "x", "filter": {}, "shared": True}).status_code == 403
        taken = ann.send("POST", "", {"name": "LARGE", "filter": {}})
        assert (taken.status_code, taken.json()["type"]) == (409, "urn:unsnag:view-name-taken")


def test_a_shared_view_is_changed_by_who_may_share_and_only_from_its_version(crew: Team) -> None:
    with crew.holder("ann", Grant(roles.OPERATOR)) as a, crew.holder("cat", Grant(roles.OPERATOR)) as c:
        ann, cat = Person(a), Person(c)
        view = ann.saved("Desk", shared=True)
        body = {"name": "Desk", "filter": {"q": "is:mine"}, "shared": True, "expected": 1}
        changed = cat.send("PUT", f"/{view['id']}", body).json()
        assert (changed["version"], changed["author"], changed["changed_by"]) == (2, "ann", "cat")
        late = ann.send("PUT", f"/{view['id']}", body)
        assert (late.status_code, late.json()["type"]) == (409, "urn:unsnag:view-changed")
        mine = cat.send("PUT", f"/{view['id']}", {**body, "shared": False, "expected": 2}).json()
        assert (mine["author"], ann.names(), cat.names()) == ("cat", [], ["Desk"])
        assert cat.send("DELETE", f"/{view['id']}").json() == {"removed": view["id"]}
        assert cat.send("DELETE", f"/{view['id']}").status_code == 404
    store = crew.container.store
    asked = "select verb, actor from audit where kind = 'effect' and subject = $subject order by seq"
    found = store.act(lambda tx: tx.execute(asked, {"subject": f"view:{view['id']}"})).result()
    assert [(row["verb"], row["actor"]) for row in found] == [
        ("view saved", "ann"), ("view changed", "cat"), ("view changed", "cat"), ("view removed", "cat"),
    ]  # fmt: skip
    assert trail.verify(store).intact


def test_a_view_that_the_page_could_not_open_is_refused(crew: Team) -> None:
    with crew.holder("ann", Grant(roles.OPERATOR)) as http:
        ann = Person(http)
        wrong = ann.send("POST", "", {"name": "x", "filter": {"q": "flwo:x"}})
        assert (wrong.status_code, wrong.json()["faults"][0]["position"]) == (422, 1)
        for body in (
            {"name": " ", "filter": {}},
            {"name": "x" * 61, "filter": {}},
            {"name": "x", "filter": {"other": "y"}},
            {"name": "x", "filter": {"q": "y" * 401}},
        ):
            assert ann.send("POST", "", body).status_code == 422, body
        assert ann.names() == []


def test_a_view_keeps_order_columns_and_due_times(crew: Team) -> None:
    kept = {"due": "breached", "sort": "value.asc", "columns": "due,value,tenant"}
    with crew.holder("ann", Grant(roles.OPERATOR)) as http:
        ann = Person(http)
        assert ann.send("POST", "", {"name": "By money", "filter": kept}).status_code == 201
        (listed,) = http.get("/api/v1/views").json()["items"]
        assert {name: listed["filter"][name] for name in kept} == kept
        refused = ann.send("POST", "", {"name": "By mood", "filter": {"sort": "mood"}})
        assert (refused.status_code, "Choose one of" in refused.json()["detail"]) == (422, True)


def test_an_address_that_says_nothing_known_is_saved_without_it(crew: Team) -> None:
    with crew.holder("ann", Grant(roles.OPERATOR)) as http:
        chosen = {"view": "piles", "shown": "some", "flow": "invoice"}
        perform(SaveView(name="Odd", chosen=chosen), crew.container.context(crew.actor("ann")))
        (listed,) = http.get("/api/v1/views").json()["items"]
        assert {name: value for name, value in listed["filter"].items() if value} == {"flow": "invoice"}
