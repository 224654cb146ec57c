"""Make a store of an export: into an empty data folder only, compared with its manifest, recorded after."""

from __future__ import annotations

import shutil
import uuid
from typing import TYPE_CHECKING

from audit import trail
from audit.checkpoints import Checkpoints
from data import parquet
from data.copies import Copy
from data.manifest import BackupError
from data.store import FILE_NAME
from server import restoring
from server.backups import CHECKPOINTS

if TYPE_CHECKING:
    from pathlib import Path

    from audit.actor import Actor
    from data.manifest import Manifest
    from server.settings import Settings


def import_export(
    source: Path, settings: Settings, actor: Actor, progress: parquet.Progress = parquet.silent
) -> Manifest:
    """Make the store of these settings of an export, and record it in its audit; return what it held.

    Raises:
        BackupError: the export is not whole, or the data folder is not empty; nothing is left there.
        StoreNewerError: the export is of a newer version.
    """
    held = parquet.read(source)
    _refuse_full(source, settings)
    was_there, draft = settings.data.exists(), settings.data / f".import-{uuid.uuid4().hex}"
    try:
        parquet.load(source, draft / FILE_NAME, progress)
        _check_audit(draft, source)
        restoring.put(draft / FILE_NAME, settings.data / FILE_NAME)
        restoring.put_beside(source, settings)
    except OSError as error:
        raise BackupError(f"The export could not be imported: {error}.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        if not was_there and settings.data.exists() and not any(settings.data.iterdir()):
            settings.data.rmdir()
    details = {"made_at": held.made_at, "commit": held.commit, "rows": held.rows}
    restoring.record(restoring.RecordRestore(details, "store imported"), settings, actor)
    return held


def _refuse_full(source: Path, settings: Settings) -> None:
    """Refuse a data folder that holds anything, and settings of flows that are not those of the export.

    Raises:
        BackupError: something is there.
    """
    held = sorted(settings.data.iterdir()) if settings.data.is_dir() else []
    if settings.data.exists() and (held or not settings.data.is_dir()):
        what = f"it holds {held[0].name}" if held else "it is a file"
        raise BackupError(
            f"{settings.data} is not empty: {what}. Nothing was imported. Choose another folder with --data."
        )
    if others := restoring.other_flows(source, settings.flow_folder):
        raise BackupError(
            f"{settings.flow_folder} holds settings of flows that are not those of the export, such as "
            f"{others[0].name}. Nothing was imported. Move them away first."
        )


def _check_audit(draft: Path, source: Path) -> None:
    with Copy(draft) as copy:
        verdict = trail.verify(copy, Checkpoints(source / CHECKPOINTS))
    if not verdict.intact:
        raise BackupError(
            f"The audit of the export {source} is broken at entry {verdict.broken_at}: {verdict.reason}. "
            "Nothing was imported."
        )
