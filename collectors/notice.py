"""What the server leaves in a spool folder, so that a program without credentials sees that it is followed.

``unsnag doctor`` reads it: whose server it is, when it last looked, and how much of each file is stored.
"""

from __future__ import annotations

import json
import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from unsnag.folders import NOTICE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from collectors.files import Tail

EVERY_S: Final = 5.0
"""It is written at least this often, so that an old one means that nobody follows the folder any more."""
_MOST_FILES: Final = 50


class Notice:
    """The notices of one server in the folders that it follows."""

    def __init__(self, folders: Iterable[Path], address: str) -> None:
        self._folders = [str(folder) for folder in folders]
        self._address = address
        self._written: dict[str, tuple[dict[str, int], float]] = {}

    def publish(self, tails: Iterable[Tail], now: float) -> None:
        """State how much of each file is stored; `now` is a monotonic time."""
        stored: dict[str, dict[str, int]] = {folder: {} for folder in self._folders}
        for tail in sorted(tails, key=lambda tail: tail.progressed_at)[-_MOST_FILES:]:
            folder, name = os.path.split(tail.path)
            if folder in stored:
                stored[folder][name] = tail.stored
        for folder, files in stored.items():
            before, at = self._written.get(folder, ({}, float("-inf")))
            if files != before or now - at >= EVERY_S:
                self._written[folder] = (files, now)
                self._write(folder, files)

    def remove(self) -> None:
        """Take the notices away: nobody follows the folders any more."""
        for folder in self._written:
            with suppress(OSError):
                Path(folder, NOTICE).unlink()

    def _write(self, folder: str, files: dict[str, int]) -> None:
        """Replace the notice as a whole; a folder that is not there or not ours gets none."""
        content = {"url": self._address, "host": socket.gethostname(), "pid": os.getpid(), "at": time.time()}
        draft = Path(folder, f"{NOTICE}.{os.getpid()}")
        with suppress(OSError):
            draft.write_text(json.dumps({**content, "stored": files}), encoding="utf-8")
            draft.chmod(0o644)
            draft.replace(Path(folder, NOTICE))
