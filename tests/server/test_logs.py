"""The server's own log: events are constants, go to stderr or a file, and carry no secret."""

from __future__ import annotations

import ast
import json
import logging
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from data.logs import event_log
from server import logs
from server.logs import LogFileError, LogSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
LOGGING = """
import logging
from data.logs import event_log
from server import logs
logs.configure(logs.LogSettings({settings}))
def pay(card="4111 1111 1111 1111", secret="left out"):
    raise TimeoutError("no answer, password=hunter2hunter2")
try:
    pay()
except TimeoutError:
    event_log("cases").exception("cases.sweep_failed", token="Bearer abcdef0123456789abcdef0123456789")
logging.getLogger("uvicorn.error").warning("port %s is taken", 8501)
"""


@pytest.fixture(autouse=True)
def _root_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in [one for one in root.handlers if one not in handlers]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


def _run(settings: str = "", **how: Any) -> subprocess.CompletedProcess[str]:
    program = LOGGING.format(settings=settings)
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, text=True, timeout=60, **how)


def test_elsewhere_than_on_a_terminal_each_event_is_a_line_of_json_on_stderr() -> None:
    run = _run(capture_output=True)
    assert run.stdout == ""
    ours, foreign = (json.loads(line) for line in run.stderr.splitlines())
    assert ours["event"] == "cases.sweep_failed"
    assert (ours["level"], ours["logger"], ours["service.name"]) == ("error", "unsnag.cases", "unsnag")
    assert ours["timestamp"].endswith("Z")
    assert ours["exception"].startswith("Traceback")
    assert foreign["event"] == "port 8501 is taken"
    assert foreign["level"] == "warning"


def test_no_secret_and_no_local_variable_is_logged() -> None:
    for form in ("json", "console"):
        run = _run(f"format={form!r}", capture_output=True)
        for secret in ("hunter2", "4111", "left out", "abcdef0123456789"):
            assert secret not in run.stderr.replace('def pay(card="4111 1111 1111 1111"', "")


def test_a_terminal_gets_text_and_the_setting_overrules_that() -> None:
    def seen(settings: str) -> str:
        reader, writer = pty.openpty()
        _run(settings, stdout=subprocess.DEVNULL, stderr=writer)
        os.close(writer)
        text = os.read(reader, 65_536).decode()
        os.close(reader)
        return re.sub(r"\x1b\[[\d;]*m", "", text)

    assert re.search(r"\[error +\] cases.sweep_failed", seen(""))
    assert json.loads(seen('format="json"').splitlines()[0])["event"] == "cases.sweep_failed"


def test_the_file_gets_json_also_after_it_was_rotated(tmp_path: Path) -> None:
    file = tmp_path / "unsnag.log"
    logs.configure(LogSettings(format="console", file=file))
    event_log("audit").error("audit.broken", entry=7)
    file.rename(tmp_path / "unsnag.log.1")
    event_log("audit").info("audit.below_the_level")
    event_log("audit").error("audit.broken", entry=8)
    entries = [json.loads(p.read_text())["entry"] for p in (tmp_path / "unsnag.log.1", file)]
    assert entries == [7, 8]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(LogFileError, match=r"none/unsnag\.log .*log\.file"):
        logs.configure(LogSettings(file=tmp_path / "none" / "unsnag.log"))


def test_every_event_of_the_server_is_a_dotted_constant_that_the_docs_list() -> None:
    listed = set(re.findall(r"^\| `([a-z_.]+)` \|", (ROOT / "docs/server.md").read_text(), re.MULTILINE))
    found = set(_events())
    assert len(found) >= 6
    assert all(re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", event) for event in found)
    assert found <= listed


def _events() -> Iterator[str]:
    packages = [ROOT / "server", ROOT / "collectors"]
    for path in [ROOT / "app.py", *(file for package in packages for file in package.rglob("*.py"))]:
        text = path.read_text()
        if path.name not in ("logs.py", "process.py"):
            assert "logging.getLogger" not in text, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("_LOG."):
                assert isinstance(node.args[0], ast.Constant), (path, node.lineno)
                yield str(node.args[0].value)
