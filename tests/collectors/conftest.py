"""A folder of log files, followed into a real store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from collectors.jsonl import Follower
from collectors.supervisor import Supervised

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from data.store import Store

OF_SUPERVISOR = ("mapping", "timezone", "silent_after_s")


@pytest.fixture
def follow(store: Store, tmp_path: Path) -> Iterator[Callable[..., Supervised]]:
    """Return what follows the files of the folder `logs` until the test ends."""
    started: list[Supervised] = []

    def start(pattern: str = "*.log*", on: Any = store, **options: Any) -> Supervised:
        own = {name: options.pop(name) for name in OF_SUPERVISOR if name in options}
        source = Follower("logs", [str(tmp_path / "logs" / pattern)], **options)
        supervised = Supervised(on, source, **own)
        supervised.start()
        started.append(supervised)
        return supervised

    yield start
    for supervised in started:
        supervised.stop()
