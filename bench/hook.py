"""Prints what a hook costs: an event beside bare structlog with orjson, and beside stdlib logging, to a file.

Every event differs from every other one, in all of its values: a memo that answers a repeated event would
measure itself. Each round runs in a process of its own, and its modes take turns.
CPU time is counted: the script's thread alone, and all threads, so the writer's work is in the figure.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
EVENTS = 20_000
UNITS = 2000
ROUNDS = 9

Event = tuple[str, str, int, float, str, str]

SCRIPT = """
import json, logging, os, sys, time
import orjson, structlog
library, is_hooked, folder = sys.argv[1], sys.argv[2] == "hooked", sys.argv[3]
structlog.configure(
    processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(serializer=orjson.dumps)],
    wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    logger_factory=structlog.BytesLoggerFactory(file=open(os.path.join(folder, "own.log"), "ab")),
    cache_logger_on_first_use=True)
events = [tuple(event) for event in json.load(sys.stdin)]
log, std = structlog.get_logger(), logging.getLogger("shop")
handler = logging.FileHandler(os.path.join(folder, "std.log"))
handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
std.addHandler(handler); std.setLevel(logging.INFO); std.propagate = False
if is_hooked:
    import unsnag
    unsnag.init(flow="bench", service="bench", spool=folder, queue_events=10**6, queue_bytes=10**9)
    unsnag.unit("SO-1", tenant="acme").__enter__()
def burst(events):
    if library == "structlog":
        for order, country, lines, total, url, client in events:
            log.info("order accepted", order=order, country=country, lines=lines, total=total, url=url,
                     client=client)
    else:
        for event in events:
            std.info("order %s accepted for %s lines=%d total=%.2f %s %s", *event)
warm = len(events) // 20
burst(events[:warm])
if is_hooked:
    unsnag.flush(60)
caller, cpu = time.thread_time(), time.process_time()
burst(events[warm:])
caller = time.thread_time() - caller
if is_hooked:
    unsnag.flush(60)
cpu = time.process_time() - cpu
count = (len(events) - warm) / 1e6
print(json.dumps({"caller": caller / count, "cpu": cpu / count}), flush=True)
os._exit(0)
"""

BLOCKS = """
import json, os, sys, time, unsnag
unsnag.init(flow="bench", service="bench", spool=sys.argv[1])
def work(number):
    with unsnag.unit(f"SO-{number}", value=number + 0.5, currency="EUR", tenant="acme"):
        for name in ("check", "pay", "ship"):
            with unsnag.step(name, dependency="gateway"):
                pass
count = int(sys.argv[2])
for number in range(count // 10):
    work(number)
caller = time.thread_time()
for number in range(count):
    work(count + number)
print(json.dumps((time.thread_time() - caller) / count * 1e6), flush=True)
os._exit(0)
"""


def varied(count: int, seed: int) -> list[Event]:
    """Return events of which no two are equal.

    Raises:
        AssertionError: an event repeats.
    """
    chance = random.Random(seed)
    events = [
        (
            f"SO-{chance.randrange(10**9)}",
            chance.choice(("DE", "FR", "IT", "US")),
            chance.randrange(99),
            chance.random() * 900,
            f"https://shop.example.net/o/{chance.randrange(10**7)}?c={chance.randrange(10**6)}",
            f"{chance.randrange(255)}.{chance.randrange(255)}.1.9",
        )
        for _ in range(count)
    ]
    assert len(set(events)) == count, "an event repeats"
    return events


def measure(library: str, how: str, events: list[Event]) -> dict[str, float]:
    """Run one round and return microseconds an event.

    Raises:
        AssertionError: an event was not recorded, or more than once.
    """
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, library, how, folder],
            input=json.dumps(events),
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
        )
        if how == "hooked":
            lines = [line for path in Path(folder).glob("*.jsonl") for line in path.read_text().splitlines()]
            recorded = [line for line in lines if "accepted" in line]
            orders = {line.partition("SO-")[2] for line in recorded}
            assert len(recorded) == len(orders) == len(events), "an event was lost or repeated"
    return dict(json.loads(done.stdout))


def import_ms() -> float:
    """Return what ``import unsnag`` and its names cost, Python's own start taken away."""
    code = "import time; t = time.perf_counter(); import unsnag; unsnag.init, unsnag.unit, unsnag.step; "
    code += "print((time.perf_counter() - t) * 1000)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    runs = [subprocess.check_output([sys.executable, "-c", code], env=environment) for _ in range(5)]
    return min(float(run) for run in runs)


def unit_us() -> float:
    """Return what a unit with three steps costs its thread, each end on disk before the script goes on."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", BLOCKS, folder, str(UNITS)]
        return float(subprocess.check_output(command, env={**os.environ, "PYTHONPATH": str(ROOT)}))


def main() -> None:
    """Print the figures."""
    for library in ("structlog", "stdlib"):
        rounds = []
        for seed in range(ROUNDS):
            events = varied(EVENTS, seed)
            rounds.append({how: measure(library, how, events) for how in ("bare", "hooked")})
        for figure, about in (("caller", "in the script's thread"), ("cpu", "CPU of all threads")):
            bare, hooked = (
                statistics.median(one[how][figure] for one in rounds) for how in ("bare", "hooked")
            )
            ratio = statistics.median(one["hooked"][figure] / one["bare"][figure] for one in rounds)
            print(
                f"{library}, {about}: bare {bare:.1f} us, hooked {hooked:.1f} us an event; ratio {ratio:.2f}"
            )
    blocks = statistics.median(unit_us() for _ in range(3))
    print(f"a unit with three steps, in the script's thread: {blocks:.0f} us")
    print(f"import unsnag: {import_ms():.0f} ms")


if __name__ == "__main__":
    main()
