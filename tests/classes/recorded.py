"""Exceptions that real libraries raised, each with the class that a person gave it.

`programs/record.py` made `exceptions.jsonl`; its labels were committed before any rule was written for them.
Half of them, chosen by a hash of the name, are for writing rules; the other half is only measured.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE: Final = Path(__file__).parent / "exceptions.jsonl"
FORMS: Final = ("exception", "message", "repr")
"""How scripts log an exception: with its traceback, its message only, or its representation."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One exception as it was raised, and what scripts usually log of it."""

    name: str
    label: str
    """`business`, `data` or `infrastructure`; `unknown` where the script itself is at fault."""
    library: str
    exception: Mapping[str, Any]
    log: Mapping[str, str]
    form: str
    """The form of the log text that this program uses."""

    @property
    def is_held_out(self) -> bool:
        """Whether rules must not be written after looking at it."""
        return hashlib.sha256(f"half:{self.name}".encode()).digest()[0] % 2 == 1

    @property
    def text(self) -> str:
        """What this program leaves in its log."""
        return self.log[self.form]

    def raised(self) -> BaseException:
        """Return an exception of the same type, bases, message, attributes and causes."""
        return rebuilt(self.exception)


@lru_cache(maxsize=1)
def recorded() -> tuple[Recorded, ...]:
    """Return all of them, in the order of the file."""
    return tuple(_of(json.loads(line)) for line in FILE.read_text(encoding="utf-8").splitlines())


def _of(row: dict[str, Any]) -> Recorded:
    return Recorded(row["name"], row["label"], row["library"], row, row["log"], row["form"])


def rebuilt(described: Mapping[str, Any]) -> BaseException:
    """Return an exception that the client sees as it saw the one that was recorded.

    The libraries are not installed here, so its types are made under the recorded names.
    """
    message: str = described["message"]
    kind: Any = BaseException if described["type"] == "KeyboardInterrupt" else Exception
    for name in reversed((described["type"], *described["bases"])):
        module, _, short = name.rpartition(".")
        kind = type(short, (kind,), {"__module__": module or "builtins", "__qualname__": short})
    kind = type(kind.__name__, (kind.__bases__[0],), {
        "__module__": kind.__module__, "__qualname__": kind.__qualname__, "__str__": lambda _: message,
    })  # fmt: skip
    error: BaseException = kind()
    for name, value in described["attributes"].items():
        setattr(error, name, _attribute(value))
    if inner := described.get("orig"):
        error.orig = rebuilt(inner)  # type: ignore[attr-defined]
    if inner := described.get("cause"):
        error.__cause__ = rebuilt(inner)
    elif inner := described.get("context"):
        error.__context__ = rebuilt(inner)
    return error


def _attribute(value: Any) -> Any:
    """Return an attribute as it was: a plain value, an object, an enumeration's member, or a method."""
    if not isinstance(value, dict):
        return value
    if "call" in value:
        result = _attribute(value["call"])
        return lambda: result
    if "object" in value:
        return type("Response", (), {name: _attribute(one) for name, one in value["object"].items()})()
    if set(value) == {"enum", "value"}:
        return type("Member", (), {"name": value["enum"], "value": value["value"]})()
    return {name: _attribute(one) for name, one in value.items()}
