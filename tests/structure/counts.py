"""Counts of the shape of the code, printed as a table: `python -m tests.structure.counts`.

What is counted, and how:

- file and function length: lines of the product's Python files, docstrings and comments included;
- aliases: lines such as ``Row = dict[str, Any]``; subscripts: ``name["field"]``, also of JSON and rows;
- the way of a request or a record: files of the product whose functions run, and how often the running code
  goes from one file to another, measured by a profile function in the thread that asks and in the writer's.
"""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

ROOT: Final = Path(__file__).parents[2]
_NOT_THE_PRODUCT: Final = ("tests/", "examples/", "bench/")
_ALIAS: Final = re.compile(r"^\s*\w+ = (?:dict|Mapping)\[str, Any\]$", re.MULTILINE)
_SUBSCRIPT: Final = re.compile(r'\b\w+\["\w+"\]')
LONG: Final = 32
"""Lines above which a function counts as long."""


def files() -> list[Path]:
    """Return the Python files of the product."""
    run = ["git", "ls-files", "*.py"]
    listed = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return [ROOT / name for name in listed if not name.startswith(_NOT_THE_PRODUCT)]


@dataclass(frozen=True, slots=True)
class Shape:
    """How long files and functions are, and how much is untyped."""

    file_p95: int
    function_median: float
    long_functions: float
    """Share of all functions."""
    aliases: int
    subscripts: int


def shape() -> Shape:
    """Count the product's files."""
    texts = [path.read_text(encoding="utf-8") for path in files()]
    lines = sorted(len(text.splitlines()) for text in texts)
    lengths = [length for text in texts for length in _functions(text)]
    return Shape(
        file_p95=lines[int(0.95 * len(lines))],
        function_median=statistics.median(lengths),
        long_functions=sum(length > LONG for length in lengths) / len(lengths),
        aliases=sum(len(_ALIAS.findall(text)) for text in texts),
        subscripts=sum(len(_SUBSCRIPT.findall(text)) for text in texts),
    )


def _functions(text: str) -> Iterator[int]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            yield node.end_lineno - node.lineno + 1


@dataclass(slots=True)
class Way:
    """The files that code ran in, and how often it went from one to another."""

    names: set[str] = field(default_factory=set)
    jumps: int = 0
    _last: dict[int, str] = field(default_factory=dict)

    def note(self, frame: FrameType, event: str, _argument: Any) -> None:
        """Note a call or a return: what `sys.setprofile` calls."""
        name = frame.f_code.co_filename
        if event != "call" or not name.startswith(str(ROOT)) or "/.venv/" in name or "/tests/" in name:
            return
        thread, short = threading.get_ident(), str(Path(name).relative_to(ROOT))
        self.jumps += self._last.get(thread, short) != short
        self._last[thread] = short
        self.names.add(short)


def way_of_a_retry(folder: Path) -> Way:
    """Return the way of the command behind `POST …/retry`, from `perform` to the commit."""
    from access.commands import perform  # noqa: PLC0415 - only where it is measured
    from cases.commands import RetryCase  # noqa: PLC0415
    from cases.retries import lease_next  # noqa: PLC0415
    from tests import shown  # noqa: PLC0415
    from tests.gates import local_context  # noqa: PLC0415
    from tests.telemetry import batch, failure  # noqa: PLC0415

    with _store(folder) as store:
        store.append(batch(failure(0))).result()
        lease_next(local_context(store), None)
        (case,) = shown.cases(store)
        with _in_the_writer(store) as way:
            perform(RetryCase(case["id"], "the carrier is back"), local_context(store))
    return way


def way_of_an_error(folder: Path) -> Way:
    """Return the way of an error record from its batch to the open case."""
    from tests.telemetry import batch, failure  # noqa: PLC0415

    with _store(folder) as store:
        store.append(batch(failure(0, "SO-0"))).result()
        with _in_the_writer(store) as way:
            store.append(batch(failure(10, "SO-1"))).result()
    return way


@contextmanager
def _store(folder: Path) -> Iterator[Any]:
    from cases.intake import intake  # noqa: PLC0415
    from data.store import Store  # noqa: PLC0415

    store = Store.open(folder, intake)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def _in_the_writer(store: Any) -> Iterator[Way]:
    """Measure in this thread and in the writer's, which runs every transaction."""
    way = Way()
    store.act(lambda _tx: sys.setprofile(way.note)).result()
    way.names.clear()
    way.jumps = 0
    sys.setprofile(way.note)
    try:
        yield way
    finally:
        sys.setprofile(None)
        store.act(lambda _tx: sys.setprofile(None)).result()


def table() -> list[tuple[str, str, str]]:
    """Return what is counted, its value, and the target."""
    counted = shape()
    with tempfile.TemporaryDirectory() as folder:
        retry = way_of_a_retry(Path(folder) / "retry")
        error = way_of_an_error(Path(folder) / "error")
    return [
        ("lines of a file, 95th percentile", f"{counted.file_p95}", "< 370"),
        ("lines of a function, median", f"{counted.function_median:g}", ""),
        (f"functions over {LONG} lines", f"{100 * counted.long_functions:.2f} %", "< 0.5 %"),
        ("aliases of dict[str, Any]", f"{counted.aliases}", "0"),
        ("string subscripts", f"{counted.subscripts}", "0 outside the storage border and JSON"),
        ("files on the way of a retry", f"{len(retry.names)}", "≤ 10"),
        ("jumps on the way of a retry", f"{retry.jumps}", "≤ 25"),
        ("files on the way of an error record to a case", f"{len(error.names)}", "≤ 12"),
    ]


if __name__ == "__main__":
    for name, value, target in table():
        print(f"{name:48} {value:>9}   {target}")
