"""The body of a request as it comes in: how large it may be, how long it may rest, how slow it may be."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.requests import ClientDisconnect

from server.refusals import OTLP, Refusal, RefusedError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from server.settings import AccessSettings

MAX_BODY: Final = 1 << 20
"""Of everything but OTLP, which has a limit of its own."""
_GONE: Final = {"type": "http.disconnect"}


@dataclass(frozen=True, slots=True)
class Pace:
    """How slow a body may be."""

    rest_s: float
    """How long nothing may come; also what a body has before `bytes_per_s` counts."""
    bytes_per_s: float

    @classmethod
    def of(cls, access: AccessSettings) -> Pace:
        """Return what the settings say."""
        return cls(access.body_seconds, access.body_bytes_per_second)

    def patience(self, got: int, waited_s: float) -> float:
        """Return for how many seconds the next part may be waited for, after `got` bytes."""
        return max(0.0, min(self.rest_s, self.rest_s + got / self.bytes_per_s - waited_s))


class Body:
    """One request's body, and the answer to the request.

    A body that is too large or too slow is cut: to the application the sender is gone, whatever it answers
    is left out, and `run` raises the refusal. Only the time in which the application waits counts.
    """

    def __init__(self, receive: Receive, send: Send, pace: Pace, most: int | None) -> None:
        self._receive = receive
        self._send = send
        self._pace = pace
        self._most = most
        self._got = 0
        self._waited_s = 0.0
        self._is_whole = False
        self._is_answered = False
        self._refusal: Refusal | None = None

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        """Let the application answer.

        Raises:
            RefusedError: the body was cut before the answer began.
        """
        try:
            await app(scope, self.receive, self.send)
        except ClientDisconnect:
            if self._is_answered:
                raise  # the answer cannot be completed; uvicorn closes the connection
        if self._refusal is not None and not self._is_answered:
            raise RefusedError.of(self._refusal)

    async def receive(self) -> Message:
        """Return the next part of the body, or that the sender is gone."""
        if self._is_whole:
            return await self._receive()
        if self._refusal is not None:
            return _GONE
        message = await self._next()
        self._got += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        if self._most is not None and self._got > self._most:
            self._refusal = too_large(self._most)
        return message if self._refusal is None else _GONE

    async def send(self, message: Message) -> None:
        """Pass the answer on, unless the body was cut before it began."""
        if self._refusal is not None and not self._is_answered:
            return
        self._is_answered = True
        await self._send(message)

    async def _next(self) -> Message:
        loop = asyncio.get_running_loop()
        since = loop.time()
        try:
            async with asyncio.timeout(self._pace.patience(self._got, self._waited_s)):
                return await self._receive()
        except TimeoutError:
            self._refusal = _too_slow(self._got, self._waited_s + loop.time() - since)
            return _GONE
        finally:
            self._waited_s += loop.time() - since


def limited(scope: Scope, headers: dict[bytes, str], receive: Receive, send: Send, pace: Pace) -> Body | None:
    """Return the body that a request announces, within its limits; None where it announces none.

    Raises:
        RefusedError: it announces one that is too large.
    """
    if scope["type"] != "http":
        return None
    announced = headers.get(b"content-length", "0")
    is_otlp = scope["path"].startswith(OTLP)
    if not is_otlp and (not announced.isdecimal() or int(announced) > MAX_BODY):
        raise RefusedError.of(too_large(MAX_BODY))
    if announced == "0" and b"transfer-encoding" not in headers:
        return None
    return Body(receive, send, pace, None if is_otlp else MAX_BODY)


def too_large(most: int) -> Refusal:
    """Return the refusal of a body that has more than `most` bytes."""
    return Refusal(413, "too-large", f"A request may have {most:,} bytes.")


def _too_slow(got: int, waited_s: float) -> Refusal:
    words = f"The body is too slow: {got:,} bytes came in {waited_s:.0f} s. Send the request again."
    return Refusal(408, "body-too-slow", words, ends_connection=True)
