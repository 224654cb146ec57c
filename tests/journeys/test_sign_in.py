"""Sign-in in a real browser: the first start, roles, two tabs, a disabled person, OpenID."""

from __future__ import annotations

import re
import subprocess
import sys
import uuid
import warnings
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import expect

from audit import verifier
from tests.journeys.browsing import browser, settle
from tests.journeys.serving import STUCK, Server
from tests.waiting import eventually
from views.business.filters import FRESH_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = [pytest.mark.browser]

SENTENCE = "an honest sentence"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all: each test has names and units of its own."""
    made = asking(tmp_path_factory.mktemp("signing"))
    yield made
    made.stop()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Server]:
    """A server that nobody has come into yet."""
    made = asking(tmp_path)
    yield made
    made.stop()


def asking(folder: Path) -> Server:
    """Start a server that asks for sign-in."""
    config = folder / "unsnag.toml"
    config.write_text("[access]\nsign_in = true\n")
    return Server(folder, config).start()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


def first_link(server: Server) -> str:
    """Return the link that the server printed at its start."""
    found = re.search(r"http://\S+/welcome\?code=\S+", (server.folder / "server.log").read_text())
    assert found
    return found[0]


def choose(page: Page, link: str, name: str | None = None) -> None:
    """Open a one-time link and choose a password."""
    page.goto(link)
    if name:
        page.get_by_label("Your name").fill(name)
    page.get_by_label("Password", exact=True).fill(SENTENCE)
    page.get_by_label("Password again").fill(SENTENCE)
    page.get_by_role("button", name="Choose and sign in").click()
    settle(page)


def sign_in(page: Page, server: Server, name: str, password: str = SENTENCE) -> None:
    page.goto(f"{server.address}/sign-in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def change_roles(page: Page, name: str) -> None:
    """Open somebody's roles on the page People and give them again."""
    page.reload()
    settle(page)
    page.get_by_role("button", name="Change").first.click()
    page.get_by_role("button", name="Roles…").click()
    page.get_by_role("dialog").get_by_role("button", name="Save roles").click()
    expect(page.get_by_text(f"{name} has the new roles")).to_be_visible()


def signed_out(page: Page) -> None:
    """Wait until a page says that nobody is signed in any more."""
    expected = page.get_by_text("You are signed out.").or_(page.get_by_role("heading", name="Sign in"))
    expect(expected).to_be_visible(timeout=60_000)


