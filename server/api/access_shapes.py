"""People, roles and tokens. See `server.api.shapes`."""

from __future__ import annotations

from pydantic import BaseModel

from server.api.shapes import Time


class GivenRole(BaseModel):
    """A role; null: any tenant, any flow."""

    role: str
    tenant: str | None
    flow: str | None


class Me(BaseModel):
    """Who calls."""

    name: str
    kind: str
    local: bool
    roles: list[GivenRole]


class Person(BaseModel):
    """Somebody who was added."""

    name: str
    state: str
    signs_in_with: str | None
    created_at: Time
    signed_in_at: Time | None
    sessions: int
    roles: list[GivenRole]


class NewLink(BaseModel):
    """A one-time link; null where the OpenID provider vouches for the person."""

    name: str
    link: str | None
    expires_at: Time | None


class ServiceToken(BaseModel):
    """One secret of a token, without the secret."""

    id: str
    name: str
    created_at: Time
    created_by: str
    expires_at: Time
    used_at: Time | None
    roles: list[GivenRole]


class NewServiceToken(BaseModel):
    """A new secret, shown once."""

    id: str
    name: str
    token: str
    expires_at: Time


class Revoked(BaseModel):
    """How many secrets were taken back."""

    revoked: int
