"""Saved views of the queue: what the page's address chooses, under a name, for oneself or for everybody.

A view is text that a person wrote: it holds no exception, and shows everybody what they may see anyway.
Shared views belong to all who may share: each of them changes and removes them, as the audit says.
"""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

import orjson

from access.commands import Command, Target
from audit import trail
from cases.case import json_value
from cases.errors import InvalidActError
from cases.ordering import Order
from cases.search import MAX_CHARS, Asker, parse
from data.clock import aware
from data.errors import ConflictError, UnsnagError
from data.nouns import noun

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from access.context import RequestContext
    from data.store import Reading
    from data.transaction import Tx

MAX_NAME: Final = 60
MOST: Final = 200
"""Views that one person sees."""
PARAMETERS: Final = (
    "view", "tab", "q", "flow", "class", "severity", "tenant", "assignee", "shown", "due", "sort", "columns",
    "widths",
)  # fmt: skip
"""What a view keeps of the address."""
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {"view": ("groups",), "shown": ("open", "closed", "all")}
"""Parameters that take a few words only. The page takes any other word as none."""


class ViewNotFoundError(UnsnagError):
    """There is no such view, or it is another person's own."""

    def __init__(self, view_id: str) -> None:
        super().__init__(f"There is no view {view_id}. Somebody may have removed it.")


class ViewChangedError(ConflictError):
    """Somebody else has changed the view meanwhile. Open it again, then change it."""


class ViewNameTakenError(ConflictError):
    """A view that the person sees has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is a view {name} already. Choose another name, or change that view.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedView:
    """A view of the queue. Times are aware outside of the writer."""

    id: str
    name: str
    author: str
    shared: bool
    chosen: Mapping[str, str]
    """Parameters of the page's address."""
    version: int
    changed_by: str
    created_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> SavedView:
        """Return the view of a stored row."""
        return _view(row, chosen=_known(json_value(row["chosen"])))

    def row(self) -> dict[str, Any]:
        """Return the view as the row that is stored."""
        return asdict(self) | {"chosen": orjson.dumps(self.chosen).decode()}


_view: Final = noun(SavedView, aware=False)


def seen_by(reading: Reading, name: str) -> list[SavedView]:
    """Return the views that a person sees, by name: their own, and those that are shared."""
    found = reading.query("cases/saved_views", {"me": name}, into=SavedView.of)
    return [replace(one, **_aware(one)) for one in found]


def _aware(view: SavedView) -> dict[str, Any]:
    return {"created_at": aware(view.created_at), "changed_at": aware(view.changed_at)}


@dataclass(frozen=True, slots=True)
class Found:
    """The views that the actor sees, and the one that the command is about."""

    seen: Sequence[SavedView]
    own: SavedView | None


