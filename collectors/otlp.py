"""The OTLP/HTTP receiver: POST /v1/traces, /v1/logs and /v1/metrics, in protobuf and JSON.

What is answered 200 is committed. A bad record is quarantined and told in `partial_success`; a body
that cannot be read at all is quarantined and answered 400. A sender with too much under way is answered
429, and under load everybody 503, both with `Retry-After`, which every exporter obeys (admission.py). No
body, however bad, makes any other 5xx.
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from access.sending import LIMIT
from collectors import decode, messages
from collectors.admission import MB, Admission, Arrival, TooManySentError
from collectors.decode import LOGS, TRACES, Decoder
from collectors.mapping import Mapping
from collectors.normalise import Normaliser, RejectedError
from collectors.settings import OTLP, CollectorSettings
from data.clock import micros, utc_now
from data.errors import UnsnagError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request
    from starlette.types import Scope

    from access.sending import SenderLimit
    from data.records import Batch
    from data.store import Store

_LOG: Final = logging.getLogger("unsnag.collectors")
METRICS: Final = "otlp/metrics"
PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"
_TYPES: Final = {PROTOBUF: PROTOBUF, "application/protobuf": PROTOBUF, JSON: JSON}
_RETRY_AFTER_S: Final = 1
_UNKNOWN: Final = 2
_CODES: Final = {400: 3, 401: 16, 403: 7, 408: 4, 413: 3, 415: 3, 421: 3, 429: 8, 503: 14}
"""HTTP's status codes and those of google.rpc.Status."""
_REJECTED_NAMES: Final = {TRACES: "rejectedSpans", LOGS: "rejectedLogRecords", METRICS: "rejectedDataPoints"}


class BadBodyError(UnsnagError):
    """The body cannot be read."""


class BodyTooLargeError(UnsnagError):
    """The body is larger than this receiver takes."""


class UnsupportedError(UnsnagError):
    """The body's form is not one of those that are understood."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a request brought."""

    batch: Batch
    rejected: int = 0
    reason: str = ""


@dataclass(slots=True)
class Counters:
    """What the receiver of this process has seen."""

    requests: int = 0
    metric_points: int = 0
    last_error: str | None = None


RECEIVED: Final = Counters()


# --- bodies to batches ---------------------------------------------------------------------------


@dataclass(slots=True)
class Requests:
    """Decodes request bodies; knows the mappings, and which failures are told already."""

    settings: CollectorSettings = field(default_factory=CollectorSettings)
    _mappings: tuple[Mapping, ...] | None = None

    @property
    def mappings(self) -> Sequence[Mapping]:
        """The mappings that say which resources they are for."""
        if self._mappings is None:
            made = (Mapping.of(settings) for settings in self.settings.mappings.values())
            self._mappings = tuple(mapping for mapping in made if mapping.match)
        return self._mappings

    def decode(
        self,
        signal: str,
        body: bytes,
        content_type: str,
        content_encoding: str = "",
        limit: SenderLimit | None = None,
    ) -> Decoded:
        """Decode a body into a batch; what is bad of it, or outside of `limit`, is in its quarantine.

        Raises:
            BadBodyError: the body as a whole cannot be read.
            BodyTooLargeError: it unpacks to more than is taken.
            UnsupportedError: its type or its compression is unknown.
        """
        form = _form(content_type)
        body = unpacked(body, content_encoding, self.settings.otlp.max_body_mb * MB)
        if signal == METRICS:
            return _count_metrics(body, form)
        n = Normaliser(OTLP, OTLP, micros(utc_now()), limit=limit)
        decoder = Decoder(n, self.mappings)
        try:
            _decode_into(decoder, signal, body, form)
        except (DecodeError, RejectedError) as error:
            raise BadBodyError(f"The body is not what {signal} takes: {error}") from None
        except Exception as error:  # whatever a body brings about, it is the body's fault
            _LOG.exception("otlp.body_failed")
            raise BadBodyError(f"The body cannot be read: {type(error).__name__}") from error
        return Decoded(n.batch(), decoder.rejected, decoder.reason)


def _decode_into(decoder: Decoder, signal: str, body: bytes, form: str) -> None:
    if form == JSON:
        parsed = decode.load(body)
        if parsed != {}:
            decoder.json(parsed)
    elif signal == TRACES:
        decoder.traces(body)
    else:
        decoder.logs(body)


def _form(content_type: str) -> str:
    form = _TYPES.get(_media_type(content_type))
    if form is None:
        raise UnsupportedError(
            f"{content_type or 'No content type'} is not understood: send {PROTOBUF} or {JSON}."
        )
    return form


def unpacked(body: bytes, encoding: str, most: int) -> bytes:
    """Return the body without its compression, never more than `most` bytes.

    Raises:
        BadBodyError: it is not gzip.
        BodyTooLargeError: it would become too large.
        UnsupportedError: the compression is not known.
    """
    encoding = encoding.strip().lower()
    if encoding in {"", "identity", "none"}:
        return body
    if encoding != "gzip":
        raise UnsupportedError(f"The content encoding {encoding!r} is not understood: send gzip or none.")
    parts: list[bytes] = []
    room = most
    try:
        while body:
            stream = zlib.decompressobj(31)
            # One byte more than is allowed tells a body that is too large from one that fits exactly.
            parts.append(stream.decompress(body, room + 1))
            room -= len(parts[-1])
            if room < 0:
                raise BodyTooLargeError(f"The body unpacks to more than {most // MB} MB. Send less at once.")
            if not stream.eof:
                raise BadBodyError("The gzip body ends early.")
            body = stream.unused_data
    except zlib.error as error:
        raise BadBodyError(f"The body is not gzip: {error}.") from None
    return b"".join(parts)


