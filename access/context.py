"""Who asks, over which store, with which rights: what every command and every query gets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from audit.actor import SYSTEM
from data.store import Reading

if TYPE_CHECKING:
    from typing import Self

    from access.authority import Authority
    from access.directory import Directory
    from access.limits import Limits
    from audit.actor import Actor
    from data.store import Store


class Placed(Protocol):
    """Anything that belongs to a tenant and a flow, such as a case."""

    @property
    def tenant(self) -> str | None:
        """Its tenant."""

    @property
    def flow(self) -> str:
        """Its flow."""


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One actor over one store. Queries read through `reading`, which ends where the actor's rights end."""

    actor: Actor
    store: Store
    authority: Authority
    limits: Limits

    @property
    def directory(self) -> Directory:
        """People, sessions and tokens, in memory."""
        return self.authority.directory

    @property
    def reading(self) -> Reading:
        """The store within the actor's reach.

        Raises:
            SignedOutError: the session or token behind the actor is no longer valid.
        """
        return self.reading_for("read")

    def reading_for(self, act: str) -> Reading:
        """Return the store as far as the actor may do `act` on it; see `reading`."""
        return Reading(self.store, self.authority.scope(self.actor, act))

    def may(self, act: str, on: Placed | None = None) -> bool:
        """Return whether the actor may do an act, on this case or on anything: for what a page offers."""
        if on is None:
            return self.authority.may(self.actor, act, anywhere=True)
        return self.authority.may(self.actor, act, on.tenant, on.flow)

    def as_system(self) -> Self:
        """Return the same store as the system itself uses it, for what time and sign-in pages do."""
        return replace(self, actor=SYSTEM)
