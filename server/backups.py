"""Backups of the running store: made by schedule or by command, checked, and kept for as long as was set."""

from __future__ import annotations

import shutil
import tempfile
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from access.commands import Command, Target, perform
from audit import trail
from audit.checkpoints import Checkpoints
from data import backup, parquet
from data.background import Background
from data.clock import utc_now
from data.copies import Copy
from data.errors import StoreClosedError, UnsnagError
from data.logs import event_log
from data.remote import is_remote
from flows import files
from server import remote_backups

if TYPE_CHECKING:
    from collections.abc import Callable

    from access.context import RequestContext
    from data.manifest import Manifest
    from data.remote import Address
    from data.store import Store
    from data.transaction import Tx
    from server.context import ServerContext
    from server.settings import Settings

_LOG: Final = event_log("backup")
CHECKPOINTS: Final = "audit-checkpoints.jsonl"
_LOOK_S: Final = 30.0
_AGAIN: Final = timedelta(minutes=15)
"""After a backup that failed."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup and what it holds."""

    place: str
    """Its folder, or its S3 address."""
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an export is, in rows, or a backup that is sent, in bytes; `what` was done last."""

    what: str
    done: int
    total: int


class Backups(Background):
    """Makes backups of one store, and looks every half minute whether one is due."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.trouble: str | None = None
        """Why the last one that was due failed; None once one succeeded."""
        self.progress: Progress | None = None
        """Of the export that runs, or the backup that is sent; None while there is none."""
        self._store = store
        self._settings = settings.backup
        self._data = settings.data
        self._sent_at: datetime | None = None
        self._beside = beside(settings)
        self._lock = threading.Lock()
        self._tried_at: datetime | None = None
        super().__init__("backups")

    def start(self) -> None:
        """Begin to make backups where a place for them is set."""
        if self._settings.folder or self._settings.address:
            super().start()

    def make(self, destination: str) -> Backup:
        """Make a backup now in a folder or at an S3 address, and compare all of it with what was read.

        Raises:
            BackupError: it could not be written or sent, or is not what was read.
        """
        if not is_remote(destination):
            with self._lock:
                folder = self._store.copy_to(Path(destination), self._beside)
            return Backup(str(folder), backup.read(folder))
        to = remote_backups.address(destination, self._settings)
        to.found()  # a wrong address is reported before anything is copied
        with tempfile.TemporaryDirectory(dir=self._data, prefix=".backup-") as name:
            made = self.make(name)
            try:
                return Backup(to.upload(Path(made.place), self._go_on), made.manifest)
            finally:
                self.progress = None

    def export(self, destination: str) -> Backup:
        """Write all of the store as Parquet now.

        Raises:
            BackupError: it could not be written, or is not what was read.
        """
        with self._lock:
            try:
                folder = self._store.export_to(Path(destination), self._beside, self._go_on)
            finally:
                self.progress = None
        return Backup(str(folder), parquet.read(folder))

    def _go_on(self, what: str, done: int, total: int) -> None:
        self.progress = Progress(what, done, total)

    def last_at(self) -> datetime | None:
        """Return when the newest backup of the schedule's place was made; None where there is none.

        Raises:
            BackupError: the S3 address cannot be used.
        """
        if self._settings.address is not None:
            # It is asked once: the schedule looks every half minute.
            self._sent_at = self._sent_at or self.remote().last_at()
            return self._sent_at
        made = backup.found(self._settings.folder) if self._settings.folder else []
        return _time_of(backup.read(made[-1])) if made else None

    def remote(self) -> Address:
        """Return the S3 address of the schedule, which the settings name."""
        assert self._settings.address is not None  # noqa: S101 - asked before
        return remote_backups.address(self._settings.address, self._settings)

    def _run(self) -> None:
        while True:
            try:
                self.make_if_due(utc_now())
            except StoreClosedError:
                return
            except (UnsnagError, OSError) as error:
                self.trouble = f"The backup that was due failed: {error}"
                _LOG.error("backup.failed", reason=str(error))
            if self._stopping.wait(_LOOK_S):
                return

    def make_if_due(self, now: datetime) -> None:
        """Make a backup where the last one is too old, and remove those beyond the number that is kept.

        Raises:
            BackupError: it could not be written, or is not what was read.
        """
        if self._store.held or (self._tried_at and now - self._tried_at < _AGAIN and self.trouble):
            return
        last = self.last_at()
        if last is not None and now - last < timedelta(hours=self._settings.every_hours):
            return
        self._tried_at = now
        made = self.make(str(self._settings.address or self._settings.folder))
        self.trouble = None
        _LOG.info("backup.made", folder=made.place, bytes=made.manifest.bytes)
        self._sent_at = _time_of(made.manifest)
        for old in self._removed():
            _LOG.info("backup.removed", folder=old)

    def _removed(self) -> list[str]:
        """Remove the backups beyond the number that is kept, and return their names."""
        if self._settings.address is not None:
            return self.remote().thin(self._settings.keep)
        old = backup.found(self._settings.folder)[: -self._settings.keep] if self._settings.folder else []
        for folder in old:
            shutil.rmtree(folder)
        return [str(folder) for folder in old]


