"""Routes of who may do what: the caller, people, tokens, sessions."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import Field

from access import people, tokens
from access.commands import perform
from access.directory import Person
from access.directory import Token as ServiceToken
from access.links import Link
from access.people import AddPerson, DisablePerson, EnablePerson, GiveRoles, MakeLink, PersonCommand
from access.roles import Grant
from access.sessions import EndSessions, sessions_of
from access.tokens import AddToken, NewToken, RevokeToken, RotateToken
from server.api import access_shapes, shapes
from server.api.callers import Caller, CallerContext, Key
from server.api.paging import page
from server.container import current
from server.context import ServerContext

router = APIRouter(prefix="/api/v1", tags=["access"])

Name = Annotated[str, Path(max_length=60)]
_Text = Annotated[str | None, Field(max_length=200)]


class GrantBody(shapes.Body):
    """A role, for everything or for a tenant and a flow."""

    role: str = Field(max_length=20)
    tenant: _Text = None
    flow: _Text = None

    def grant(self) -> Grant:
        """Return it as the rules take it."""
        return Grant(self.role, self.tenant, self.flow)


class PersonBody(shapes.Body):
    """A person to add."""

    name: str = Field(max_length=60)
    roles: list[GrantBody] = Field(max_length=100)
    openid: bool = Field(default=False, description="The OpenID provider vouches for them: no link is made.")


class RolesBody(shapes.Body):
    """All roles of a person from now on."""

    roles: list[GrantBody] = Field(max_length=100)


class ReasonBody(shapes.Body):
    """Why."""

    reason: str | None = Field(None, max_length=2_000)


class TokenBody(shapes.Body):
    """A token to make."""

    name: str = Field(max_length=60)
    roles: list[GrantBody] = Field(max_length=100)
    days: int = Field(90, ge=1, le=400)


class RotateBody(shapes.Body):
    """How long the new secret lasts, and how long the old one works beside it."""

    days: int = Field(90, ge=1, le=400)
    overlap_hours: float = Field(24, ge=0, le=24 * 30)


class RevokeBody(shapes.Body):
    """Which secret; none: all of the token's."""

    id: str | None = Field(None, max_length=12)


@router.get("/me", response_model=access_shapes.Me)
def get_me(caller: Caller) -> Any:
    """Say who calls and what they may do."""
    container = current()
    given = container.authority.grants(caller)
    return {
        "name": caller.name,
        "kind": caller.kind,
        "local": container.authority.local,
        "roles": [_grant(grant) for grant in given],
    }


# --- people -----------------------------------------------------------------------------------


@router.get("/people", response_model=shapes.Listed[access_shapes.Person])
def list_people(ctx: CallerContext) -> Any:
    """List everybody who was added; for admins."""
    ctx.authority.decide(ctx.actor, "person.change")
    found = [_person(ctx, person) for person in people.everybody(ctx.directory)]
    return page(len(found), found)


@router.post("/people", response_model=access_shapes.NewLink)
def add_person(body: PersonBody, ctx: CallerContext, key: Key) -> Any:
    """Add a person. The answer holds the one-time link by which they choose a password; it is shown once."""
    return _link(body.name, perform(AddPerson(body.name, _grants(body.roles), body.openid), ctx, key=key))


@router.post("/people/{name}/roles", response_model=access_shapes.Person)
def set_person_roles(name: Name, body: RolesBody, ctx: CallerContext, key: Key) -> Any:
    """Replace a person's roles."""
    return _changed(ctx, GiveRoles(name, _grants(body.roles)), key)


@router.post("/people/{name}/disable", response_model=access_shapes.Person)
def disable_person(name: Name, ctx: CallerContext, key: Key, body: ReasonBody | None = None) -> Any:
    """Let a person in no more; their sessions end at once."""
    return _changed(ctx, DisablePerson(name, body.reason if body else None), key)


