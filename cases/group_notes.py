"""The note of a group: what people know of the cause, with versions, shown on every case of the group."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from access import roles
from access.commands import Command, Target
from access.errors import ForbiddenError
from audit import trail
from cases.errors import GroupNoteChangedError, GroupNotFoundError, InvalidActError
from cases.group_claims import subject_of
from cases.group_merges import current_group
from cases.notes import MAX_CHARS
from data.nouns import noun, shallow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from access.context import RequestContext
    from data.store import Reading
    from data.transaction import Tx


@dataclass(frozen=True, slots=True)
class GroupNote:
    """One version of the note of a group: Markdown; an empty text took the note away."""

    fingerprint: str
    version: int
    text: str
    author: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """A tenant and flow of which a group has cases."""

    tenant: str | None
    flow: str


@dataclass(frozen=True, slots=True)
class NoteAtHand:
    """The latest version of a group's note, and where the group has cases."""

    group: str
    """The group that the id stands for: another one where it was merged."""
    latest: GroupNote | None
    places: list[Place]


def of_groups(reading: Reading, groups: Sequence[str]) -> dict[str, GroupNote]:
    """Return the notes of groups that have one."""
    found = reading.query("cases/group_notes", {"groups": list(groups)}, into=noun(GroupNote))
    return {note.fingerprint: note for note in found if note.text}


def versions(reading: Reading, group_id: str) -> list[GroupNote]:
    """Return all versions of a group's note, the newest first."""
    return reading.query("cases/group_note_versions", {"group": group_id}, into=noun(GroupNote))


@dataclass(frozen=True, slots=True)
class NoteGroup(Command[NoteAtHand, GroupNote, GroupNote]):
    """Write a new version of a group's note; an empty text takes the note away.

    `expected` is the version that the person saw, 0 where there was none.

    Raises, when performed:
        ForbiddenError: the actor's role does not reach all cases of the group.
        GroupNoteChangedError: somebody else wrote a version meanwhile.
        InvalidActError: the note is too long.
    """

    act: ClassVar = "group.note"
    group_id: str
    text: str
    expected: int

    def load(self, tx: Tx, _ctx: RequestContext) -> NoteAtHand:
        """Return the note as it is, and where the group has cases."""
        group = current_group(tx, self.group_id)
        latest = tx.run("cases/group_notes", {"groups": [group]}, into=noun(GroupNote, aware=False))
        places = tx.run("cases/places_of_group", {"group": group}, into=noun(Place))
        return NoteAtHand(group, latest[0] if latest else None, places)

    def authorize(self, loaded: NoteAtHand) -> Target:
        """Return the group; `decide` asks that the role reaches all of it."""
        return Target(subject=subject_of(loaded.group), anywhere=True)

    def decide(self, loaded: NoteAtHand, ctx: RequestContext, now: datetime) -> GroupNote:
        """Return the new version."""
        scope = ctx.authority.scope(ctx.actor, self.act)
        reached = [roles.reaches(scope, place.tenant, place.flow) for place in loaded.places]
        if not any(reached):
            raise GroupNotFoundError(self.group_id)
        if not all(reached):
            raise ForbiddenError(
                "The note of a group is shown on all of its exceptions. Your role does not reach all of them."
            )
        current = loaded.latest.version if loaded.latest else 0
        if current != self.expected:
            raise GroupNoteChangedError
        text = self.text.replace("\0", "").strip()
        if len(text) > MAX_CHARS:
            raise InvalidActError(f"The note has {len(text):,} characters; {MAX_CHARS:,} are the most.")
        return GroupNote(loaded.group, current + 1, text, ctx.actor.name, now)

    def apply(self, tx: Tx, decided: GroupNote, ctx: RequestContext, now: datetime) -> GroupNote:
        """Write the version, and an entry of the group."""
        tx.view_rows("new_group_note", [shallow(decided)], like="group_note")
        tx.run("cases/insert_group_note")
        entry = trail.Entry(
            "group noted",
            ctx.actor,
            subject=subject_of(decided.fingerprint),
            reason=decided.text,
            details={"version": decided.version},
        )
        trail.write(tx, [entry], now)
        tx.topics.add("case")
        return decided

    def kept(self, answer: GroupNote) -> dict[str, Any]:
        """Return the version as JSON."""
        return asdict(answer)

    def answer_again(self, kept: dict[str, Any]) -> GroupNote:
        """Return the version that was kept."""
        return GroupNote(**kept | {"written_at": datetime.fromisoformat(kept["written_at"])})
