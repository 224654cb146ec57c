"""Every topic that the description promises is sent by something real, and nothing is sent beside them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from access.commands import perform
from access.people import AddPerson
from access.roles import Grant
from cases.batch_commands import FreezeBatch
from collectors.kept_mappings import SaveMapping
from server.events import TOPICS
from server.flow_files import save
from tests.docs.test_docs import ROOT
from tests.server.team import OWN
from tests.telemetry import batch, failure

if TYPE_CHECKING:
    import httpx

    from server.container import Container


def test_every_promised_topic_is_sent(http: httpx.Client, container: Container) -> None:
    operation = http.get("/api/v1/openapi.json").json()["paths"]["/api/v1/events"]["get"]
    (promised,) = (each["schema"]["enum"] for each in operation["parameters"] if each["name"] == "topic")
    assert set(promised) == set(TOPICS)
    before = {topic: container.events.revision(topic) for topic in promised}
    container.store.append(batch(failure(1))).result()
    (case,) = http.get("/api/v1/cases").json()["items"]
    handlers = [{"flow": case["flow"], "step": case["step"]}]
    http.post("/api/v1/retries/lease", json={"handlers": handlers}, headers={"Idempotency-Key": "1"})
    http.post(f"/api/v1/cases/{case['id']}/retry", headers={"Idempotency-Key": "2"})
    perform(AddPerson("ann", [Grant("viewer")]), container.context(OWN))
    perform(FreezeBatch("claim", None, ids=(case["id"],)), container.context(OWN))
    perform(SaveMapping("press", 0, text="step = 'x'"), container.context(OWN))
    save(container.context(OWN), "orders", "flow: orders", 0, None)
    assert [topic for topic in promised if container.events.revision(topic) == before[topic]] == []


def test_no_topic_is_sent_that_nobody_can_ask_for() -> None:
    """What the code adds to a transaction's topics, wherever it does."""
    rooms = [path for room in ("access", "audit", "cases", "collectors", "data", "flows", "traces", "server")
             for path in (ROOT / room).rglob("*.py")]  # fmt: skip
    sent = {
        name
        for path in rooms
        for name in re.findall(r"topics\.add\(\"(\w+)\"\)", path.read_text(encoding="utf-8"))
    }
    assert sent == set(TOPICS)