@router.post("/people/{name}/enable", response_model=access_shapes.Person)
def enable_person(name: Name, ctx: CallerContext, key: Key) -> Any:
    """Let a disabled person in again."""
    return _changed(ctx, EnablePerson(name), key)


@router.post("/people/{name}/link", response_model=access_shapes.NewLink)
def create_person_link(name: Name, ctx: CallerContext, key: Key) -> Any:
    """Make a new one-time link for a person."""
    return _link(name, perform(MakeLink(name), ctx, key=key))


@router.post("/people/{name}/sign-out", response_model=access_shapes.Person)
def sign_out_person(name: Name, ctx: CallerContext, key: Key) -> Any:
    """End all sessions of a person."""
    return _changed(ctx, EndSessions(name), key)


# --- tokens -----------------------------------------------------------------------------------


@router.get("/tokens", response_model=shapes.Listed[access_shapes.ServiceToken])
def list_tokens(ctx: CallerContext) -> Any:
    """List the valid secrets of tokens, without the secrets; for admins."""
    ctx.authority.decide(ctx.actor, "token.change")
    found = [_token(ctx, token) for token in tokens.valid_tokens(ctx)]
    return page(len(found), found)


@router.post("/tokens", response_model=access_shapes.NewServiceToken)
def add_token(body: TokenBody, ctx: CallerContext, key: Key) -> Any:
    """Make a token. The answer holds its secret, which is shown once."""
    return _new(perform(AddToken(body.name, body.days, _grants(body.roles)), ctx, key=key))


@router.post("/tokens/{name}/rotate", response_model=access_shapes.NewServiceToken)
def rotate_token(name: Name, ctx: CallerContext, key: Key, body: RotateBody | None = None) -> Any:
    """Make a second secret of a token; the first works on for a while."""
    chosen = body or RotateBody()
    overlap = timedelta(hours=chosen.overlap_hours)
    return _new(perform(RotateToken(name, chosen.days, overlap), ctx, key=key))


@router.post("/tokens/{name}/revoke", response_model=access_shapes.Revoked)
def revoke_token(name: Name, ctx: CallerContext, key: Key, body: RevokeBody | None = None) -> Any:
    """Take a token back, or one secret of it."""
    return {"revoked": perform(RevokeToken(name, body.id if body else None), ctx, key=key)}


# --- shapes -----------------------------------------------------------------------------------


def _grants(bodies: list[GrantBody]) -> tuple[Grant, ...]:
    return tuple(body.grant() for body in bodies)


def _changed(ctx: ServerContext, command: PersonCommand, key: str) -> dict[str, Any]:
    """Change a person and return them as they are then."""
    perform(command, ctx, key=key)
    return _person(ctx, ctx.directory.people[command.name])


def _grant(grant: Grant) -> dict[str, Any]:
    return {"role": grant.role, "tenant": grant.tenant, "flow": grant.flow}


def _person(ctx: ServerContext, person: Person) -> dict[str, Any]:
    return {
        "name": person.name,
        "state": person.state,
        "signs_in_with": "openid" if person.issuer else "password" if person.password_hash else None,
        "created_at": person.created_at,
        "signed_in_at": person.signed_in_at,
        "sessions": len(sessions_of(ctx, person.name)),
        "roles": [_grant(grant) for grant in person.grants],
    }


def _link(name: str, link: Link | None) -> dict[str, Any]:
    if link is None:
        return {"name": name, "link": None, "expires_at": None}
    url = f"{current().settings.url}/welcome?code={link.code}"
    return {"name": name, "link": url, "expires_at": link.expires_at}


def _token(ctx: ServerContext, token: ServiceToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "created_at": token.created_at,
        "created_by": token.created_by,
        "expires_at": token.expires_at,
        "used_at": ctx.directory.used_at(token),
        "roles": [_grant(grant) for grant in token.grants],
    }


def _new(token: NewToken) -> dict[str, Any]:
    return {"id": token.id, "name": token.name, "token": token.text, "expires_at": token.expires_at}
