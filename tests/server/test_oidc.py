from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import socket
import traceback
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.errors import UnsupportedAlgorithmError
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry
from pydantic import ValidationError

from server.openid import requests, tokens
from server.openid.description import checked_description
from server.openid.errors import OidcRefusedError, OidcUnavailableError
from server.openid.provider import Begun, Identity, OpenIdProvider
from server.openid.settings import OidcSettings
from tests.server.openid import (
    CLIENT,
    KEYS,
    NOW,
    SECRET,
    Answer,
    ScriptedProvider,
    challenge,
    forged,
    provider,
    public,
    signed,
)

with warnings.catch_warnings():
    # Authlib turns its own deprecations on when it is imported, whatever the filters say.
    import authlib.deprecate  # noqa: F401

    warnings.simplefilter("ignore")
    import oidc_provider_mock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.slow]

BACK = "https://unsnag.example.com/sign-in/openid/done"


class Clock:
    """A clock that a test turns."""

    at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def scripted() -> Iterator[ScriptedProvider]:
    with provider() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(scripted: ScriptedProvider, clock: Clock) -> OpenIdProvider:
    return make(scripted, clock)


def make(scripted: ScriptedProvider, clock: Clock | None = None, **changed: Any) -> OpenIdProvider:
    values = {"issuer": scripted.issuer, "client_id": CLIENT, "client_secret": SECRET, **changed}
    return OpenIdProvider(OidcSettings(**values), lambda: NOW, clock=clock or Clock())


def sign_in(scripted: ScriptedProvider, client: OpenIdProvider, **changed: str | None) -> Identity:
    """Go there and back; `changed` replaces fields of the answer."""

    async def journey() -> Identity:
        begun = await client.begin(BACK)
        answer = scripted.authorize(begun.url) | changed
        return await client.finish(
            begun, {name: value for name, value in answer.items() if value is not None}
        )

    return asyncio.run(journey())


def refused(scripted: ScriptedProvider, client: OpenIdProvider, words: str, **changed: str | None) -> None:
    """Check that a sign-in is refused with this message, and that no secret is shown."""
    with pytest.raises(OidcRefusedError, match=words) as caught:
        sign_in(scripted, client, **changed)
    shows_no_secret(scripted, caught.value)


def unavailable(
    scripted: ScriptedProvider, client: OpenIdProvider, words: str, **changed: str | None
) -> None:
    with pytest.raises(OidcUnavailableError, match=words) as caught:
        sign_in(scripted, client, **changed)
    shows_no_secret(scripted, caught.value)


def shows_no_secret(scripted: ScriptedProvider, error: Exception) -> None:
    """Neither the message nor what would be logged of it holds a code, a token or a secret."""
    assert "not signed in" in str(error) or "Try again" in str(error)
    shown = "".join(traceback.format_exception(error)) + repr(error)
    assert not [secret for secret in scripted.secrets if secret in shown]


# --- a real provider --------------------------------------------------------------------------


# The provider package itself uses what Authlib calls deprecated.
THEIRS = pytest.mark.filterwarnings("ignore:get_jwt_config:DeprecationWarning")


@pytest.fixture(scope="module")
def mock() -> Iterator[str]:
    ann = oidc_provider_mock.User(
        sub="ann-1", claims={"preferred_username": "ann", "email": "ann@example.com"}
    )
    with oidc_provider_mock.run_server_in_thread(require_nonce=True, user_claims=[ann]) as server:
        yield f"http://localhost:{server.server_port}"


def browse(url: str, **form: str) -> httpx.QueryParams:
    """Fill the provider's form as a browser does; return what it sends back with."""
    with httpx.Client(trust_env=False) as browser:
        assert "Authorize" in browser.get(url).text
        answer = browser.post(url, data=form)
    assert answer.headers["location"].startswith(BACK)
    return httpx.URL(answer.headers["location"]).params


