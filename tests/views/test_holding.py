"""The panel of a case that somebody holds: read-only for others, a warning before the claim ends, notices."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from streamlit.testing.v1 import AppTest

from access.commands import perform
from audit.actor import Actor
from cases import queries
from cases.commands import Claim
from cases.holding import TakeOver
from data.clock import stored, utc_now
from server.identity import default_name
from tests.telemetry import batch, failure

if TYPE_CHECKING:
    from server.container import Container

ACTS = {"panel_claim", "panel_extend", "panel_release", "panel_return", "panel_retry", "panel_fixed_outside",
        "panel_resolve", "panel_take_over"}  # fmt: skip


def _page() -> None:
    from views.exceptions.page import page  # noqa: PLC0415 - runs inside Streamlit's script
    from views.kit.strip import strip  # noqa: PLC0415

    strip()
    page()


def opened(case_id: str, tab: str = "open") -> AppTest:
    app = AppTest.from_function(_page, default_timeout=30)
    app.query_params["case"] = case_id
    app.query_params["tab"] = tab
    app.run()
    assert not app.exception
    return app


def acts(app: AppTest) -> set[str]:
    return {button.key for button in app.button if button.key} & ACTS


def text_of(app: AppTest) -> str:
    return "\n".join(part.value for part in (*app.markdown, *app.caption, *app.info, *app.warning))


@pytest.fixture
def case_id(container: Container) -> str:
    container.store.append(batch(failure(0))).result()
    return queries.listed(container.store.everything(), queries.CaseFilter()).items[0].id


def test_the_panel_of_anothers_case_is_read_only(container: Container, case_id: str) -> None:
    assert acts(opened(case_id)) >= {"panel_claim", "panel_retry", "panel_resolve"}
    perform(Claim(case_id), container.context(Actor("zoe")))
    app = opened(case_id)
    assert acts(app) == {"panel_take_over"}
    assert "zoe has this exception until" in text_of(app)
    assert "Correct the class" not in {part.label for part in app.get("popover")}


def test_a_claim_warns_when_a_fifth_of_its_time_is_left(container: Container, case_id: str) -> None:
    me = Actor(default_name())
    perform(Claim(case_id), container.context(me))
    app = opened(case_id, "mine")
    assert "panel_extend" not in acts(app)
    assert "Your claim ends in" not in text_of(app)
    whole = container.settings.cases.claim_minutes
    soon = stored(utc_now() + timedelta(minutes=0.19 * whole))
    change = "update exception_case set lease_until = $soon::timestamp"
    container.store.act(lambda tx: tx.execute(change, {"soon": soon})).result()
    app = opened(case_id, "mine")
    assert "Your claim ends in" in text_of(app)
    app.button(key="panel_extend").click().run()
    assert "Your claim ends in" not in text_of(opened(case_id, "mine"))
    case = queries.one(container.store.everything(), case_id).case
    assert case.lease_until is not None
    assert case.lease_until - utc_now() > timedelta(minutes=0.9 * whole)


def test_a_notice_of_a_take_over_is_shown_until_it_is_seen(container: Container, case_id: str) -> None:
    perform(Claim(case_id), container.context(Actor(default_name())))
    perform(TakeOver(case_id, "the <b>bank</b> [called](http://x) zoe"), container.context(Actor("zoe")))
    app = opened(case_id)
    (notice,) = [part.value for part in app.markdown if "took over" in part.value]
    assert "**zoe** took over SO\\-1" in notice
    assert "\\<b\\>bank\\</b\\> \\[called\\]" in notice
    app.button(key="see_notices").click().run()
    assert not [part for part in opened(case_id).markdown if "took over" in part.value]
