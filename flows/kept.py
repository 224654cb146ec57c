"""Settings of flows as they are kept: each version stays, the latest counts, and every change is audited.

1. A person saves a text, and names the version that they saw. If somebody was faster it is refused.
2. The file of the flow is written in the same transaction, as the last thing before its commit. A commit that
   fails after that leaves a file that differs from the latest version: it is taken as a change on the disk,
   and nothing that a person wrote is lost.
3. A file that changed on the disk becomes a version whose author is `file`.
4. Targets of the file become targets of its flow (`kpis.targets`), in the same transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from access.commands import Command, SystemCommand, Target
from audit import trail
from data.errors import ConflictError, UnsnagError
from data.nouns import noun
from flows import lint
from flows.files import file_name, write
from kpis import targets
from kpis.targets import Aim

if TYPE_CHECKING:
    from datetime import datetime

    from access.context import RequestContext
    from data.store import Reading
    from data.transaction import Tx

FILE: Final = "file"
"""The author of a version that was changed on the disk."""
MOST_NOTE: Final = 400
MOST_NAME: Final = 200


class FlowChangedError(ConflictError):
    """Somebody changed the settings meanwhile."""


class FlowNotFoundError(UnsnagError):
    """There is no such flow: nothing arrived from it, and it has no settings."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the settings of a flow."""

    flow: str
    version: int
    text: str | None
    """YAML; None: the settings were removed."""
    file: str
    author: str
    saved_at: datetime
    note: str | None


_version: Final = noun(Version)


def latest(reading: Reading) -> list[Version]:
    """Return the latest version of each flow that ever had settings."""
    return reading.query("flows/latest", {"flow": None}, into=_version)


def versions(reading: Reading, flow: str) -> list[Version]:
    """Return all versions of a flow, the newest first."""
    return reading.query("flows/versions", {"flow": flow}, into=_version)


@dataclass(frozen=True, slots=True)
class SaveSettings(Command["Version | None", "Version | None", "dict[str, Any]"]):
    """Save a text as the new version of the settings of a flow, and write its file.

    Raises, when performed:
        FlowChangedError: the settings are not as their author saw them any more.
        BadFlowError: the text does not describe the settings of this flow.
    """

    act: ClassVar = "flow.settings"
    flow: str
    text: str
    expected: int
    """The version that the author saw; 0 where there was none."""
    folder: str
    note: str | None = None

    @property
    def why(self) -> str | None:
        """The note."""
        return self.note

    def load(self, tx: Tx, _ctx: RequestContext) -> Version | None:
        """Return the latest version."""
        return _latest(tx, self.flow)

    def authorize(self, _loaded: Version | None) -> Target:
        """Return the flow."""
        return Target(subject=f"flow:{self.flow}", flow=self.flow)

    def decide(self, loaded: Version | None, _ctx: RequestContext, _now: datetime) -> Version | None:
        """Check the text and the version that it rests on."""
        seen = loaded.version if loaded else 0
        if seen != self.expected:
            by = loaded.author if loaded else "Nobody"
            raise FlowChangedError(
                f"{by} changed the settings of {self.flow} meanwhile (version {seen}, you saw "
                f"{self.expected}). "
                "Nothing was saved. Compare the versions, then save again."
            )
        lint.read(self.text, self.flow)
        return loaded

    def apply(self, tx: Tx, decided: Version | None, ctx: RequestContext, now: datetime) -> dict[str, Any]:
        """Write the version, what follows from it, and at the end the file."""
        file = decided.file if decided and decided.text is not None else file_name(self.flow)
        made = Version(self.flow, self.expected + 1, self.text, file, ctx.actor.name, now, self.note)
        _write(tx, made, decided, ctx, now)
        folder, text = Path(self.folder), self.text
        tx.before_commit.append(lambda _tx: write(folder / file, text))
        return {"flow": self.flow, "version": made.version, "file": file}


@dataclass(frozen=True, slots=True)
class TakeFile(SystemCommand["dict[str, Any] | None"]):
    """Take what stands in a file as the new version of its flow, where it differs; None: the file is gone."""

    flow: str
    text: str | None
    file: str

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> dict[str, Any] | None:
        """Write the version, and what follows from it."""
        before = _latest(tx, self.flow)
        if (before.text if before else None) == self.text:
            return None
        number = before.version + 1 if before else 1
        made = Version(self.flow, number, self.text, self.file, FILE, now, None)
        _write(tx, made, before, ctx, now)
        return {"flow": self.flow, "version": number}


def _latest(tx: Tx, flow: str) -> Version | None:
    found = tx.run("flows/latest", {"flow": flow}, into=_version)
    return found[0] if found else None


def _write(tx: Tx, made: Version, before: Version | None, ctx: RequestContext, now: datetime) -> None:
    row = {
        "of_flow": made.flow,
        "version": made.version,
        "text": made.text,
        "file": made.file,
        "note": made.note,
    }
    tx.run("flows/insert_version", {**row, "author": made.author, "now": now})
    _aim(tx, made, before, ctx, now)
    verb = "flow settings saved" if made.text is not None else "flow settings removed"
    details = {"version": made.version, "file": made.file, "by": made.author}
    entry = trail.Entry(verb, ctx.actor, subject=f"flow:{made.flow}", reason=made.note, details=details)
    trail.write(tx, [entry], now)
    tx.topics.add("flow")


def _aim(tx: Tx, made: Version, before: Version | None, ctx: RequestContext, now: datetime) -> None:
    """Set the targets that the file names, and take away those that only the version before named."""
    wanted, had = _aims(made.text), _aims(before.text if before else None)
    for kpi in {**had, **wanted}:
        if wanted.get(kpi) != had.get(kpi):
            aim = wanted.get(kpi, Aim())
            targets.set_aim(tx, kpi, made.flow, aim, ctx.actor, now)


def _aims(text: str | None) -> dict[str, Aim]:
    """Return the targets that a kept text names; none where it cannot be read any more."""
    settings = lint.lint(text, kept=True).settings if text is not None else None
    named = settings.targets if settings else {}
    return {kpi: Aim(one.target, one.owner) for kpi, one in named.items()}
