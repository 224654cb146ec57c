"""Mappings and their history. See `server.api.shapes`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from server.api.shapes import Time


class Mapping(BaseModel):
    """A mapping as it counts now."""

    name: str
    counts: Literal["saved", "config file", "nothing"] = Field(
        description="Where what counts comes from. A saved one counts before that of the config file."
    )
    text: str = Field(description="TOML, as in the config file below its heading.")
    revision: int = Field(description="Give it as `expected` with the next change; 0: nothing was saved yet.")
    version: int | None = Field(description="The saved version that counts.")
    sources: list[str]
    changed_by: str | None
    changed_at: Time | None
    note: str | None


class MappingVersion(BaseModel):
    """A version of a mapping; never changed."""

    version: int
    text: str
    author: str
    saved_at: Time
    note: str | None
    previous: int | None = Field(description="The version that counted before.")


class MappingUse(BaseModel):
    """A change of which version counts."""

    revision: int
    version: int | None
    act: Literal["saved", "reverted", "switched off"]
    changed_by: str
    changed_at: Time
    note: str | None


class MappingJob(BaseModel):
    """A request to apply a mapping to earlier records, and how far it is."""

    id: str
    sources: list[str]
    since: Time = Field(description="Records from then on are looked at.")
    until: Time = Field(description="When it was asked for: what came later was mapped as it came.")
    requested_by: str
    state: Literal["running", "done", "failed"]
    error: str | None
    total: int = Field(description="Records to look at.")
    looked_at: int
    changed: int
    quarantined: int = Field(description="Records in quarantine that were read again.")
    taken: int = Field(description="Of these: read and stored.")
    finished_at: Time | None


class MappingHistory(BaseModel):
    """A mapping with everything that was saved under its name, the newest first."""

    now: Mapping
    file_text: str | None
    versions: list[MappingVersion]
    uses: list[MappingUse]
    jobs: list[MappingJob]


class MappingChanged(BaseModel):
    """What a change led to."""

    name: str
    revision: int
    version: int | None


class SourceLines(BaseModel):
    """The last lines that a source brought, masked."""

    path: str | None = Field(description="Their file; null: they are made of stored records.")
    lines: list[str]
