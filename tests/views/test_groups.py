"""Exceptions by cause: one line a group, which leads to its exceptions, and foreign text as text."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from typing import TYPE_CHECKING

import pytest
from streamlit.testing.v1 import AppTest

from cases import groups
from cases.groups import Fix
from cases.queries import CaseFilter
from collectors.sources import Sources
from server import container as containers
from server.container import Container
from server.settings import load
from tests.telemetry import at, batch, failure
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
    of_groups = [f"/?group={outage.id}", f"/?group={other.id}"]
    assert links == [link for address in of_groups for link in (address, f"{address}&all=1")]
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
    assert "1–3 of 3" in "\n".join(part.value for part in app.markdown)
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
