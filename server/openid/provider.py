"""Sign-in by OpenID Connect: our side of it, strict about every answer.

1. `begin` reads the provider's description of itself, draws random values for state, nonce and verifier, and
   returns the address that the browser is sent to.
2. The caller keeps what was begun where the browser cannot read it, for ten minutes, and uses it once.
3. The provider sends the browser back. `finish` checks that this answer belongs to what was begun.
4. The code is traded for an ID token, between the provider and us.
5. Signature and claims of that token are checked.
6. What is left is who it is. Access and refresh tokens are dropped unread.

The rules are those of OpenID Connect Core 1.0 (section 3.1), Discovery 1.0 (4), RFC 6749, RFC 7636 (PKCE),
RFC 8725 and RFC 9207. Signatures are joserfc's; nothing here computes one.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus

import httpx
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]

from server.openid import tokens
from server.openid.answers import check_state, code_of, each_once, not_redeemed
from server.openid.description import Description, checked_description
from server.openid.errors import ADMIN, AGAIN, LATER, OidcRefusedError, OidcUnavailableError
from server.openid.requests import ask, document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from joserfc.jwk import Key

    from server.openid.settings import OidcSettings

_KEPT_S: Final = 3600.0
_REFETCH_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Begun:
    """What the server keeps between the two redirects; only `url` is for the browser."""

    url: str = field(repr=False)
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the provider says it is. A person is known by issuer and subject; the name may change."""

    issuer: str
    subject: str
    name: str
    claims: Mapping[str, Any] = field(repr=False)


class OpenIdProvider:
    """One provider: what it says of itself and its keys are kept for an hour."""

    def __init__(
        self,
        settings: OidcSettings,
        now: Callable[[], float] = time.time,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the settings, the time of day in seconds since 1970, and a clock that never goes back.

        Tokens are dated by the time of day. How long something was kept is measured by `clock`: a time of day
        that is set back would keep an old key for good.
        """
        self._settings = settings
        self._now = now
        self._clock = clock
        self._described: tuple[float, Description] | None = None
        self._jwks: tuple[float, list[dict[str, Any]]] | None = None
        self._refetched_at: float | None = None

    async def begin(self, redirect_uri: str) -> Begun:
        """Return the address for the browser and what its answer is checked with.

        Raises:
            OidcUnavailableError: the provider cannot be reached, or describes itself in a way we cannot use.
        """
        described = await self._description()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self._settings.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": create_s256_code_challenge(verifier),
            "code_challenge_method": "S256",
        }
        url = str(httpx.URL(described.authorization_endpoint).copy_merge_params(asked))
        return Begun(url, state, nonce, verifier, redirect_uri)

    async def finish(self, begun: Begun, query: Mapping[str, str] | Iterable[tuple[str, str]]) -> Identity:
        """Return who came back, from the query that the provider sent the browser with.

        Pass the query with its repetitions: a multi-dictionary such as Starlette's, or pairs.

        Raises:
            OidcRefusedError: the answer is not one to what was begun, or its token cannot be accepted.
            OidcUnavailableError: the provider cannot be reached, or does not do its part.
        """
        answer = each_once(query)
        check_state(begun, answer)
        described = await self._description()
        self._check_sender(described, answer)
        response = await self._redeem(described, begun, code_of(answer))
        return await self._identity(begun, response)

    async def _identity(self, begun: Begun, answer: Mapping[str, Any]) -> Identity:
        header = tokens.header_of(answer.get("id_token"))
        claims = tokens.signed_claims(answer["id_token"], await self._key(header))
        settings = self._settings
        tokens.check_claims(claims, settings.issuer, settings.client_id, self._now())
        tokens.check_party(claims, settings.client_id)
        tokens.check_nonce(claims, begun.nonce)
        tokens.check_access_token(claims, header["alg"], answer.get("access_token"))
        name = tokens.name_of(claims, settings.name_claim)
        return Identity(settings.issuer, tokens.subject_of(claims), name, MappingProxyType(claims))

    # --- what the provider publishes ----------------------------------------------------------

    async def _description(self) -> Description:
        if self._described is None or self._is_old(self._described[0]):
            asked_at = self._clock()
            # The slash at the end goes, says Discovery 4.1; the issuer in the answer keeps it (4.3).
            issuer = self._settings.issuer
            found = await document(issuer.removesuffix("/") + "/.well-known/openid-configuration")
            self._described = (asked_at, checked_description(found, issuer))
        return self._described[1]

    async def _key(self, header: Mapping[str, Any]) -> Key:
        """Return the key that a token names; ask for the keys again when it is unknown, once a minute."""
        found = tokens.fitting_key(await self._keys(), header)
        if found is None and self._may_refetch():
            self._refetched_at = self._clock()
            found = tokens.fitting_key(await self._keys(refetch=True), header)
        if found is None:
            raise OidcRefusedError(
                "The provider signed with a key that it does not publish. You were not signed in. "
                "Try again in a minute."
            )
        return found

    async def _keys(self, *, refetch: bool = False) -> list[dict[str, Any]]:
        if refetch or self._jwks is None or self._is_old(self._jwks[0]):
            asked_at = self._clock()
            found = (await document((await self._description()).jwks_uri)).get("keys")
            if not isinstance(found, list):
                raise OidcUnavailableError(f"The provider publishes no keys. {ADMIN}")
            self._jwks = (asked_at, [key for key in found if isinstance(key, dict)])
        return self._jwks[1]

    def _is_old(self, since: float) -> bool:
        return self._clock() - since >= _KEPT_S

    def _may_refetch(self) -> bool:
        return self._refetched_at is None or self._clock() - self._refetched_at >= _REFETCH_S

    # --- the answer and its code --------------------------------------------------------------

    def _check_sender(self, described: Description, answer: Mapping[str, str]) -> None:
        """Refuse an answer that another provider sent (RFC 9207)."""
        sender = answer.get("iss")
        is_owed = described.authorization_response_iss_parameter_supported
        if (sender is None and is_owed) or (sender is not None and sender != self._settings.issuer):
            raise OidcRefusedError(f"This answer is not from the provider that was asked. {AGAIN}")

    async def _redeem(self, described: Description, begun: Begun, code: str) -> Mapping[str, Any]:
        """Trade the code for tokens."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": begun.redirect_uri,
            "code_verifier": begun.verifier,
        }
        auth = self._authenticate(described, form)
        status, answer = await ask(described.token_endpoint, form=form, auth=auth)
        if status != httpx.codes.OK:
            raise not_redeemed(status, answer)
        if answer is None:
            raise OidcUnavailableError(f"The provider's answer to the sign-in cannot be read. {LATER}")
        return answer

    def _authenticate(self, described: Description, form: dict[str, str]) -> httpx.Auth | None:
        """Say who we are: by the authentication that is returned, or in the form."""
        settings, methods = self._settings, described.token_endpoint_auth_methods_supported
        if settings.client_secret is None:
            form["client_id"] = settings.client_id
            return None
        secret = settings.client_secret.get_secret_value()
        if "client_secret_basic" in methods:
            # RFC 6749, 2.3.1: both are form-encoded first, so that a colon or a letter beyond ASCII arrives.
            return httpx.BasicAuth(quote_plus(settings.client_id), quote_plus(secret))
        if "client_secret_post" in methods:
            form |= {"client_id": settings.client_id, "client_secret": secret}
            return None
        raise OidcUnavailableError(
            f"The provider takes neither client_secret_basic nor client_secret_post. {ADMIN}"
        )
