"""Exceptions by cause: one line a group, which leads to its exceptions, and foreign text as text."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from typing import TYPE_CHECKING

import pytest
from streamlit.testing.v1 import AppTest

from access.commands import perform
from audit.actor import Actor
from cases import groups, queries
from cases.commands import Claim
from cases.group_claims import ClaimGroup
from cases.group_notes import NoteGroup
from cases.groups import Fix
from cases.queries import CaseFilter
from collectors.sources import Sources
from server import container as containers
from server.container import Container
from server.identity import default_name
from server.settings import load
from tests.telemetry import at, batch, failure
from tests.views.drawn import note_of
from views.exceptions.groups import _fix

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cases.groups import Group

HOSTILE = "mailbox of <script>alert(1)</script> is full"


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Container]:
    opened = Container.open(load(["--data", str(tmp_path / "store"), "--spool", str(tmp_path / "spool")], {}))
    opened.collectors = Sources(opened.store, opened.settings.collectors, opened.settings.spools)
    containers.install(opened)
    yield opened
    containers.install(None)
    opened.store.close()


def _page() -> None:
    from views.exceptions.page import page  # noqa: PLC0415 - runs inside Streamlit's script

    page()


def opened(**address: str) -> AppTest:
    """Return the page at an address."""
    app = AppTest.from_function(_page, default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def html_of(app: AppTest) -> str:
    """Return the HTML that the page draws."""
    return "\n".join(part.proto.body for part in app.get("html"))


def two_causes(container: Container) -> list[Group]:
    """Three units fail by one cause, one by another."""
    failed = [failure(n, f"SO-{n}", exception_message=f"gateway answered 503 for {n}") for n in range(3)]
    odd = {"error_type": "AppError", "error_class": "business", "exception_message": HOSTILE}
    container.store.append(batch(*failed, failure(9, "SO-9", **odd))).result()
    return groups.listed(container.store.everything(), CaseFilter(), at(60)).items


def test_the_switch_shows_one_line_a_cause_that_leads_to_its_exceptions(container: Container) -> None:
    outage, other = two_causes(container)
    shown = html_of(opened(view="groups"))
    links = [unescape(link) for link in re.findall(r'<a href="([^"]*)"', shown)]
    of_outage = f"/?group={outage.id}"
    assert links == [of_outage, f"{of_outage}&all=1", f"/?group={other.id}"], "one exception needs no batch"
    assert ("3 / 3" in shown, "1 / 1" in shown) == (True, True)
    assert "2 groups" in "\n".join(part.value for part in opened(view="groups").markdown)


def test_text_of_telemetry_is_shown_as_text(container: Container) -> None:
    two_causes(container)
    shown = html_of(opened(view="groups"))
    assert "&lt;script&gt;" in shown
    assert "<script" not in shown


def test_a_group_narrows_the_list_and_stands_above_it(container: Container) -> None:
    outage, _ = two_causes(container)
    app = opened(group=outage.id)
    assert note_of(app) == "1–3 of 3"
    assert outage.title in unescape(html_of(app))
    unknown = opened(group="ffff")
    assert any("There is no group ffff" in part.value for part in unknown.markdown)


def test_links_keep_the_filters(container: Container) -> None:
    outage, _ = two_causes(container)
    shown = html_of(opened(view="groups", flow="order-to-cash", q="503"))
    assert f"/?q=503&flow=order-to-cash&group={outage.id}" in unescape(shown)


def test_empty_lists_state_why(container: Container) -> None:
    two_causes(container)
    closed = opened(view="groups", shown="closed", after="x")
    assert any("No groups here: closed." in part.value for part in closed.markdown)
    filtered = opened(view="groups", q="nothing like it")
    assert any("No group matches these filters." in part.value for part in filtered.markdown)


def test_a_fix_is_named_with_how_often_it_worked(container: Container) -> None:
    (outage, _) = two_causes(container)
    fixes = {
        Fix("retry", 41, 43, at(0)): "Retry: 41 of 43",
        Fix("automatic", 2, None, at(0)): "By itself: 2",
        Fix("data_corrected", 1, None, at(0)): "Data corrected by hand: 1",
    }
    for fix, text in fixes.items():
        assert _fix(replace(outage, last_fix=fix)) == text


def test_a_group_is_claimed_on_its_page_with_what_is_left_out(container: Container) -> None:
    group = two_causes(container)[0]
    store = container.store
    first = queries.listed(store.everything(), CaseFilter(group=[group.id])).items[0]
    perform(Claim(first.id), container.context(Actor("zoe")))
    app = opened(group=group.id)
    app.button(key="claim_group").click().run()
    text = "\n".join(part.value for part in app.markdown)
    assert "Claimed: 2 exceptions." in text
    assert re.search(r"- SO\\-\d: zoe has it until", text)
    assert "You have claimed this group until" in text
    holders = {case.holder for case in queries.listed(store.everything(), CaseFilter(group=[group.id])).items}
    assert holders == {"zoe", default_name()}
    assert {"release_group", "group_note"} <= {button.key for button in app.button}
    assert "claimed the group" in html_of(opened(view="groups"))


def test_the_claim_of_another_offers_no_second_one(container: Container) -> None:
    group = two_causes(container)[0]
    perform(ClaimGroup(group.id), container.context(Actor("zoe")))
    app = opened(group=group.id)
    assert "claim_group" not in {button.key for button in app.button}
    assert any("zoe has claimed this group until" in part.value for part in app.markdown)


def test_the_note_of_a_group_stands_on_its_line_and_on_its_exceptions(container: Container) -> None:
    group = two_causes(container)[0]
    text = "<b>Wait</b> for the [bank](http://evil.example)\nuntil six"
    perform(NoteGroup(group.id, text, 0), container.context(Actor("zoe")))
    line = html_of(opened(view="groups"))
    assert "Note: &lt;b&gt;Wait&lt;/b&gt;" in line
    assert "until six" not in line
    case = queries.listed(container.store.everything(), CaseFilter(group=[group.id])).items[0]
    notes = [part.value for part in opened(case=case.id).markdown if "until six" in part.value]
    assert len(notes) == 1
    assert "\\<b>Wait" in notes[0]
    assert "](" not in notes[0]
