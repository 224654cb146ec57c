"""Symbolic links that lead out of a followed folder are not followed.

Who may write into the folder could otherwise make the server read what only the server may read.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from data.logs import event_log

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LOG: Final = event_log("source")
_MOST_NAMED: Final = 100


class Within:
    """The folders that files have to lie in, wherever links lead."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = folders
        self._named: set[str] = set()

    def kept(self, paths: Iterable[str]) -> list[str]:
        """Return the paths whose files lie in the folders; each other one is named in the log once."""
        # A folder may be a link itself, and be made to lead elsewhere while we run.
        real = [os.path.realpath(folder) for folder in self._folders]
        parents: dict[str, str] = {}
        return [path for path in paths if self._is_within(path, real, parents)]

    def _is_within(self, path: str, folders: list[str], parents: dict[str, str]) -> bool:
        parent, name = os.path.split(path)
        if parent not in parents:
            parents[parent] = os.path.realpath(parent)
        target = os.path.realpath(path) if os.path.islink(path) else os.path.join(parents[parent], name)  # noqa: PTH114, PTH118 - each scan asks this of every file
        if any(target.startswith(f"{folder.rstrip('/')}/") for folder in folders):
            return True
        if path not in self._named and len(self._named) < _MOST_NAMED:
            self._named.add(path)
            _LOG.warning("source.link_skipped", path=path, target=target)
        return False
