"""No pattern comes from a user: Python's `re` would run it, and one pattern can stop every thread."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.patterns import hostile

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
RUNS: Final = {"compile", "search", "match", "fullmatch", "split", "findall", "finditer", "sub", "subn"}
Wrapper = tuple[str, int]
"""A function that compiles one of its arguments, and the position of that argument."""
FROM_AN_ARGUMENT: Final = {
    "audit/verifier.py": ("_like", 0),
    "cases/plain.py": ("_plain", 1),
    "unsnag/class_texts.py": ("_text", 1),
    "unsnag/patterns.py": ("compiled", 0),
}
"""Functions that compile an argument; their callers are checked instead."""


def sources() -> Iterator[Path]:
    """Yield the source files of the product."""
    yield ROOT / "app.py"
    for package in hostile.PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def made(tree: ast.AST, wrapper: Wrapper | None) -> Iterator[ast.expr]:
    """Yield the expression of each pattern that a module hands to `re`, or to its own `wrapper`."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        if wrapper and called == wrapper[0]:
            yield node.args[wrapper[1]]
        elif called == "compiled" or (called.startswith("re.") and called[3:] in RUNS):
            yield node.args[0]


def is_ours(pattern: ast.expr) -> bool:
    """Return whether a pattern is written in the source: a string, with constants of the module in it."""
    if isinstance(pattern, ast.JoinedStr):
        return all(is_ours(part) for part in pattern.values)
    if isinstance(pattern, ast.FormattedValue):
        return isinstance(pattern.value, ast.Name) and pattern.value.id.isupper()
    return isinstance(pattern, ast.Constant)


def foreign(source: str, wrapper: Wrapper | None = None) -> list[str]:
    """Return the patterns of a module that are not written in it."""
    tree = ast.parse(source)
    name = wrapper[0] if wrapper else None
    inside = {
        node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and function.name == name
        for node in ast.walk(function)
    }
    return [ast.unparse(found) for found in made(tree, wrapper) if found not in inside and not is_ours(found)]


def test_every_pattern_is_written_in_the_source() -> None:
    found = {
        path.relative_to(ROOT).as_posix(): names
        for path in sources()
        if (names := foreign(path.read_text(), FROM_AN_ARGUMENT.get(path.relative_to(ROOT).as_posix())))
    }
    assert found == {}


def test_each_exception_compiles_its_argument() -> None:
    for path, wrapper in FROM_AN_ARGUMENT.items():
        source = (ROOT / path).read_text()
        assert foreign(source) != []
        assert foreign(source, wrapper) == []


@pytest.mark.parametrize(
    "source", ["re.compile(setting.pattern)", "re.search(wanted, text)", 're.sub(rf"{name}x", "", text)']
)
def test_a_pattern_from_elsewhere_is_noticed(source: str) -> None:
    assert foreign(source) != []


def test_re_is_imported_by_its_name_only() -> None:
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.module != "re", path
            if isinstance(node, ast.Import):
                assert not any(name.name == "re" and name.asname for name in node.names), path
