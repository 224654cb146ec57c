"""Digests on a schedule, through apprise: to mail, chats and webhooks. Retried on failure, never sent twice.

1. The addresses stand in a file that only the server's user may read: they hold passwords. Nothing of them
   but their kind (`mailto`, `slack`, `json`) is stored, shown or logged.
2. Before a delivery begins, its row says *sending*; after it, *sent* or *failed*, which is tried again.
3. One that was *sending* when the process ended is *unknown*: it may have arrived, so it is not sent again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from access.commands import SystemCommand, perform
from audit import trail
from data.background import Background
from data.errors import UnsnagError
from data.logs import event_log
from data.nouns import noun
from data.secrets import read_secret
from server import logs
from server.digest import digest, due_week

if TYPE_CHECKING:
    from access.context import RequestContext
    from data.transaction import Tx
    from server.context import ServerContext
    from server.digest import Digest
    from server.settings import Settings

_LOG: Final = event_log("digest")
_LOOK_S: Final = 20.0
SENDING: Final = "sending"
SENT: Final = "sent"
FAILED: Final = "failed"
UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a digest goes; `url` may hold a secret and is never shown."""

    url: str
    kind: str
    target: str

    def __repr__(self) -> str:
        """Return it without its secret."""
        return f"Address({self.kind})"

    @classmethod
    def of(cls, url: str) -> Address:
        """Return the address of a line."""
        return cls(url, url.partition(":")[0].lower(), hashlib.sha256(url.encode()).hexdigest()[:16])


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of the latest delivery of a week to an address."""

    week: str
    target: str
    kind: str
    state: str
    attempt: int
    at_time: datetime


_delivery: Final = noun(Delivery, aware=False)


@dataclass(frozen=True, slots=True)
class BeginDelivery(SystemCommand["int | None"]):
    """Say that a delivery begins; return the number of the attempt, or None where it must not."""

    week: str
    target: str
    kind: str
    tries: int
    retry_s: float

    def apply(self, tx: Tx, _decided: None, _ctx: RequestContext, now: datetime) -> int | None:
        """Write the row."""
        found = tx.run("server/digests", {"week": self.week}, into=_delivery)
        last = next((one for one in found if one.target == self.target), None)
        if last is not None:
            due = last.at_time + timedelta(seconds=self.retry_s)
            if last.state != FAILED or last.attempt >= self.tries or now < due:
                return None
        attempt = last.attempt + 1 if last else 1
        row = {"week": self.week, "to_target": self.target, "kind": self.kind}
        tx.run("server/insert_digest", {**row, "state": SENDING, "attempt": attempt, "now": now})
        return attempt


@dataclass(frozen=True, slots=True)
class EndDelivery(SystemCommand[None]):
    """Say how a delivery ended."""

    week: str
    target: str
    kind: str
    attempt: int
    state: str

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> None:
        """Write the row and its entry."""
        row = {"week": self.week, "to_target": self.target, "kind": self.kind}
        tx.run("server/insert_digest", {**row, "state": self.state, "attempt": self.attempt, "now": now})
        details = {"to": self.kind, "attempt": self.attempt}
        entry = trail.Entry(f"digest {self.state}", ctx.actor, subject=f"week:{self.week}", details=details)
        trail.write(tx, [entry], now)


class Digests(Background):
    """Sends the digest of each week once it is due."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ctx: ServerContext | None = None
        self._is_first = True
        self.trouble: str | None = None
        """Why a digest could not be delivered, as a sentence."""
        super().__init__("digests")

    def start_as(self, ctx: ServerContext) -> None:
        """Begin, where addresses are configured; what is written is recorded as the system's."""
        self._ctx = ctx
        if self._settings.digest.urls is not None:
            self.start()

    def look(self, now: datetime) -> None:
        """Send what is due at this moment."""
        ctx, chosen = self._ctx, self._settings.digest
        if ctx is None or chosen.urls is None or ctx.store.held:
            return
        if self._is_first:
            self._is_first = False
            self._give_up_unfinished(ctx)
        week = due_week(now, self._settings.zone, chosen.weekday, chosen.time)
        if week is None:
            return
        for address in addresses(chosen.urls):
            begin = BeginDelivery(week, address.target, address.kind, chosen.tries, chosen.retry_minutes * 60)
            attempt = perform(begin, ctx)
            if attempt is not None:
                self._deliver(ctx, week, address, attempt)

    def _run(self) -> None:
        while not self._stopping.wait(_LOOK_S):
            try:
                assert self._ctx is not None  # noqa: S101 - set before the start
                self.look(self._ctx.now())
            except UnsnagError as error:  # the store is full or being closed, the file cannot be read
                self.trouble = f"Digests cannot be sent: {error}"
                _LOG.error("digest.failed", reason=str(error))
            except Exception as error:  # noqa: BLE001 - a fault in one digest must not end all later ones
                # No traceback: the values in it may hold an address with its password.
                self.trouble = f"A digest could not be made ({type(error).__name__})."
                _LOG.error("digest.failed", reason=type(error).__name__)

    def _give_up_unfinished(self, ctx: ServerContext) -> None:
        for one in ctx.store.query("server/digests", {"week": None}, into=_delivery):
            if one.state == SENDING:
                _LOG.error("digest.unknown", week=one.week, to=one.kind)
                perform(EndDelivery(one.week, one.target, one.kind, one.attempt, UNKNOWN), ctx)

    def _deliver(self, ctx: ServerContext, week: str, to: Address, attempt: int) -> None:
        state = FAILED
        try:
            made = digest(ctx.reading, week, self._settings.zone, self._settings.url, ctx.now())
            state = SENT if send(to, made) else FAILED
        finally:
            self._end(ctx, week, to, attempt, state)

    def _end(self, ctx: ServerContext, week: str, to: Address, attempt: int, state: str) -> None:
        perform(EndDelivery(week, to.target, to.kind, attempt, state), ctx)
        if state == SENT:
            self.trouble = None
            _LOG.info("digest.sent", week=week, to=to.kind)
            return
        _LOG.error("digest.not_delivered", week=week, to=to.kind, attempt=attempt)
        tries = self._settings.digest.tries
        what = "It is tried again." if attempt < tries else f"It was tried {tries} times and is given up."
        self.trouble = f"The digest of {week} could not be delivered by {to.kind}. {what}"


def addresses(file: Any) -> list[Address]:
    """Return the addresses of a file: one a line, `#` begins a comment.

    Raises:
        SecretFileError: it cannot be read, is empty, or others may read it.
    """
    lines = (line.strip() for line in read_secret(file).splitlines())
    return [Address.of(line) for line in lines if line and not line.startswith("#")]


def send(to: Address, made: Digest) -> bool:
    """Send a digest to one address; return whether the other side took it."""
    import apprise  # noqa: PLC0415 - 30 MB and half a second, for those who send digests

    # Its own log names hosts and, in detail, whole addresses.
    logs.silence("apprise")
    service = apprise.Apprise()
    if not service.add(to.url):
        return False
    try:
        return bool(service.notify(title=made.title, body=made.body, body_format=apprise.NotifyFormat.TEXT))
    except Exception:  # noqa: BLE001 - a service of its hundred that breaks is one that did not take it
        return False
