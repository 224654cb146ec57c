"""The ID token: key, signature and claims (OpenID Connect Core 1.0, 3.1.3.7). Signatures are joserfc's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from authlib.oidc.core.util import create_half_hash  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import ClaimError, JoseError, UnsupportedAlgorithmError
from joserfc.jwk import Key, import_key
from joserfc.jws import JWSRegistry, extract_compact

from server.openid.comparing import equal
from server.openid.errors import ADMIN, AGAIN, OidcRefusedError, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LEEWAY_S: Final = 60
_MAX_NAME: Final = 200
_MAX_SUBJECT: Final = 255
_RSA_CHARS: Final = 342
"""A modulus of 2048 bits in base64url. joserfc only warns about a shorter one."""

_OKP: Final = {"kty": "OKP", "crv": "Ed25519"}
KEY_FOR: Final[dict[str, dict[str, str]]] = {
    "RS256": {"kty": "RSA"},
    "PS256": {"kty": "RSA"},
    "ES256": {"kty": "EC", "crv": "P-256"},
    "EdDSA": _OKP,
    "Ed25519": _OKP,  # what RFC 9864 calls the same signature
}
"""The algorithms that are accepted, and the key that each one takes.

All are asymmetric: a secret that two sides share, or no key at all, can never sign.
"""


class _Signatures(JWSRegistry):
    """The accepted algorithms. EdDSA is among them without a warning: providers still call Ed25519 so."""

    def get_alg(self, name: str) -> Any:
        if name not in KEY_FOR:
            raise UnsupportedAlgorithmError
        return self.algorithms[name]


# Providers add headers of their own, which RFC 7515 says to ignore.
SIGNATURES: Final = _Signatures(algorithms=tuple(KEY_FOR), strict_check_header=False)
# What joserfc raises for bytes that are no token; our message never holds the token.
_MALFORMED: Final = (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError)


def header_of(token: object) -> dict[str, Any]:
    """Return the header of an ID token, not yet verified: it only says which key to try."""
    if not isinstance(token, str):
        raise OidcRefusedError(f"The provider's answer carries no ID token. {ADMIN}")
    try:
        header = dict(extract_compact(token.encode(), registry=SIGNATURES).headers())
        SIGNATURES.check_header(header)
    except _MALFORMED:
        raise OidcRefusedError(f"The provider's ID token cannot be read. {AGAIN}") from None
    if header["alg"] not in KEY_FOR:
        known = ", ".join(KEY_FOR)
        raise OidcRefusedError(f"The provider's ID token is not signed by one of {known}. {ADMIN}")
    if "crit" in header:
        raise OidcRefusedError(f"The provider's ID token wants more than can be checked here. {ADMIN}")
    return header


def fitting_key(keys: Iterable[Mapping[str, Any]], header: Mapping[str, Any]) -> Key | None:
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
    """Return whether a published key may verify an algorithm's signatures."""
    if any(key.get(name) != value for name, value in KEY_FOR[algorithm].items()):
        return False
    if key["kty"] == "RSA" and len(str(key.get("n"))) < _RSA_CHARS:
        return False
    return bool(key.get("use", "sig") == "sig" and key.get("alg", algorithm) == algorithm)


def signed_claims(token: str, key: Key) -> dict[str, Any]:
    """Return the claims of an ID token whose signature the key verifies."""
    try:
        return jwt.decode(token, key, registry=SIGNATURES).claims
    except _MALFORMED:
        raise OidcRefusedError(f"The signature of the provider's ID token is wrong. {AGAIN}") from None


_WRONG: Final = {
    "iss": f"The provider's ID token comes from another issuer. {ADMIN}",
    "aud": f"The provider's ID token is meant for another application. {ADMIN}",
    "exp": f"The provider's ID token has expired, or the clocks differ by more than a minute. {AGAIN}",
    "iat": f"The provider's ID token is from the future: the clocks differ by more than a minute. {ADMIN}",
    "nbf": f"The provider's ID token holds only later: the clocks differ by more than a minute. {ADMIN}",
    "nonce": f"The provider's ID token belongs to another sign-in. {AGAIN}",
}


def check_claims(claims: dict[str, Any], issuer: str, client_id: str, now: float) -> None:
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
        incomplete = f"The provider's ID token is incomplete or malformed. {ADMIN}"
        raise OidcRefusedError(_WRONG.get(error.claim, incomplete)) from None


def check_party(claims: Mapping[str, Any], client_id: str) -> None:
    """Refuse a token for several audiences that does not name us as its party (Core 3.1.3.7: 4, 5)."""
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else client_id) != client_id:
        raise OidcRefusedError(_WRONG["aud"])


def check_nonce(claims: Mapping[str, Any], nonce: str) -> None:
    """Refuse a token that was made for another sign-in (Core 3.1.3.7: 11)."""
    if not equal(claims["nonce"], nonce):
        raise OidcRefusedError(_WRONG["nonce"])


def check_access_token(claims: Mapping[str, Any], algorithm: str, token: object) -> None:
    """Refuse an ID token that was issued with another access token (Core 3.1.3.8)."""
    if "at_hash" not in claims:
        return
    hashed_as = "EdDSA" if algorithm == "Ed25519" else algorithm
    if not isinstance(token, str) or not equal(
        claims["at_hash"], create_half_hash(token, hashed_as).decode()
    ):
        raise OidcRefusedError(f"The provider's two tokens do not belong together. {AGAIN}")


def subject_of(claims: Mapping[str, Any]) -> str:
    """Return what the provider knows the person by, for good."""
    subject: str = claims["sub"]
    if not (0 < len(subject) <= _MAX_SUBJECT and subject.isascii() and subject.isprintable()):
        raise OidcRefusedError(f"The provider's ID token does not say who you are. {ADMIN}")
    return subject


def name_of(claims: Mapping[str, Any], claim: str) -> str:
    """Return the person's name.

    An address of e-mail that was not verified is no name: anybody could have typed it.
    """
    name = claims.get(claim)
    if not isinstance(name, str) or not name.strip() or len(name) > _MAX_NAME or not name.isprintable():
        raise OidcRefusedError(
            f"The provider does not say your name: its ID token has no usable claim {shown(claim)!r}. "
            "You were not signed in. Ask an admin to have it sent, or to choose another as name_claim."
        )
    if claim == "email" and claims.get("email_verified", True) is not True:
        raise OidcRefusedError(
            "The provider has not verified your e-mail address. You were not signed in. "
            "Verify it there and try again."
        )
    return name
