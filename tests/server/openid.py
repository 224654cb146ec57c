"""An OpenID provider on this machine configured by each test, with real keys and real signatures."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, parse_qsl, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOW: Final = 1_800_000_000
CLIENT: Final = "unsnag"
SECRET: Final = "never/to be:shown"  # noqa: S105
KEYS: Final[dict[str, Key]] = {
    "rsa": RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"}),
    "other": RSAKey.generate_key(2048, {"kid": "other", "use": "sig"}),
    "ec": ECKey.generate_key("P-256", {"kid": "ec"}),
    "ed": OKPKey.generate_key("Ed25519", {"kid": "ed"}),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What an address answers."""

    body: bytes | dict[str, Any] = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drips: bool = False

    @property
    def bytes(self) -> bytes:
        """The body as it is sent."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that came in."""

    path: str
    form: dict[str, str]
    authorization: str | None


class ScriptedProvider:
    """The provider: `description`, `claims`, `sign` and `answers` may be changed at any time."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.description: dict[str, Any] = {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize?theme=dark",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/jwks",
        }
        self.published: list[dict[str, Any]] = [public(KEYS[name]) for name in ("rsa", "ec", "ed")]
        self.claims: dict[str, Any] = {}
        self.sign: Callable[[dict[str, Any]], object] = signed
        self.answers: dict[str, Answer] = {}
        self.asked: list[Asked] = []
        self.secrets: set[str] = {SECRET}
        self.stopped = threading.Event()
        self._codes: dict[str, dict[str, str]] = {}

    def authorize(self, url: str) -> dict[str, str]:
        """Sign somebody in and return the query that the browser comes back with."""
        asked = dict(parse_qsl(urlsplit(url).query))
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        self.secrets |= {code, asked["state"], asked["nonce"]}
        return {"code": code, "state": asked["state"]}

    def id_claims(self, nonce: str) -> dict[str, Any]:
        """Return the claims of an ID token, as changed by `claims`; None takes one away."""
        claims = {
            "iss": self.issuer, "sub": "248289761001", "aud": CLIENT, "nonce": nonce, "iat": NOW,
            "exp": NOW + 300, "preferred_username": "ann",
        }  # fmt: skip
        return {name: value for name, value in (claims | self.claims).items() if value is not None}

    def answer(self, asked: Asked) -> Answer:
        """Return what is answered."""
        self.asked.append(asked)
        if asked.path in self.answers:
            return self.answers[asked.path]
        if asked.path.endswith("/.well-known/openid-configuration"):
            return Answer(self.description)
        if asked.path == "/jwks":
            return Answer({"keys": self.published})
        return self._redeemed(asked.form)

    def _redeemed(self, form: dict[str, str]) -> Answer:
        begun = self._codes.pop(form["code"], None)
        if begun is None or challenge(form["code_verifier"]) != begun["code_challenge"]:
            return Answer({"error": "invalid_grant", "error_description": form["code"]}, 400)
        access = secrets.token_urlsafe(16)
        token = self.sign(self.id_claims(begun["nonce"]))
        self.secrets |= {access, form["code_verifier"]} | (
            {token} if isinstance(token, str) and token else set()
        )
        answer = {"access_token": access, "token_type": "Bearer", "id_token": token}
        return Answer({name: value for name, value in answer.items() if value is not None})


def challenge(verifier: str) -> str:
    """Return what a verifier was announced as (RFC 7636)."""
    return _segment(hashlib.sha256(verifier.encode()).digest())


def public(key: Key, **parameters: Any) -> dict[str, Any]:
    """Return a key as it is published."""
    return {**key.as_dict(private=False), **parameters}


def signed(claims: dict[str, Any], key: str = "rsa", algorithm: str = "RS256", **header: Any) -> str:
    """Sign an ID token."""
    headers = {"alg": algorithm, "kid": key, **header}
    return jwt.encode({k: v for k, v in headers.items() if v is not None}, claims, KEYS[key], [algorithm])


def forged(claims: dict[str, Any], header: dict[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """Put a token together that no library would make."""
    first = f"{_segment(json.dumps(header).encode())}.{_segment(json.dumps(claims).encode())}"
    return f"{first}.{_segment(sign(first.encode()))}"


def _segment(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@contextmanager
def provider() -> Iterator[ScriptedProvider]:
    """Run a provider on a port of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    scripted = ScriptedProvider(f"http://127.0.0.1:{server.server_port}")
    _Handler.scripts[server.server_port] = scripted
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield scripted
    finally:
        scripted.stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    scripts: Final[dict[int, ScriptedProvider]] = {}

    def do_GET(self) -> None:
        form = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        asked = {name: values[0] for name, values in parse_qs(form).items()}
        script = self.scripts[self.server.server_address[1]]
        answer = script.answer(Asked(self.path, asked, self.headers.get("Authorization")))
        # The client may have gone: that is what some tests are about.
        with suppress(ConnectionError):
            self._send(answer, script)

    do_POST = do_GET  # noqa: N815

    def _send(self, answer: Answer, script: ScriptedProvider) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        while answer.drips and not script.stopped.is_set():
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(0.02)
        self.wfile.write(answer.bytes)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
