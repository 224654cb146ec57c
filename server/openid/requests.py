"""Requests to the provider: five seconds, one MiB, no redirect."""

from __future__ import annotations

import asyncio
import json
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx

from server.openid.addresses import is_loopback
from server.openid.errors import LATER, OidcUnavailableError, shown

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

_TIMEOUT_S: Final = 5.0
_MAX_BYTES: Final = 1024 * 1024


async def document(url: str) -> Mapping[str, Any]:
    """Return the JSON object that the provider publishes at an address.

    Raises:
        OidcUnavailableError: it does not answer with one.
    """
    status, found = await ask(url)
    if status != httpx.codes.OK or found is None:
        raise OidcUnavailableError(
            f"{shown(url)!r} does not answer as a sign-in provider does (status {status}). {LATER}"
        )
    return found


async def ask(
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
            f"The provider did not answer within {_TIMEOUT_S:.0f} seconds. {LATER}"
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise OidcUnavailableError(f"The provider {shown(url)!r} cannot be reached. {LATER}") from error


def _client(url: str) -> httpx.AsyncClient:
    # A proxy of the environment leads outwards; this machine is asked directly.
    outwards = not is_loopback(urlsplit(url).hostname or "")
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
            raise OidcUnavailableError(f"The provider's answer is larger than a sign-in needs. {LATER}")
    return bytes(body)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