@THEIRS
def test_somebody_signs_in_with_a_real_provider_once(mock: str) -> None:
    async def journey() -> None:
        client = OpenIdProvider(OidcSettings(issuer=mock, client_id="unsnag", client_secret="any"))
        begun = await client.begin(BACK)
        answer = browse(begun.url, sub="ann-1")
        who = await client.finish(begun, answer)
        assert (who.issuer, who.subject, who.name) == (mock, "ann-1", "ann")
        assert who.claims["email"] == "ann@example.com"
        with pytest.raises(OidcRefusedError, match="used already"):
            await client.finish(begun, answer)

    asyncio.run(journey())


def test_declining_at_a_real_provider_is_explained(mock: str) -> None:
    async def journey() -> None:
        client = OpenIdProvider(OidcSettings(issuer=mock, client_id="unsnag", client_secret="any"))
        begun = await client.begin(BACK)
        # This provider leaves the state out of its refusals.
        answer = {"state": begun.state, **browse(begun.url, action="deny")}
        await client.finish(begun, answer)

    with pytest.raises(OidcRefusedError, match="declined at the provider"):
        asyncio.run(journey())


# --- what is asked ----------------------------------------------------------------------------


def test_the_browser_is_sent_with_state_nonce_and_a_challenge(client: OpenIdProvider) -> None:
    begun, other = asyncio.run(client.begin(BACK)), asyncio.run(client.begin(BACK))
    asked = dict(parse_qsl(urlsplit(begun.url).query))
    assert asked == {
        "theme": "dark",
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": BACK,
        "scope": "openid profile email",
        "state": begun.state,
        "nonce": begun.nonce,
        "code_challenge": challenge(begun.verifier),
        "code_challenge_method": "S256",
    }
    drawn = {begun.state, begun.nonce, begun.verifier, other.state, other.nonce, other.verifier}
    assert len(drawn) == 6
    assert min(map(len, drawn)) >= 43
    assert not [secret for secret in drawn if secret in repr(begun) + repr(other)]


@pytest.mark.parametrize(
    ("methods", "secret", "by"),
    [
        (None, SECRET, "basic"),
        (["client_secret_post", "client_secret_basic"], SECRET, "basic"),
        (["client_secret_post"], SECRET, "post"),
        (["private_key_jwt"], None, "public"),
    ],
)
def test_the_client_proves_itself_as_the_provider_wants(
    scripted: ScriptedProvider, methods: list[str] | None, secret: str | None, by: str
) -> None:
    if methods:
        scripted.description["token_endpoint_auth_methods_supported"] = methods
    sign_in(scripted, make(scripted, client_secret=secret))
    asked = next(each for each in scripted.asked if each.path == "/token")
    # Form-encoded before base64, as RFC 6749 wants.
    basic = httpx.BasicAuth("unsnag", "never%2Fto+be%3Ashown")
    header = next(basic.auth_flow(httpx.Request("POST", "http://x"))).headers["Authorization"]
    assert asked.authorization == (header if by == "basic" else None)
    assert asked.form.get("client_secret") == (SECRET if by == "post" else None)
    assert asked.form.get("client_id") == (None if by == "basic" else CLIENT)
    assert asked.form["redirect_uri"] == BACK


def test_a_provider_that_wants_another_proof_is_reported(scripted: ScriptedProvider) -> None:
    scripted.description["token_endpoint_auth_methods_supported"] = ["private_key_jwt"]
    unavailable(scripted, make(scripted), "client_secret_basic nor")


def test_the_description_and_the_keys_are_kept_for_an_hour(
    scripted: ScriptedProvider, client: OpenIdProvider, clock: Clock
) -> None:
    for at, times in ((0, 1), (3599, 1), (3601, 2)):
        clock.at = 1000.0 + at
        sign_in(scripted, client)
        paths = [asked.path for asked in scripted.asked]
        assert paths.count("/.well-known/openid-configuration") == paths.count("/jwks") == times


