"""Roles as they are given: to people and to tokens, for everything or for a tenant and a flow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from access.errors import InvalidPersonError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from access.roles import Grant
    from data.transaction import Tx

_MAX_CHARS = 200


def give(tx: Tx, holder: str, grants: Sequence[Grant]) -> None:
    """Replace what a holder (`person:ann`, `token:orders`) was given."""
    tx.run("access/delete_grants", {"holder": holder})
    for grant in grants:
        given = {"role": grant.role, "tenant": grant.tenant, "flow": grant.flow}
        tx.run("access/insert_grant", {"holder": holder, **given})
    tx.topics.add("access")


def checked(grants: Iterable[Grant], allowed: Sequence[str], whom: str) -> tuple[Grant, ...]:
    """Return the grants, each once.

    Raises:
        InvalidPersonError: there is none, or one that `whom` (people, services) cannot have.
    """
    given = tuple(sorted(set(grants), key=str))
    if not given:
        raise InvalidPersonError(f"Give at least one role: {', '.join(allowed)}.")
    for grant in given:
        if grant.role not in allowed:
            raise InvalidPersonError(
                f"There is no role {grant.role!r} for {whom}. Choose one of: {', '.join(allowed)}."
            )
        if not all(_fits(part) for part in (grant.tenant, grant.flow)):
            raise InvalidPersonError(
                "A tenant or flow has 1 to 200 characters, and none that cannot be seen."
            )
    return given


def words(grants: Iterable[Grant]) -> list[str]:
    """Return grants as screens and the audit say them."""
    return [str(grant) for grant in grants]


def _fits(part: str | None) -> bool:
    return part is None or (0 < len(part) <= _MAX_CHARS and part.isprintable() and part != "*")
