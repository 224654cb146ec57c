"""Files that lie beside followed ones and that no pattern takes, so that a new name is noticed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from collectors.exclude import Exclude
    from collectors.files import Tail

MOST_NAMED: Final = 20
_MOST_FOLDERS: Final = 50
_MOST_ENTRIES: Final = 10_000


def untaken(tails: Iterable[Tail], exclude: Exclude) -> tuple[str, ...]:
    """Return the first files, in order of their names, of the folders that hold followed files.

    Hidden and empty files are left out, those that `exclude` names, and what rotation makes of a file: it was
    read under its old name.
    """
    followed = list(tails)
    known = {tail.inode for tail in followed}
    paths = [tail.path for tail in followed]
    folders = sorted({str(Path(path).parent) for path in paths})[:_MOST_FOLDERS]
    found = (path for folder in folders for path in _others(folder, known))
    rotated = tuple(f"{path}." for path in paths)
    others = exclude.kept(sorted(path for path in found if not path.startswith(rotated)))
    return tuple(others[:MOST_NAMED])


def _others(folder: str, known: set[tuple[int, int]]) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            for number, entry in enumerate(entries):
                if number >= _MOST_ENTRIES:
                    return
                if entry.name.startswith(".") or not entry.is_file(follow_symlinks=False):
                    continue
                status = entry.stat(follow_symlinks=False)
                if status.st_size and (status.st_dev, status.st_ino) not in known:
                    yield entry.path
    except OSError:
        return  # the source's health states what is wrong with its folder