def test_an_issuer_keeps_its_path_and_its_slash(scripted: ScriptedProvider) -> None:
    issuer = scripted.issuer = scripted.description["issuer"] = f"{scripted.issuer}/realm/"
    assert sign_in(scripted, make(scripted)).issuer == issuer
    assert scripted.asked[0].path == "/realm/.well-known/openid-configuration"


# --- settings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "issuer",
    ["https://login.example.com/realm/", "http://localhost:9000", "http://127.0.0.1", "http://[::1]:80"],
)
def test_an_issuer_is_https_or_on_this_machine(issuer: str) -> None:
    assert OidcSettings(issuer=issuer, client_id="x").issuer == issuer


@pytest.mark.parametrize(
    "issuer",
    [
        "http://login.example.com", "http://localhost.example.com", "http://127.0.0.1.example.com", "ftp://localhost",
        "login.example.com", "", "https://", "https://a b", "https://me:pw@example.com", "https://example.com/#a",
        "https://example.com/?a=b", "https://example.com:port", "https://[", "https://example.com\\@evil.com",
    ],
)  # fmt: skip
def test_any_other_issuer_is_refused(issuer: str) -> None:
    with pytest.raises(ValidationError, match="is no issuer"):
        OidcSettings(issuer=issuer, client_id="x")


@pytest.mark.parametrize("scopes", [[], ["profile"], ["openid", "a b"], ["openid", ""], ["openid", 'a"']])
def test_scopes_are_words_with_openid_among_them(scopes: list[str]) -> None:
    with pytest.raises(ValidationError, match="scopes are words"):
        OidcSettings(issuer="https://example.com", client_id="x", scopes=scopes)  # type: ignore[arg-type]


def test_settings_take_no_unknown_key_and_show_no_secret() -> None:
    with pytest.raises(ValidationError, match="extra"):
        OidcSettings(issuer="https://example.com", client_id="x", isuer="y")  # type: ignore[call-arg]
    options = OidcSettings(issuer="https://example.com", client_id="x", client_secret=SECRET)  # type: ignore[arg-type]
    assert SECRET not in repr(options) + options.model_dump_json()


# --- the browser's answer ---------------------------------------------------------------------


@pytest.mark.parametrize("state", [None, "", "another", "ärger", "\ud800"])
def test_an_answer_with_no_or_another_state_is_refused(
    scripted: ScriptedProvider, client: OpenIdProvider, state: str | None
) -> None:
    refused(scripted, client, "does not belong to the sign-in", state=state)
    assert "/token" not in [asked.path for asked in scripted.asked]


@pytest.mark.parametrize("name", ["state", "code", "iss"])
def test_an_answer_that_says_something_twice_is_refused(
    scripted: ScriptedProvider, client: OpenIdProvider, name: str
) -> None:
    async def journey(kind: Callable[[list[tuple[str, str]]], Any]) -> None:
        begun = await client.begin(BACK)
        answer = {"iss": scripted.issuer, **scripted.authorize(begun.url)}
        await client.finish(begun, kind([(name, "another"), *answer.items()]))

    for kind in (list, httpx.QueryParams):
        with pytest.raises(OidcRefusedError, match="twice") as caught:
            asyncio.run(journey(kind))
        shows_no_secret(scripted, caught.value)


def test_an_answer_from_another_provider_is_refused(
    scripted: ScriptedProvider, client: OpenIdProvider, clock: Clock
) -> None:
    assert sign_in(scripted, client, iss=scripted.issuer).name == "ann"
    refused(scripted, client, "not from the provider that was asked", iss="https://evil.example.com")
    refused(scripted, client, "not from the provider that was asked", iss=f"{scripted.issuer}/")
    scripted.description["authorization_response_iss_parameter_supported"] = True
    clock.at += 4000
    assert sign_in(scripted, client, iss=scripted.issuer).name == "ann"
    refused(scripted, client, "not from the provider that was asked")