def beside(settings: Settings) -> backup.Beside:
    """Return the files that belong to the store of these settings."""
    folder = settings.flow_folder

    def flow_settings() -> dict[str, Path]:
        return {name: folder / name for name in files.marks(folder)} if folder.is_dir() else {}

    return backup.Beside({CHECKPOINTS: settings.checkpoints}, flow_settings)


def _time_of(manifest: Manifest) -> datetime:
    return datetime.fromisoformat(manifest.made_at).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class RecordBackup(Command[None, None, None]):
    """Record that a backup or an export was made."""

    act: ClassVar = "store.backup"
    details: dict[str, Any]
    verb: str = "backup made"

    def authorize(self, _loaded: None) -> Target:
        """Return the store."""
        return Target(subject="store")

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> None:
        """Write the entry."""
        trail.write(tx, [trail.Entry(self.verb, ctx.actor, subject="store", details=self.details)], now)


def make(ctx: ServerContext, destination: str) -> Backup:
    """Make a backup now and record it.

    Raises:
        BackupError: it could not be written, or is not what was read.
        ForbiddenError: the actor may not.
    """
    return _recorded(ctx, ctx.container.backups.make, destination, "backup made")


def export(ctx: ServerContext, destination: str) -> Backup:
    """Write all of the store as Parquet now and record it; errors are those of `make`."""
    return _recorded(ctx, ctx.container.backups.export, destination, "store exported")


def progress(ctx: ServerContext) -> Progress | None:
    """Return how far the export that runs is, or the backup that is sent; None while there is none."""
    ctx.authority.decide(ctx.actor, RecordBackup.act)
    return ctx.container.backups.progress


def _recorded(ctx: ServerContext, work: Callable[[str], Backup], destination: str, verb: str) -> Backup:
    ctx.authority.decide(ctx.actor, RecordBackup.act)
    made = work(destination)
    perform(RecordBackup({"folder": made.place, "commit": made.manifest.commit}, verb), ctx)
    return made


def check_store(ctx: ServerContext) -> list[str]:
    """Read all of the running store and its audit; return what is wrong, as sentences."""
    ctx.authority.decide(ctx.actor, RecordBackup.act)
    try:
        ctx.store.read_all()
    except UnsnagError as error:
        return [str(error)]
    found = ctx.container.watch.check_all()
    wrong = ctx.store.troubles()
    if not found.verdict.intact:
        wrong.append(f"The audit is broken at entry {found.verdict.broken_at}: {found.verdict.reason}.")
    return wrong + [difference.text for difference in found.differences]


def problems(folder: Path) -> list[str]:
    """Read all of a backup, and its audit against the checkpoints in it; return what is wrong.

    Raises:
        BackupError: this is no backup, and no export.
    """
    if (folder / parquet.MANIFEST).exists():
        return parquet.problems(folder)
    if wrong := backup.problems(folder):
        return wrong
    with Copy(folder) as copy:
        verdict = trail.verify(copy, Checkpoints(folder / CHECKPOINTS))
    return [] if verdict.intact else [f"its audit is broken at entry {verdict.broken_at}: {verdict.reason}"]
