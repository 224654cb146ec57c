"""Mappings as pages and REST show them: what counts for which source, where it is from, its history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from access.commands import perform
from collectors import applying, kept_mappings, mapping_text
from collectors.applying import ApplyMapping, MappingJob
from collectors.latest import Lines
from collectors.otlp import OTLP
from data.errors import UnsnagError

if TYPE_CHECKING:
    from datetime import datetime

    from collectors.kept_mappings import KeptMapping, MappingUse, MappingVersion
    from server.context import ServerContext

SAVED = "saved"
FILE = "config file"
NOTHING = "nothing"


class MappingNotFoundError(UnsnagError):
    """There is no mapping of this name, and no source that would use it."""


@dataclass(frozen=True, slots=True)
class MappingView:
    """A mapping as it counts now. Where nothing was saved, `revision` is 0."""

    name: str
    counts: str
    """`saved`, `config file`, or `nothing`."""
    text: str
    """What counts, as TOML; empty where nothing does."""
    revision: int
    version: int | None
    sources: list[str]
    """Whose records it is for; those of OTLP are chosen by `match`."""
    changed_by: str | None
    changed_at: datetime | None
    note: str | None


@dataclass(frozen=True, slots=True)
class MappingHistory:
    """A mapping with everything that was saved under its name."""

    now: MappingView
    file_text: str | None
    """What the config file says under this name, as TOML."""
    versions: list[MappingVersion]
    uses: list[MappingUse]
    jobs: list[MappingJob]
    """Requests to apply it to earlier records."""


def listed(ctx: ServerContext) -> list[MappingView]:
    """Return every mapping that was saved or stands in the config file, by name."""
    kept = {one.name: one for one in kept_mappings.listed(ctx.reading)}
    sources = _sources(ctx)
    names = sorted({*kept, *ctx.container.mappings.in_file})
    return [_view(ctx, name, kept.get(name), sources.get(name, [])) for name in names]


def history(ctx: ServerContext, name: str) -> MappingHistory:
    """Return a mapping with its versions.

    Raises:
        MappingNotFoundError: nobody saved one of this name, and no source would use it.
    """
    kept, sources = kept_mappings.of_name(ctx.reading, name), _sources(ctx).get(name, [])
    in_file = ctx.container.mappings.in_file.get(name)
    if kept is None and in_file is None and not sources:
        raise MappingNotFoundError(f"There is no mapping {name!r}, and no source of this name.")
    return MappingHistory(
        now=_view(ctx, name, kept, sources),
        file_text=mapping_text.write(in_file) if in_file else None,
        versions=kept_mappings.versions(ctx.reading, name),
        uses=kept_mappings.uses(ctx.reading, name),
        jobs=applying.jobs(ctx.reading, name),
    )


def apply(ctx: ServerContext, name: str, days: int, *, key: str | None = None) -> MappingJob:
    """Ask that a mapping is applied to the records of the last days, and to quarantine; return the request.

    Raises:
        MappingNotFoundError: there is none.
        NothingToApplyError: no source uses it.
        IsAppliedError: that is being done already.
    """
    found = history(ctx, name)
    texts = [found.now.text, *(one.text for one in found.versions)]
    sources = [*found.now.sources, *([OTLP] if any(map(_is_for_resources, texts)) else [])]
    perform(ApplyMapping(name, tuple(sources), days), ctx, key=key)
    return applying.jobs(ctx.reading, name)[0]


def _is_for_resources(text: str) -> bool:
    try:
        return bool(mapping_text.read(text).match)
    except mapping_text.BadMappingError:
        return False


def latest(ctx: ServerContext, source: str) -> Lines:
    """Return the last lines that a source brought, as they came. Mask them before they are shown.

    Nobody knows whose lines these are: people who may not see everything get none.
    """
    collectors = ctx.container.collectors
    if ctx.reading.scope is not None or collectors is None:
        return Lines([])
    return collectors.latest(source)


def name_for(ctx: ServerContext, source: str) -> str:
    """Return what the mapping of a source is called, also where there is none yet."""
    collectors = ctx.container.collectors
    return source if collectors is None else collectors.mapping_name(source)


def _sources(ctx: ServerContext) -> dict[str, list[str]]:
    """Return the sources of each mapping, also of those that nobody made yet."""
    collectors, found = ctx.container.collectors, dict[str, list[str]]()
    for source in collectors.mappable() if collectors is not None else ():
        found.setdefault(name_for(ctx, source), []).append(source)
    return found


def _view(ctx: ServerContext, name: str, kept: KeptMapping | None, sources: list[str]) -> MappingView:
    in_file = ctx.container.mappings.in_file.get(name)
    if kept is not None and kept.text is not None:
        counts, text = SAVED, kept.text
    elif in_file is not None:
        counts, text = FILE, mapping_text.write(in_file)
    else:
        counts, text = NOTHING, ""
    return MappingView(
        name=name,
        counts=counts,
        text=text,
        revision=kept.revision if kept else 0,
        version=kept.version if kept else None,
        sources=sources,
        changed_by=kept.changed_by if kept else None,
        changed_at=kept.changed_at if kept else None,
        note=kept.note if kept else None,
    )
