"""The queue of retries on the server, as a worker uses it over REST; standard library only."""

from __future__ import annotations

import json
import os
import socket
import time
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from unsnag import conventions, wire

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TIMEOUT_S: Final = 10.0
TRIES: Final = 5
_WORTH_A_TRY: Final = frozenset({429, 500, 502, 503, 504})


class RetryQueueError(Exception):
    """The server cannot be reached, or its answer cannot be used."""


class LeaseLostError(RetryQueueError):
    """The lease has expired or was taken back; another worker may run the retry."""


class RefusedError(RetryQueueError):
    """The server refuses, and asking again would not change that."""


class RetryQueue:
    """The server's queue of retries, as one worker uses it."""

    def __init__(self, url: str | None = None, token: str | None = None, worker: str | None = None) -> None:
        """Address, token and worker default to UNSNAG_URL, UNSNAG_TOKEN, and host name with process id."""
        self._worker = (worker or f"{socket.gethostname()}-{os.getpid()}")[: wire.MAX_NAME]
        self._server = (url or os.environ.get(conventions.ENV_SERVER) or conventions.DEFAULT_SERVER).rstrip(
            "/"
        )
        if not self._server.startswith(("http://", "https://")):
            raise RetryQueueError(f"{self._server!r} is no address of a server; it begins with http://.")
        self._token = token or os.environ.get(conventions.ENV_TOKEN)

    def lease(
        self, flows: Sequence[str], wait_s: float = 0, handlers: Sequence[wire.Handler] = ()
    ) -> wire.Lease | None:
        """Ask for a retry, waiting for one at most so long, and announce what this worker can do.

        Args:
            flows: Retries of these flows are taken.
            wait_s: Seconds to wait for a retry; the server waits no longer than `wire.MAX_WAIT_S`.
            handlers: Flow and step of each handler.
        """
        wanted = wire.LeaseRequest(
            flows=list(flows),
            wait_s=min(wait_s, wire.MAX_WAIT_S),
            worker=self._worker,
            handlers=list(handlers),
        )
        answer = self._post(wire.LEASE_PATH, wanted, tries=1, timeout_s=wanted.wait_s + TIMEOUT_S)
        return _read(wire.Lease, answer) if answer else None

    def heartbeat(self, lease: wire.Lease) -> wire.LeaseState:
        """Keep the lease, and return until when."""
        path = wire.report_path(lease.id, "heartbeat")
        return _read(wire.LeaseState, self._post(path, wire.Report(worker=self._worker), tries=1))

    def complete(self, lease: wire.Lease) -> None:
        """Report that the handler did its work; the unit's own success signal is still to come."""
        self._post(wire.report_path(lease.id, "complete"), wire.Report(worker=self._worker))

    def fail(self, lease: wire.Lease, error_type: str, message: str, error_class: str) -> None:
        """Report that the handler failed."""
        report = wire.FailReport(
            worker=self._worker,
            error_type=error_type[: wire.MAX_ERROR_TYPE],
            message=message[: wire.MAX_MESSAGE],
            error_class=error_class
            if error_class in conventions.ERROR_CLASSES
            else conventions.CLASS_UNKNOWN,
        )
        self._post(wire.report_path(lease.id, "fail"), report)

    def _post(
        self, path: str, message: object, *, tries: int = TRIES, timeout_s: float = TIMEOUT_S
    ) -> Mapping[str, Any]:
        """Write once, however often it takes: all tries carry the same key."""
        body, key = json.dumps(wire.to_json(message)).encode(), os.urandom(16).hex()
        for number in range(1, tries + 1):
            try:
                return self._try(path, body, key, timeout_s)
            except (LeaseLostError, RefusedError):
                raise
            except RetryQueueError:
                if number == tries:
                    raise
                time.sleep(min(0.2 * 2**number, 5.0))
        return {}

    def _try(self, path: str, body: bytes, key: str, timeout_s: float) -> Mapping[str, Any]:
        # The scheme of the address was checked in __init__.
        request = Request(self._server + path, body, self._headers(key), method="POST")  # noqa: S310
        try:
            with urlopen(request, timeout=timeout_s) as answer:  # noqa: S310
                return json.loads(answer.read() or b"{}") or {}
        except HTTPError as error:
            with error:
                raise _refusal(error) from error
        except (OSError, HTTPException, ValueError) as error:
            raise RetryQueueError(f"The server at {self._server} does not answer: {error}.") from error

    def _headers(self, key: str) -> dict[str, str]:
        bearer = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        return {"Content-Type": "application/json", wire.IDEMPOTENCY_KEY: key, **bearer}


def _read(kind: type[wire.T], answer: Mapping[str, Any]) -> wire.T:
    try:
        return wire.from_json(kind, answer)
    except wire.ContractError as error:
        raise RetryQueueError(f"The server's answer cannot be used: {error}.") from error


def _refusal(error: HTTPError) -> RetryQueueError:
    if error.code == wire.LEASE_LOST:
        return LeaseLostError("The lease was lost: it expired, or the case was settled otherwise.")
    text = f"The server answered {error.code}: {error.read(500).decode('utf-8', 'replace')}"
    return RetryQueueError(text) if error.code in _WORTH_A_TRY else RefusedError(text)
