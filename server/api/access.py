"""Routes of who may do what: the caller, people, tokens, sessions."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from access import directory
from access.roles import Grant
from access.tokens import NewToken
from server.api import shapes
from server.api.callers import Caller, Token
from server.api.paging import page
from server.center import current

router = APIRouter(prefix="/api/v1", tags=["access"])

Name = Annotated[str, Path(max_length=60)]
_Text = Annotated[str | None, Field(max_length=200)]


class GrantBody(BaseModel):
    """A role, for everything or for a tenant and a flow."""

    role: str = Field(max_length=20)
    tenant: _Text = None
    flow: _Text = None

    def grant(self) -> Grant:
        """Return it as the rules take it."""
        return Grant(self.role, self.tenant, self.flow)


class PersonBody(BaseModel):
    """A person to add."""

    name: str = Field(max_length=60)
    roles: list[GrantBody] = Field(max_length=100)
    openid: bool = Field(default=False, description="The OpenID provider vouches for them: no link is made.")


class RolesBody(BaseModel):
    """All roles of a person from now on."""

    roles: list[GrantBody] = Field(max_length=100)


class ReasonBody(BaseModel):
    """Why."""

    reason: str | None = Field(None, max_length=2_000)


class TokenBody(BaseModel):
    """A token to make."""

    name: str = Field(max_length=60)
    roles: list[GrantBody] = Field(max_length=100)
    days: int = Field(90, ge=1, le=400)


class RotateBody(BaseModel):
    """How long the new secret lasts, and how long the old one works beside it."""

    days: int = Field(90, ge=1, le=400)
    overlap_hours: float = Field(24, ge=0, le=24 * 30)


class RevokeBody(BaseModel):
    """Which secret; none: all of the token's."""

    id: str | None = Field(None, max_length=12)


@router.get("/me", response_model=shapes.Me)
def me(caller: Caller) -> Any:
    """Say who calls and what they may do."""
    center = current()
    given = center.authority.grants(caller)
    return {
        "name": caller.name,
        "kind": caller.kind,
        "local": center.authority.local,
        "roles": [_grant(grant) for grant in given],
    }


# --- people -----------------------------------------------------------------------------------


@router.get("/people", response_model=shapes.Listed[shapes.Person])
def list_people(caller: Caller) -> Any:
    """List everybody who was added; for admins."""
    current().authority.decide(caller, "person.change")
    found = [_person(person) for person in current().people.listed()]
    return page(len(found), found, 0)


@router.post("/people", response_model=shapes.NewLink)
def add_person(body: PersonBody, caller: Caller, token: Token) -> Any:
    """Add a person. The answer holds the one-time link by which they choose a password; it is told once."""
    grants = [given.grant() for given in body.roles]
    link = current().people.add(body.name, grants, actor=caller, openid=body.openid, token=token)
    return _link(body.name, link)


@router.post("/people/{name}/roles", response_model=shapes.Person)
def give_roles(name: Name, body: RolesBody, caller: Caller, token: Token) -> Any:
    """Replace a person's roles."""
    current().people.give(name, [given.grant() for given in body.roles], actor=caller, token=token)
    return _person(current().directory.people[name])


@router.post("/people/{name}/disable", response_model=shapes.Person)
def disable(name: Name, caller: Caller, token: Token, body: ReasonBody | None = None) -> Any:
    """Let a person in no more; their sessions end at once."""
    current().people.disable(name, actor=caller, reason=body.reason if body else None, token=token)
    return _person(current().directory.people[name])


@router.post("/people/{name}/enable", response_model=shapes.Person)
def enable(name: Name, caller: Caller, token: Token) -> Any:
    """Let a disabled person in again."""
    current().people.enable(name, actor=caller, token=token)
    return _person(current().directory.people[name])


@router.post("/people/{name}/link", response_model=shapes.NewLink)
def new_link(name: Name, caller: Caller, token: Token) -> Any:
    """Make a new one-time link for a person."""
    return _link(name, current().people.link(name, actor=caller, token=token))


@router.post("/people/{name}/sign-out", response_model=shapes.Person)
def sign_out(name: Name, caller: Caller, token: Token) -> Any:
    """End all sessions of a person."""
    current().sessions.end_all_of(name, actor=caller, token=token)
    return _person(current().directory.people[name])


# --- tokens -----------------------------------------------------------------------------------


@router.get("/tokens", response_model=shapes.Listed[shapes.ServiceToken])
def list_tokens(caller: Caller) -> Any:
    """List the valid secrets of tokens, without the secrets; for admins."""
    current().authority.decide(caller, "token.change")
    found = [_token(token) for token in current().tokens.listed()]
    return page(len(found), found, 0)


@router.post("/tokens", response_model=shapes.NewServiceToken)
def add_token(body: TokenBody, caller: Caller, token: Token) -> Any:
    """Make a token. The answer holds its secret, which is told once."""
    grants = [given.grant() for given in body.roles]
    return _new(current().tokens.add(body.name, grants, days=body.days, actor=caller, token=token))


@router.post("/tokens/{name}/rotate", response_model=shapes.NewServiceToken)
def rotate_token(name: Name, caller: Caller, token: Token, body: RotateBody | None = None) -> Any:
    """Make a second secret of a token; the first works on for a while."""
    chosen = body or RotateBody()
    overlap = timedelta(hours=chosen.overlap_hours)
    return _new(current().tokens.rotate(name, days=chosen.days, actor=caller, overlap=overlap, token=token))


@router.post("/tokens/{name}/revoke", response_model=shapes.Revoked)
def revoke_token(name: Name, caller: Caller, token: Token, body: RevokeBody | None = None) -> Any:
    """Take a token back, or one secret of it."""
    ended = current().tokens.revoke(name, actor=caller, secret_id=body.id if body else None, token=token)
    return {"revoked": ended}


# --- shapes -----------------------------------------------------------------------------------


def _grant(grant: Grant) -> dict[str, Any]:
    return {"role": grant.role, "tenant": grant.tenant, "flow": grant.flow}


def _person(person: directory.Person) -> dict[str, Any]:
    return {
        "name": person.name,
        "state": person.state,
        "signs_in_with": "openid" if person.issuer else "password" if person.password_hash else None,
        "created_at": person.created_at,
        "signed_in_at": person.signed_in_at,
        "sessions": len(current().sessions.of(person.name)),
        "roles": [_grant(grant) for grant in person.grants],
    }


def _link(name: str, link: Any) -> dict[str, Any]:
    made = link is not None
    url = f"{current().settings.url}/welcome?code={link.code}" if made else None
    return {"name": name, "link": url, "expires_at": link.expires_at if made else None}


def _token(token: directory.Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "created_at": token.created_at,
        "created_by": token.created_by,
        "expires_at": token.expires_at,
        "used_at": current().directory.used_at(token),
        "roles": [_grant(grant) for grant in token.grants],
    }


def _new(token: NewToken) -> dict[str, Any]:
    return {"id": token.id, "name": token.name, "token": token.text, "expires_at": token.expires_at}
