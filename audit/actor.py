"""Who acts: the name that stands beside an act, and what kind of actor it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HUMAN: Final = "human"
SERVICE: Final = "service"
SYSTEM_KIND: Final = "system"
_SERVICE_PREFIX: Final = "service/"


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, a service (a worker, a script), or the system itself.

    `channel` says how the actor came in: page, rest, command, worker, clock, batch.
    `credential` is the public id of the session or token behind it; None: nothing had to be shown.
    """

    name: str
    kind: str = HUMAN
    channel: str = "page"
    credential: str | None = None


SYSTEM: Final = Actor("unsnag", SYSTEM_KIND, "clock")


def service(name: str, credential: str | None = None, channel: str = "rest") -> Actor:
    """Return a service's actor; its name can never be a person's, which has no slash."""
    return Actor(f"{_SERVICE_PREFIX}{name.removeprefix(_SERVICE_PREFIX)}", SERVICE, channel, credential)


def service_name(actor: Actor) -> str:
    """Return what a service is called where its token is listed; of others, the name."""
    return actor.name.removeprefix(_SERVICE_PREFIX)
