"""Speaks with the exception center's REST interface for the worker; standard library only."""

from __future__ import annotations

import json
import os
import time
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from unsnag import conventions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TIMEOUT_S: Final = 10.0
TRIES: Final = 5
_GONE: Final = 410
_WORTH_A_TRY: Final = frozenset({429, 500, 502, 503, 504})


class CenterError(Exception):
    """The exception center cannot be reached, or refuses."""


class LeaseLostError(CenterError):
    """The lease has expired or was taken back; somebody else may run the retry."""


class Lease(NamedTuple):
    """A retry that this worker may run until the lease ends."""

    content: Mapping[str, Any]

    @property
    def retry_id(self) -> str:
        """Identity of the retry."""
        return str(self.content["id"])

    @property
    def token(self) -> str:
        """Proof that the lease is ours."""
        return str(self.content.get("lease_token", ""))


class Center:
    """The doors of the exception center that a worker uses."""

    def __init__(self, url: str | None = None, token: str | None = None) -> None:
        address = url or os.environ.get(conventions.ENV_SERVER) or conventions.DEFAULT_SERVER
        self._base = address.rstrip("/") + "/api/v1/retries"
        if not self._base.startswith(("http://", "https://")):
            raise CenterError(f"{address!r} is no address of an exception center; it begins with http://.")
        self._token = token or os.environ.get(conventions.ENV_TOKEN)

    def lease(
        self, flows: Sequence[str], worker: str, wait_s: float, handlers: Sequence[Mapping[str, str]] = ()
    ) -> Lease | None:
        """Ask for a retry, waiting for one at most so long, and announce what this worker can do.

        Args:
            flows: Retries of these flows are taken.
            worker: The worker's name.
            wait_s: Seconds to wait for a retry.
            handlers: Flow and step of each handler.
        """
        body = {"flows": list(flows), "wait_s": wait_s, "worker": worker, "handlers": list(handlers)}
        answer = self._post("lease", body, tries=1, timeout_s=wait_s + TIMEOUT_S)
        return Lease(answer) if answer else None

    def heartbeat(self, lease: Lease) -> Mapping[str, Any]:
        """Keep the lease."""
        return self._post(f"{lease.retry_id}/heartbeat", {"lease_token": lease.token}, tries=1)

    def complete(self, lease: Lease) -> None:
        """Report that the handler did its work; the unit's own success signal is still to come."""
        self._post(f"{lease.retry_id}/complete", {"lease_token": lease.token})

    def fail(self, lease: Lease, error_type: str, message: str, error_class: str) -> None:
        """Report that the handler failed."""
        body = {"error_type": error_type, "message": message, "class": error_class}
        self._post(f"{lease.retry_id}/fail", {"lease_token": lease.token, **body})

    def _post(
        self, path: str, body: Mapping[str, Any], *, tries: int = TRIES, timeout_s: float = TIMEOUT_S
    ) -> Mapping[str, Any]:
        """Write once, however often it takes: all tries carry the same key."""
        key = os.urandom(16).hex()
        for number in range(1, tries + 1):
            try:
                return self._try(path, body, key, timeout_s)
            except LeaseLostError:
                raise
            except CenterError:
                if number == tries:
                    raise
                time.sleep(min(0.2 * 2**number, 5.0))
        return {}

    def _try(self, path: str, body: Mapping[str, Any], key: str, timeout_s: float) -> Mapping[str, Any]:
        url = f"{self._base}/{path}"  # its scheme was checked when we were told the address
        request = Request(url, json.dumps(body).encode(), self._headers(key), method="POST")  # noqa: S310
        try:
            with urlopen(request, timeout=timeout_s) as answer:  # noqa: S310
                return json.loads(answer.read() or b"{}") or {}
        except HTTPError as error:
            with error:
                raise _refusal(error) from error
        except (OSError, HTTPException, ValueError) as error:
            raise CenterError(f"The exception center at {self._base} does not answer: {error}.") from error

    def _headers(self, key: str) -> dict[str, str]:
        bearer = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        return {"Content-Type": "application/json", "Idempotency-Key": key, **bearer}


class RefusedError(CenterError):
    """The exception center refuses, and asking again would not change that."""


def _refusal(error: HTTPError) -> CenterError:
    if error.code == _GONE:
        return LeaseLostError("The lease was lost: it expired, or the case was settled otherwise.")
    text = f"The exception center answered {error.code}: {error.read(500).decode('utf-8', 'replace')}"
    return CenterError(text) if error.code in _WORTH_A_TRY else RefusedError(text)
