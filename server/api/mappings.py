"""Routes of mappings: try one on a sample, see what counts, save, revert, switch off."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path
from pydantic import Field

from access.commands import perform
from collectors import kept_mappings, mapping_text
from collectors.applying import MOST_DAYS
from collectors.kept_mappings import RevertMapping, SaveMapping, SwitchOffMapping
from collectors.sections import MappingSettings
from collectors.trial import trial
from server import mappings
from server.api import mapping_shapes, shapes
from server.api.callers import CallerContext, Context, Key
from server.api.paging import page
from server.api.problems import BadRequestError
from unsnag.masking import mask_text

router = APIRouter(prefix="/api/v1", tags=["mappings"])

_MOST: Final = 1_000_000_000
Name = Annotated[str, Path(max_length=kept_mappings.MOST_NAME, min_length=1)]


class MappingTest(shapes.Body):
    """A sample, and a mapping: as an object, as TOML, or the name of one that counts."""

    text: Annotated[str, Field(max_length=1_000_000)]
    """Lines of a log file; the first 1,000 are read."""
    mapping: MappingSettings | None = None
    toml: Annotated[str | None, Field(max_length=mapping_text.LONGEST)] = None
    name: Annotated[str | None, Field(max_length=200)] = None
    path: Annotated[str | None, Field(max_length=1_000)] = None
    """The file's path, for patterns that look there."""


class MappingChange(shapes.Body):
    """A change of a mapping."""

    expected: int = Field(
        ge=0, le=_MOST, description="The revision that you saw: 409 if there is a newer one."
    )
    note: str | None = Field(None, max_length=kept_mappings.MOST_NOTE)


class MappingText(MappingChange):
    """A new version."""

    text: str = Field(max_length=mapping_text.LONGEST, description="TOML.")


class MappingRevert(MappingChange):
    """The version that is to count again."""

    version: int = Field(ge=1, le=_MOST)


class MappingApply(shapes.Body):
    """To which records."""

    days: int = Field(ge=1, le=MOST_DAYS, description="Records of so many days, by their time.")


@router.post("/mappings/test", response_model=shapes.Trial)
def test_mapping(body: MappingTest, ctx: Context) -> Any:
    """Return what a mapping makes of the lines of a log file, and what was not understood."""
    given = [body.mapping, body.toml, body.name]
    if sum(one is not None for one in given) > 1:
        raise BadRequestError("Give one of `mapping`, `toml` and `name`.")
    mapping = body.mapping
    if body.toml is not None:
        mapping = mapping_text.read(body.toml)
    if body.name is not None:
        mapping = ctx.container.mappings.get(body.name)
        if mapping is None:
            raise BadRequestError(f"There is no mapping {body.name!r}.")
    return asdict(trial(body.text.encode("utf-8", "replace").splitlines(), mapping, path=body.path))


@router.get("/mappings", response_model=shapes.Listed[mapping_shapes.Mapping])
def list_mappings(ctx: Context) -> Any:
    """List the mappings that were saved or stand in the config file."""
    found = mappings.listed(ctx)
    return page(len(found), found)


@router.get("/mappings/{name}", response_model=mapping_shapes.MappingHistory)
def get_mapping(name: Name, ctx: Context) -> Any:
    """Return a mapping with its versions."""
    return mappings.history(ctx, name)


@router.post("/mappings/{name}/versions", response_model=mapping_shapes.MappingChanged)
def save_mapping(name: Name, body: MappingText, ctx: CallerContext, key: Key) -> Any:
    """Save a new version, which counts for what arrives from then on."""
    return perform(SaveMapping(name, body.expected, body.note, body.text), ctx, key=key)


@router.post("/mappings/{name}/revert", response_model=mapping_shapes.MappingChanged)
def revert_mapping(name: Name, body: MappingRevert, ctx: CallerContext, key: Key) -> Any:
    """Let an earlier version count again."""
    return perform(RevertMapping(name, body.expected, body.note, body.version), ctx, key=key)


@router.post("/mappings/{name}/off", response_model=mapping_shapes.MappingChanged)
def switch_off_mapping(name: Name, body: MappingChange, ctx: CallerContext, key: Key) -> Any:
    """Let what is saved count no more: the config file's mapping of this name does, or none."""
    return perform(SwitchOffMapping(name, body.expected, body.note), ctx, key=key)


@router.post("/mappings/{name}/apply", response_model=mapping_shapes.MappingJob)
def apply_mapping(name: Name, body: MappingApply, ctx: CallerContext, key: Key) -> Any:
    """Apply what counts now to the log records of the last days and to quarantine, in the background."""
    return mappings.apply(ctx, name, body.days, key=key)


@router.get("/sources/{name:path}/lines", response_model=mapping_shapes.SourceLines)
def get_source_lines(name: Annotated[str, Path(max_length=200)], ctx: Context) -> Any:
    """Return the last lines that a source brought, masked.

    Nobody knows whose lines these are: users who may not see everything get none.
    """
    found = mappings.latest(ctx, name)
    return {"path": found.path, "lines": [mask_text(line.decode("utf-8", "replace")) for line in found.lines]}
