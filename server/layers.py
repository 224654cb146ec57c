"""Where settings come from, and which source a wrong one came from.

1. The command line wins over the environment, that over secret files, these over the config file, that over
   the defaults.
2. A variable names section and key: `UNSNAG_ACCESS__SESSION_HOURS`. Lists are JSON: `["a", "b"]`.
3. A secret file is called as its variable and holds the value. `UNSNAG_SECRETS` names their folder.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic_settings import EnvSettingsSource
from pydantic_settings import SettingsError as UnreadableError

from data.errors import UnsnagError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import BaseModel, ValidationError

    Values = dict[str, object]
    Place = tuple[str | int, ...]

PREFIX: Final = "UNSNAG_"
SECRETS: Final = "UNSNAG_SECRETS"
_DEEPER: Final = "__"
_OLD_SECTIONS: Final = {"desk": "cases"}
"""What earlier versions called a section of the config file."""


class SettingsError(UnsnagError):
    """A setting is wrong."""


@dataclass(frozen=True, slots=True)
class Layer:
    """The settings of one source, and how that source calls a setting."""

    values: Values
    called: Callable[[Place], str]

    def depth(self, place: Place) -> int:
        """Return how many steps of the way to a setting this source has."""
        found: Any = self.values
        for steps, part in enumerate(place):
            if not isinstance(found, dict) or part not in found:
                return steps
            found = found[part]
        return len(place)


def merged(layers: list[Layer]) -> Values:
    """Return the settings of all layers; the first one that has a setting wins."""
    made: Values = {}
    for layer in reversed(layers):
        made = _over(layer.values, made)
    return made


def _over(upper: Values, lower: Values) -> Values:
    made = dict(lower)
    for key, value in upper.items():
        below = made.get(key)
        made[key] = _over(value, below) if isinstance(value, dict) and isinstance(below, dict) else value
    return made


def from_options(given: Mapping[str, Any], names: list[str]) -> Layer:
    """Return what the command line says."""
    values = {name: given[name] for name in names if given.get(name)}
    return Layer(values, lambda place: f"--{str(place[0]).replace('_', '-')}")


def from_environment(model: type[BaseModel], environment: Mapping[str, str]) -> Layer:
    """Return what the environment says.

    Raises:
        SettingsError: a variable names an unknown section, or its value is no JSON where that is needed.
    """
    return Layer(_read(model, environment), variable)


def from_secret_files(model: type[BaseModel], folder: str | None) -> tuple[Layer, dict[str, str]]:
    """Return what the files of a folder say, and their texts by the name of the variable they stand for.

    Raises:
        SettingsError: the folder or a file cannot be read.
    """
    texts = _texts(Path(folder)) if folder else {}
    return Layer(_read(model, texts), lambda place: f"{folder}/{variable(place)}"), texts


def _texts(folder: Path) -> dict[str, str]:
    try:
        named = [file for file in folder.iterdir() if file.name.upper().startswith(PREFIX)]
        return {file.name.upper(): file.read_text(encoding="utf-8").strip() for file in named}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The secret files of {folder} ({SECRETS}) cannot be read: {error}.") from error


def from_file(path: Path) -> Layer:
    """Return what the config file says.

    Raises:
        SettingsError: it cannot be read, or says one section by its old and its new name.
    """
    values = _parsed(path)
    for old, new in _OLD_SECTIONS.items():
        if old in values and new in values:
            raise SettingsError(
                f"The config file {path} has [{new}] and [{old}], its old name. Keep [{new}]."
            )
        if old in values:
            values[new] = values.pop(old)
    return Layer(values, lambda _place: f"in {path}")


def _parsed(path: Path) -> Values:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"The config file {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"The config file {path} is not valid TOML: {error}.") from error


def variable(place: Place) -> str:
    """Return the variable of a setting."""
    return PREFIX + _DEEPER.join(str(part) for part in place).upper()


def _read(model: type[BaseModel], texts: Mapping[str, str]) -> Values:
    ours = {name: text for name, text in texts.items() if name.upper().startswith(PREFIX) and text}
    for name in ours:
        section, is_deeper, _ = name.upper().removeprefix(PREFIX).partition(_DEEPER)
        if is_deeper and section.lower() not in model.model_fields:
            known = ", ".join(sorted(model.model_fields))
            raise SettingsError(f"{name} names no section of settings. Known are: {known}.")
    try:
        return _exploded(model, ours)
    except UnreadableError as error:
        raise SettingsError(_unreadable(model, ours)) from error


def _exploded(model: type[BaseModel], texts: Mapping[str, str]) -> Values:
    source = EnvSettingsSource(model, env_prefix=PREFIX, env_nested_delimiter=_DEEPER)  # type: ignore[arg-type]
    source.env_vars = {name.lower(): text for name, text in texts.items()}
    return source()


def _unreadable(model: type[BaseModel], texts: Mapping[str, str]) -> str:
    for name, text in texts.items():
        try:
            _exploded(model, {name: text})
        except UnreadableError:
            return f'{name} cannot be read: a list or table is written as JSON, such as ["a", "b"].'
    return "The environment cannot be read."


def explained(error: ValidationError, layers: list[Layer]) -> str:
    """Return what is wrong with each setting, and which source set it."""
    lines = [
        f"  {'.'.join(str(part) for part in item['loc']) or 'access'}: "
        f"{item['msg'].removeprefix('Value error, ')}{_origin(item['loc'], layers)}"
        for item in error.errors()
    ]
    return "\n".join(["Some settings are wrong:", *lines])


def _origin(place: Place, layers: list[Layer]) -> str:
    depth, _, layer = max((layer.depth(place), -at, layer) for at, layer in enumerate(layers))
    return f" ({layer.called(place[:depth])})" if depth else ""
