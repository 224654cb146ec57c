"""A source is one file of `collectors/` that registers itself: counted, so that it stays so."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

from collectors.registry import registered
from collectors.settings import CollectorSettings

ROOT = Path(__file__).parents[2]
COLLECTORS = ROOT / "collectors"
KINDS = {"dropfolder": "dropfolder.py", "jsonl": "jsonl.py", "otlp": "otlp.py"}
NAMES = re.compile(r"drop.?folder", re.IGNORECASE)
MAY_NAME_IT = re.compile(
    r"docs/|tests/|bench/|collectors/dropfolder\.py|ARCHITECTURE\.md|CHANGELOG\.md|README\.md"
)


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _registrations(path: Path) -> list[ast.Expr]:
    """Return the statements of a module that register a source."""
    return [
        statement
        for statement in _tree(path).body
        if isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Call)
        and isinstance(statement.value.func, ast.Name)
        and statement.value.func.id == "register"
    ]


def test_each_source_is_registered_by_one_line_of_its_own_file() -> None:
    found = {path.name: _registrations(path) for path in COLLECTORS.glob("*.py")}
    by_file = {name: calls for name, calls in found.items() if calls}
    assert sorted(by_file) == sorted(KINDS.values())
    assert set(registered()) == set(KINDS)
    for name, calls in by_file.items():
        assert len(calls) == 1, name
        assert calls[0].lineno == calls[0].end_lineno, f"{name}: one line"


def test_every_registered_kind_is_a_section_of_the_config_file() -> None:
    assert set(KINDS) <= set(CollectorSettings.model_fields)


def test_no_other_file_names_the_drop_folder() -> None:
    """The count behind the target: a new source is its file, its test, and a line of the docs."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True,
                            text=True, check=True).stdout.split("\n")  # fmt: skip
    files = [
        name for name in listed if name.endswith((".py", ".sql", ".toml", ".md", ".sh", ".yml", "Makefile"))
    ]
    assert len(files) > 300
    naming = [name for name in files if (ROOT / name).is_file() and NAMES.search((ROOT / name).read_text())]
    assert "collectors/dropfolder.py" in naming
    assert [name for name in naming if not MAY_NAME_IT.match(name)] == []


def test_the_documents_list_every_kind_of_source() -> None:
    table = (ROOT / "docs/collectors.md").read_text()
    for kind in KINDS:
        assert re.search(rf"^\| `{kind}` \|", table, re.MULTILINE), kind


def test_no_source_depends_on_what_puts_all_sources_together() -> None:
    """`collectors.settings` imports every module of the package: one that imports it would go in a circle."""
    for path in COLLECTORS.glob("*.py"):
        assert "collectors.settings" not in _imported_while_running(path), path.name


def _imported_while_running(path: Path) -> set[str]:
    tree = _tree(path)
    return {node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)}


def test_no_file_of_the_collectors_holds_two_ideas() -> None:
    theirs = {"decode.py", "normalise.py"}  # to be split with the table of context fields
    sizes = {path.name: len(path.read_text().splitlines()) for path in COLLECTORS.glob("*.py")}
    assert {name: size for name, size in sizes.items() if size > 370}.keys() <= theirs
