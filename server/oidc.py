"""Sign-in by OpenID Connect: our side of it, strict about every answer.

1. `begin` reads the provider's description of itself, draws state, nonce and verifier by chance, and returns
   the address that the browser is sent to.
2. The caller keeps what was begun where the browser cannot read it, for ten minutes, and uses it once.
3. The provider sends the browser back. `finish` checks that this answer belongs to what was begun.
4. The code is traded for an ID token, between the provider and us.
5. Signature and claims of that token are checked.
6. What is left is who it is. Access and refresh tokens are dropped unread.

The rules are those of OpenID Connect Core 1.0 (section 3.1), Discovery 1.0 (4), RFC 6749, RFC 7636 (PKCE),
RFC 8725 and RFC 9207. Signatures are joserfc's; nothing here computes one.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
import re
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus, urlsplit

import httpx
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]
from authlib.oidc.core.util import create_half_hash  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import ClaimError, JoseError, UnsupportedAlgorithmError
from joserfc.jwk import Key, import_key
from joserfc.jws import JWSRegistry, extract_compact
from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator

from data.errors import UnsnagError

if TYPE_CHECKING:
    import ssl

_KEPT_S: Final = 3600.0
_REFETCH_S: Final = 60.0
_TIMEOUT_S: Final = 5.0
_MAX_BYTES: Final = 1024 * 1024
_LEEWAY_S: Final = 60
_MAX_NAME: Final = 200
_MAX_SUBJECT: Final = 255
_RSA_CHARS: Final = 342
"""A modulus of 2048 bits in base64url. joserfc only warns about a shorter one."""

_OKP: Final = {"kty": "OKP", "crv": "Ed25519"}
_KEY_FOR: Final[dict[str, dict[str, str]]] = {
    "RS256": {"kty": "RSA"},
    "PS256": {"kty": "RSA"},
    "ES256": {"kty": "EC", "crv": "P-256"},
    "EdDSA": _OKP,
    "Ed25519": _OKP,  # what RFC 9864 calls the same signature
}
"""The algorithms that are accepted, and the key that each one takes.

All are asymmetric: a secret that two sides share, or no key at all, can never sign.
"""

_LATER: Final = "You were not signed in. Try again in a moment; if it stays so, tell an admin."
_ADMIN: Final = "You were not signed in. Tell an admin."
_AGAIN: Final = "You were not signed in. Try again."


class OidcRefusedError(UnsnagError):
    """The provider's answer cannot be accepted. You were not signed in. Try again."""


