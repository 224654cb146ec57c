"""axe-core in Chromium over every page: light and dark, wide and narrow. `make accessibility` runs it."""

from __future__ import annotations

import itertools
import uuid
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from tests.journeys.browsing import settle
from tests.server.test_victims import World
from tests.server.test_victims import send as export
from tests.views.test_components_browser import send, serving
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.journeys.serving import Server

pytestmark = [
    pytest.mark.browser,
    pytest.mark.integration,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

AXE: Final = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
RUN: Final = (
    "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],"
    " resultTypes: ['violations']})"
)
PAGES: Final = {
    "the queue": "/",
    "a panel": "/?case={case}",
    "a wrong search": "/?q=flwo:x",
    "nothing matches": "/?q=nothing-has-this",
    "groups": "/?view=groups",
    "a group with victims": "/?group={root}",
    "victims": "/?group={victims}",
    "approvals": "/?tab=approvals",
    "widths": "/?widths=unit:180",
    "an approval": "/?tab=approvals&case={approval}",
    "my actions": "/actions",
    "batches": "/batches",
    "a batch": "/batches?batch={batch}",
    "find a unit": "/trace",
    "a trace": "/trace?id=SO-1",
    "review": "/review",
    "business": "/business",
    "a trend with a change": "/business?figure=K1&view=Weeks",
    "connect": "/connect",
    "collectors": "/collectors",
    "mapping": "/mapping",
    "audit": "/audit",
    "people": "/people",
    "account": "/account",
}
OPENED: Final = {
    "order and columns": ("/", ("Order and columns",)),
    "the menu of a panel": ("/?case={case}", ("More",)),
    "escalate": ("/?case={case}", ("More", "Escalate…")),
    "escalate selected": ("/", ("Select SO-4", "Escalate 1…")),
    "ask": ("/?tab=claimed&case={held}", ("Ask…",)),
    "approve": ("/?tab=approvals&case={approval}", ("Approve…",)),
    "merge": ("/?group={root}", ("Merge…",)),
}
"""What is drawn over a page: the page, and what is clicked one after the other."""
DRAWN: Final = {
    "a trace": "[role=treeitem]",
    "a trend with a change": "[role=dialog] [data-testid=stDataFrame]",
}
"""What is drawn later than the page."""
STILL: Final = """() => {
    const within = [...document.querySelectorAll('*')].map((one) => one.shadowRoot).filter(Boolean);
    const grids = [document, ...within].flatMap((root) => [...root.querySelectorAll('[role=grid] .body')]);
    const heads = within.flatMap((root) => [...root.querySelectorAll('[role=columnheader]')]);
    const moves = (one) => one.playState === 'running' && one.effect.getTiming().iterations !== Infinity;
    return !document.querySelector('[data-stale=true], [data-testid=stSkeleton]')
        && !document.getAnimations().some(moves)
        && (heads.length || !document.querySelector('.st-key-queue'))
        && grids.every((body) => body.childElementCount);
}"""
"""What is drawn again is pale, what opens fades in, and a grid is mounted before its script fills it."""
STREAMLIT: Final = (
    ("list", "stSidebarNavItems"),
    ("listitem", "st-emotion-cache"),
    ("svg-img-alt", "metric_chart_"),
    ("color-contrast", 'class="token token'),
)
"""What axe finds in Streamlit's menu, charts and code: a rule, and a part of the element."""
KNOWN: Final = (
    ("color-contrast", '<b style="color:#dc2626">'),
    ("color-contrast", '<code class="st-emotion-cache'),
    ("label-content-name-mismatch", 'role="treeitem"'),
)
"""What is ours and not repaired yet; docs/accessibility.md names it."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("axe")) as started:
        yield started


def act(server: Server, path: str, body: Any = None, who: str = "ann") -> Any:
    headers = {"Idempotency-Key": uuid.uuid4().hex, "X-Unsnag-Actor": who}
    answer = httpx.post(f"{server.address}/api/v1{path}", json=body, headers=headers, timeout=30)
    assert answer.is_success, answer.text
    return answer.json()


@pytest.fixture
def held(server: Server, address: dict[str, str]) -> None:
    """Let bob hold an exception: a claim may have run out since the last test."""
    if not server.get(f"/api/v1/cases/{address['held']}")["holder"]:
        act(server, f"/cases/{address['held']}/claim", who="bob")


@pytest.fixture(scope="module")
def address(server: Server) -> dict[str, str]:
    """Act so that pages have something to show; return what their addresses name."""
    post = partial(act, server)
    case, other, held = (one["id"] for one in server.get("/api/v1/cases")["items"][:3])
    post(f"/cases/{case}/claim")
    post(f"/cases/{case}/notes", {"text": "The bank **says** it waits"})
    post(f"/cases/{other}/assign", {"to": "desk", "kind": "team"})
    post("/views", {"name": "Mine", "filter": {"q": "is:mine"}})
    batch = post("/batches", {"act": "assign", "filter": {"q": "SO-4"}, "to": "desk", "kind": "team"})
    post(f"/batches/{batch['id']}/start")
    with ExitStack() as stack, httpx.Client(base_url=server.address, timeout=30) as http:
        world = World(stack)
        world.run()
        export(http, world.payments, world.shop)
    root = next(group for group in server.get("/api/v1/groups")["items"] if group["victims"])
    fields = {"approval.question": "May order 9 be paid?", "approval.id": "a9"}
    send(server, "SO-9", "approval", age_s=5, **fields)
    approvals = eventually(lambda: server.get("/api/v1/cases", state="awaiting_approval")["items"])
    post("/markers", {"text": "A new version of the shop", "version": "2.1"})
    return {
        "case": case, "held": held, "batch": str(batch["id"]), "root": root["id"],
        "victims": root["victims"][0]["id"], "approval": approvals[0]["id"],
    }  # fmt: skip


def violations(page: Page) -> list[str]:
    """Return what axe finds when the page is still: rule, place and element."""
    settle(page)
    page.wait_for_function(STILL)
    return found_by_axe(page)


def found_by_axe(page: Page) -> list[str]:
    page.add_script_tag(content=AXE.read_text(encoding="utf-8"))
    return [
        f"{rule['id']}: {node['target']} {node['html'][:160]}"
        for rule in page.evaluate(RUN)["violations"]
        for node in rule["nodes"]
        if not any(rule["id"] == name and part in node["html"] for name, part in (*STREAMLIT, *KNOWN))
    ]


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize(("theme", "width"), list(itertools.product(["light", "dark"], [1440, 390])))
def test_axe_finds_nothing_of_ours_on_any_page(
    server: Server, started: Browser, address: dict[str, str], theme: Any, width: int
) -> None:
    # The page's own policy refuses a script that is put into it.
    context = started.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=theme,
        extra_http_headers={"X-Unsnag-Actor": "ann"},
        bypass_csp=True,
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    found: list[str] = []
    for name, path in PAGES.items():
        page.goto(f"{server.address}{path.format(**address)}")
        settle(page)
        if name in DRAWN:
            page.locator(DRAWN[name]).first.wait_for()
        found += [f"{name}: {one}" for one in violations(page)]
    for name, (path, clicks) in OPENED.items():
        page.goto(f"{server.address}{path.format(**address)}")
        settle(page)
        for label in clicks:
            page.get_by_label(label, exact=True).or_(page.get_by_role("button", name=label)).first.click()
            settle(page)
        page.locator("[role=dialog]").first.wait_for()
        found += [f"{name}: {one}" for one in violations(page)]
    week = datetime.now(UTC).strftime("%G-W%V")
    page.set_content(httpx.get(f"{server.address}/api/v1/weeks/{week}/review.html", timeout=60).text)
    found += [f"the file of a review: {one}" for one in found_by_axe(page)]
    context.close()
    assert not found, "\n".join(found)