def context_of(chromium: Browser) -> BrowserContext:
    """Return a browser of its own."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(60_000)
    return context


def fail_once(server: Server) -> str:
    """Let a script fail, wait until its exception is there, and return the unit."""
    unit = f"SO-{uuid.uuid4().hex[:6]}"
    stuck = STUCK.format(spool=str(server.spool), unit=unit)
    subprocess.run([sys.executable, "-c", stuck], check=True, timeout=30)
    eventually(lambda: found(server, unit))
    return unit


def found(server: Server, unit: str) -> list[dict[str, Any]]:
    """Return a unit's exceptions, as a program with a viewer's token sees them."""
    if server.folder not in _TOKENS:
        _TOKENS[server.folder] = server.command("token", "add", "watcher", "--role", "viewer")
    bearer = {"Authorization": f"Bearer {_TOKENS[server.folder]}"}
    answer = httpx.get(f"{server.address}/api/v1/cases", params={"q": unit}, headers=bearer)
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


_TOKENS: dict[Path, str] = {}


def someone(server: Server, role: str) -> tuple[str, str]:
    """Add a person; return the name and the one-time link."""
    name = f"p{uuid.uuid4().hex[:6]}"
    return name, server.command("user", "add", name, "--role", role)


def test_the_first_start_makes_an_admin_who_adds_people(fresh: Server, chromium: Browser) -> None:
    root, ann = context_of(chromium), context_of(chromium)
    page, refused = root.new_page(), []
    page.on("console", lambda m: refused.append(m.text) if "Content Security" in m.text else None)
    page.goto(fresh.address)  # nobody is let in
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    choose(page, first_link(fresh), "root")
    expect(page.get_by_role("heading", name="Exceptions")).to_be_visible()

    page.goto(f"{fresh.address}/people")
    settle(page)
    page.get_by_role("button", name="Add a person…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Name").fill("Ann")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_text("A name has 1 to 60")).to_be_visible()  # a capital is refused, with a reason
    dialog.get_by_role("textbox", name="Name").fill("ann")
    dialog.get_by_role("button", name="Add", exact=True).click()
    link = dialog.locator("code").first
    expect(link).to_contain_text("/welcome?code=")
    hers = ann.new_page()
    choose(hers, re.sub(r"\s", "", link.inner_text()))
    expect(hers.get_by_role("heading", name="Exceptions")).to_be_visible()
    hers.get_by_role("button", name="Claim next").hover(force=True)
    expect(hers.get_by_text("Nothing is open.")).to_be_visible()  # and not: acting needs the operator role
    expect(hers.get_by_role("link", name="People")).to_have_count(0)  # an operator does not say who is who
    hers.goto(f"{fresh.address}/people")
    settle(hers)
    expect(hers.get_by_role("button", name="Add a person…")).to_have_count(0)
    change_roles(page, "ann")
    for path in ("/", "/trace", "/business", "/collectors", "/audit", "/account", "/people"):
        page.goto(f"{fresh.address}{path}")
        settle(page)
    expect(page.get_by_text("ann", exact=True).first).to_be_visible()
    assert refused == []
    root.close()
    ann.close()


def test_a_viewer_looks_and_cannot_act_and_an_operator_can(server: Server, chromium: Browser) -> None:
    unit = fail_once(server)
    viewer, operator = context_of(chromium), context_of(chromium)
    eve, ann = viewer.new_page(), operator.new_page()
    choose(eve, someone(server, "viewer")[1])
    choose(ann, someone(server, "operator:acme/*")[1])
    for page in (eve, ann):
        page.get_by_role("row").filter(has_text=unit).first.click()
        expect(page.get_by_text("Is it safe to retry?")).to_be_visible()
    expect(eve.get_by_role("button", name="Claim next")).to_be_disabled()
    expect(eve.get_by_role("button", name="Claim", exact=True)).to_have_count(0)
    eve.keyboard.press("c")
    expect(eve.locator(".message")).to_contain_text("acting needs the operator role")
    # What a page does not offer is refused by the server, not only by the page.
    case_id = parse_qs(urlsplit(eve.url).query)["case"][0]
    claim = (
        f"fetch('/api/v1/cases/{case_id}/claim', {{method: 'POST', headers: {{'Idempotency-Key': 'eve-1'}}}})"
    )
    refused = eve.evaluate(f"{claim}.then(async (answer) => [answer.status, (await answer.json()).detail])")
    assert refused[0] == 403
    assert "may not claim an exception" in refused[1]
    ann.get_by_role("button", name="Claim", exact=True).click()
    expect(ann.get_by_role("button", name="Release", exact=True)).to_be_visible()
    viewer.close()
    operator.close()


def test_an_operator_of_another_tenant_sees_nothing_of_it(server: Server, chromium: Browser) -> None:
    unit = fail_once(server)
    context = context_of(chromium)
    page = context.new_page()
    choose(page, someone(server, "operator:globex/*")[1])
    expect(page.get_by_text(unit)).to_have_count(0)
    page.goto(f"{server.address}/trace?id={unit}")
    settle(page)
    expect(page.get_by_text("no answer")).to_have_count(0)
    context.close()


def test_signing_out_gives_claims_back_with_a_note(server: Server, chromium: Browser) -> None:
    unit = fail_once(server)
    context = context_of(chromium)
    page = context.new_page()
    name, link = someone(server, "operator")
    choose(page, link)
    page.get_by_role("row").filter(has_text=unit).first.click()
    page.get_by_role("button", name="Claim", exact=True).click()
    eventually(lambda: found(server, unit)[0]["holder"] == name)
    page.get_by_role("button", name="Sign out").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("You hold 1 claim.")
    dialog.get_by_label("Hand-over note").fill("The carrier calls back at six")
    dialog.get_by_role("button", name="Release all and sign out").click()
    signed_out(page)
    (case,) = found(server, unit)
    assert (case["state"], case["holder"]) == ("open", None)
    bearer = {"Authorization": f"Bearer {_TOKENS[server.folder]}"}
    detail = httpx.get(f"{server.address}/api/v1/cases/{case['id']}", headers=bearer).json()
    notes = [(note["actor"], note["text"], note["is_hand_over"]) for note in detail["notes"]]
    assert notes == [(name, "The carrier calls back at six", True)]
    context.close()


def test_signing_out_in_one_tab_takes_the_power_from_the_other_at_once(
    server: Server, chromium: Browser
) -> None:
    unit = fail_once(server)
    context = context_of(chromium)
    one, two = context.new_page(), context.new_page()
    choose(one, someone(server, "operator")[1])
    two.goto(server.address)
    settle(two)
    two.get_by_role("row").filter(has_text=unit).first.click()
    expect(two.get_by_role("button", name="Claim", exact=True)).to_be_visible()
    one.get_by_role("button", name="Sign out").click()
    expect(
        one.get_by_text("You are signed out.").or_(one.get_by_role("heading", name="Sign in"))
    ).to_be_visible()
    expect(two.get_by_role("heading", name="Sign in")).to_be_visible(timeout=60_000)
    assert found(server, unit)[0]["holder"] is None
    context.close()


def test_what_is_carried_away_is_a_file_and_an_entry(
    server: Server, chromium: Browser, tmp_path: Path
) -> None:
    context = context_of(chromium)
    page = context.new_page()
    choose(page, someone(server, "approver")[1])
    page.goto(f"{server.address}/audit")
    settle(page)
    for button, name in (("CSV", "audit.csv"), ("Evidence pack", "evidence.zip")):
        with page.expect_download() as download:
            page.get_by_role("button", name=button).click()
        download.value.save_as(tmp_path / name)
    assert verifier.verify(tmp_path / "evidence.zip").problem is None
    assert (tmp_path / "audit.csv").read_text().startswith("seq,time,actor")
    page.reload()
    settle(page)
    page.get_by_role("button", name="Verify all now").click()
    expect(page.get_by_text("entries verified: hash chain intact")).to_be_visible()
    with httpx.Client(
        base_url=server.address, cookies={c["name"]: c["value"] for c in context.cookies()}
    ) as http:  # type: ignore[typeddict-item]
        reported = [row["verb"] for row in http.get("/api/v1/audit?kind=effect").json()["items"]]
    assert {"audit exported", "evidence packed"} <= set(reported)
    context.close()


def test_the_rows_behind_a_figure_are_carried_away_by_name(
    server: Server, chromium: Browser, tmp_path: Path
) -> None:
    unit = fail_once(server)
    context = context_of(chromium)
    page = context.new_page()
    name, link = someone(server, "admin")
    choose(page, link)
    page.wait_for_timeout((FRESH_S + 1) * 1_000)  # figures are a few seconds coarse
    page.goto(f"{server.address}/business")
    settle(page)
    page.locator("[class*=st-key-open-k8] button, [class*=st-key-open-K8] button").click()
    with page.expect_download() as download:
        page.get_by_role("dialog").get_by_role("button", name=re.compile("rows as CSV")).click()
    download.value.save_as(tmp_path / "rows.csv")
    assert unit in (tmp_path / "rows.csv").read_text()
    page.goto(f"{server.address}/audit?verb=exported&actor={name}")
    settle(page)
    expect(page.get_by_text("1–1 of 1")).to_be_visible()
    context.close()


def test_a_disabled_person_is_out_at_once_and_does_not_come_in_again(
    server: Server, chromium: Browser
) -> None:
    context = context_of(chromium)
    page = context.new_page()
    name, link = someone(server, "operator")
    choose(page, link)
    server.command("user", "disable", name, "--reason", "left")
    signed_out(page)
    sign_in(page, server, name)
    expect(page.get_by_role("alert")).to_contain_text("The name or the password is wrong")
    context.close()


def test_a_wrong_password_says_so_and_a_right_one_leads_where_one_was_going(
    server: Server, chromium: Browser
) -> None:
    context = context_of(chromium)
    page = context.new_page()
    name, link = someone(server, "viewer")
    choose(page, link)
    page.get_by_role("button", name="Sign out").click()
    signed_out(page)
    page.wait_for_timeout(1_000)  # its event stream may lead it to the sign-in page by itself
    page.goto(f"{server.address}/business?range=7d")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    page.get_by_label("Password").fill(SENTENCE)
    page.get_by_role("button", name="Sign in", exact=True).click()
    settle(page)
    assert page.url == f"{server.address}/business?range=7d"
    context.close()


# --- OpenID, against a provider that runs here ----------------------------------------------------


@pytest.mark.filterwarnings("ignore:get_jwt_config:DeprecationWarning")
def test_the_round_trip_by_an_openid_provider(tmp_path: Path, chromium: Browser) -> None:
    with warnings.catch_warnings():  # its library switches its own deprecations on
        import authlib.deprecate  # noqa: F401, PLC0415

        warnings.simplefilter("ignore")
        import oidc_provider_mock as mock  # noqa: PLC0415
    people = [
        mock.User(sub="ann-1", claims={"preferred_username": "ann"}),
        mock.User(sub="eve-1", claims={"preferred_username": "eve"}),
    ]
    with mock.run_server_in_thread(require_nonce=True, user_claims=people) as provider:
        config = tmp_path / "unsnag.toml"
        config.write_text(
            "[access]\nsign_in = true\n[access.oidc]\n"
            f'issuer = "http://localhost:{provider.server_port}"\nclient_id = "unsnag"\nlabel = "Example"\n'
        )
        server = Server(tmp_path, config, {"UNSNAG_OIDC_CLIENT_SECRET": "a secret of the test"}).start()
        try:
            server.command("user", "add", "ann", "--role", "operator", "--openid")
            _comes_in(chromium, server)
            _stays_out(chromium, server)
        finally:
            server.stop()


def _comes_in(chromium: Browser, server: Server) -> None:
    context = context_of(chromium)
    page = context.new_page()
    page.goto(f"{server.address}/account")
    page.get_by_role("link", name="Sign in with Example").click()
    page.locator("[name=sub]").first.fill("ann-1")
    page.get_by_role("button").first.click()
    page.wait_for_url(f"{server.address}/account")
    settle(page)
    expect(page.get_by_text("ann: operator")).to_be_visible()
    context.close()


def _stays_out(chromium: Browser, server: Server) -> None:
    context = context_of(chromium)
    page = context.new_page()
    page.goto(f"{server.address}/sign-in")
    page.get_by_role("link", name="Sign in with Example").click()
    page.locator("[name=sub]").first.fill("eve-1")
    page.get_by_role("button").first.click()
    expect(page.get_by_role("alert")).to_contain_text("nobody has given you access")
    page.goto(f"{server.address}/sign-in/openid/done?code=x&state=y")  # an answer nobody waits for
    expect(page.get_by_role("alert")).to_contain_text("was not begun in this browser")
    context.close()
