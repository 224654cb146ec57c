"""Put a backup in the place of a store: checked before, recorded after, and what was there is kept aside."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from access.commands import Command, Target, perform
from audit import trail
from data import backup
from data.clock import stored, utc_now
from data.manifest import BackupError
from data.opening import refuse_in_use
from data.store import FILE_NAME
from data.witness import sync
from flows import files
from server import backups
from server.container import Container

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from access.context import RequestContext
    from audit.actor import Actor
    from data.transaction import Tx
    from server.settings import Settings

_STAMP: Final = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class RecordRestore(Command[None, None, None]):
    """Record that the store comes from a backup, or from an export."""

    act: ClassVar = "store.restore"
    details: dict[str, Any]
    verb: str = "store restored"

    def authorize(self, _loaded: None) -> Target:
        """Return the store."""
        return Target(subject="store")

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> None:
        """Write the entry."""
        entry = trail.Entry(self.verb, ctx.actor, subject="store", details=self.details)
        trail.write(tx, [entry], now)


def restore(source: Path, settings: Settings, actor: Actor, *, replace: bool) -> Path | None:
    """Put a backup in the place of the store of these settings, and record it in its audit.

    Return the folder to which the files of a store that was there were moved, or None.

    Raises:
        BackupError: the backup is not whole, or a store or other settings of flows are there and `replace`
            is not given.
        StoreInUseError: a server has the store open.
    """
    if wrong := backups.problems(source):
        raise BackupError(f"The backup {source} is not whole, and nothing was restored: {'; '.join(wrong)}.")
    there, others = files_of(settings), other_flows(source, settings.flow_folder)
    _refuse_to_replace(there, others, settings, replace=replace)
    refuse_running(settings)
    try:
        aside = _moved_aside(there, others, settings.data) if there or others else None
        put(source / backup.DATABASE, settings.data / FILE_NAME)
        put_beside(source, settings)
    except OSError as error:
        raise BackupError(f"The backup could not be restored: {error}.") from error
    manifest = backup.read(source)
    details = {
        "made_at": manifest.made_at,
        "commit": manifest.commit,
        "replaced": aside.name if aside else None,
    }
    record(RecordRestore(details), settings, actor)
    return aside


def record(command: RecordRestore, settings: Settings, actor: Actor) -> None:
    """Open the store that was put in place, bring it up to date, and record where it is from."""
    container = Container.open(settings)
    try:
        # A second file of checkpoints may know more than the copy.
        container.watch.set_aside(utc_now())
        perform(command, container.context(actor))
    finally:
        container.close()


def put_beside(source: Path, settings: Settings) -> None:
    """Put what lies beside the database in a copy where it belongs."""
    if (source / backups.CHECKPOINTS).exists():
        put(source / backups.CHECKPOINTS, settings.checkpoints)
    for name, path in (backup.settings_in(source) or {}).items():
        put(path, settings.flow_folder / name)


def _refuse_to_replace(there: list[Path], others: list[Path], settings: Settings, *, replace: bool) -> None:
    """Refuse to put something in the place of what nobody allowed to be moved.

    Raises:
        BackupError: something is there, and `replace` is not given.
    """
    if there and not replace:
        raise BackupError(
            f"{settings.data} holds a store already. Give --replace to move it aside, or choose another "
            "folder with --data."
        )
    if others and not replace:
        raise BackupError(
            f"{settings.flow_folder} holds settings of flows that are not those of the backup, such as "
            f"{others[0].name}. Give --replace to move them aside."
        )


def other_flows(source: Path, folder: Path) -> list[Path]:
    """List the settings of flows that are there and are not what the backup holds, where it holds any."""
    held = backup.settings_in(source)
    if held is None or not folder.is_dir():
        return []
    return [
        folder / name
        for name in files.marks(folder)
        if name not in held or held[name].read_bytes() != (folder / name).read_bytes()
    ]


def files_of(settings: Settings) -> list[Path]:
    """List the files of a store that are there."""
    database = settings.data / FILE_NAME
    known = (database, database.with_name(f"{FILE_NAME}.wal"), settings.witness, settings.checkpoints)
    return [path for path in known if path.exists()]


def refuse_running(settings: Settings) -> None:
    """Refuse while another process has the store open. A file that cannot be read stops nothing."""
    if (settings.data / FILE_NAME).exists():
        refuse_in_use(settings.data / FILE_NAME)


def _moved_aside(there: list[Path], flow_settings: list[Path], data: Path) -> Path:
    aside = data / f"replaced-{stored(utc_now()):{_STAMP}}"
    (aside / backup.FLOWS).mkdir(mode=0o700, parents=True)
    for path in there:
        shutil.move(path, aside / path.name)
    for path in flow_settings:
        shutil.move(path, aside / backup.FLOWS / path.name)
    return aside


def put(source: Path, target: Path) -> None:
    """Copy a file under its name only once all of it is on disk."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = target.with_name(f"{target.name}.new")
    shutil.copyfile(source, draft)
    draft.chmod(0o600)
    sync(draft)
    draft.rename(target)
    sync(target.parent)
