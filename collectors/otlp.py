"""OTLP as a source: its settings, and bodies of requests to batches. `collectors.receiver` answers them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Self

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from pydantic import Field, model_validator

from collectors import decode, together
from collectors.admission import MB
from collectors.decode import TRACES, Decoder
from collectors.normalise import Normaliser, RejectedError
from collectors.registry import register
from collectors.sections import Section, SilentAfter
from collectors.source import Health, Source
from collectors.together import Body
from data.clock import micros, utc_now
from data.errors import UnsnagError
from data.logs import event_log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from access.sending import SenderLimit
    from collectors.mapping import Mapping
    from collectors.sections import CommonSettings
    from collectors.source import Context
    from data.records import Batch

_LOG: Final = event_log("collectors")
OTLP: Final = "otlp"
METRICS: Final = "otlp/metrics"
PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"
MEDIA_TYPES: Final = {PROTOBUF: PROTOBUF, "application/protobuf": PROTOBUF, JSON: JSON}
_BEGIN: Final = "Point an exporter at this server: `OTEL_EXPORTER_OTLP_ENDPOINT`, protocol `http/protobuf`."
_REPAIR: Final = "Senders send it again. Check that the data folder can be written and has space."


class BadBodyError(UnsnagError):
    """The body cannot be read."""


class BodyTooLargeError(UnsnagError):
    """The body is larger than this receiver takes."""


class UnsupportedError(UnsnagError):
    """The body's form is not one of those that are understood."""


class OtlpSettings(Section):
    """Limits of the OTLP receiver."""

    max_body_mb: int = Field(16, ge=1, le=512)
    """Of one request, before and after decompression."""
    max_requests: int = Field(64, ge=1)
    """Requests whose body is whole and that are worked on at once; more are asked to come again."""
    max_receiving: int = Field(256, ge=1)
    """Requests whose body is not whole yet."""
    max_held_mb: int | None = Field(None, ge=1)
    """Of all bodies at once, from their first byte to the answer.

    None: 256, or four bodies where that is more.
    """
    sender_share: float = Field(0.5, gt=0, le=1)
    """What one sender may have of each of these, as a part of what the others leave."""
    requests_per_second: float = Field(1000, gt=0)
    """Of one sender, with ten times as many at once."""

    silent_after_minutes: SilentAfter = None

    @property
    def held_mb(self) -> int:
        """How many MB of bodies are held at once."""
        return self.max_held_mb or max(256, 4 * self.max_body_mb)

    @model_validator(mode="after")
    def _one_body_fits(self) -> Self:
        if self.held_mb < self.max_body_mb:
            raise ValueError(
                f"max_held_mb = {self.held_mb} is less than one body may have: "
                f"max_body_mb = {self.max_body_mb}"
            )
        return self


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


@dataclass(frozen=True, slots=True)
class Requests:
    """Decodes request bodies."""

    settings: OtlpSettings = field(default_factory=OtlpSettings)
    mappings: Callable[[], Sequence[Mapping]] = tuple
    """Those that say which resources they are for, as they count at each request."""

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
        form = form_of(content_type)
        if signal == TRACES and form == PROTOBUF:
            (made,) = self.traces([Body(body, content_encoding, limit)])
            if isinstance(made, Exception):
                raise made
            return made
        body = unpacked(body, content_encoding, self.settings.max_body_mb * MB)
        if signal == METRICS:
            return _count_metrics(body, form)
        n = Normaliser(OTLP, OTLP, micros(utc_now()), limit=limit)
        decoder = Decoder(n, self.mappings())
        try:
            _decode_into(decoder, body, form)
        except Exception as error:  # noqa: BLE001 - whatever a body brings about, it is the body's fault
            raise _bad(signal, error) from None
        return _decoded(decoder)

    def traces(self, bodies: Sequence[Body]) -> list[Decoded | Exception]:
        """Decode protobuf trace requests together; an exception, as of `decode`, stands for a bad one."""
        plain = [self._plain(body) for body in bodies]
        found = iter(together.decode([body for body in plain if isinstance(body, Body)], self.mappings()))
        return [_answer(next(found)) if isinstance(body, Body) else body for body in plain]

    def _plain(self, body: Body) -> Body | Exception:
        try:
            content = unpacked(body.content, body.encoding, self.settings.max_body_mb * MB)
        except UnsnagError as error:
            return error
        return replace(body, content=content, encoding="")


def _answer(found: Decoder | Exception) -> Decoded | Exception:
    return _bad(TRACES, found) if isinstance(found, Exception) else _decoded(found)


def _bad(signal: str, error: Exception) -> BadBodyError:
    if isinstance(error, (DecodeError, RejectedError)):
        return BadBodyError(f"The body is not what {signal} takes: {error}")
    _LOG.error("otlp.body_failed", exc_info=error)
    return BadBodyError(f"The body cannot be read: {type(error).__name__}")


def _decoded(decoder: Decoder) -> Decoded:
    return Decoded(decoder.batch(), decoder.rejected, decoder.reason)


def _decode_into(decoder: Decoder, body: bytes, form: str) -> None:
    if form == PROTOBUF:
        decoder.logs(body)
        return
    parsed = decode.load(body)
    if parsed != {}:
        decoder.json(parsed)


def form_of(content_type: str) -> str:
    """Return the form that a content type names.

    Raises:
        UnsupportedError: the content type is not supported.
    """
    form = MEDIA_TYPES.get(media_type(content_type))
    if form is None:
        raise UnsupportedError(
            f"{content_type or 'No content type'} is not understood: send {PROTOBUF} or {JSON}."
        )
    return form


def media_type(content_type: str) -> str:
    """Return a content type without its parameters."""
    return content_type.partition(";")[0].strip().lower()


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
            # One byte over the limit distinguishes a body that is too large from one that fits exactly.
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


class OtlpSource(Source):
    """The receiver as a source: requests bring their records by themselves (`collectors.receiver`)."""

    name = kind = OTLP

    def __init__(self, _settings: OtlpSettings, _common: CommonSettings) -> None:
        self._mappings: Sequence[Mapping] = ()

    def run(self, context: Context) -> None:
        """Wait until the server stops: a record that is not committed waits at its sender."""
        context.stopping.wait()

    def health(self) -> Health:
        """Return what the last request was refused for, where that was a fault of ours."""
        return Health(error=RECEIVED.last_error, begin=_BEGIN, repair=_REPAIR)

    def use(self, mappings: Sequence[Mapping]) -> None:
        """Let these mappings count."""
        self._mappings = mappings

    def read_again(self, n: Normaliser, source: str, raw: bytes) -> None:
        """Read a body or a record from quarantine into an empty batch."""
        decoder = Decoder(n, self._mappings)
        if raw[:1] == b"{":
            decoder.json(decode.load(raw))
        elif source == TRACES:
            decoder.traces(raw)
        else:
            decoder.logs(raw)


register(OTLP, OtlpSettings, OtlpSource, is_many=False)
