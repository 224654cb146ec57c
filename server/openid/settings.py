"""The section [access.oidc]."""

from __future__ import annotations

import re

from pydantic import BaseModel, Field, SecretStr, field_validator

from access.roles import LADDER
from server.openid.addresses import is_safe
from server.openid.errors import shown


class OidcSettings(BaseModel, extra="forbid"):
    """The section [access.oidc]: the provider that vouches for people."""

    issuer: str
    """As the provider writes it, to the last slash: https, or http on this machine."""
    client_id: str = Field(min_length=1)
    client_secret: SecretStr | None = None
    """From UNSNAG_OIDC_CLIENT_SECRET, never from the file. None: a public client, which PKCE protects."""
    name_claim: str = Field("preferred_username", min_length=1)
    """The claim that is the person's name. People must not be able to change it at the provider."""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    label: str = Field("your organisation", min_length=1, max_length=60)
    new_people: str | None = None
    """The role of a person seen for the first time. None: only people who were added may enter."""

    @field_validator("issuer")
    @classmethod
    def _an_issuer(cls, url: str) -> str:
        if not is_safe(url, loopback=True) or "?" in url:
            raise ValueError(
                f"{shown(url)!r} is no issuer: use an address such as https://login.example.com, "
                "with http only on this machine"
            )
        return url

    @field_validator("new_people")
    @classmethod
    def _a_role_of_people(cls, role: str | None) -> str | None:
        if role is not None and role not in LADDER:
            raise ValueError(f"{role!r} is no role of people. Choose one of: {', '.join(LADDER)}")
        return role

    @field_validator("scopes")
    @classmethod
    def _with_openid(cls, scopes: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in scopes or not all(re.fullmatch(r"[!#-\[\]-~]+", scope) for scope in scopes):
            raise ValueError('scopes are words without spaces, and "openid" is one of them')
        return scopes
