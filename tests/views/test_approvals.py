"""The panel of an approval, and the counts on the tabs beside it, over a real store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from streamlit.testing.v1 import AppTest

from access.commands import perform
from audit.actor import Actor
from cases.approving import Reject
from tests import shown
from tests.telemetry import batch, failure, log
from tests.views.drawn import tabs_of

if TYPE_CHECKING:
    from server.container import Container

REASON = "The price is <b>above</b> what was agreed"


def _page() -> None:
    from views.exceptions.page import page  # noqa: PLC0415 - AppTest runs this function alone

    page()


def opened(tab: str, case_id: str) -> AppTest:
    app = AppTest.from_function(_page, default_timeout=60)
    app.query_params["tab"] = tab
    app.query_params["case"] = case_id
    app.run()
    assert not app.exception
    return app


def asked(container: Container) -> str:
    attributes = orjson.dumps({"unsnag.approval.question": "Pay *12* EUR?"}).decode()
    question = log(0, "waits", correlation_id="SO-1", flow="f", step="pay", attributes=attributes)
    container.store.append(batch(question, failure(1, "SO-2"), failure(1, "SO-3"))).result()
    (case,) = [case for case in shown.cases(container.store) if case["approval_id"]]
    return str(case["id"])


def test_the_panel_offers_the_two_answers_and_nothing_of_failures(container: Container) -> None:
    case_id = asked(container)
    app = opened("approvals", case_id)
    names = [button.label for button in app.button]
    assert {"Approve…", "Reject…"} <= set(names)
    assert not {"Claim", "Retry…", "Resolve…", "Snooze…", "Fixed outside…"} & set(names)
    texts = " ".join(block.value for block in app.markdown)
    assert "asks about **SO\\-1**" in texts
    assert "Is it safe to retry?" not in texts


def test_the_tabs_count_open_failures_whichever_tab_is_open(container: Container) -> None:
    app = opened("approvals", asked(container))
    named = tabs_of(app)
    assert "Open 2" in named
    assert "Awaiting approval 1" in named


def test_the_answer_stands_on_the_panel_with_its_reason(container: Container) -> None:
    case_id = asked(container)
    perform(Reject(case_id, REASON), container.context(Actor("ann")))
    app = opened("resolved", case_id)
    assert "Approve…" not in [button.label for button in app.button]
    (info,) = [block.value for block in app.info if "Rejected by ann" in block.value]
    assert "<b>" not in info.replace("\\<b", "")
