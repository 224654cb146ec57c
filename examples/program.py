"""What the example programs have in common: one pass with ``--once``, or a pass every second."""

from __future__ import annotations

import argparse
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def run(run_once: Callable[[], None], *, every_s: float = 1.0) -> None:
    """Run passes until somebody says stop; a pass that has begun is finished."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--once", action="store_true", help="make one pass and leave")
    once = parser.parse_args().once
    stop = threading.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda *_: stop.set())
    run_once()
    while not once and not stop.wait(every_s):
        run_once()
