"""Batches on pages: the dialog that freezes a list and starts it, and the page with its progress."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

from streamlit.testing.v1 import AppTest

from access.commands import perform
from audit.actor import Actor
from cases.batch_commands import CancelBatch, FreezeBatch, StartBatch
from cases.batch_runner import RunItems, step
from cases.commands import Claim
from cases.queries import CaseFilter
from tests import shown
from tests.telemetry import batch, failure

if TYPE_CHECKING:
    from cases.batches import Batch
    from server.container import Container

HOSTILE = "mailbox of <script>alert(1)</script> is full"


def _queue() -> None:
    from views.exceptions.page import page  # noqa: PLC0415 - runs inside Streamlit's script

    page()


def _batches() -> None:
    from views.batches.page import page  # noqa: PLC0415 - runs inside Streamlit's script

    page()


def opened(script: Any, **address: str) -> AppTest:
    """Return a page at an address."""
    app = AppTest.from_function(script, default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def text_of(app: AppTest) -> str:
    """Return what the page says."""
    html = re.sub(r"<[^>]*>", " ", "\n".join(part.proto.body for part in app.get("html")))
    return "\n".join([unescape(html), *(part.value for part in [*app.markdown, *app.caption, *app.warning])])


def failed(container: Container, count: int = 4) -> list[str]:
    """Let units fail; return their cases."""
    rows = [failure(n, f"SO-{n}", exception_message=HOSTILE, error_type="AppError") for n in range(count)]
    container.store.append(batch(*rows)).result()
    return [case["id"] for case in shown.cases(container.store)]


def started(container: Container, name: str = "ann", verb: str = "claim", **more: Any) -> Batch:
    """Start a batch over everything."""
    ctx = container.context(Actor(name))
    frozen = perform(FreezeBatch(verb, CaseFilter(flow=["order-to-cash"])), ctx)
    return perform(StartBatch(frozen.id, **more), ctx)


def test_it_is_offered_where_the_list_is_narrowed_and_only_there(container: Container) -> None:
    failed(container)
    labels = [button.label for button in opened(_queue, flow="order-to-cash").button]
    assert "Act on all 4…" in labels
    assert not [label for label in (b.label for b in opened(_queue).button) if "Act on all" in label]
    closed = opened(_queue, flow="order-to-cash", tab="resolved")
    assert not [label for label in (b.label for b in closed.button) if "Act on all" in label]


def test_the_dialog_shows_what_it_reaches_and_starts_exactly_that(container: Container) -> None:
    ids = failed(container)
    perform(Claim(ids[0]), container.context(Actor("bob")))
    app = opened(_queue, flow="order-to-cash", all="1")
    assert "Nothing happens before you have seen the list" in text_of(app)
    app.get("button_group")[-1].set_value("resolve").run()
    text = text_of(app)
    assert "3 exceptions · 1 flow · oldest" in text
    assert "Not included: 1" in text
    assert "1 claimed by others" in text
    assert "<script" not in "\n".join(part.value for part in app.caption).replace("\\<", "")
    send = next(b for b in app.button if b.label == "Resolve 3")
    send.click().run()
    assert any("at least 10 characters" in error.value for error in app.error)
    failure_later = failure(60, "SO-LATE", exception_message=HOSTILE, error_type="AppError")
    container.store.append(batch(failure_later)).result()
    app.text_area[0].set_value("The mailbox was emptied by hand")
    next(b for b in app.button if b.label == "Resolve 3").click().run()
    (row,) = container.store.query("cases/running_batches")
    while step(container.as_system(), row["id"]):
        pass
    states = {case["correlation_id"]: case["state"] for case in shown.cases(container.store)}
    assert sorted(states.values()) == ["claimed", "open", "resolved", "resolved", "resolved"]
    assert states["SO-LATE"] == "open", "the list was frozen before it came"


def test_the_dialog_escalates_all_with_a_reason_to_a_team_or_by_the_rules(container: Container) -> None:
    ids = failed(container)
    perform(Claim(ids[0]), container.context(Actor("bob")))
    app = opened(_queue, flow="order-to-cash", all="1")
    app.get("button_group")[-1].set_value("escalate").run()
    assert "4 exceptions · 1 flow" in text_of(app), "also what bob has claimed"
    assert "Without a name each goes to the next step of the rules" in text_of(app)
    app.button_group(key="assign_kind").set_value("team").run()
    app.text_input(key="assign_team_name").input("Leads").run()
    next(b for b in app.button if b.label == "Escalate 4").click().run()
    assert any("at least 10 characters" in error.value for error in app.error)
    app.text_area[0].set_value("The mailbox is full again")
    next(b for b in app.button if b.label == "Escalate 4").click().run()
    (row,) = container.store.query("cases/running_batches")
    while step(container.as_system(), row["id"]):
        pass
    assert {case["assignee"] for case in shown.cases(container.store)} == {"Leads"}
    assert "Escalate 4 exceptions to the team Leads" in text_of(opened(_batches, batch=row["id"]))


def test_the_page_adds_up_and_names_why(container: Container) -> None:
    ids = failed(container)
    running = started(container, "local")
    perform(Claim(ids[1]), container.context(Actor("bob")))
    perform(RunItems(running.id, limit=3), container.as_system())
    app = opened(_batches, batch=running.id)
    assert re.search(r"4\s+Total\s+=\s+2\s+Done\s+\+\s+0\s+Failed\s+\+\s+1\s+Skipped\s+\+\s+1\s+Waiting",
                     " ".join(text_of(app).split()))  # fmt: skip
    assert "**Skipped:** 1 claimed by others" in text_of(app)
    assert "bob has claimed it" in text_of(app)
    waiting = opened(_batches, batch=running.id, items="waiting")
    assert "**Waiting** · 1 exception" in text_of(waiting)
    assert "<script" not in "\n".join(part.proto.body for part in app.get("html"))


def test_buttons_pause_and_cancel_also_what_another_started(container: Container) -> None:
    failed(container)
    running = started(container, "eve")
    app = opened(_batches, batch=running.id)
    next(b for b in app.button if b.label == "Pause").click().run()
    assert "Paused" in str([badge.value for badge in app.markdown])
    resume = next(b for b in app.button if b.label == "Resume")
    assert (resume.disabled, "Only eve can resume it" in (resume.help or "")) == (True, True)
    next(b for b in app.button if b.label == "Cancel the other 4…").click().run()
    assert "Cancel the other 4" in [b.label for b in app.button]
    perform(CancelBatch(running.id), container.context(Actor("bob")))
    text = text_of(opened(_batches, batch=running.id))
    assert "bob cancelled it" in text
    assert "4 cancelled" in text


def test_the_list_has_ones_own_and_on_request_all(container: Container) -> None:
    assert "No batch has been started." in text_of(opened(_batches))
    failed(container)
    started(container, "eve", "resolve", code="duplicate", reason="The other order was paid")
    assert "Resolve 4 exceptions" not in text_of(opened(_batches))
    assert "Resolve 4 exceptions" in text_of(opened(_batches, whose="all"))
    assert "There is no batch ffff" in text_of(opened(_batches, batch="ffff"))
