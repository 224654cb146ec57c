"""What the documents promise is there: commands, options, links, pictures."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from server import command
from server.settings import Settings, load

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_every_make_command_of_the_readme_exists() -> None:
    made = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"make ([a-z-]+)", (ROOT / "README.md").read_text()))
    assert named
    assert named <= made


def test_make_help_lists_what_the_readme_names() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in ("install", "demo", "run", "test", "test-fast", "check", "bench", "lint", "format"):
        assert f"make {name} " in shown


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_pictures_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text()):
        if "://" not in target and not target.startswith("/"):
            assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_table_is_whole(document: Path) -> None:
    """A header, a line of dashes, then rows of as many cells: an empty line ends the table."""
    text = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    for table in re.findall(r"(?:^[ ]*\|.*\n?)+", text, re.MULTILINE):
        header, rule, *rows = [_cells(row) for row in table.strip().splitlines()] + [[]] * 2
        assert rule, f"a row without a header: {header}"
        assert all(re.fullmatch(r":?-+:?", cell) for cell in rule), f"no line of dashes under {header}"
        odd = [row for row in rows if row and len(row) != len(header)]
        assert odd == [], odd[:1]
        assert any(rows), f"a header without rows: {header}"


def _cells(row: str) -> list[str]:
    """Part a row at its bars, but for those that are escaped or in code."""
    bare = re.sub(r"\\\||`[^`]*`", "x", row.strip())
    return [cell.strip() for cell in bare.strip("|").split("|")]


def test_the_options_table_tells_the_options_and_their_defaults() -> None:
    table = re.findall(
        r"\| `--([\w-]+)` \| `(UNSNAG_\w+)` \| (\S+) \|", (ROOT / "docs/server.md").read_text()
    )
    defaults = load([], {})
    options = {"host", "port", "data", "spool", "config", "tls-cert", "tls-key"}
    assert {name for name, *_ in table} == options
    for name, variable, reported in table:
        assert variable == f"UNSNAG_{name.upper().replace('-', '_')}"
        if reported != "none":
            value = getattr(defaults, name)
            shown = value.relative_to(ROOT) if isinstance(value, Path) else value
            assert reported == f"`{shown}`"


def test_the_config_sample_is_taken(tmp_path: Path) -> None:
    (sample,) = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/server.md").read_text(), re.DOTALL)
    config = tmp_path / "sample.toml"
    config.write_text(sample)
    taken = load(["--config", str(config)], {})
    assert taken.cases == Settings().cases
    second = Path("/mnt/third")
    assert taken.audit == Settings().audit.model_copy(update={"second_folder": second})
    assert taken.log.model_copy(update={"file": None}) == Settings().log
    plain = {"session_hours", "idle_minutes", "requests_per_second", "connections", "head_seconds"}
    plain |= {"body_seconds", "body_bytes_per_second"}
    assert taken.access.model_dump(include=plain) == Settings().access.model_dump(include=plain)


def test_every_threat_names_a_test_that_is_there() -> None:
    """A row of docs/security.md that names no test, or one that is gone, protects nobody."""
    tests = {path.name: path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}
    rows = [
        line.strip("|").split("|")
        for line in (ROOT / "docs/security.md").read_text().splitlines()
        if line.startswith("| ") and not line.startswith("| threat")
    ]
    assert len(rows) > 15
    for row in rows:
        named = re.findall(r"`(test_\w+\.py)(?:::(\w+))?`", row[2])
        assert named, row[0]
        for file, function in named:
            assert f"def {function}(" in tests[file] if function else file in tests, (file, function)


def test_the_commands_of_the_documents_are_taken() -> None:
    text = "".join((ROOT / "docs" / name).read_text() for name in ("access.md", "audit.md"))
    named = re.findall(r"python app\.py ((?:user|token|audit) [^\n`#]*)", text)
    assert len(named) > 10
    for words in named:
        command.parsed(shlex.split(words))


def test_the_help_of_app_py_names_every_option() -> None:
    shown = subprocess.run(
        [sys.executable, "app.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in ("--host", "--port", "--data", "--spool", "--config", "--tls-cert", "--tls-key"):
        assert name in shown.stdout


def test_a_foreign_address_without_sign_in_is_refused_with_the_reason(tmp_path: Path) -> None:
    config = tmp_path / "unsnag.toml"
    config.write_text("[access]\nsign_in = false\n")
    run = subprocess.run(
        [sys.executable, "app.py", "--host", "0.0.0.0", "--config", str(config)],  # noqa: S104 - refused
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert run.returncode == 2
    assert "anybody there could act" in run.stderr


def test_no_file_names_a_registry_host() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    hosts = re.compile(r"files\.pythonhosted|pypi\.org|registry\.npmjs|deb\.debian\.org")
    own = Path(__file__).relative_to(ROOT).as_posix()
    named = [name for name in listed.stdout.split() if name != own and hosts.search(_text(ROOT / name))]
    assert named == []


def _text(path: Path) -> str:
    return path.read_text("utf-8", "ignore") if path.is_file() else ""