@pytest.mark.parametrize("code", [None, ""])
def test_an_answer_without_a_code_is_refused(
    scripted: ScriptedProvider, client: OpenIdProvider, code: str | None
) -> None:
    refused(scripted, client, "carries no code", code=code)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("access_denied", "declined at the provider"),
        ("login_required", "sign in there first"),
        ("<script>", "did not sign you in"),
        ("", "did not sign you in"),
    ],
)
def test_a_refusal_of_the_provider_is_explained_in_our_text(
    scripted: ScriptedProvider, client: OpenIdProvider, error: str, words: str
) -> None:
    with pytest.raises(OidcRefusedError, match=words) as caught:
        sign_in(scripted, client, error=error, error_description="Call 0900-EVIL", code=None)
    assert "EVIL" not in str(caught.value)
    assert "script" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "words"),
    [("temporarily_unavailable", "busy"), ("server_error", "busy"), ("invalid_scope", "registered there")],
)
def test_a_fault_of_the_provider_is_reported_as_one(
    scripted: ScriptedProvider, client: OpenIdProvider, error: str, words: str
) -> None:
    unavailable(scripted, client, words, error=error, code=None)


def test_a_replayed_code_is_refused(scripted: ScriptedProvider, client: OpenIdProvider) -> None:
    async def journey() -> None:
        begun = await client.begin(BACK)
        answer = scripted.authorize(begun.url)
        await client.finish(begun, answer)
        await client.finish(begun, answer)

    with pytest.raises(OidcRefusedError, match="used already") as caught:
        asyncio.run(journey())
    shows_no_secret(scripted, caught.value)


# --- the ID token -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [("rsa", "RS256"), ("rsa", "PS256"), ("ec", "ES256"), ("ed", "EdDSA"), ("ed", "Ed25519")],
)
def test_the_accepted_algorithms_are_accepted(
    scripted: ScriptedProvider, client: OpenIdProvider, key: str, algorithm: str
) -> None:
    scripted.sign = lambda claims: sign_any(claims, key, algorithm)
    who = sign_in(scripted, client)
    assert (who.issuer, who.subject, who.name) == (scripted.issuer, "248289761001", "ann")
    with pytest.raises(TypeError):
        who.claims["sub"] = "other"  # type: ignore[index]


def sign_any(claims: dict[str, Any], key: str, algorithm: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return signed(claims, key, algorithm)


BEYOND = 61
WITHIN = 59


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"nonce": "another"}, "belongs to another sign-in"),
        ({"nonce": None}, "belongs to another sign-in"),
        ({"nonce": ["a"]}, "belongs to another sign-in"),
        ({"iss": "https://evil.example.com"}, "comes from another issuer"),
        ({"iss": None}, "incomplete|another issuer"),
        ({"iss": ["https://evil.example.com"]}, "comes from another issuer"),
        ({"aud": "another"}, "meant for another application"),
        ({"aud": ["another"]}, "meant for another application"),
        ({"aud": []}, "meant for another application"),
        ({"aud": None}, "incomplete|another application"),
        ({"aud": {CLIENT: 1}}, "meant for another application"),
        ({"aud": [CLIENT, "another"]}, "meant for another application"),
        ({"aud": [CLIENT, "another"], "azp": "another"}, "meant for another application"),
        ({"azp": "another"}, "meant for another application"),
        ({"exp": NOW - BEYOND}, "has expired"),
        ({"exp": None}, "incomplete|expired"),
        ({"exp": "2027"}, "has expired"),
        ({"iat": NOW + BEYOND}, "from the future"),
        ({"iat": None}, "incomplete|future"),
        ({"nbf": NOW + BEYOND}, "holds only later"),
        ({"at_hash": "bm90IGl0cyBoYXNoIGF0"}, "do not belong together"),
        ({"at_hash": 1}, "do not belong together"),
        ({"sub": None}, "incomplete"),
        ({"sub": ""}, "incomplete"),
        ({"sub": 7}, "incomplete"),
        ({"sub": "x" * 256}, "who you are"),
        ({"sub": "a\u0000"}, "who you are"),
        ({"sub": "ä"}, "who you are"),
        ({"preferred_username": None}, "no usable claim 'preferred_username'"),
        ({"preferred_username": 7}, "no usable claim"),
        ({"preferred_username": ["ann"]}, "no usable claim"),
        ({"preferred_username": "  "}, "no usable claim"),
        ({"preferred_username": "a\u202enna"}, "no usable claim"),
        ({"preferred_username": "x" * 201}, "no usable claim"),
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(
    scripted: ScriptedProvider, client: OpenIdProvider, claims: dict[str, Any], words: str
) -> None:
    scripted.claims = claims
    refused(scripted, client, words)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW - WITHIN},
        {"iat": NOW + WITHIN, "nbf": NOW + WITHIN},
        {"aud": [CLIENT]},
        {"aud": [CLIENT, "another"], "azp": CLIENT},
        {"azp": CLIENT},
    ],
)
def test_a_token_at_the_edge_is_accepted(
    scripted: ScriptedProvider, client: OpenIdProvider, claims: dict[str, Any]
) -> None:
    scripted.claims = claims
    assert sign_in(scripted, client).subject == "248289761001"