@dataclass(frozen=True, slots=True)
class Written:
    """What becomes of a view."""

    verb: str
    view: SavedView
    is_kept: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewCommand(Command[Found, Written, SavedView]):
    """A command on a view.

    Raises, when performed:
        ForbiddenError: the view is shared, or is to be, and the actor may share none.
        ViewNotFoundError: the actor sees no such view.
    """

    act: ClassVar = "view.save"
    view_id: str | None = None
    shared: bool = False

    def load(self, tx: Tx, ctx: RequestContext) -> Found:
        """Return the views that the actor sees."""
        seen = tx.run("cases/saved_views", {"me": ctx.actor.name}, into=SavedView.of)
        own = next((view for view in seen if view.id == self.view_id), None)
        if self.view_id is not None and own is None:
            raise ViewNotFoundError(self.view_id)
        return Found(seen, own)

    def authorize(self, loaded: Found) -> Target:
        """Return the view; what everybody sees asks for a stricter right."""
        is_shared = self.shared or (loaded.own is not None and loaded.own.shared)
        subject = f"view:{self.view_id}" if self.view_id else None
        return Target(subject=subject, anywhere=True, act="view.share" if is_shared else None)

    def apply(self, tx: Tx, decided: Written, ctx: RequestContext, now: datetime) -> SavedView:
        """Write the view with its entry."""
        view = decided.view
        tx.run("cases/delete_saved_view", {"id": view.id})
        if decided.is_kept:
            tx.view_rows("new_saved_view", [view.row()], like="saved_view")
            tx.run("cases/insert_saved_view")
        details = {"name": view.name, "shared": view.shared, "chosen": view.chosen, "version": view.version}
        entry = trail.Entry(decided.verb, ctx.actor, subject=f"view:{view.id}", details=details)
        trail.write(tx, [entry], now)
        return view

    def kept(self, answer: SavedView) -> dict[str, Any]:
        """Return the view as JSON."""
        return answer.row()

    def answer_again(self, kept: dict[str, Any]) -> SavedView:
        """Return the view that was kept."""
        times = {name: datetime.fromisoformat(kept[name]) for name in ("created_at", "changed_at")}
        return SavedView.of({**kept, **times})


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveView(ViewCommand):
    """Save a view: a new one, or with `view_id` another version of one that is there.

    Raises, when performed:
        InvalidActError: it has no name, an unknown parameter, or the person sees too many views.
        InvalidSearchError: its search cannot be read.
        ViewChangedError: it is not at the version `expected` any more.
        ViewNameTakenError: another view that the person sees has its name.
    """

    name: str
    chosen: Mapping[str, str]
    expected: int | None = None

    def decide(self, loaded: Found, ctx: RequestContext, now: datetime) -> Written:
        """Return the view as it is saved."""
        name, before = " ".join(self.name.split()), loaded.own
        _refuse_name(name, [view for view in loaded.seen if view is not before])
        chosen = _checked(self.chosen, Asker(ctx.actor.name, aware(now) or now))
        if before is None:
            made = SavedView(
                id=uuid.uuid4().hex[:16], name=name, author=ctx.actor.name, shared=self.shared, chosen=chosen,
                version=1, changed_by=ctx.actor.name, created_at=now, changed_at=now,
            )  # fmt: skip
            return Written("view saved", made)
        if before.version != self.expected:
            raise ViewChangedError
        # What was shared and becomes somebody's own is theirs who made it so.
        author = before.author if self.shared or not before.shared else ctx.actor.name
        after = replace(
            before, name=name, author=author, shared=self.shared, chosen=chosen,
            version=before.version + 1, changed_by=ctx.actor.name, changed_at=now,
        )  # fmt: skip
        return Written("view changed", after)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveView(ViewCommand):
    """Remove a view."""

    def decide(self, loaded: Found, _ctx: RequestContext, _now: datetime) -> Written:
        """Return the view as removed."""
        if loaded.own is None:
            raise ViewNotFoundError(self.view_id or "")
        return Written("view removed", loaded.own, is_kept=False)


def _refuse_name(name: str, others: Sequence[SavedView]) -> None:
    if not name or len(name) > MAX_NAME:
        raise InvalidActError(f"Give the view a name of at most {MAX_NAME} characters.")
    if len(others) >= MOST:
        raise InvalidActError(f"You see {MOST} views, which are the most. Remove one first.")
    if any(other.name.casefold() == name.casefold() for other in others):
        raise ViewNameTakenError(name)


def _checked(chosen: Mapping[str, str], asker: Asker) -> dict[str, str]:
    """Return the parameters that say something, each of which has to be one of the page's."""
    if unknown := sorted(set(chosen) - set(PARAMETERS)):
        raise InvalidActError(
            f"A view does not keep {', '.join(unknown)}; it keeps: {', '.join(PARAMETERS)}."
        )
    if any(len(value) > MAX_CHARS for value in chosen.values()):
        raise InvalidActError(f"A parameter of a view has at most {MAX_CHARS} characters.")
    parse(chosen.get("q", ""), asker)
    Order.of(chosen.get("sort"))
    return _known(chosen)


def _known(chosen: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters that say something to the page."""
    return {name: value for name, value in chosen.items() if value and value in _WORDS.get(name, (value,))}