class OidcUnavailableError(UnsnagError):
    """The sign-in provider cannot be used now. You were not signed in. Try again in a moment."""


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
        if not _is_safe(url, loopback=True) or "?" in url:
            raise ValueError(
                f"{_shown(url)!r} is no issuer: use an address such as https://login.example.com, "
                "with http only on this machine"
            )
        return url

    @field_validator("scopes")
    @classmethod
    def _with_openid(cls, scopes: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in scopes or not all(re.fullmatch(r"[!#-\[\]-~]+", scope) for scope in scopes):
            raise ValueError('scopes are words without spaces, and "openid" is one of them')
        return scopes


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


class _Description(BaseModel):
    """What is read of the provider's discovery document."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]
    code_challenge_methods_supported: list[str] = ["S256"]
    authorization_response_iss_parameter_supported: bool = False


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

        Tokens are dated by the time of day. How long something was kept is told by `clock`: a time of day
        that is set back would keep an old key for good.
        """
        self._settings = settings
        self._now = now
        self._clock = clock
        self._described: tuple[float, _Description] | None = None
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
        answer = _each_once(query)
        _check_state(begun, answer)
        described = await self._description()
        self._check_sender(described, answer)
        told = await self._redeem(described, begun, _code(answer))
        return await self._identity(begun, told)

    async def _identity(self, begun: Begun, told: Mapping[str, Any]) -> Identity:
        header = _header(told.get("id_token"))
        claims = _signed_claims(told["id_token"], await self._key(header))
        settings = self._settings
        _check_claims(claims, settings.issuer, settings.client_id, self._now())
        _check_party(claims, settings.client_id)
        _check_nonce(claims, begun.nonce)
        _check_access_token(claims, header["alg"], told.get("access_token"))
        name = _name(claims, settings.name_claim)
        return Identity(settings.issuer, _subject(claims), name, MappingProxyType(claims))

    # --- what the provider publishes ----------------------------------------------------------

    async def _description(self) -> _Description:
        if self._described is None or self._is_old(self._described[0]):
            asked_at = self._clock()
            # The slash at the end goes, says Discovery 4.1; the issuer in the answer keeps it (4.3).
            issuer = self._settings.issuer
            found = await _document(issuer.removesuffix("/") + "/.well-known/openid-configuration")
            self._described = (asked_at, _checked_description(found, issuer))
        return self._described[1]

    async def _key(self, header: Mapping[str, Any]) -> Key:
        """Return the key that a token names; ask for the keys again when it is unknown, once a minute."""
        found = _fitting(await self._keys(), header)
        if found is None and self._may_refetch():
            self._refetched_at = self._clock()
            found = _fitting(await self._keys(anew=True), header)
        if found is None:
            raise OidcRefusedError(
                "The provider signed with a key that it does not publish. You were not signed in. "
                "Try again in a minute."
            )
        return found

    async def _keys(self, *, anew: bool = False) -> list[dict[str, Any]]:
        if anew or self._jwks is None or self._is_old(self._jwks[0]):
            asked_at = self._clock()
            found = (await _document((await self._description()).jwks_uri)).get("keys")
            if not isinstance(found, list):
                raise OidcUnavailableError(f"The provider publishes no keys. {_ADMIN}")
            self._jwks = (asked_at, [key for key in found if isinstance(key, dict)])
        return self._jwks[1]

    def _is_old(self, since: float) -> bool:
        return self._clock() - since >= _KEPT_S

    def _may_refetch(self) -> bool:
        return self._refetched_at is None or self._clock() - self._refetched_at >= _REFETCH_S

    # --- the answer and its code --------------------------------------------------------------

    def _check_sender(self, described: _Description, answer: Mapping[str, str]) -> None:
        """Refuse an answer that another provider sent (RFC 9207)."""
        sender = answer.get("iss")
        is_owed = described.authorization_response_iss_parameter_supported
        if (sender is None and is_owed) or (sender is not None and sender != self._settings.issuer):
            raise OidcRefusedError(f"This answer is not from the provider that was asked. {_AGAIN}")

    async def _redeem(self, described: _Description, begun: Begun, code: str) -> Mapping[str, Any]:
        """Trade the code for tokens."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": begun.redirect_uri,
            "code_verifier": begun.verifier,
        }
        auth = self._authenticate(described, form)
        status, told = await _ask(described.token_endpoint, form=form, auth=auth)
        if status != httpx.codes.OK:
            raise _not_redeemed(status, told)
        if told is None:
            raise OidcUnavailableError(f"The provider's answer to the sign-in cannot be read. {_LATER}")
        return told

    def _authenticate(self, described: _Description, form: dict[str, str]) -> httpx.Auth | None:
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
            f"The provider takes neither client_secret_basic nor client_secret_post. {_ADMIN}"
        )


# --- the provider's description ---------------------------------------------------------------


def _checked_description(found: Mapping[str, Any], issuer: str) -> _Description:
    """Return the description; refuse one of somebody else, or one that would send us astray."""
    try:
        described = _Description.model_validate(found)
    except ValidationError as error:
        wrong = ", ".join(sorted({str(item["loc"][0]) for item in error.errors()}))
        raise OidcUnavailableError(
            f"The provider's description of itself is incomplete: {wrong}. {_ADMIN}"
        ) from None
    if described.issuer != issuer:
        raise OidcUnavailableError(
            f"The provider calls itself {_shown(described.issuer)!r}, and access.oidc.issuer says "
            f"{_shown(issuer)!r}. They must be equal to the last slash. {_ADMIN}"
        )
    # A provider elsewhere must not point us at services of this machine.
    loopback = urlsplit(issuer).scheme == "http"
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not _is_safe(getattr(described, name), loopback=loopback):
            raise OidcUnavailableError(f"The provider's {name} is not an https address. {_ADMIN}")
    if "S256" not in described.code_challenge_methods_supported:
        raise OidcUnavailableError(f"The provider does not take PKCE with S256. {_ADMIN}")
    return described


def _is_safe(url: str, *, loopback: bool) -> bool:
    """Tell whether an address is https, or http on this machine where that is allowed."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        return False
    plain = url.isprintable() and not set(url) & set(" \\#") and "@" not in parts.netloc
    return bool(plain and host) and (
        parts.scheme == "https" or (loopback and parts.scheme == "http" and _is_loopback(host or ""))
    )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


# --- the browser's answer ---------------------------------------------------------------------


def _each_once(query: Mapping[str, str] | Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the query as a mapping; refuse one that says anything twice."""
    if isinstance(query, Mapping):
        # A multi-dictionary is a mapping as well, which would show only the last of two.
        query = getattr(query, "multi_items", query.items)()
    pairs = list(query)
    if any(count > 1 for count in Counter(name for name, _ in pairs).values()):
        raise OidcRefusedError(f"The provider's answer says something twice. {_AGAIN}")
    return dict(pairs)


def _check_state(begun: Begun, answer: Mapping[str, str]) -> None:
    if not _equal(answer.get("state", ""), begun.state):
        raise OidcRefusedError(f"This answer does not belong to the sign-in that was begun here. {_AGAIN}")


_BUSY: Final = ("temporarily_unavailable", "server_error")
_DECLINED: Final = {
    "access_denied": "The sign-in was declined at the provider, by you or by a rule there. "
    "Try again, or ask whoever runs the provider to let you in.",
    "login_required": "The provider wants you to sign in there first. Do so and try again.",
    "interaction_required": "The provider wants to ask you something first. Try again.",
    "account_selection_required": "The provider wants you to choose an account first. Try again.",
    "consent_required": "The provider wants your consent first. Try again.",
}
_MISCONFIGURED: Final = (
    "invalid_client", "invalid_request", "invalid_scope", "unauthorized_client", "unsupported_grant_type",
    "unsupported_response_type",
)  # fmt: skip


def _code(answer: Mapping[str, str]) -> str:
    """Return the code of an answer, or say kindly why there is none.

    The provider's own description is not shown: whoever made the link wrote it.
    """
    error = answer.get("error")
    if error in _BUSY:
        raise OidcUnavailableError(f"The provider is busy or out of order. {_LATER}")
    if error in _MISCONFIGURED:
        raise OidcUnavailableError(
            f"The provider does not accept how it was asked ({error}): what is registered there and the "
            f"section [access.oidc] differ. {_ADMIN}"
        )
    if error is not None:
        raise OidcRefusedError(_DECLINED.get(error, f"The provider did not sign you in. {_AGAIN}"))
    if not answer.get("code"):
        raise OidcRefusedError(f"The provider's answer carries no code. {_AGAIN}")
    return answer["code"]


def _not_redeemed(status: int, told: Mapping[str, Any] | None) -> UnsnagError:
    """Return what a refused code means."""
    error = (told or {}).get("error")
    if error == "invalid_grant":
        return OidcRefusedError(f"This answer was used already, or came too late. {_AGAIN}")
    if error in ("invalid_client", "unauthorized_client"):
        return OidcUnavailableError(
            "The provider does not know us: access.oidc.client_id or UNSNAG_OIDC_CLIENT_SECRET is wrong. "
            f"{_ADMIN}"
        )
    reason = f"status {status}, {error}" if error in _MISCONFIGURED else f"status {status}"
    return OidcUnavailableError(f"The provider did not complete the sign-in ({reason}). {_LATER}")


# --- the ID token -----------------------------------------------------------------------------


class _Signatures(JWSRegistry):
    """The accepted algorithms. EdDSA is among them without a warning: providers still call Ed25519 so."""

    def get_alg(self, name: str) -> Any:
        if name not in _KEY_FOR:
            raise UnsupportedAlgorithmError
        return self.algorithms[name]


# Providers add headers of their own, which RFC 7515 says to ignore.
_SIGNATURES: Final = _Signatures(algorithms=tuple(_KEY_FOR), strict_check_header=False)
# What joserfc meets in bytes that are no token; the token is never in what is said of it.
_MALFORMED: Final = (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError)


def _header(token: object) -> dict[str, Any]:
    """Return the header of an ID token, not yet verified: it only says which key to try."""
    if not isinstance(token, str):
        raise OidcRefusedError(f"The provider's answer carries no ID token. {_ADMIN}")
    try:
        header = dict(extract_compact(token.encode(), registry=_SIGNATURES).headers())
        _SIGNATURES.check_header(header)
    except _MALFORMED:
        raise OidcRefusedError(f"The provider's ID token cannot be read. {_AGAIN}") from None
    if header["alg"] not in _KEY_FOR:
        known = ", ".join(_KEY_FOR)
        raise OidcRefusedError(f"The provider's ID token is not signed by one of {known}. {_ADMIN}")
    if "crit" in header:
        raise OidcRefusedError(f"The provider's ID token wants more than can be checked here. {_ADMIN}")
    return header


def _fitting(keys: Iterable[Mapping[str, Any]], header: Mapping[str, Any]) -> Key | None:
    """Return the one published key that a token's header means; without a name, only one may fit."""
    kid = header.get("kid")
    fitting = [key for key in keys if _is_for(key, header["alg"]) and kid in (None, key.get("kid"))]
    if not fitting or (kid is None and len(fitting) > 1):
        return None
    try:
        return import_key(dict(fitting[0]))
    except _MALFORMED:
        return None


def _is_for(key: Mapping[str, Any], algorithm: str) -> bool:
    """Tell whether a published key may verify an algorithm's signatures."""
    if any(key.get(name) != value for name, value in _KEY_FOR[algorithm].items()):
        return False
    if key["kty"] == "RSA" and len(str(key.get("n"))) < _RSA_CHARS:
        return False
    return bool(key.get("use", "sig") == "sig" and key.get("alg", algorithm) == algorithm)


def _signed_claims(token: str, key: Key) -> dict[str, Any]:
    try:
        return jwt.decode(token, key, registry=_SIGNATURES).claims
    except _MALFORMED:
        raise OidcRefusedError(f"The signature of the provider's ID token is wrong. {_AGAIN}") from None


_WRONG: Final = {
    "iss": f"The provider's ID token comes from another issuer. {_ADMIN}",
    "aud": f"The provider's ID token is meant for another application. {_ADMIN}",
    "exp": f"The provider's ID token has expired, or the clocks differ by more than a minute. {_AGAIN}",
    "iat": f"The provider's ID token is from the future: the clocks differ by more than a minute. {_ADMIN}",
    "nbf": f"The provider's ID token holds only later: the clocks differ by more than a minute. {_ADMIN}",
    "nonce": f"The provider's ID token belongs to another sign-in. {_AGAIN}",
}


def _check_claims(claims: dict[str, Any], issuer: str, client_id: str, now: float) -> None:
    """Check issuer, audience and times (Core 3.1.3.7: 2, 3, 9, 10)."""
    registry = jwt.JWTClaimsRegistry(
        now=int(now),
        leeway=_LEEWAY_S,
        iss={"essential": True, "value": issuer},
        sub={"essential": True},
        aud={"essential": True, "value": client_id},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True},
    )
    try:
        registry.validate(claims)
    except ClaimError as error:
        incomplete = f"The provider's ID token is incomplete or malformed. {_ADMIN}"
        raise OidcRefusedError(_WRONG.get(error.claim, incomplete)) from None


def _check_party(claims: Mapping[str, Any], client_id: str) -> None:
    """Refuse a token for several audiences that does not name us as its party (Core 3.1.3.7: 4, 5)."""
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else client_id) != client_id:
        raise OidcRefusedError(_WRONG["aud"])


