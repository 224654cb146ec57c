"""Trace requests that wait at the same moment are decoded as one group: columns pay for themselves then."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import numpy as np
from google.protobuf.message import DecodeError

from collectors import messages
from collectors.columns import spans
from collectors.decode import Decoder
from collectors.mapping import chosen
from collectors.normalise import Normaliser
from data.clock import micros, utc_now
from data.logs import event_log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from access.sending import SenderLimit
    from collectors.columns.spans import Read
    from collectors.columns.texts import Flags
    from collectors.mapping import Mapping

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

_LOG: Final = event_log("collectors")
MOST: Final = 8
"""Requests of one group: more would let the first wait for the last."""
LEAST_BYTES: Final = 128 * 1024
"""Of a group: below some 200 spans the fixed cost of columns is more than they save."""


@dataclass(frozen=True, slots=True)
class Body:
    """A trace request, how it is compressed, and what its sender may send."""

    content: bytes
    encoding: str = ""
    limit: SenderLimit | None = None


class Waiting(Generic[Asked, Answer]):
    """One thread that takes all that waits, and works on it together."""

    def __init__(self, work: Callable[[Sequence[Asked]], Sequence[Answer | Exception]], name: str) -> None:
        self._work = work
        self._waiting: deque[tuple[Asked, Future[Answer]]] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    def submit(self, asked: Asked) -> Future[Answer]:
        """Ask for something; what is asked for until it is its turn may share the work."""
        answer: Future[Answer] = Future()
        self._waiting.append((asked, answer))
        self._thread.submit(self._take)
        return answer

    def _take(self) -> None:
        taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST))]
        if not taken:
            return  # an earlier turn took it along
        try:
            found = self._work([asked for asked, _ in taken])
        except Exception as error:  # noqa: BLE001 - each of them gets it
            found = [error] * len(taken)
        for (_, answer), one in zip(taken, found, strict=True):
            if isinstance(one, Exception):
                answer.set_exception(one)
            else:
                answer.set_result(one)


def decode(bodies: Sequence[Body], mappings: Sequence[Mapping]) -> list[Decoder | Exception]:
    """Decode trace requests that are not compressed; an exception stands for one that cannot be read."""
    now = micros(utc_now())
    by_column = _by_column(bodies, mappings, now)
    return [_decoded(body, mappings, now, read) for body, read in zip(bodies, by_column, strict=True)]


def _decoded(body: Body, mappings: Sequence[Mapping], now: int, read: Read | None) -> Decoder | Exception:
    decoder = Decoder(Normaliser(spans.OTLP, spans.OTLP, now, limit=body.limit), mappings)
    try:
        decoder.traces(body.content, read)
    except Exception as error:  # noqa: BLE001 - it is the answer of this request, and of no other
        return error
    return decoder


def _by_column(bodies: Sequence[Body], mappings: Sequence[Mapping], now: int) -> list[Read | None]:
    """Read by column what can be: not the requests of senders that may send for some tenants only."""
    made: list[Read | None] = [None] * len(bodies)
    free = [number for number, body in enumerate(bodies) if body.limit is None]
    contents = [bodies[number].content for number in free]
    if sum(map(len, contents)) < LEAST_BYTES:
        return made
    try:
        found = spans.read(contents, now, [_mapped(content, mappings) for content in contents])
    except Exception:  # noqa: BLE001 - what it brings about, the other path answers for each request alone
        _LOG.exception("otlp.columns_failed")
        return made
    for number, read in zip(free, found, strict=True):
        made[number] = read
    return made


def _mapped(content: bytes, mappings: Sequence[Mapping]) -> Flags | None:
    """Say which resources of a request a mapping is for; None: no mapping is for any."""
    if not mappings:
        return None
    try:
        parts = messages.Request.FromString(content).parts
    except DecodeError:
        return None
    named = (dict(map(messages.key_value, part.resource.attributes)) for part in parts)
    return np.array([chosen(mappings, resource) is not None for resource in named], bool)