@pytest.mark.parametrize(
    ("key", "algorithm", "hashed"),
    [("rsa", "RS256", hashlib.sha256), ("ed", "EdDSA", hashlib.sha512), ("ed", "Ed25519", hashlib.sha512)],
)
def test_the_hash_of_the_access_token_is_compared(
    scripted: ScriptedProvider,
    client: OpenIdProvider,
    key: str,
    algorithm: str,
    hashed: Callable[[bytes], Any],
) -> None:
    def finish(access: str | None) -> Identity:
        begun = asyncio.run(client.begin(BACK))
        token = sign_any(scripted.id_claims(begun.nonce), key, algorithm)
        scripted.answers["/token"] = Answer({"access_token": access, "id_token": token})
        return asyncio.run(client.finish(begun, scripted.authorize(begun.url)))

    digest = hashed(b"access").digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    scripted.claims = {"at_hash": half}
    assert finish("access").name == "ann"
    for other in ("another", "", None):
        with pytest.raises(OidcRefusedError, match="do not belong together"):
            finish(other)


def test_a_name_may_be_another_claim_but_no_unverified_address(scripted: ScriptedProvider) -> None:
    client = make(scripted, name_claim="email")
    scripted.claims = {"email": "ann@example.com"}
    assert sign_in(scripted, client).name == "ann@example.com"
    scripted.claims = {"email": "ann@example.com", "email_verified": True}
    assert sign_in(scripted, client).name == "ann@example.com"
    for verified in (False, "false", 0):
        scripted.claims = {"email": "ann@example.com", "email_verified": verified}
        refused(scripted, client, "has not verified")


def hs256(key: bytes) -> Callable[[bytes], bytes]:
    return lambda content: hmac.digest(key, content, hashlib.sha256)


PEM = KEYS["rsa"].as_pem(private=False)
SHARED = b"shared" * 8
SMALL = "small"


