"""What changed, as numbers that only grow: watchers compare, and ask when theirs is old."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

TOPICS: Final = ("case", "ingest", "retry", "access", "audit", "mapping", "batch", "flow")


class Events:
    """One revision a topic; safe to use from any thread."""

    def __init__(self) -> None:
        self._revisions = dict.fromkeys(TOPICS, 0)
        self._lock = threading.Lock()
        self.has_ended = False
        """The server stops: requests that wait for a change are answered."""

    def end(self) -> None:
        """Say that no more changes will come."""
        self.has_ended = True

    def bump(self, topics: Iterable[str]) -> None:
        """Count a change of each topic."""
        with self._lock:
            for topic in topics:
                self._revisions[topic] = self._revisions.get(topic, 0) + 1

    def revision(self, topic: str) -> int:
        """Return how often the topic has changed since the start."""
        return self._revisions.get(topic, 0)
