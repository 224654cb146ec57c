"""The logs of thirty programs, dropped into a fresh server, beside two files that nobody can read."""

from __future__ import annotations

import random
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.journeys.browsing import browser, visit
from tests.journeys.serving import Server
from tests.layouts.proof import NEAR_US, PROOFS
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.layouts.proof import Event, Proof

pytestmark = [pytest.mark.slow, pytest.mark.browser]

ERRORS = ("error", "critical")
DAY_US = 86_400_000_000
CONFIG = """[[collectors.jsonl]]
name = "shop"
paths = ["{folder}/*"]
timezone = "Europe/Berlin"           # of the machine that the programs ran on
mapping = "programs"

[collectors.mappings.programs]
flow = {{ from = "path", pattern = "([^/]+)[.](?:log|csv)$" }}
"""
UNREADABLE = {
    "picture.log": (random.Random(5).randbytes(20_000), "it is binary, not text"),
    "older.log.gz": (b"\x1f\x8b\x08\0" + b"no gzip" * 500, "its gzip content is broken"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("dropped")
    config = folder / "unsnag.toml"
    config.write_text(CONFIG.format(folder=folder / "logs"))
    (folder / "logs").mkdir()
    made = Server(folder, config).start()
    drop(folder / "logs")
    wait_until_read(made)
    yield made
    made.stop()


def drop(folder: Path) -> None:
    for proof in PROOFS:
        (folder / f"{proof.name}.{'csv' if proof.is_csv else 'log'}").write_bytes(proof.log)
    for name, (content, _) in UNREADABLE.items():
        (folder / name).write_bytes(content)


def source(server: Server) -> dict[str, Any]:
    items = httpx.get(f"{server.address}/api/v1/sources", timeout=60).json()["items"]
    return next(item for item in items if item["name"] == "shop")


def wait_until_read(server: Server) -> None:
    expected = sum(len(proof.rows()) for proof in PROOFS)

    def is_read() -> bool:
        found = source(server)
        return found["records"] >= expected and len(found["unreadable_files"]) >= len(UNREADABLE)

    eventually(is_read, lambda: source(server), within_s=120)


def listed(server: Server, path: str, **params: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor = None
    while True:
        given = {**params, "limit": 200} | ({"cursor": cursor} if cursor else {})
        page = httpx.get(f"{server.address}/api/v1/{path}", params=given, timeout=60).json()
        items += page["items"]
        cursor = page["next"]
        if not cursor:
            return items


def micros(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1_000_000)


def shape(text: str) -> str:
    return re.sub(r"\d+", "0", text)


def moment(event: Event, proof: Proof, near: int) -> int:
    """Return when it happened; a line without a date is read as of the newest day, so that near to `near`."""
    time = int(event.time)
    return time if proof.has_date else time + round((near - time) / DAY_US) * DAY_US


def is_its_record(event: Event, proof: Proof, row: dict[str, Any]) -> bool:
    named = event.id in ("-", row["correlation_id"]) or event.id in str(row["attributes"])
    severity = event.severity in ("-", row["severity"])
    time = micros(row["time"])
    near = abs(time - moment(event, proof, time)) < NEAR_US
    return row["message"] == event.message and severity and near and named


def is_its_case(event: Event, proof: Proof, case: dict[str, Any]) -> bool:
    if event.id not in ("-", case["correlation_id"]):
        return False
    first, last = micros(case["first_seen"]), micros(case["last_seen"])
    within = first - NEAR_US < moment(event, proof, first) < last + NEAR_US
    kind = event.type in ("-", case["error_type"])
    return within and kind and shape(case["message"]) in (shape(event.message), shape(event.failure))


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.name)
def test_every_error_leads_to_a_case_that_states_it_right(server: Server, proof: Proof) -> None:
    errors = [event for event in proof.events() if event.severity in ERRORS]
    always = {"from": "1970-01-01T00:00:00Z"}
    rows = listed(server, "logs", source="shop", flow=proof.name, severity="error", **always)
    cases = [case for case in listed(server, "cases", flow=proof.name) if case["flow"] == proof.name]
    assert [event for event in errors if not any(is_its_record(event, proof, row) for row in rows)] == []
    assert [event for event in errors if not any(is_its_case(event, proof, case) for case in cases)] == []
    # Each counts once. What a file holds beside the story are errors of the program itself.
    assert sum(case["occurrences"] for case in cases) == len(rows)
    assert len(rows) >= len(errors)


def test_rest_names_exactly_the_two_files_that_cannot_be_read(server: Server) -> None:
    found = source(server)
    named = {file["path"].rpartition("/")[2]: file["reason"] for file in found["unreadable_files"]}
    assert named.keys() == UNREADABLE.keys()
    for name, (_, reason) in UNREADABLE.items():
        assert named[name].startswith(reason)
    assert found["state"] == "failed"


def test_the_page_names_exactly_the_two_files_that_cannot_be_read(server: Server) -> None:
    with browser() as started:
        page, _ = visit(started, f"{server.address}/collectors")
        heading = page.get_by_role("heading", name="Files that cannot be read")
        heading.wait_for(timeout=60_000)
        items = page.locator("li", has_text="/logs/").all_inner_texts()
        assert len(items) == len(UNREADABLE)
        for name, (_, reason) in UNREADABLE.items():
            assert sum(f"/{name}" in item and reason in item for item in items) == 1
