"""Files that an operator leaves out of a broad pattern, by name or by path."""

from __future__ import annotations

from fnmatch import fnmatch
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Exclude:
    """Patterns of the setting `exclude`.

    One without a slash is compared with a file's name in whatever folder (`*.bin`), any other is a glob of
    paths as in `paths` (`/var/log/journal/**`).
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._names = [pattern for pattern in patterns if "/" not in pattern]
        self._paths = [pattern for pattern in patterns if "/" in pattern]

    def kept(self, paths: Iterable[str]) -> list[str]:
        """Return the paths that are not left out, in their order."""
        left_out = {path for pattern in self._paths for path in glob(pattern, recursive=True)}  # noqa: PTH207
        return [path for path in paths if path not in left_out and not self._is_named(path)]

    def _is_named(self, path: str) -> bool:
        name = Path(path).name
        return any(fnmatch(name, pattern) for pattern in self._names)
