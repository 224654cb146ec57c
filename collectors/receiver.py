"""The OTLP/HTTP receiver: POST /v1/traces, /v1/logs and /v1/metrics, in protobuf and JSON.

What is answered 200 is committed. A bad record is quarantined and reported in `partial_success`; a body
that cannot be read at all is quarantined and answered 400. A sender with too much under way is answered
429, and under load everybody 503, both with `Retry-After`, which every exporter obeys (admission.py). No
body, however bad, makes any other 5xx.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from access.sending import LIMIT
from collectors import messages
from collectors.admission import MB, Admission, Arrival, TooManySentError
from collectors.decode import LOGS, TRACES
from collectors.mapping_book import MappingBook
from collectors.normalise import Normaliser
from collectors.otlp import (
    JSON,
    MEDIA_TYPES,
    METRICS,
    OTLP,
    PROTOBUF,
    RECEIVED,
    BadBodyError,
    BodyTooLargeError,
    Decoded,
    Requests,
    UnsupportedError,
    form_of,
    media_type,
)
from collectors.quotas import OverQuotaError
from collectors.together import Body, Waiting
from data.clock import micros, stored, utc_now
from data.errors import UnsnagError
from unsnag.wire import RECORDS_PATH

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request
    from starlette.types import Scope

    from access.sending import SenderLimit
    from collectors.quotas import Quotas
    from collectors.settings import CollectorSettings
    from data.records import Batch
    from data.store import Store

_RETRY_AFTER_S: Final = 1
_LATELY: Final = timedelta(hours=1)
_UNKNOWN: Final = 2
_CODES: Final = {400: 3, 401: 16, 403: 7, 408: 4, 413: 3, 415: 3, 421: 3, 429: 8, 503: 14}
"""HTTP's status codes and those of google.rpc.Status."""
_REJECTED_NAMES: Final = {TRACES: "rejectedSpans", LOGS: "rejectedLogRecords", METRICS: "rejectedDataPoints"}


# --- the routes ----------------------------------------------------------------------------------


