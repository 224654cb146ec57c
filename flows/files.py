"""The folder of settings: which files there are, and how one is written."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

from data.errors import UnsnagError

if TYPE_CHECKING:
    from pathlib import Path

SUFFIXES: Final = (".yaml", ".yml")
MOST_FILES: Final = 2_000
_LONGEST: Final = 120
_DIGEST: Final = 8


class FlowFolderError(UnsnagError):
    """The folder of flow settings cannot be read or written."""


class Mark(NamedTuple):
    """What shows that a file was changed."""

    changed_ns: int
    size: int
    inode: int


def file_name(flow: str) -> str:
    """Return the name of a new file for a flow."""
    name = quote(flow, safe=" ")
    if len(name) > _LONGEST or name.startswith("."):
        name = f"{name[:_LONGEST].lstrip('.')}-{hashlib.sha256(flow.encode()).hexdigest()[:_DIGEST]}"
    return f"{name}{SUFFIXES[0]}"


def marks(folder: Path) -> dict[str, Mark]:
    """Return the settings files of a folder, by name, in their order.

    Raises:
        FlowFolderError: it cannot be read, or has too many files.
    """
    found = {}
    try:
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            # A name that is no UTF-8 could not be stored.
            is_text = entry.name.isascii() or entry.name == entry.name.encode("utf-8", "replace").decode()
            if is_text and entry.name.endswith(SUFFIXES) and not entry.name.startswith("."):
                with suppress(FileNotFoundError):  # gone since it was listed
                    about = entry.stat()
                    if stat.S_ISREG(about.st_mode):
                        found[entry.name] = Mark(about.st_mtime_ns, about.st_size, about.st_ino)
    except OSError as error:
        raise FlowFolderError(f"The folder of flow settings cannot be read: {error}.") from error
    if len(found) > MOST_FILES:
        raise FlowFolderError(f"{folder} has more than {MOST_FILES:,} settings files. None was read.")
    return found


def write(path: Path, text: str) -> None:
    """Write a file as a whole: a reader sees the old text or the new one, never a part.

    Raises:
        FlowFolderError: it cannot be written.
    """
    draft = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise FlowFolderError(f"The settings file cannot be written: {error}. Nothing was saved.") from error
