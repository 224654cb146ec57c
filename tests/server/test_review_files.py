"""The weekly review as HTML, CSV and PDF by REST and by `unsnag review`: whole, or of a part of the work."""

from __future__ import annotations

import csv
import io
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
import streamlit as st

from access.roles import OPERATOR, SENDER, VIEWER, Grant
from server import review_files
from tests.kpis.tables import Tables
from tests.server.team import team
from unsnag import cli
from views.review import files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from server.container import Container

WEEK = "2026-W10"
FILE = f"/api/v1/weeks/{WEEK}/review"


@pytest.fixture(autouse=True)
def _pages() -> Iterator[None]:
    st.cache_data.clear()
    review_files.use(files.made)
    yield
    review_files._makers.clear()


def fill(container: Container) -> Tables:
    tables = Tables(container.store)
    for n in range(8):
        flow = "orders" if n % 2 else "invoices"
        tables.unit(f"SO-{n}", flow=flow, opened=1, done=2, segment="b2b" if n < 2 else "shop", tenant="acme")
    return tables


def figures(text: str) -> dict[str, dict[str, str]]:
    return {row["id"]: row for row in csv.DictReader(io.StringIO(text))}


def test_a_week_is_a_file_for_programs_whole_or_of_a_part(container: Container, http: httpx.Client) -> None:
    tables = fill(container)
    page = http.get(f"{FILE}.html")
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-disposition"] == f'attachment; filename="unsnag-review-{WEEK}.html"'
    assert page.text.startswith("<!doctype html>")
    counted = {
        query: figures(http.get(f"{FILE}.csv{query}").text)["K20"]["n"]
        for query in ("", "?flow=orders", "?part=segment:b2b", "?part=segment:b2b&flow=orders")
    }
    assert list(counted.values()) == ["8", "4", "2", "1"]
    written = "select details from audit where verb = 'exported' and kind = 'effect' order by seq"
    exports = tables.store.act(lambda tx: tx.execute(written)).result()
    assert len(exports) == 5
    assert "orders · segment b2b" in str(exports[-1]["details"])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/api/v1/weeks/{WEEK}/review.docx", 422),
        ("/api/v1/weeks/2026-W54/review.html", 400),
        (f"{FILE}.html?part=b2b", 400),
        (f"{FILE}.html?part=colour:red", 400),
    ],
)
def test_what_is_no_file_is_refused(http: httpx.Client, path: str, status: int) -> None:
    assert http.get(path).status_code == status


def test_without_chromium_a_pdf_is_refused_with_what_to_install(
    http: httpx.Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    refused = http.get(f"{FILE}.pdf")
    assert refused.status_code == 409
    assert "apt install chromium" in refused.json()["detail"]


def test_a_process_without_pages_says_so(http: httpx.Client) -> None:
    review_files._makers.clear()
    refused = http.get(f"{FILE}.html")
    assert (refused.status_code, "no pages" in refused.json()["detail"]) == (409, True)


@pytest.mark.browser
def test_a_pdf_is_printed_by_the_server(container: Container, http: httpx.Client) -> None:
    fill(container)
    made = http.get(f"{FILE}.pdf?flow=orders", timeout=200)
    assert made.headers["content-type"] == "application/pdf"
    assert made.content.startswith(b"%PDF-")


def test_a_file_takes_the_right_to_export_and_shows_no_more_than_the_page(tmp_path: Path) -> None:
    with team(tmp_path) as crew, ExitStack() as stack:
        fill(crew.container)
        client = lambda *holder: stack.enter_context(crew.holder(*holder))  # noqa: E731
        assert client("t-sender", Grant(SENDER)).get(f"{FILE}.csv").status_code == 403
        whole = client("vera", Grant(VIEWER)).get(f"{FILE}.csv")
        assert figures(whole.text)["K20"]["n"] == "8"
        own = client("otto", Grant(OPERATOR, flow="orders")).get(f"{FILE}.csv")
        assert figures(own.text)["K20"]["n"] == "4"


def test_the_command_saves_a_file(
    container: Container, address: str, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    fill(container)
    target = tmp_path / "week.csv"
    part = ["--format", "csv", "--part", "segment:b2b", "--url", address]
    assert cli.main(["review", WEEK, *part, "--output", str(target)]) == 0
    assert figures(target.read_text())["K20"]["n"] == "2"
    assert b"Wrote" in capsysbinary.readouterr().err
    assert cli.main(["review", WEEK, *part, "--output", "-"]) == 0
    assert capsysbinary.readouterr().out == target.read_bytes()
    assert cli.main(["review", "2026-W54", "--url", address]) == 2
    assert b"There is no week" in capsysbinary.readouterr().err