def address_of(scope: Scope) -> str:
    """Return the address that a request came from."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def routes(
    store: Callable[[], Store],
    settings: Callable[[], CollectorSettings] | None = None,
    sender: Callable[[Scope], str] = address_of,
    book: Callable[[], MappingBook] | None = None,
    quotas: Callable[[], Quotas] | None = None,
) -> list[Route]:
    """Return the receiver's routes.

    All of these are asked at the first request: nothing runs before. Without `settings` the defaults hold,
    without `book` the mappings of the settings, without `quotas` anybody may send any amount. `sender` names
    who sent a request, for the shares of the receiver.
    """

    def requests() -> Requests:
        if settings is None:
            return Requests()
        of_settings = MappingBook(settings().mappings)
        return Requests(settings().section(OTLP), lambda: (book() if book else of_settings).of_resources)

    receiver = Receiver(store, requests, sender, quotas)
    paths = {"/v1/traces": TRACES, "/v1/logs": LOGS, "/v1/metrics": METRICS}
    posts = [Route(path, receiver.endpoint(signal), methods=["POST"]) for path, signal in paths.items()]
    return [*posts, Route(f"{RECORDS_PATH}/{{record_id}}", receiver.confirm, methods=["GET"])]


class Receiver:
    """Answers export requests."""

    def __init__(
        self,
        store: Callable[[], Store],
        requests: Callable[[], Requests],
        sender: Callable[[Scope], str],
        quotas: Callable[[], Quotas] | None = None,
    ) -> None:
        self._store = store
        self._quotas = quotas
        self._make_requests = requests
        self._sender = sender
        self._requests: Requests | None = None
        self._admission: Admission | None = None
        # Decoding holds the interpreter: more threads would only wait for each other.
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="otlp")
        self._traces: Waiting[Body, Decoded] = Waiting(self._decode_traces, "otlp-traces")

    def endpoint(self, signal: str) -> Callable[[Request], Any]:
        """Return the endpoint of one signal."""

        async def export(request: Request) -> Response:
            return await self._answer(signal, request)

        return export

    async def confirm(self, request: Request) -> Response:
        """Answer whether a record that was sent lately is stored: what a sender may know that may not read.

        The id is 64 random bits, so only who sent the record can ask for it.
        """
        try:
            record_id = int(request.path_params.get("record_id", "")[:16], 16)
        except ValueError:
            return Response(orjson.dumps({"stored": False}), 404, media_type=JSON)
        asked = {"record_id": record_id, "since": stored(utc_now() - _LATELY)}
        (row,) = await asyncio.to_thread(self._store().query, "collectors/is_stored", asked)
        return Response(orjson.dumps({"stored": row.get("is_stored")}), media_type=JSON)

    async def _answer(self, signal: str, request: Request) -> Response:
        form = request.headers.get("content-type", "")
        RECEIVED.requests += 1
        try:
            requests, admission = self._started()
            with admission.arrival(self._sender(request.scope)) as arrival:
                return await self._export(requests, signal, request, form, arrival)
        except ClientDisconnect:
            return failure(400, "The body broke off.", form)  # nobody is there to read it
        except (BodyTooLargeError, OverQuotaError) as error:
            return failure(413, str(error), form)
        except UnsupportedError as error:
            return failure(415, str(error), form)
        except TooManySentError as error:
            return failure(429, str(error), form, error.wait_s)
        except UnsnagError as error:
            RECEIVED.last_error = str(error)
            return failure(503, str(error), form, _RETRY_AFTER_S)

    def _decode_traces(self, bodies: Sequence[Body]) -> list[Decoded | Exception]:
        return self._started()[0].traces(bodies)

    def _started(self) -> tuple[Requests, Admission]:
        if self._requests is None or self._admission is None:
            self._requests = self._make_requests()
            self._admission = Admission(self._requests.settings)
        return self._requests, self._admission

    async def _export(
        self, requests: Requests, signal: str, request: Request, form: str, arrival: Arrival
    ) -> Response:
        body = await _read(request, requests.settings.max_body_mb * MB, arrival)
        arrival.begin_work()
        encoding = request.headers.get("content-encoding", "")
        limit = request.scope.get(LIMIT)
        try:
            decoded = await self._decoded(requests, signal, form, Body(body, encoding, limit))
        except BadBodyError as error:
            await self._append(request, _unreadable(signal, body, str(error), limit))
            return failure(400, str(error), form)
        if len(decoded.batch) or decoded.batch.dropped:
            await self._append(request, decoded.batch)
        RECEIVED.last_error = None
        return _success(signal, decoded, form)

    async def _decoded(self, requests: Requests, signal: str, form: str, body: Body) -> Decoded:
        if signal == TRACES and form_of(form) == PROTOBUF:
            return await asyncio.wrap_future(self._traces.submit(body))
        args = signal, body.content, form, body.encoding, body.limit
        return await asyncio.get_running_loop().run_in_executor(self._threads, requests.decode, *args)

    async def _append(self, request: Request, batch: Batch) -> None:
        """Store a batch, within what its sender may send today.

        Raises:
            QuotaUsedError, OverQuotaError: see `Quotas.take`.
        """
        quotas = self._quotas() if self._quotas else None
        if quotas is None or not quotas.is_set:
            await asyncio.wrap_future(self._store().append(batch))
            return
        counted = await asyncio.to_thread(quotas.take, self._sender(request.scope), batch)
        try:
            await asyncio.wrap_future(self._store().append(counted))
        except Exception:
            quotas.give_back(counted)
            raise


def _unreadable(signal: str, body: bytes, reason: str, limit: SenderLimit | None) -> Batch:
    n = Normaliser(OTLP, OTLP, micros(utc_now()), limit=limit)
    n.quarantine(body, reason, source=signal)
    return n.batch()


async def _read(request: Request, most: int, arrival: Arrival) -> bytes:
    """Read a body, and stop as soon as it is too large.

    Raises:
        BodyTooLargeError: it is.
        TooManySentError: the sender has too many bytes here.
        FullError: the bytes held for all senders reach the limit.
    """
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise BodyTooLargeError(f"The body has more than {most // MB} MB. Send less at once.")
        arrival.hold(len(part))
        parts.append(part)
    return b"".join(parts)


def _success(signal: str, decoded: Decoded, content_type: str) -> Response:
    if form_of(content_type) == JSON:
        partial = {_REJECTED_NAMES[signal]: str(decoded.rejected), "errorMessage": decoded.reason}
        return Response(
            orjson.dumps({"partialSuccess": partial} if decoded.rejected else {}), 200, media_type=JSON
        )
    answer = messages.Response()
    if decoded.rejected:
        answer.partial_success.rejected = decoded.rejected
        answer.partial_success.error_message = decoded.reason.encode()
    return Response(answer.SerializeToString(), 200, media_type=PROTOBUF)


def failure(status: int, message: str, content_type: str, wait_s: int | None = None) -> Response:
    """Return a google.rpc.Status in the form that the request's body has; JSON where that is not known.

    `wait_s` says when an exporter may send again, in seconds.
    """
    headers = {"Retry-After": str(wait_s)} if wait_s else {}
    code = _CODES.get(status, _UNKNOWN)
    if MEDIA_TYPES.get(media_type(content_type), JSON) == JSON:
        return Response(orjson.dumps({"code": code, "message": message}), status, headers, JSON)
    made = messages.Failure(code=code, message=message.encode("utf-8", "replace"))
    return Response(made.SerializeToString(), status, headers, PROTOBUF)
