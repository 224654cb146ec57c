"""What the section [collectors] of the config file may say: what is common, and a section of each source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from pydantic import create_model, model_validator

from collectors.registry import registered
from collectors.sections import SPOOL, CommonSettings, SourceSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collectors.registry import Registered
    from collectors.sections import Section


def _fields() -> dict[str, Any]:
    """Return a field of each registered section: a list of sources, or the one that there is."""
    return {key: _field(kind.settings, is_many=kind.is_many) for key, kind in registered().items()}


def _field(settings: Any, *, is_many: bool) -> Any:
    return (list[settings], []) if is_many else (settings, settings())


if TYPE_CHECKING:
    _Sections = CommonSettings
else:
    _Sections = create_model("_Sections", __base__=CommonSettings, **_fields())


class CollectorSettings(_Sections):
    """The section [collectors]."""

    def section(self, key: str) -> Any:
        """Return what the section of a kind of source says: a list where there may be several."""
        return getattr(self, key)

    def sources(self) -> Iterator[tuple[Registered, Section]]:
        """Return all sources that are configured, with how each is made."""
        for key, kind in registered().items():
            for settings in self.section(key) if kind.is_many else [self.section(key)]:
                yield kind, settings

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        named = [settings for _, settings in self.sources() if isinstance(settings, SourceSettings)]
        reserved = {SPOOL, *(key for key, kind in registered().items() if not kind.is_many)}
        names = [source.name for source in named]
        for name in names:
            if name in reserved or names.count(name) > 1:
                raise ValueError(f"the source name {name!r} is taken: choose another")
        for source in named:
            self._check_mapping(source)
        return self

    def _check_mapping(self, source: SourceSettings) -> None:
        if source.mapping is not None and source.mapping not in self.mappings:
            known = ", ".join(self.mappings) or "none"
            raise ValueError(
                f"source {source.name!r} names the mapping {source.mapping!r}, "
                f"which is not among [collectors.mappings]: {known}"
            )
