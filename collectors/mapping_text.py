"""A mapping as text: TOML, as its section of the config file; and what is wrong with a text, line by line."""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
from pydantic import ValidationError

from collectors.sections import MappingSettings
from data.errors import UnsnagError
from data.nouns import noun

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST: Final = 20_000
"""Characters of a mapping."""
_PLACE: Final = re.compile(r" \(at line (\d+), column \d+\)$")
_QUOTES: Final = r"Put a pattern into single quotes: there a backslash stays as it is, as in 'SO-\d+'."
_FORM: Final = 'Each line is a name, = and a value, such as flow = "\'shipping\'" or step = "action".'
_KNOWN: Final = tuple(field.alias or name for name, field in MappingSettings.model_fields.items())


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at a place of a mapping's text, and what to do about it."""

    line: int
    """From 1."""
    what: str
    advice: str = ""

    def __str__(self) -> str:
        """Return it as a sentence or two."""
        return f"Line {self.line}: {self.what} {self.advice}".strip()


class BadMappingError(UnsnagError):
    """The text is no mapping."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(" ".join(map(str, faults)))


def read(text: str) -> MappingSettings:
    """Return the mapping that a text describes.

    Args:
        text: TOML. The heading of its section in the config file may stand above it.

    Raises:
        BadMappingError: it describes none; each fault has its line and advice.
    """
    if len(text) > LONGEST:
        raise BadMappingError([Fault(1, f"A mapping has at most {LONGEST:,} characters.")])
    try:
        return MappingSettings.model_validate(_section(tomllib.loads(text)))
    except tomllib.TOMLDecodeError as error:
        raise BadMappingError([_syntax(str(error), text)]) from None
    except RecursionError:
        raise BadMappingError([Fault(1, "It is nested too deeply.")]) from None
    except ValidationError as error:
        lines = text.splitlines()
        found = [(one.type == "missing", _fault(one, lines)) for one in map(_wrong, error.errors())]
        found.sort(key=lambda one: (one[1].line, one[0]))
        raise BadMappingError([fault for _, fault in found]) from None


def _section(parsed: dict[str, Any]) -> Any:
    """Return what stands below the heading `[collectors.mappings.NAME]`, where there is one."""
    collectors = parsed.get("collectors")
    mappings = collectors.get("mappings") if isinstance(collectors, dict) else None
    if len(parsed) == 1 and isinstance(mappings, dict) and len(mappings) == 1:
        return next(iter(mappings.values()))
    return parsed


def _syntax(message: str, text: str) -> Fault:
    place = _PLACE.search(message)
    line = int(place[1]) if place else max(len(text.splitlines()), 1)
    what = _PLACE.sub("", message).removesuffix(" (at end of document)")
    return Fault(line, f"{what}.", _QUOTES if "\\" in what else _FORM)


@dataclass(frozen=True, slots=True)
class _Wrong:
    """An error of pydantic's."""

    type: str
    loc: tuple[int | str, ...]
    msg: str
    input: Any


_wrong: Final = noun(_Wrong)


def _fault(error: _Wrong, lines: Sequence[str]) -> Fault:
    place = error.loc
    key = str(place[0]) if place else ""
    if error.type == "extra_forbidden":
        name = str(place[-1])
        near = difflib.get_close_matches(name, _KNOWN, 1) if len(place) == 1 else []
        advice = f"Do you mean {near[0]}?" if near else f"Known are: {', '.join(_KNOWN)}."
        known = advice if len(place) == 1 else "Remove it."
        return Fault(_line(lines, key, error.input), f"{name!r} is not known here.", known)
    what = error.msg.removeprefix("Value error, ")
    # Behind a place in a list stands the kind of what is there, which nobody wrote.
    written = [part for before, part in zip(("", *place), place, strict=False) if isinstance(before, str)]
    named = ".".join(part for part in written if isinstance(part, str))
    return Fault(_line(lines, key, error.input), f"{named or 'The mapping'}: {what}.")


def _line(lines: Sequence[str], key: str, value: Any) -> int:
    """Return the line of a key; of a longer value the line in which what is wrong with it stands."""
    first = next((number for number, line in enumerate(lines, 1) if _begins(line, key)), 1)
    parts = [value, *value.values()] if isinstance(value, dict) else [value]
    texts = [part for part in parts if isinstance(part, str) and part]
    for number, line in enumerate(lines[first - 1 :], first):
        if any(text in line for text in texts):
            return number
    return first


def _begins(line: str, key: str) -> bool:
    bare = line.strip().lstrip("[").replace('"', "").replace("'", "")
    return bare.startswith(key) and bare[len(key) :].lstrip()[:1] in {"=", ".", "]"}


# --- settings to text ---------------------------------------------------------------------------------


def write(settings: MappingSettings) -> str:
    """Return a mapping as TOML: what it says, and nothing that is as usual."""
    stated = settings.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return "".join(f"{name} = {_value(value)}\n" for name, value in stated.items() if value is not None)


def value(of: Any) -> str:
    """Return a value as TOML."""
    return _value(of)


def _value(value: Any) -> str:
    if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], list):
        return _value(value[0])
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        inner = (f"{_key(name)} = {_value(part)}" for name, part in value.items() if part is not None)
        return f"{{ {', '.join(inner)} }}"
    if isinstance(value, str) and "\\" in value and "'" not in value and value.isprintable():
        return f"'{value}'"
    return _as_json(value)


def _key(name: str) -> str:
    bare = name.replace("_", "").replace("-", "")
    return name if bare.isascii() and bare.isalnum() else _as_json(name)


def _as_json(value: Any) -> str:
    # What JSON writes of a text, a number or a truth value is TOML, too, but for one character.
    return orjson.dumps(value).decode().replace("\x7f", "\\u007f")
