"""What a sender's token may send: records of its tenants and flows, and no others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from access.roles import granted_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from access.roles import Grant

LIMIT: Final = "unsnag.sender_limit"
"""Where the ASGI scope of a request holds the limit of its sender."""


class OutsideError(ValueError):
    """A record is of a tenant or flow that its sender may not send for."""


@dataclass(frozen=True, slots=True)
class SenderLimit:
    """The tenants and flows that one token may send for."""

    name: str
    grants: tuple[Grant, ...]

    @classmethod
    def of(cls, name: str, grants: Iterable[Grant]) -> SenderLimit | None:
        """Return the limit of the token `name`; None: it may send everything."""
        given = tuple(granted_for(grants, "telemetry.send"))
        return None if any(grant.whole for grant in given) else cls(name, given)

    def place(self, tenant: str | None, flow: str | None) -> tuple[str | None, str | None]:
        """Return tenant and flow of a record: its own, else the token's, where the token has exactly one.

        A tenant or flow that is concluded later, from other records of a trace, could lie outside. So a
        record that is still without one is taken only where the token may send for any.

        Raises:
            OutsideError: the token may not send for this tenant and flow.
        """
        tenant = tenant or _only({grant.tenant for grant in self.grants})
        flow = flow or _only({grant.flow for grant in self.grants if grant.tenant in (None, tenant)})
        if not any(grant.covers(tenant, flow) for grant in self.grants):
            where = f"{tenant or 'no tenant'}/{flow or 'no flow'}"
            raise OutsideError(f"token {self.name} may not send for {where}")
        return tenant, flow


def _only(names: set[str | None]) -> str | None:
    return next(iter(names)) if len(names) == 1 else None
