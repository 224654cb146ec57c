"""A thread of the server that works beside it until it is stopped."""

from __future__ import annotations

import threading


class Background:
    """One thread. Those that derive from it write `_run`, which ends once `_stopping` is set."""

    def __init__(self, name: str) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin, where the last process stopped."""
        self._thread.start()

    def stop(self) -> None:
        """Finish what is at hand and end. Safe to call before a start."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        raise NotImplementedError
