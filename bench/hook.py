"""Prints what a hook costs: an event beside bare structlog with orjson to a file, and the import.

Each round runs in a process of its own.
CPU time of all threads is counted, so the writer's work is in the figure.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
EVENTS = 50_000
ROUNDS = 5

SCRIPT = """
import json, os, sys, time
import logging, orjson, structlog
mode, folder, events = sys.argv[1], sys.argv[2], int(sys.argv[3])
target = os.devnull if mode == "hook alone" else os.path.join(folder, "own.log")
structlog.configure(
    processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(serializer=orjson.dumps)],
    wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    logger_factory=structlog.BytesLoggerFactory(file=open(target, "ab")), cache_logger_on_first_use=True)
log = structlog.get_logger()
if mode != "bare":
    import unsnag
    unsnag.init(flow="bench", service="bench", spool=folder, queue_events=10**6, queue_bytes=10**9)
    unsnag.unit("SO-1", tenant="acme").__enter__()
def burst(count):
    for number in range(count):
        log.info("order accepted", order="SO-1001", country="DE", lines=number, total=129.9)
burst(2000)
wall, cpu = time.perf_counter(), time.process_time()
burst(events)
caller = time.perf_counter() - wall
if mode != "bare":
    unsnag.flush(60)
cpu = time.process_time() - cpu
print(json.dumps({"caller_us": caller / events * 1e6, "cpu_us": cpu / events * 1e6}))
os._exit(0)
"""


def measure(mode: str) -> dict[str, float]:
    """Run one round."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, mode, folder, str(EVENTS)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
        )
    return dict(json.loads(done.stdout))


def import_ms() -> float:
    """Return what ``import unsnag`` and its names cost, Python's own start taken away."""
    code = "import time; t = time.perf_counter(); import unsnag; unsnag.init, unsnag.unit, unsnag.step; "
    code += "print((time.perf_counter() - t) * 1000)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    runs = [subprocess.check_output([sys.executable, "-c", code], env=environment) for _ in range(5)]
    return min(float(run) for run in runs)


def main() -> None:
    """Print the figures."""
    rounds = [{mode: measure(mode) for mode in ("bare", "hooked")} for _ in range(ROUNDS)]
    for figure, about in (("caller_us", "in the script's thread"), ("cpu_us", "CPU of all threads")):
        bare, hooked = (statistics.median(one[mode][figure] for one in rounds) for mode in ("bare", "hooked"))
        print(f"{about}: bare {bare:.1f} us, hooked {hooked:.1f} us an event; ratio {hooked / bare:.2f}; ")
        print(f"  the hook by itself {hooked - bare:.1f} us, {(hooked - bare) / bare:.2f} of bare structlog")
    print(f"import unsnag: {import_ms():.0f} ms")


if __name__ == "__main__":
    main()
