"""Mappings that people save: each version stays, one counts, and every change is audited.

1. Saving makes a version with its author, time and note, and lets it count.
2. Reverting lets an earlier version count again; switching off lets the config file's count, or none.
3. Each change names the revision that its author saw. If somebody was faster it is refused, and nothing lost.
4. After the commit the sources read with the new mapping (`collectors.mapping_book`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from access.commands import Command, Target
from audit import trail
from collectors import mapping_text
from data.errors import ConflictError, UnsnagError
from data.logs import event_log
from data.nouns import noun

if TYPE_CHECKING:
    from datetime import datetime

    from access.context import RequestContext
    from collectors.sections import MappingSettings
    from data.store import Reading, Store
    from data.transaction import Tx

_LOG: Final = event_log("collectors")
SAVED: Final = "saved"
REVERTED: Final = "reverted"
OFF: Final = "switched off"
MOST_NAME: Final = 200
MOST_NOTE: Final = 400


class MappingChangedError(ConflictError):
    """Somebody changed the mapping meanwhile."""


class VersionNotFoundError(UnsnagError):
    """The mapping has no such version."""


@dataclass(frozen=True, slots=True)
class KeptMapping:
    """A mapping as it counts now."""

    name: str
    revision: int
    """How often it was changed: what the next change has to name."""
    version: int | None
    """The version that counts; None: it is switched off."""
    text: str | None
    newest: int | None
    act: str
    changed_by: str
    changed_at: datetime
    note: str | None


@dataclass(frozen=True, slots=True)
class MappingVersion:
    """One version."""

    version: int
    text: str
    author: str
    saved_at: datetime
    note: str | None
    previous: int | None
    """The version that counted before."""


@dataclass(frozen=True, slots=True)
class MappingUse:
    """A change of which version counts."""

    revision: int
    version: int | None
    act: str
    changed_by: str
    changed_at: datetime
    note: str | None


_kept: Final = noun(KeptMapping)


def listed(reading: Reading) -> list[KeptMapping]:
    """Return every mapping that was ever saved."""
    return reading.query("collectors/kept_mappings", {"name": None}, into=_kept)


def of_name(reading: Reading, name: str) -> KeptMapping | None:
    """Return the saved mapping of a name, or None."""
    found = reading.query("collectors/kept_mappings", {"name": name}, into=_kept)
    return found[0] if found else None


def versions(reading: Reading, name: str) -> list[MappingVersion]:
    """Return all versions of a mapping, the newest first."""
    return reading.query("collectors/mapping_versions", {"name": name}, into=noun(MappingVersion))


def uses(reading: Reading, name: str) -> list[MappingUse]:
    """Return which version counted since when, the newest first."""
    return reading.query("collectors/mapping_uses", {"name": name}, into=noun(MappingUse))


def active(store: Store) -> dict[str, MappingSettings]:
    """Return the saved mappings that count, by name.

    One that this version cannot read is left out, with an event in the log: its source reads without it.
    """
    found = {}
    for kept in listed(store.everything()):
        if kept.text is not None:
            try:
                found[kept.name] = mapping_text.read(kept.text)
            except mapping_text.BadMappingError as error:
                _LOG.error("mapping.unreadable", mapping=kept.name, version=kept.version, reason=str(error))
    return found


# --- changes ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Use:
    """What a change writes."""

    act: str
    version: int | None
    text: str | None = None
    """Of a version that is new."""
    previous: int | None = None


@dataclass(frozen=True, slots=True)
class MappingCommand(Command["KeptMapping | None", Use, dict[str, Any]]):
    """A change of a mapping. The answer is its name, its revision and the version that counts then.

    Raises, when performed:
        MappingChangedError: it is not as its author saw it any more.
    """

    act: ClassVar = "mapping.change"
    name: str
    expected: int
    """The revision that the author saw; 0 where nothing was saved under the name yet."""
    note: str | None = None

    @property
    def why(self) -> str | None:
        """The note."""
        return self.note

    def load(self, tx: Tx, _ctx: RequestContext) -> KeptMapping | None:
        """Return the mapping as it is now."""
        found = tx.run("collectors/kept_mappings", {"name": self.name}, into=_kept)
        return found[0] if found else None

    def authorize(self, _loaded: KeptMapping | None) -> Target:
        """Return the mapping."""
        return Target(subject=f"mapping:{self.name}")

    def apply(self, tx: Tx, decided: Use, ctx: RequestContext, now: datetime) -> dict[str, Any]:
        """Write the version, where it is new, and that it counts."""
        row = {
            "name": self.name,
            "version": decided.version,
            "author": ctx.actor.name,
            "note": self.note,
            "now": now,
        }
        if decided.text is not None:
            text = {"text": decided.text, "previous": decided.previous}
            tx.run("collectors/insert_mapping_version", {**row, **text})
        revision = self.expected + 1
        tx.run("collectors/insert_mapping_use", {**row, "revision": revision, "act": decided.act})
        details = {"version": decided.version, "before": decided.previous}
        entry = trail.Entry(
            f"mapping {decided.act}",
            ctx.actor,
            subject=f"mapping:{self.name}",
            reason=self.note,
            details=details,
        )
        trail.write(tx, [entry], now)
        tx.topics.add("mapping")
        return {"name": self.name, "revision": revision, "version": decided.version}

    def _unchanged(self, loaded: KeptMapping | None) -> int | None:
        """Return the version that counts.

        Raises:
            MappingChangedError: somebody was faster.
        """
        revision = loaded.revision if loaded else 0
        if revision == self.expected:
            return loaded.version if loaded else None
        if loaded is None:
            raise MappingChangedError(f"Nothing is saved under the name {self.name} yet.")
        raise MappingChangedError(
            f"{loaded.changed_by} changed this mapping meanwhile (revision {loaded.revision}, you saw "
            f"{self.expected}). Nothing was saved. Compare it with the history, then save again."
        )


@dataclass(frozen=True, slots=True)
class SaveMapping(MappingCommand):
    """Save a text as a new version, and let it count.

    Raises, when performed:
        BadMappingError: it is no mapping.
    """

    text: str = ""

    def decide(self, loaded: KeptMapping | None, _ctx: RequestContext, _now: datetime) -> Use:
        """Return the new version."""
        counts = self._unchanged(loaded)
        mapping_text.read(self.text)
        newest = (loaded.newest if loaded else None) or 0
        return Use(SAVED, newest + 1, self.text, counts)


@dataclass(frozen=True, slots=True)
class RevertMapping(MappingCommand):
    """Let an earlier version count again.

    Raises, when performed:
        VersionNotFoundError: there is no such version.
        BadMappingError: this version of Unsnag cannot read it any more.
    """

    version: int = 0

    def apply(self, tx: Tx, decided: Use, ctx: RequestContext, now: datetime) -> dict[str, Any]:
        """Write that it counts, after a look at its text."""
        found = tx.run("collectors/mapping_versions", {"name": self.name}, into=noun(MappingVersion))
        text = next((one.text for one in found if one.version == self.version), None)
        if text is None:
            raise VersionNotFoundError(f"The mapping {self.name} has no version {self.version}.")
        mapping_text.read(text)
        # Not super(): a dataclass with slots is another class than the one that the method was written in.
        return MappingCommand.apply(self, tx, decided, ctx, now)

    def decide(self, loaded: KeptMapping | None, _ctx: RequestContext, _now: datetime) -> Use:
        """Return the version."""
        return Use(REVERTED, self.version, previous=self._unchanged(loaded))


@dataclass(frozen=True, slots=True)
class SwitchOffMapping(MappingCommand):
    """Let what is saved count no more: the config file's mapping of this name does, or none."""

    def decide(self, loaded: KeptMapping | None, _ctx: RequestContext, _now: datetime) -> Use:
        """Return that none counts."""
        return Use(OFF, None, previous=self._unchanged(loaded))
