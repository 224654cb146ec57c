"""Two people at one queue, each in a browser: take-over, the claim of a group, and a hand-over."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.journeys.browsing import settle, visit
from tests.views.test_components_browser import WAIT_MS, row, send, serving
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from tests.journeys.serving import Server

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(400),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

WHY = "Ann is ill, and the customer waits"
NOTE = "The bank calls back at six"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Five exceptions with one cause, SO-1 the most urgent; each test changes them."""
    with serving(tmp_path) as started:
        yield started


def opened(server: Server, started: Browser, path: str, who: str) -> Page:
    page, _ = visit(started, f"{server.address}{path}", who=who)
    page.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    return page


def panel_of(page: Page, unit: str) -> Locator:
    """Open the panel of a unit's exception."""
    row(page, unit).locator(".what").click()
    panel = page.locator(".st-key-case_panel")
    expect(panel).to_contain_text(unit)
    expect(page.locator("[role=grid] .row.opened a")).to_have_text(unit)
    settle(page)
    return panel


def case_of(server: Server, unit: str) -> Any:
    """Return the only exception of a unit, or None."""
    items = server.get("/api/v1/cases", q=f'"{unit}"')["items"]
    return items[0] if items else None


def verbs(server: Server, unit: str) -> list[str]:
    return [act["verb"] for act in server.get(f"/api/v1/cases/{case_of(server, unit)['id']}")["acts"]]


def test_a_take_over_takes_a_reason_and_its_notice_stays_until_it_is_seen(
    server: Server, started: Browser
) -> None:
    ann = opened(server, started, "/", "ann")
    hers = panel_of(ann, "SO-1")
    hers.get_by_role("button", name="Claim", exact=True).click()
    expect(hers.get_by_role("button", name="Release", exact=True)).to_be_visible()
    bob = opened(server, started, "/?tab=claimed", "bob")
    his = panel_of(bob, "SO-1")
    expect(his).to_contain_text("ann has this exception until")
    expect(his.get_by_role("button", name="Resolve…")).to_have_count(0)
    his.get_by_role("button", name="Take over…").click()
    dialog = bob.get_by_role("dialog")
    dialog.get_by_role("button", name="Take over", exact=True).click()
    expect(dialog).to_contain_text("The reason needs at least 10 characters.")
    assert case_of(server, "SO-1")["holder"] == "ann"
    dialog.get_by_label("Reason").fill(WHY)
    dialog.get_by_role("button", name="Take over", exact=True).click()
    expect(his.get_by_role("button", name="Release", exact=True)).to_be_visible()
    assert case_of(server, "SO-1")["holder"] == "bob"

    notice = ann.locator(".st-key-notices")
    expect(notice).to_contain_text(re.compile(r"bob took over SO-1 .*, which you had claimed"))
    expect(notice).to_contain_text(WHY)
    expect(bob.locator(".st-key-notices")).to_have_count(0)
    ann.goto(f"{server.address}/business")
    expect(notice).to_contain_text(WHY)
    settle(ann)
    notice.get_by_role("button", name="OK, seen").click()
    expect(notice).to_have_count(0)
    ann.goto(f"{server.address}/?tab=claimed&case={case_of(server, 'SO-1')['id']}")
    expect(ann.locator(".st-key-case_panel")).to_contain_text("bob has this exception until")
    expect(notice).to_have_count(0)
    assert verbs(server, "SO-1")[-2:] == ["claimed", "taken_over"]


def test_what_arrives_late_joins_the_claim_of_its_group_until_it_is_released(
    server: Server, started: Browser
) -> None:
    (group,) = server.get("/api/v1/groups")["items"]
    bob = opened(server, started, "/", "bob")
    panel_of(bob, "SO-2").get_by_role("button", name="Claim", exact=True).click()
    eventually(lambda: case_of(server, "SO-2")["holder"] == "bob")

    ann = opened(server, started, f"/?group={group['id']}", "ann")
    ann.get_by_role("button", name="Claim group").click()
    expect(ann.locator("body")).to_contain_text("Claimed: 4 exceptions.")
    expect(ann.locator("body")).to_contain_text("SO-2: bob has it until")
    send(server, "SO-6", "Order 6 was refused")
    ann.goto(f"{server.address}/?tab=mine")
    expect(ann.locator("[role=grid] .row a")).to_have_text(["SO-1", "SO-3", "SO-4", "SO-5", "SO-6"])
    expect(panel_of(ann, "SO-6")).to_contain_text("claimed with its group")
    assert case_of(server, "SO-6")["holder"] == "ann"

    bob.goto(f"{server.address}/?group={group['id']}")
    expect(bob.locator("body")).to_contain_text("ann has claimed this group until")
    expect(bob.get_by_role("button", name="Claim group")).to_have_count(0)
    ann.goto(f"{server.address}/?group={group['id']}&tab=mine")
    ann.get_by_role("button", name="Release group…").click()
    dialog = ann.get_by_role("dialog")
    dialog.get_by_label("Hand-over note").fill(NOTE)
    dialog.get_by_role("button", name="Release", exact=True).click()
    eventually(lambda: case_of(server, "SO-6")["holder"] is None)
    send(server, "SO-7", "Order 7 was refused")
    late = eventually(lambda: case_of(server, "SO-7"))
    assert (late["group"], late["holder"], late["state"]) == (group["id"], None, "open")
    expect(bob.get_by_role("button", name="Claim group")).to_be_visible()
    assert case_of(server, "SO-2")["holder"] == "bob"


def test_at_the_end_of_a_shift_all_claims_go_to_the_next_person_with_a_note(
    server: Server, started: Browser
) -> None:
    ann = opened(server, started, "/", "ann")
    for number in (1, 2):
        ann.get_by_role("button", name="Claim next").click()
        eventually(lambda number=number: case_of(server, f"SO-{number}")["holder"] == "ann")
    expect(ann.locator("[role=grid] .row a")).to_have_text(["SO-1", "SO-2"])
    settle(ann)
    ann.get_by_role("button", name="Release all…").click()
    dialog = ann.get_by_role("dialog")
    expect(dialog).to_contain_text("You hold 2 claims.")
    dialog.get_by_label("Hand-over note").fill(NOTE)
    dialog.get_by_role("button", name="Release 2 exceptions").click()
    expect(ann.locator("body")).to_contain_text("No exceptions in this tab; 5 open.")

    bob = opened(server, started, "/", "bob")
    his = panel_of(bob, "SO-1")
    expect(his).to_contain_text(NOTE)
    expect(his).to_contain_text(re.compile("released by ann", re.IGNORECASE))
    notes = server.get(f"/api/v1/cases/{case_of(server, 'SO-1')['id']}")["notes"]
    assert [(note["actor"], note["text"], note["is_hand_over"]) for note in notes] == [("ann", NOTE, True)]
    his.get_by_role("button", name="Claim", exact=True).click()
    eventually(lambda: case_of(server, "SO-1")["holder"] == "bob")
    assert case_of(server, "SO-2")["holder"] is None
