"""Open the store's file: what can be wrong with it, as a sentence that says what to do."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING, Final

import duckdb

from data import backup
from data.errors import (
    StoreDamagedError,
    StoreFolderError,
    StoreFullError,
    StoreInUseError,
    StoreNewerError,
    UnsnagError,
)
from data.logs import event_log
from data.migrate import migrate, pending

if TYPE_CHECKING:
    from pathlib import Path

    from data.witness import Witness

_CONFIG: Final = {
    "checkpoint_threshold": "256MB",  # 16 MB, the default, stalls a batch for up to 2 s now and then
    "memory_limit": "1GB",  # without a limit: 2.9 GB at 10 million spans
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "preserve_insertion_order": "false",
}
_LOG: Final = event_log("store")
_OPERATIONS: Final = "docs/operations.md describes what can be saved."
_FULL: Final = ("No space left on device", "File too large", "Disk quota exceeded")
_DAMAGES: Final = (
    duckdb.IOException,
    duckdb.InternalException,
    duckdb.FatalException,
    duckdb.SerializationException,
)


def opened(
    path: Path, witness: Witness | None = None, upgrades: Path | None = None
) -> duckdb.DuckDBPyConnection:
    """Return a connection to the store's file, which is made or upgraded as needed.

    Before its schema changes it is copied to the folder `upgrades`, where one is given.

    Raises:
        StoreInUseError: another process has it open.
        StoreNewerError: a newer version wrote it; nothing was touched.
        StoreDamagedError: it cannot be read, or is gone.
        StoreFolderError: its folder cannot be written.
        BackupError: it could not be copied before an upgrade; nothing was changed.
    """
    _check_folder(path.parent)
    _refuse_lost_file(path, witness)
    connection = connected(path)
    try:
        _upgrade(connection, upgrades)
    except BaseException as error:
        connection.close()
        if isinstance(error, duckdb.Error):
            raise explained(error, path) from error
        raise
    _keep_private(path, witness)
    return connection


def connected(path: Path) -> duckdb.DuckDBPyConnection:
    """Return a connection to the store's file as it is.

    Raises:
        UnsnagError: see `opened`.
    """
    try:
        return duckdb.connect(str(path), config=dict(_CONFIG))
    except duckdb.Error as error:
        raise explained(error, path) from error


def _upgrade(connection: duckdb.DuckDBPyConnection, copies: Path | None) -> None:
    if copies and (applied := pending(connection)):
        copy = backup.make(connection.cursor(), copies)
        _LOG.info("store.upgrading", changes=applied, copy=str(copy))
    if migrate(connection):
        connection.execute("checkpoint")  # a lost log must not take the schema with it


def refuse_in_use(path: Path) -> None:
    """Refuse a store's file that another process has open; one that cannot be read is not in use.

    Raises:
        StoreInUseError: it is.
    """
    with path.open("rb+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise _in_use(path) from error


def _in_use(path: Path) -> StoreInUseError:
    return StoreInUseError(
        f"Another process has {path} open. Stop it, or choose another data folder with --data."
    )


def explained(error: duckdb.Error, path: Path) -> UnsnagError:
    """Return an error of DuckDB as the situation that it stands for."""
    text = str(error).strip().splitlines()[0]
    if isinstance(error, duckdb.IOException) and "lock" in text.lower():
        return _in_use(path)
    if "Trying to read a database file with version number" in text:
        return StoreNewerError(f"A newer version of DuckDB wrote {path}: {text}. Nothing was touched.")
    if is_full(error):
        return StoreFullError(
            f"The disk of the data folder {path.parent} is full. Free space, then start again."
        )
    if "Permission denied" in text or "Read-only file system" in text:
        return _unwritable(path.parent, text)
    return StoreDamagedError(
        f"The store {path} cannot be read: {text}. Keep a copy of its folder, then restore a backup with "
        f"`python app.py restore BACKUP`. {_OPERATIONS}"
    )


def is_full(error: duckdb.Error) -> bool:
    """Return whether a write failed for want of space, or for a limit on the size of files."""
    return any(words in str(error) for words in _FULL)


def is_durable(error: duckdb.FatalException) -> bool:
    """Return whether a commit that raised is on disk anyway."""
    return "COMMIT succeeded and is durable" in str(error)


def is_damage(error: duckdb.Error) -> bool:
    """Return whether an error speaks of the file and not of a statement."""
    # DuckDB has no class of its own for a checksum that does not match.
    return isinstance(error, _DAMAGES) or type(error) is duckdb.Error


def _check_folder(folder: Path) -> None:
    """Make the folder, for this user alone, and see that a file can be made in it."""
    probe = folder / f".unsnag-{os.getpid()}"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        probe.unlink()
    except OSError as error:
        raise _unwritable(folder, error.strerror or str(error)) from error


def _unwritable(folder: Path, reason: str) -> StoreFolderError:
    return StoreFolderError(
        f"The data folder {folder} cannot be written: {reason}. Give this user the right to write there, "
        "or choose another folder with --data."
    )


def _refuse_lost_file(path: Path, witness: Witness | None) -> None:
    """Refuse to begin an empty store where another one was: DuckDB would drop its write-ahead log."""
    if path.exists():
        return
    log = path.with_name(f"{path.name}.wal")
    seen = witness.read() if witness else None
    if log.exists() or (seen is not None and seen.number):
        last = f" The last commit was acknowledged at {seen.time:%Y-%m-%d %H:%M:%S} UTC." if seen else ""
        raise StoreDamagedError(
            f"The store {path} is gone, but other files of it are in place.{last} Put it back, or restore a "
            f"backup with `python app.py restore BACKUP`. {_OPERATIONS}"
        )


def _keep_private(path: Path, witness: Witness | None) -> None:
    """Take away what others may do with the store's files, which earlier versions left to the umask."""
    files = [path, path.with_name(f"{path.name}.wal"), *([witness.path] if witness else [])]
    for file in files:
        if file.exists() and file.stat().st_uid == os.getuid():
            file.chmod(0o600)
