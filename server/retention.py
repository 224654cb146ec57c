"""Purges: begun by schedule or by command, finished also after a crash, each in the audit."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Final

from access.commands import Command, SystemCommand, Target, perform
from audit import trail
from data.background import Background
from data.clock import stored, utc_now
from data.errors import ConflictError, StoreClosedError, UnsnagError
from data.logs import event_log
from server.policies import Policy, policies, removals, sizes
from server.removing import Removal, Removing, unfinished

if TYPE_CHECKING:
    from access.context import RequestContext
    from data.store import Store
    from data.transaction import Tx
    from server.settings import RetentionSettings

_LOG: Final = event_log("retention")
_LOOK_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class StartPurge(Command["list[Removal]", None, str]):
    """Begin to remove what the policies say; the answer is the purge's id.

    Raises, when performed:
        ConflictError: no policy is set, or a purge runs already.
    """

    act: ClassVar = "store.purge"
    policies: tuple[Policy, ...]

    def load(self, tx: Tx, _ctx: RequestContext) -> list[Removal]:
        """Return what is being removed."""
        return tx.run("retention/unfinished", into=Removal.of)

    def authorize(self, _loaded: list[Removal]) -> Target:
        """Return the store."""
        return Target(subject="store")

    def decide(self, loaded: list[Removal], _ctx: RequestContext, _now: datetime) -> None:
        """Refuse a second one at the same time.

        Raises:
            ConflictError: no policy is set, or a purge runs already.
        """
        if not self.policies:
            raise ConflictError(
                "No policy is set, so nothing is removed. Set logs_days and others in [retention] "
                "of the config file, and start the server again."
            )
        if loaded:
            raise ConflictError(f"A purge runs since {loaded[0].started_at:%H:%M} UTC. Try again after it.")

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> str:
        """Note what is removed, and write the entry."""
        return _begin(tx, ctx, self.policies, now)


@dataclass(frozen=True, slots=True)
class StartDuePurge(SystemCommand[str]):
    """Begin a purge because its time has come."""

    policies: tuple[Policy, ...]

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> str:
        """Note what is removed, and write the entry."""
        return _begin(tx, ctx, self.policies, now)


def _begin(tx: Tx, ctx: RequestContext, chosen: tuple[Policy, ...], now: datetime) -> str:
    run, moment = uuid.uuid4().hex, now.replace(tzinfo=UTC)
    row = {"run": run, "actor": ctx.actor.name, "now": now}
    details = {}
    for one in chosen:
        before = one.before(moment)
        tx.run("retention/insert_removal", {**row, "class": one.data, "policy": one.words, "before": before})
        details[one.data] = {"policy": one.words, "before": before.isoformat()}
    trail.write(tx, [trail.Entry("purge started", ctx.actor, subject=f"purge:{run}", details=details)], now)
    return run


@dataclass(frozen=True, slots=True)
class EndRemoval(SystemCommand[None]):
    """Note that a class of data is done, and write into the audit what was removed of it."""

    removal: Removal
    was_changed: bool = False
    """The policy is another one now, so the rest stays."""

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> None:
        """Write it."""
        running = tx.run("retention/unfinished", into=Removal.of)
        (done,) = [one for one in running if one.key == self.removal.key]
        tx.run("retention/finish_removal", {**done.key, "now": now})
        details = {
            "class": done.data, "policy": done.policy, "before": stored(done.before).isoformat(),
            "rows": done.removed, "bytes": done.bytes,
        }  # fmt: skip
        why = "The policy was changed before all was removed." if self.was_changed else None
        entry = trail.Entry("purged", ctx.actor, subject=f"purge:{done.run}", reason=why, details=details)
        trail.write(tx, [entry], now)


class Retention(Background):
    """Purges one store: by schedule, by command, and what an earlier process did not finish."""

    def __init__(self, store: Store, settings: RetentionSettings) -> None:
        super().__init__("retention")
        self._store = store
        self._settings = settings
        self._lock = threading.Lock()
        self._removing = Removing(store, self._stopping)
        self._ctx: RequestContext | None = None

    @property
    def active(self) -> tuple[Policy, ...]:
        """The policies that remove something."""
        return tuple(one for one in policies(self._settings) if one.days is not None)

    def start_as(self, ctx: RequestContext) -> None:
        """Begin to look, once a minute, whether a purge is due or was interrupted."""
        self._ctx = ctx
        self.start()

    def purge(self, ctx: RequestContext, key: str | None = None) -> list[Removal]:
        """Remove what the policies say now, and return what was removed.

        Raises:
            ConflictError: no policy is set, or a purge runs already.
            ForbiddenError: the actor may not.
        """
        ctx.authority.decide(ctx.actor, StartPurge.act)
        with self._lock:
            self._finish(ctx.as_system())
            run = perform(StartPurge(self.active), ctx, key=key)
            self._finish(ctx.as_system())
        return [one for one in removals(self._store.everything()) if one.run == run]

    def _run(self) -> None:
        while self._ctx is not None:
            try:
                self.purge_if_due(self._ctx, utc_now())
            except StoreClosedError:
                return
            except UnsnagError as error:
                _LOG.error("retention.failed", reason=str(error))
            except Exception:  # noqa: BLE001 - the next look must not suffer
                _LOG.exception("retention.failed")
            if self._stopping.wait(_LOOK_S):
                return

    def purge_if_due(self, ctx: RequestContext, now: datetime) -> None:
        """Go on with what was interrupted, and begin a purge where the last one is too long ago."""
        if self._store.held or self._store.full:
            return
        with self._lock:
            if self.active and not unfinished(self._store) and self._is_due(now):
                perform(StartDuePurge(self.active), ctx)
            self._finish(ctx)

    def _is_due(self, now: datetime) -> bool:
        last = removals(self._store.everything(), 1)
        return not last or now - last[0].started_at >= timedelta(hours=self._settings.every_hours)

    def _finish(self, ctx: RequestContext) -> None:
        """Work off what was begun; what no policy names any more is left as it is."""
        known = {one.data: one.words for one in self.active}
        for one in unfinished(self._store):
            was_changed = known.get(one.data) != one.policy
            if not was_changed and not self._removing.work(one, sizes(self._store)[one.data]):
                return
            perform(EndRemoval(one, was_changed), ctx)
            _LOG.info("retention.purged", data=one.data, policy=one.policy)
