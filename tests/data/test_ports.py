"""A parameter that says which side of the store it asks asks that side; who asks telemetry only says so."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from data import queries
from tests.data.sides import is_of_telemetry
from tests.structure.counts import ROOT, files

if TYPE_CHECKING:
    from collections.abc import Iterator

TELEMETRY, STATE = "Telemetry", "State"
_ASKING: Final = {"query", "arrow"}
_NAMES: Final = frozenset(queries.names())


class Asked(NamedTuple):
    """A statement that a function asks of a parameter, and what the parameter's type is called."""

    where: str
    kind: str
    statement: str
    is_passed_on: bool
    """The function does something else with the parameter as well."""


def asked(text: str, where: str = "") -> Iterator[Asked]:
    """Find the statements that functions ask of their parameters by name."""
    for function in ast.walk(ast.parse(text)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for parameter in (*function.args.args, *function.args.kwonlyargs):
                kind = ast.unparse(parameter.annotation) if parameter.annotation else ""
                uses = sum(isinstance(n, ast.Name) and n.id == parameter.arg for n in ast.walk(function))
                found = list(_statements(function, parameter.arg))
                for statement in found:
                    yield Asked(f"{where}:{function.name}", kind, statement, uses != len(found))


def _statements(function: ast.AST, name: str) -> Iterator[str]:
    for call in ast.walk(function):
        match call:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=on), attr=verb), args=[ast.Constant(str(statement)), *_]
            ) if on == name and verb in _ASKING and statement in _NAMES:
                yield statement
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="paging"), attr="read"),
                args=[ast.Name(id=on), ast.Constant(str(statement)), *_],
            ) if on == name:
                yield statement


@pytest.fixture(scope="module")
def product() -> list[Asked]:
    return [one for path in files() for one in asked(path.read_text(), str(path.relative_to(ROOT)))]


def test_who_says_a_side_asks_that_side(product: list[Asked]) -> None:
    of_sides = [one for one in product if one.kind in {TELEMETRY, STATE}]
    assert {TELEMETRY, STATE} == {one.kind for one in of_sides}
    assert [one for one in of_sides if is_of_telemetry(one.statement) != (one.kind == TELEMETRY)] == []


def test_who_asks_telemetry_and_nothing_else_says_so(product: list[Asked]) -> None:
    silent = [one for one in product if is_of_telemetry(one.statement) and one.kind not in {TELEMETRY, "Tx"}]
    mixed = {one.where for one in product if one.is_passed_on or not is_of_telemetry(one.statement)}
    assert [one for one in silent if one.where not in mixed] == []


def test_what_a_function_asks_is_found() -> None:
    text = """
def f(store: Store, telemetry: Telemetry) -> int:
    g(store)
    return store.query("units/unit") + paging.read(telemetry, "units/logs")
"""
    assert list(asked(text)) == [
        Asked(":f", "Store", "units/unit", is_passed_on=True),
        Asked(":f", "Telemetry", "units/logs", is_passed_on=False),
    ]
