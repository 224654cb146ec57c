"""Text made to hurt patterns, the patterns of the product, and what running one costs."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import re
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

PACKAGES: Final = (
    "unsnag",
    "collectors",
    "traces",
    "server",
    "access",
    "cases",
    "data",
    "kpis",
    "flows",
    "audit",
    "views",
)
HOPELESS: Final = 10
DEPTH: Final = 5
"""Containers within each other that are searched for patterns."""
MIB: Final = 1 << 20
LIMIT_S: Final = 0.050
"""Seconds of CPU that a pattern may take for a MiB of text, and for any shorter text in proportion."""

REPEATED: Final = (
    "1", "1 ", "12-", "1.", "1111 ", "123456 ", "0170 1 ", "+1 ", "+1 (", " +" + "1" * 45, "+1 1-1.1/1",
    "(", "(0", "(12) ", "4111-", "4111 1111 1111 111 ", "eyJ", "eyJ-", "eyJaaaaaaaa.", "eyJaaaaaaaa.b ",
    "a", "aB", "a.", "a.a.a.", "A.", "A", "a:", "a-", "@", "a@", "a@a.", "a@a.a1.", "a@b.co ", ".", "-",
    "- ", "-----BEGIN ", "-----END ", "-----BEGIN PRIVATE KEY-----", "-----BEGIN A ", "password=",
    "password=x ", "password='", 'password"', "token", "token=bearer ", "key", "api_", "secret: ",
    "bearer ", "Bearer aaaaaaaa ", "basic\t", "b", "B", "p", "s", "t", "c", "x", "xoxb-", "sk-", "ghp_",
    "g", "AKIA", "AIza", "://", "://a:", "://a:b", " ", "\t", "\n", "\r\n", " \n", "'", '"', "\\", "[", "]",
    "[a]", "{", "<", "<1>1 ", "|", "| ", ":", "=", "/", "$", "$a.", "_", "0x", "0123abcd-", "f", "A1-",
    'File "', 'File "a", line 1', "Caused by: ", "ERROR ", "Error", "Exception", "status ", "http",
    "HTTP/1", "time", "timed", "\u00e9", "\u017f", "\u0130", "x ", "2026-01-01 00:00:00 ",
    "Jan 01 00:00:00 ",
)  # fmt: skip
HEADS: Final = (
    "x", "eyJ", "a@", "+1", "bearer ", "password=", "password='", "://", "://a:", "2026-01-01 00:00:00 ",
    "<1>1 ", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----", 'Exception in thread "', 'File "', "status",
    "INFO ",
)  # fmt: skip
PUMPED: Final = (
    "a", "1", " ", "-", "a.", "aB", ":",
)  # fmt: skip
TAILS: Final = ("", "!")


def modules() -> Iterator[ModuleType]:
    """Import and yield every module of the product."""
    for package in PACKAGES:
        top = importlib.import_module(package)
        yield top
        for found in pkgutil.walk_packages(top.__path__, f"{package}."):
            if not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def patterns() -> dict[str, re.Pattern[Any]]:
    """Return every compiled pattern that a module of the product holds, by the first place that holds it."""
    places: dict[re.Pattern[Any], str] = {}
    for module in modules():
        for name, value in list(vars(module).items()):
            for place, pattern in _within(f"{module.__name__}.{name}", value, 0):
                places.setdefault(pattern, place)
    return {place: pattern for pattern, place in places.items()}


def _within(place: str, value: Any, depth: int) -> Iterator[tuple[str, re.Pattern[Any]]]:
    if isinstance(value, re.Pattern):
        yield place, value
    elif depth < DEPTH:
        for name, inner in _parts(value):
            yield from _within(f"{place}[{name}]", inner, depth + 1)


def _parts(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, (tuple, list, set, frozenset)):
        yield from enumerate(value)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from ((field.name, getattr(value, field.name, None)) for field in dataclasses.fields(value))
    elif getattr(value, "__closure__", None):
        yield from enumerate(cell.cell_contents for cell in value.__closure__ if _is_full(cell))
    elif isinstance(getattr(value, "__self__", None), re.Pattern):
        yield "self", value.__self__


def _is_full(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def repeated(size: int) -> Iterator[str]:
    """Yield each unit repeated to about `size` characters."""
    return (unit * (size // len(unit)) for unit in REPEATED)


def begun(size: int) -> Iterator[str]:
    """Yield texts that begin as a pattern does, go on and break off."""
    return (head + unit * (size // len(unit)) + tail for head in HEADS for unit in PUMPED for tail in TAILS)


_REFERENCE: Final = re.compile(r"[a-z0-9._%+-]{1,64}@[a-z]{2,}")
_REFERENCE_TEXT: Final = ("a@b c.d 12-34 " * 5_000)[: 64 * 1024]
_REFERENCE_TIMES: Final = 5


def pace(size: int) -> float:
    """Return the CPU seconds that text of this size may cost here: 5 times a plain search.

    That is 50 ms a MiB where the plain search takes 10 ms. Other work on the same core takes its share of the
    caches, which CPU time does not show.
    """
    best = float("inf")
    for _ in range(20):
        began = time.thread_time()
        deque(_REFERENCE.finditer(_REFERENCE_TEXT), 0)
        best = min(best, time.thread_time() - began)
    return _REFERENCE_TIMES * best * size / len(_REFERENCE_TEXT)


def cost(run: Callable[[str], Any], text: str, enough: float, times: int) -> float:
    """Return the least CPU seconds of this thread over some runs.

    It stops when one took less than `enough`, or so much more that no other run will.
    """
    best = float("inf")
    for _ in range(times):
        began = time.thread_time()
        run(text)
        best = min(best, time.thread_time() - began)
        if best < enough or best > HOPELESS * enough:
            break
    return best
