"""Which mapping counts: one that a person saved, before that of the config file with the same name.

A source's mapping is the one that its section of the config file names; where it names none, the saved one
that is called as the source is. What is saved counts for what arrives from then on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from collectors.mapping import Mapping

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Mapping as Dict

    from collectors.sections import MappingSettings, SourceSettings


class MappingBook:
    """The mappings of the process. Any thread may ask; a change replaces all of them at once."""

    def __init__(self, in_file: Dict[str, MappingSettings]) -> None:
        self.in_file = in_file
        self.on_change: Callable[[], None] = _nothing
        """Called after each change."""
        self.use({})

    def use(self, kept: Dict[str, MappingSettings]) -> None:
        """Let these saved mappings count from now on."""
        self.kept = dict(kept)
        every = {**self.in_file, **kept}
        self.of_resources = tuple(Mapping.of(settings) for settings in every.values() if settings.match)
        """For telemetry over OTLP: asked in this order."""
        self.on_change()

    def get(self, name: str) -> MappingSettings | None:
        """Return the mapping of a name as it counts."""
        return self.kept.get(name) or self.in_file.get(name)

    def of_source(self, source: SourceSettings) -> MappingSettings | None:
        """Return the mapping of a source, with what its section adds."""
        return source.field_mapping({**self.in_file, **self.kept}, self.kept)

    def of_name(self, source: str) -> MappingSettings | None:
        """Return the mapping of a source without a section, such as the folder of scripts."""
        return self.kept.get(source)


def _nothing() -> None:
    """Do nothing."""