@pytest.mark.parametrize(
    ("sign", "words"),
    [
        (lambda c: forged(c, {"alg": "none", "kid": "rsa"}, lambda _: b""), "not signed by one of"),
        (lambda c: forged(c, {"alg": "None", "kid": "rsa"}, lambda _: b""), "not signed by one of"),
        (lambda c: forged(c, {"alg": "HS256", "kid": "rsa"}, hs256(PEM)), "not signed by one of"),
        (lambda c: forged(c, {"alg": "HS256", "kid": "shared"}, hs256(SHARED)), "not signed by one of"),
        (lambda c: forged(c, {"alg": "RS256", "kid": "rsa"}, hs256(PEM)), "signature .* is wrong"),
        (lambda c: forged(c, {"alg": "RS256", "kid": "rsa"}, lambda _: b""), "signature .* is wrong"),
        (lambda c: forged(c, {"alg": "ES256", "kid": "rsa"}, lambda _: b"x" * 64), "does not publish"),
        (lambda c: forged(c, {"alg": ["RS256"], "kid": "rsa"}, lambda _: b"x"), "cannot be read"),
        (lambda c: forged(c, {"alg": "RS256", "kid": {}}, lambda _: b"x"), "cannot be read"),
        (lambda c: forged(c, {"kid": "rsa"}, lambda _: b"x"), "cannot be read"),
        (lambda c: forged(c, "alg", lambda _: b"x"), "cannot be read"),
        (lambda c: signed(c, "rsa", "RS512"), "not signed by one of"),
        (lambda c: signed(c, "other"), "does not publish"),
        (lambda c: signed(c, "other", kid="rsa"), "signature .* is wrong"),
        (lambda c: signed(c, "rsa", kid=None, crit=["b64"], b64=True), "more than can be checked"),
        (lambda c: signed(c)[:-1], "signature .* is wrong"),
        (lambda c: signed(c)[:40], "cannot be read"),
        (lambda c: signed(c).rpartition(".")[0], "cannot be read"),
        (lambda c: signed(c) + "=", "signature .* is wrong"),
        (lambda c: signed(c) + "\n", "signature .* is wrong"),
        (lambda _: "no-token", "cannot be read"),
        (lambda _: "\ud800.a.b", "cannot be read"),
        (lambda _: "", "cannot be read"),
        (lambda _: None, "carries no ID token"),
        (lambda c: [signed(c)], "carries no ID token"),
    ],
)  # fmt: skip
def test_a_token_that_is_not_signed_by_a_published_key_is_refused(
    scripted: ScriptedProvider, client: OpenIdProvider, sign: Callable[[dict[str, Any]], object], words: str
) -> None:
    scripted.published.append({"kty": "oct", "kid": "shared", "k": base64.b64encode(SHARED).decode()})
    scripted.sign = sign
    refused(scripted, client, words)


@pytest.mark.parametrize(
    "changed", [{"use": "enc"}, {"alg": "PS256"}, {"alg": ["RS256"]}, {"key_ops": ["encrypt"]}]
)
def test_a_key_that_is_for_something_else_verifies_nothing(
    scripted: ScriptedProvider, client: OpenIdProvider, changed: dict[str, Any]
) -> None:
    plain = {k: v for k, v in public(KEYS["rsa"]).items() if k != "use"}
    scripted.published = [{**plain, **changed}]
    refused(scripted, client, "does not publish|is wrong")


@pytest.mark.parametrize(
    "key", [{"n": "AQAB"}, {"e": "!"}, {"n": None}, {"kty": "XYZ"}, {"kty": []}, {"x5c": 7}]
)
def test_a_key_that_is_no_key_verifies_nothing(
    scripted: ScriptedProvider, client: OpenIdProvider, key: dict[str, Any]
) -> None:
    scripted.published = [public(KEYS["rsa"], **key)]
    refused(scripted, client, "does not publish|is wrong")


