"""The kinds of sources that there are: each file of this package that defines one registers it by one line.

    register("airflow", AirflowSettings, Airflow)

makes `[[collectors.airflow]]` a section of the config file, validated by `AirflowSettings`, and gives each
`Airflow(settings, common)` to the supervisor. No other file names the source.
"""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from collectors.sections import CommonSettings, Section
    from collectors.source import Source


@dataclass(frozen=True, slots=True)
class Registered:
    """A kind of source."""

    settings: type[Section]
    make: Callable[[Any, CommonSettings], Source]
    is_many: bool
    """There may be several, each with a name: the section is a list."""


_KINDS: Final[dict[str, Registered]] = {}


def register(
    section: str,
    settings: type[Section],
    make: Callable[[Any, CommonSettings], Source],
    *,
    is_many: bool = True,
) -> None:
    """Make a kind of source known under its section of the config file."""
    _KINDS[section] = Registered(settings, make, is_many)


def registered() -> Mapping[str, Registered]:
    """Return the kinds of sources by the key of their section, those first of which there may be several."""
    _import_all()
    return dict(sorted(_KINDS.items(), key=lambda item: (not item[1].is_many, item[0])))


@cache
def _import_all() -> None:
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        import_module(f"collectors.{module.name}")