def _count_metrics(body: bytes, form: str) -> Decoded:
    try:
        points = _points_in_json(decode.load(body)) if form == JSON else _points(body)
    except (DecodeError, RejectedError) as error:
        raise BadBodyError(f"The body is not what {METRICS} takes: {error}") from None
    RECEIVED.metric_points += points
    return Decoded(Normaliser(OTLP, OTLP, 0).batch())


def _points(body: bytes) -> int:
    request = ExportMetricsServiceRequest.FromString(body)
    return sum(len(scope.metrics) for part in request.resource_metrics for scope in part.scope_metrics)


def _points_in_json(body: Any) -> int:
    if not isinstance(body, dict):
        raise RejectedError("not an object")
    found = body.get("resourceMetrics", [])
    return len(found) if isinstance(found, list) else 0


# --- the routes ----------------------------------------------------------------------------------


def address_of(scope: Scope) -> str:
    """Return the address that a request came from."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def routes(
    store: Callable[[], Store],
    settings: Callable[[], CollectorSettings] = CollectorSettings,
    sender: Callable[[Scope], str] = address_of,
) -> list[Route]:
    """Return the receiver's routes.

    `store` and `settings` are asked at the first request: nothing runs before. `sender` names who sent a
    request, for the shares of the receiver.
    """
    receiver = Receiver(store, settings, sender)
    paths = {"/v1/traces": TRACES, "/v1/logs": LOGS, "/v1/metrics": METRICS}
    return [Route(path, receiver.endpoint(signal), methods=["POST"]) for path, signal in paths.items()]


class Receiver:
    """Answers export requests."""

    def __init__(
        self,
        store: Callable[[], Store],
        settings: Callable[[], CollectorSettings],
        sender: Callable[[Scope], str],
    ) -> None:
        self._store = store
        self._settings = settings
        self._sender = sender
        self._requests: Requests | None = None
        self._admission: Admission | None = None
        # Decoding holds the interpreter: more threads would only wait for each other.
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="otlp")

    def endpoint(self, signal: str) -> Callable[[Request], Any]:
        """Return the endpoint of one signal."""

        async def export(request: Request) -> Response:
            return await self._answer(signal, request)

        return export

    async def _answer(self, signal: str, request: Request) -> Response:
        form = request.headers.get("content-type", "")
        RECEIVED.requests += 1
        try:
            requests, admission = self._started()
            with admission.arrival(self._sender(request.scope)) as arrival:
                return await self._export(requests, signal, request, form, arrival)
        except ClientDisconnect:
            return failure(400, "The body broke off.", form)  # nobody is there to read it
        except BodyTooLargeError as error:
            return failure(413, str(error), form)
        except UnsupportedError as error:
            return failure(415, str(error), form)
        except TooManySentError as error:
            return failure(429, str(error), form, error.wait_s)
        except UnsnagError as error:
            RECEIVED.last_error = str(error)
            return failure(503, str(error), form, _RETRY_AFTER_S)

    def _started(self) -> tuple[Requests, Admission]:
        if self._requests is None or self._admission is None:
            settings = self._settings()
            self._requests, self._admission = Requests(settings), Admission(settings.otlp)
        return self._requests, self._admission

    async def _export(
        self, requests: Requests, signal: str, request: Request, form: str, arrival: Arrival
    ) -> Response:
        body = await _read(request, requests.settings.otlp.max_body_mb * MB, arrival)
        arrival.begin_work()
        loop = asyncio.get_running_loop()
        encoding = request.headers.get("content-encoding", "")
        limit = request.scope.get(LIMIT)
        try:
            decoded = await loop.run_in_executor(
                self._threads, requests.decode, signal, body, form, encoding, limit
            )
        except BadBodyError as error:
            await self._quarantine(signal, body, str(error), limit)
            return failure(400, str(error), form)
        if len(decoded.batch) or decoded.batch.dropped:
            await asyncio.wrap_future(self._store().append(decoded.batch))
        RECEIVED.last_error = None
        return _success(signal, decoded, form)

    async def _quarantine(self, signal: str, body: bytes, reason: str, limit: SenderLimit | None) -> None:
        n = Normaliser(OTLP, OTLP, micros(utc_now()), limit=limit)
        n.quarantine(body, reason, source=signal)
        await asyncio.wrap_future(self._store().append(n.batch()))


async def _read(request: Request, most: int, arrival: Arrival) -> bytes:
    """Read a body, and stop as soon as it is too large.

    Raises:
        BodyTooLargeError: it is.
        TooManySentError: the sender has too many bytes here.
        FullError: there is no room for more bytes.
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
    if _form(content_type) == JSON:
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
    if _TYPES.get(_media_type(content_type), JSON) == JSON:
        return Response(orjson.dumps({"code": code, "message": message}), status, headers, JSON)
    made = messages.Failure(code=code, message=message.encode("utf-8", "replace"))
    return Response(made.SerializeToString(), status, headers, PROTOBUF)


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()