def test_a_short_rsa_key_verifies_nothing(
    scripted: ScriptedProvider, client: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        monkeypatch.setitem(KEYS, SMALL, RSAKey.generate_key(1024, {"kid": SMALL}))
    scripted.published = [public(KEYS[SMALL])]
    scripted.sign = lambda claims: sign_any(claims, SMALL, "RS256")
    refused(scripted, client, "does not publish")


@pytest.mark.parametrize("changed", [{"use": "enc"}, {"alg": "PS256"}, {"kty": "XYZ"}])
def test_the_only_key_that_fits_needs_no_name(
    scripted: ScriptedProvider, client: OpenIdProvider, changed: dict[str, Any]
) -> None:
    scripted.published = [public(KEYS["other"], **changed), public(KEYS["ec"]), public(KEYS["rsa"])]
    scripted.sign = lambda claims: signed(claims, kid=None)
    assert sign_in(scripted, client).name == "ann"


def test_a_token_that_names_no_key_is_taken_only_from_the_only_one(
    scripted: ScriptedProvider, client: OpenIdProvider, clock: Clock
) -> None:
    scripted.sign = lambda claims: signed(claims, kid=None)
    assert sign_in(scripted, client).name == "ann"
    scripted.published.append(public(KEYS["other"]))
    clock.at += 4000
    refused(scripted, client, "does not publish")


def test_a_rotated_key_is_fetched_but_once_a_minute(
    scripted: ScriptedProvider, client: OpenIdProvider, clock: Clock
) -> None:
    def fetched() -> int:
        return [asked.path for asked in scripted.asked].count("/jwks")

    sign_in(scripted, client)
    scripted.published, scripted.sign = [public(KEYS["other"])], lambda claims: signed(claims, "other")
    assert sign_in(scripted, client).name == "ann"
    assert fetched() == 2
    scripted.sign = lambda claims: signed(claims, "ec", "ES256")
    refused(scripted, client, "does not publish")
    clock.at += 59
    scripted.published = [public(KEYS["ec"])]
    refused(scripted, client, "does not publish")
    assert fetched() == 2
    clock.at += 1
    assert sign_in(scripted, client).name == "ann"
    assert fetched() == 3


@dataclass(frozen=True)
class Waiting:
    """A sign-in that is answered again and again."""

    scripted: ScriptedProvider
    client: OpenIdProvider
    begun: Begun
    tokens: dict[str, str]

    def finish(self, token: str) -> Identity:
        self.scripted.answers["/token"] = Answer({"access_token": "x", "id_token": token})
        return asyncio.run(self.client.finish(self.begun, {"state": self.begun.state, "code": "x"}))


@pytest.fixture(scope="module")
def waiting() -> Iterator[Waiting]:
    with provider() as scripted:
        client = make(scripted)
        begun = asyncio.run(client.begin(BACK))
        claims = scripted.id_claims(begun.nonce)
        # Signed once: ES256 signs differently each time, and what is drawn must not depend on chance.
        tokens = {"RS256": signed(claims), "ES256": signed(claims, "ec", "ES256")}
        yield Waiting(scripted, client, begun, tokens)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_no_character_of_a_token_can_be_changed(
    waiting: Waiting, algorithm: str, data: st.DataObject
) -> None:
    token = waiting.tokens[algorithm]
    # The last character holds bits that no byte takes up: decoders that drop them see the same signature.
    at = data.draw(st.one_of(st.just(len(token) - 1), st.integers(0, len(token) - 1)))
    alike = st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n")
    other = data.draw(st.one_of(alike, st.characters()).filter(lambda char: char != token[at]))
    assert waiting.finish(token).name == "ann"
    with pytest.raises(OidcRefusedError) as caught:
        waiting.finish(token[:at] + other + token[at + 1 :])
    assert not [part for part in token.split(".") if part in str(caught.value)]


# --- the provider's part ----------------------------------------------------------------------


BROKEN = [
    (Answer(b"oops", 500), "did not complete the sign-in .status 500.|does not answer as .* .status 500."),
    (
        Answer(b"<html>Sign in to the Wi-Fi</html>", headers={"Content-Type": "text/html"}),
        "read|does not answer as",
    ),
    (Answer(b'{"a": "' + b"x" * 2 * 1024 * 1024 + b'"}'), "larger than"),
    (Answer(b"[" * 1_000_000), "read|does not answer as"),
    (Answer({"keys": []}, 500), "status 500"),
    (Answer(b"[]"), "read|does not answer as"),
    (Answer(b"\xff"), "read|does not answer as"),
    (Answer(b"", 302, {"Location": "/elsewhere"}), "status 302"),
    (Answer(b"", 200, {"Content-Encoding": "gzip"}), "read|does not answer as"),
    (Answer(drips=True), "did not answer within"),
]


@pytest.mark.parametrize("path", ["/token", "/jwks", "/.well-known/openid-configuration"])
@pytest.mark.parametrize(("answer", "words"), BROKEN)
def test_a_provider_that_answers_badly_is_reported(
    scripted: ScriptedProvider, monkeypatch: pytest.MonkeyPatch, path: str, answer: Answer, words: str
) -> None:
    monkeypatch.setattr(requests, "_TIMEOUT_S", 0.3 if answer.drips else 5.0)
    scripted.answers[path] = answer
    unavailable(scripted, make(scripted), words)
    assert "/elsewhere" not in [asked.path for asked in scripted.asked]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("invalid_client", "UNSNAG_OIDC_CLIENT_SECRET is wrong"),
        ("invalid_request", "status 400, invalid_request"),
        (SECRET, r"\(status 400\)"),
        ([], r"\(status 400\)"),
    ],
)
def test_a_refused_client_is_a_matter_for_admins(
    scripted: ScriptedProvider, client: OpenIdProvider, error: object, words: str
) -> None:
    scripted.answers["/token"] = Answer({"error": error}, 400)
    unavailable(scripted, client, words)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"issuer": "https://evil.example.com"}, "calls itself 'https://evil.example.com'"),
        ({"issuer": None}, "incomplete: issuer"),
        ({"jwks_uri": 7, "token_endpoint": None}, "incomplete: jwks_uri, token_endpoint"),
        ({"token_endpoint": "http://example.com/token"}, "token_endpoint is not an https address"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint is not an https address"),
        ({"jwks_uri": "file:///etc/passwd"}, "jwks_uri is not an https address"),
        ({"jwks_uri": "https://a:b@example.com/"}, "jwks_uri is not an https address"),
        ({"code_challenge_methods_supported": ["plain"]}, "PKCE"),
    ],
)
def test_a_description_that_cannot_be_trusted_is_refused(
    scripted: ScriptedProvider, client: OpenIdProvider, changed: dict[str, Any], words: str
) -> None:
    scripted.description |= changed
    unavailable(scripted, client, words)


