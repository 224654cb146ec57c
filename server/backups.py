"""Backups of the running store: made by schedule or by command, checked, and kept for as long as was set."""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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
from flows import files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from access.context import RequestContext
    from data.manifest import Manifest
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

    folder: Path
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an export is: the table that was done last, and rows of all tables."""

    table: str
    done: int
    rows: int


class Backups(Background):
    """Makes backups of one store, and looks every half minute whether one is due."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.trouble: str | None = None
        """Why the last one that was due failed; None once one succeeded."""
        self.progress: Progress | None = None
        """Of the export that runs; None while none does."""
        self._store = store
        self._settings = settings.backup
        self._beside = beside(settings)
        self._lock = threading.Lock()
        self._tried_at: datetime | None = None
        super().__init__("backups")

    def start(self) -> None:
        """Begin to make backups where a folder is set."""
        if self._settings.folder is not None:
            super().start()

    def make(self, destination: Path) -> Backup:
        """Make a backup now, and compare all of it with what was read.

        Raises:
            BackupError: it could not be written, or is not what was read.
        """
        with self._lock:
            folder = self._store.copy_to(destination, self._beside)
        return Backup(folder, backup.read(folder))

    def export(self, destination: Path) -> Backup:
        """Write all of the store as Parquet now.

        Raises:
            BackupError: it could not be written, or is not what was read.
        """
        with self._lock:
            try:
                folder = self._store.export_to(destination, self._beside, self._go_on)
            finally:
                self.progress = None
        return Backup(folder, parquet.read(folder))

    def _go_on(self, table: str, done: int, rows: int) -> None:
        self.progress = Progress(table, done, rows)

    def last_at(self) -> datetime | None:
        """Return when the newest backup of the schedule's folder was made; None where there is none."""
        made = backup.found(self._settings.folder) if self._settings.folder else []
        return _time_of(backup.read(made[-1])) if made else None

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
        folder = self._settings.folder
        assert folder is not None  # noqa: S101 - started only where one is set
        if self._store.held or (self._tried_at and now - self._tried_at < _AGAIN and self.trouble):
            return
        last = self.last_at()
        if last is not None and now - last < timedelta(hours=self._settings.every_hours):
            return
        self._tried_at = now
        made = self.make(folder)
        self.trouble = None
        _LOG.info("backup.made", folder=str(made.folder), bytes=made.manifest.bytes)
        for old in backup.found(folder)[: -self._settings.keep]:
            shutil.rmtree(old)
            _LOG.info("backup.removed", folder=str(old))


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


def make(ctx: ServerContext, destination: Path) -> Backup:
    """Make a backup now and record it.

    Raises:
        BackupError: it could not be written, or is not what was read.
        ForbiddenError: the actor may not.
    """
    return _recorded(ctx, ctx.container.backups.make, destination, "backup made")


def export(ctx: ServerContext, destination: Path) -> Backup:
    """Write all of the store as Parquet now and record it; errors are those of `make`."""
    return _recorded(ctx, ctx.container.backups.export, destination, "store exported")


def progress(ctx: ServerContext) -> Progress | None:
    """Return how far the export that runs is; None while none does."""
    ctx.authority.decide(ctx.actor, RecordBackup.act)
    return ctx.container.backups.progress


def _recorded(ctx: ServerContext, work: Callable[[Path], Backup], destination: Path, verb: str) -> Backup:
    ctx.authority.decide(ctx.actor, RecordBackup.act)
    made = work(destination)
    perform(RecordBackup({"folder": str(made.folder), "commit": made.manifest.commit}, verb), ctx)
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
