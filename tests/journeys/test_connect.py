"""The lines of the page Connect, word for word: a shell runs them, and the page says what arrived."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.journeys.browsing import browser, settle
from tests.journeys.serving import ROOT, Server
from tests.waiting import eventually
from views.connect.ways import OTLP, PYTHON, SHELL, WEB, Place, ways

if TYPE_CHECKING:
    from collections.abc import Iterator

    from views.connect.ways import Way

PATIENCE_S = 60
LOG_FILE, FOLDER = (
    next(way for way in ways().values() if way.label == label) for label in ("Log file", "Files of a partner")
)
SDK = """
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry import trace
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
"""
"""What a program that has an SDK did already."""

APPLICATION = """
from fastapi import FastAPI
app = FastAPI()
@app.post("/orders/{order}/ship")
def ship(order: str) -> str:
    return order
"""
REQUEST = """
import asyncio, httpx
async def ask():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
        return await client.post("/orders/SO-1003/ship")
assert asyncio.run(ask()).json() == "SO-1003"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("connect")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """Serve with the config lines of the page; only where the files are is ours."""
    config = folder / "unsnag.toml"
    texts = [way.lines(way.example, Place(""))[0].text for way in (LOG_FILE, FOLDER)]
    placed = "\n".join(texts).replace("/var/log/", f"{folder}/").replace("/srv/sftp/", f"{folder}/")
    config.write_text(placed, encoding="utf-8")
    started = Server(folder / "server", config)
    started.folder.mkdir()
    yield started.start()
    started.stop()


def run(environment: str, command: str, folder: Path) -> None:
    """Run lines in a shell that knows nothing of a server, from a folder of its own."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    unset = {name: text for name, text in os.environ.items() if not name.startswith(("UNSNAG_", "OTEL_"))}
    unset |= {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    unset |= {"XDG_STATE_HOME": str(folder / "state")}

    def shell(lines: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-euc", f"{environment}\n{lines}"], cwd=elsewhere, env=unset, check=False, timeout=120,
            capture_output=True, text=True,
        )  # fmt: skip

    ran = shell(command)
    if "not everything was sent" in ran.stderr:  # a busy server answers late: its message says what to do
        assert (ran.returncode, len(ran.stderr.splitlines())) == (0, 1)
        ran = shell("python -m unsnag flush")
        assert ran.returncode == 0, ran.stderr
    else:
        assert (ran.returncode, ran.stderr) == (0, "")


def python(way: Way, server: Server, before: str = "", after: str = "") -> tuple[str, str]:
    """Return the environment and a command that runs the Python lines of a way."""
    *_, environment, code = way.lines(way.example, Place(server.address))
    return environment.text, f"python - <<'END'\n{before}\n{code.text}\n{after}\nEND"


def unit(server: Server, name: str) -> Any:
    answer = httpx.get(f"{server.address}/api/v1/units/{name}", timeout=30)
    return answer.json() if answer.status_code == 200 else None


def flows(server: Server, name: str) -> Any:
    return (unit(server, name) or {}).get("flows")


@pytest.mark.slow
def test_the_lines_of_a_python_script(server: Server, folder: Path) -> None:
    run(*python(PYTHON, server), folder)
    found = eventually(lambda: unit(server, "SO-1001"))
    assert (found["flows"], found["value"]["amount"]) == ([PYTHON.example], "129.90")


@pytest.mark.slow
def test_the_lines_of_a_shell_script(server: Server, folder: Path) -> None:
    *_, environment, command = SHELL.lines(SHELL.example, Place(server.address))
    script = "printf 'echo one two\\n' > job.sh; chmod +x job.sh\n"
    run(environment.text, script + command.text, folder)
    eventually(lambda: SHELL.example in [one["flow"] for one in _recent(server)])


@pytest.mark.slow
def test_the_lines_of_a_web_application(server: Server, folder: Path) -> None:
    run(*python(WEB, server, APPLICATION, REQUEST), folder)
    assert eventually(lambda: flows(server, "SO-1003")) == [WEB.example]


@pytest.mark.slow
def test_the_lines_of_opentelemetry(server: Server, folder: Path) -> None:
    environment, command = python(OTLP, server, SDK)
    run(environment, command.replace("SO-1001", "SO-1002"), folder)
    (first, *_) = eventually(lambda: (unit(server, "SO-1002") or {}).get("spans"))
    assert first["service"] == OTLP.example


@pytest.mark.slow
def test_the_config_lines_of_a_log_file(server: Server, folder: Path) -> None:
    text = '{"event": "packed", "order_no": "SO-2001"}\n2026-11-16 09:00:00 INFO SO-2002 handed over\n'
    (folder / f"{LOG_FILE.example}.log").write_text(text, encoding="utf-8")
    for name in ("SO-2001", "SO-2002"):
        assert eventually(lambda name=name: flows(server, name)) == [LOG_FILE.example]


@pytest.mark.slow
def test_the_config_lines_of_files_of_a_partner(server: Server, folder: Path) -> None:
    path = folder / FOLDER.example
    path.mkdir()
    (path / "returns-1.csv").write_text("order;amount\nRE-1;12.5\n", encoding="utf-8")
    assert eventually(lambda: flows(server, "RE-1")) == [FOLDER.example]


def _recent(server: Server) -> list[Any]:
    return list(server.get("/api/v1/logs", flow=SHELL.example)["items"])


@pytest.mark.browser
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_admin_creates_a_token_and_sees_the_first_record(tmp_path: Path) -> None:
    config = tmp_path / "unsnag.toml"
    config.write_text("[access]\nsign_in = true\n", encoding="utf-8")
    server = Server(tmp_path, config).start()
    try:
        (link,) = re.findall(r"http://\S+/welcome\?code=\S+", (tmp_path / "server.log").read_text())
        with browser() as started:
            page = started.new_page()
            page.goto(link)
            page.get_by_label("Your name").fill("ann")
            page.get_by_label("Password", exact=True).fill("an honest sentence")
            page.get_by_label("Password again").fill("an honest sentence")
            page.get_by_role("button", name="Choose and sign in").click()
            settle(page)
            page.goto(f"{server.address}/connect?way=python")
            page.get_by_role("button", name="Create a token").click()
            environment = page.locator("code", has_text="UNSNAG_TOKEN=unsnag_")
            expect(environment).to_be_visible(timeout=60_000)
            code = page.locator("code", has_text="import unsnag")
            command = f"python - <<'END'\n{code.inner_text()}\nEND"
            run(environment.inner_text(), command, tmp_path)
            expect(page.get_by_role("link", name="SO-1001")).to_be_visible(timeout=60_000)
    finally:
        server.stop()