def test_the_slash_at_an_issuers_end_counts(scripted: ScriptedProvider, client: OpenIdProvider) -> None:
    scripted.description["issuer"] += "/"
    unavailable(scripted, client, "equal to the last slash")


def test_a_provider_elsewhere_cannot_point_at_this_machine() -> None:
    issuer = "https://login.example.com"
    found = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": "http://127.0.0.1:8501/api",
        "jwks_uri": f"{issuer}/jwks",
    }
    with pytest.raises(OidcUnavailableError, match="token_endpoint is not an https address"):
        checked_description(found, issuer)
    found["token_endpoint"] = f"{issuer}/token"
    assert checked_description(found, issuer).issuer == issuer


def test_keys_that_are_no_list_are_reported(scripted: ScriptedProvider, client: OpenIdProvider) -> None:
    scripted.answers["/jwks"] = Answer({"keys": {}})
    unavailable(scripted, client, "publishes no keys")


def test_a_provider_that_is_away_is_reported_and_found_again(
    scripted: ScriptedProvider, client: OpenIdProvider
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        away = make(scripted, issuer=f"http://127.0.0.1:{unused.getsockname()[1]}")
        unavailable(scripted, away, "cannot be reached")
    scripted.answers["/.well-known/openid-configuration"] = Answer(b"", 503)
    unavailable(scripted, client, "status 503")
    scripted.answers.clear()
    assert sign_in(scripted, client).name == "ann"


def test_accepting_eddsa_opens_no_other_algorithm() -> None:
    assert set(tokens.KEY_FOR) <= set(JWSRegistry.algorithms)
    for name in set(JWSRegistry.algorithms) - set(tokens.KEY_FOR):
        with pytest.raises(UnsupportedAlgorithmError):
            tokens.SIGNATURES.get_alg(name)