def _check_nonce(claims: Mapping[str, Any], nonce: str) -> None:
    if not _equal(claims["nonce"], nonce):
        raise OidcRefusedError(_WRONG["nonce"])


def _check_access_token(claims: Mapping[str, Any], algorithm: str, token: object) -> None:
    """Refuse an ID token that was issued with another access token (Core 3.1.3.8)."""
    if "at_hash" not in claims:
        return
    hashed_as = "EdDSA" if algorithm == "Ed25519" else algorithm
    if not isinstance(token, str) or not _equal(
        claims["at_hash"], create_half_hash(token, hashed_as).decode()
    ):
        raise OidcRefusedError(f"The provider's two tokens do not belong together. {_AGAIN}")


def _subject(claims: Mapping[str, Any]) -> str:
    subject: str = claims["sub"]
    if not (0 < len(subject) <= _MAX_SUBJECT and subject.isascii() and subject.isprintable()):
        raise OidcRefusedError(f"The provider's ID token does not say who you are. {_ADMIN}")
    return subject


def _name(claims: Mapping[str, Any], claim: str) -> str:
    """Return the person's name.

    An address of e-mail that was not verified is no name: anybody could have typed it.
    """
    name = claims.get(claim)
    if not isinstance(name, str) or not name.strip() or len(name) > _MAX_NAME or not name.isprintable():
        raise OidcRefusedError(
            f"The provider does not say your name: its ID token has no usable claim {_shown(claim)!r}. "
            "You were not signed in. Ask an admin to have it sent, or to choose another as name_claim."
        )
    if claim == "email" and claims.get("email_verified", True) is not True:
        raise OidcRefusedError(
            "The provider has not verified your e-mail address. You were not signed in. "
            "Verify it there and try again."
        )
    return name


def _equal(said: object, kept: str) -> bool:
    """Compare in a time that tells nothing."""
    return isinstance(said, str) and hmac.compare_digest(said.encode(errors="replace"), kept.encode())


def _shown(text: str) -> str:
    return "".join(char for char in text[:_MAX_NAME] if char.isprintable())


# --- requests to the provider -----------------------------------------------------------------


async def _document(url: str) -> Mapping[str, Any]:
    status, found = await _ask(url)
    if status != httpx.codes.OK or found is None:
        raise OidcUnavailableError(
            f"{_shown(url)!r} does not answer as a sign-in provider does (status {status}). {_LATER}"
        )
    return found


async def _ask(
    url: str, *, form: dict[str, str] | None = None, auth: httpx.Auth | None = None
) -> tuple[int, dict[str, Any] | None]:
    """Return status and JSON object of an answer, None where it is none; follow no redirect.

    Raises:
        OidcUnavailableError: no answer within five seconds and one MiB.
    """
    method = "GET" if form is None else "POST"
    # Compressed, a small answer could become a large one.
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    try:
        # httpx limits each read: a provider that drips would hold us for hours.
        async with (
            asyncio.timeout(_TIMEOUT_S),
            _client(url) as client,
            client.stream(method, url, data=form, headers=headers, auth=auth) as response,
        ):
            return response.status_code, _object(await _body(response))
    except (TimeoutError, httpx.TimeoutException) as error:
        raise OidcUnavailableError(
            f"The provider did not answer within {_TIMEOUT_S:.0f} seconds. {_LATER}"
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise OidcUnavailableError(f"The provider {_shown(url)!r} cannot be reached. {_LATER}") from error


def _client(url: str) -> httpx.AsyncClient:
    # A proxy of the environment leads outwards; this machine is asked directly.
    outwards = not _is_loopback(urlsplit(url).hostname or "")
    return httpx.AsyncClient(
        timeout=_TIMEOUT_S, follow_redirects=False, trust_env=outwards, verify=_certificates()
    )


@cache
def _certificates() -> ssl.SSLContext:
    return httpx.create_ssl_context()


async def _body(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > _MAX_BYTES:
            raise OidcUnavailableError(f"The provider's answer is larger than a sign-in needs. {_LATER}")
    return bytes(body)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
