"""Prints how fast telemetry gets in: spool file to durable rows, and OTLP over loopback HTTP.

Every line and every span has values of its own; a run in which one repeats is refused.
Each figure stands beside its floor in the same run: parsing or decoding alone, and the same rows from
Arrow into DuckDB with nothing derived. The sender of spans is a process of its own on the same cores,
so it takes its share of them; the receiver's own CPU time is printed for that reason.
BENCH_FULL_SPANS says how much the full store holds, BENCH_DIR where it is made.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa
import uvicorn
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.applications import Starlette

from bench import varied
from bench.figures import line
from bench.filled import fill
from bench.joining import decoded
from bench.varied import SPANS
from cases.intake import intake
from collectors import receiver
from collectors.decode import Decoder
from collectors.jsonl import Follower
from collectors.lines import Reader
from collectors.normalise import Normaliser
from collectors.piece import Piece
from collectors.supervisor import Supervised
from data.records import LOG_COLUMNS, SPAN_COLUMNS, Batch, to_arrow
from data.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

RECORDS = 200_000
FULL = int(os.environ.get("BENCH_FULL_SPANS", "1_600_000"))
REQUESTS = 240
SENDERS = 16
"""Programs that export at once. The store commits what they sent together, so few senders are slower."""
START_NS = time.time_ns() - 3_600_000_000_000


def main() -> None:
    """Measure both ways in; OTLP also into a store that holds much already."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        measure_spool(Path(folder))
    bodies = [varied.request(number, time.time_ns()) for number in range(REQUESTS)]
    varied.check(bodies)
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        measure_decoding(Path(folder), bodies)
        measure_otlp(Path(folder) / "empty", bodies, "an empty store")
        fill(Path(folder) / "full", FULL // 2, time.time_ns() // 1000)
        measure_otlp(Path(folder) / "full", bodies, f"a store of {FULL:,} spans")


# --- spool ---------------------------------------------------------------------------------------


def measure_spool(folder: Path) -> None:
    """Follow a full spool file into an empty store."""
    lines = [varied.log_line(number, START_NS) for number in range(RECORDS)]
    varied.check(lines)
    parse_s = seconds(lambda: [orjson.loads(one) for one in lines])
    columns: list[Batch] = []
    normalise_s = seconds(lambda: columns.extend(normalised(lines)))
    floor_s = parse_s + bare_insert(folder / "bare", columns)
    spool = folder / "spool"
    spool.mkdir()
    (spool / "a.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    store = Store.open(folder / "store", intake)
    follower = Supervised(store, Follower("spool", [f"{spool}/*.jsonl*"]))
    cpu = time.process_time()
    took = seconds(lambda: (follower.start(), wait_until(lambda: records(store) >= RECORDS)))
    cpu = time.process_time() - cpu
    follower.stop()
    store.close()
    report("spool file to durable rows, all derived", RECORDS / took, "records/s >= 25,000", floor_s / took)
    line(
        "  CPU of it per 100k records",
        f"{cpu / RECORDS * 1e5:.2f} s",
        "",
        f"{cpu / took:.2f} cores were available",
    )
    line("  normalise alone (parse, columns, masks)", f"{normalise_s / RECORDS * 1e6:.1f} µs", "<= 20 µs")
    line("  orjson alone", f"{parse_s / RECORDS * 1e6:.1f} µs")


def normalised(lines: list[bytes]) -> list[Batch]:
    """Return the lines as batches of 5,000."""
    made = []
    for first in range(0, len(lines), 5_000):
        n = Normaliser("spool", "jsonl", time.time_ns() // 1000)
        Reader.into(n).read(Piece(lines[first : first + 5_000], None, first, 1, final=True))
        made.append(n.batch())
    return made


# --- OTLP ----------------------------------------------------------------------------------------


def measure_decoding(folder: Path, bodies: list[bytes]) -> None:
    """Decode alone: in groups by column as the receiver does, and span by span."""
    total = len(bodies) * SPANS
    upb_s = cpu_seconds(lambda: [ExportTraceServiceRequest.FromString(body) for body in bodies])
    batches: list[Batch] = []
    by_column = cpu_seconds(lambda: batches.extend(decoded(bodies)))
    by_row = cpu_seconds(lambda: [_span_by_span(body) for body in bodies[:: len(bodies) // 24 or 1]])
    by_row *= len(bodies) / len(bodies[:: len(bodies) // 24 or 1])
    insert_s = bare_insert(folder / "bare", batches)
    size = sum(map(len, bodies)) / total
    line("a varied span: bytes", f"{size:.0f}", "", f"{len(bodies)} requests, none twice")
    line(
        "  decode alone (attributes, columns, masks)",
        f"{by_column / total * 1e6:.1f} µs",
        "<= 20 µs",
        f"{by_column / by_row:.2f} × span by span ({by_row / total * 1e6:.1f} µs)",
    )
    line("  protobuf (upb) alone", f"{upb_s / total * 1e6:.1f} µs")
    line("  the same rows into DuckDB, nothing derived", f"{insert_s / total * 1e6:.1f} µs")


def _span_by_span(body: bytes) -> None:
    Decoder(Normaliser("otlp", "otlp", time.time_ns() // 1000), ()).traces(body)


def measure_otlp(folder: Path, bodies: list[bytes], into: str) -> None:
    """Let another process export spans to a real server of this one."""
    total = len(bodies) * SPANS
    store = Store.open(folder, intake)
    before = records(store)
    server, thread, port = serve(store)
    cpu = time.process_time()
    sender = subprocess.Popen(
        [sys.executable, "-m", "bench.ingest", "send", str(port)], stdin=subprocess.PIPE
    )
    assert sender.stdin
    sender.stdin.write(b"".join(len(body).to_bytes(4) + body for body in bodies))
    sender.stdin.close()
    wait_until(lambda: records(store) > before)
    took = seconds(sender.wait)
    took += SPANS * SENDERS / total * took  # the first requests were under way before the clock
    visible, cpu = records(store) - before, time.process_time() - cpu
    server.should_exit = True
    thread.join()
    store.close()
    line(
        f"OTLP/HTTP, acknowledged and durable, {into}",
        f"{visible / took:,.0f} spans/s",
        ">= 20,000",
        f"{cpu / took:.2f} cores, {visible} of {total} visible",
    )
    line("  CPU of the receiver per 100k spans", f"{cpu / total * 1e5:.2f} s", "<= 4.5 s")


def serve(store: Store) -> tuple[uvicorn.Server, threading.Thread, int]:
    """Start a real server on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = Starlette(routes=receiver.routes(lambda: store))
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started)
    return server, thread, port


def send(port: int) -> None:
    """Post the bodies of standard input, a few at a time, each again until it is taken."""
    raw, bodies, at = sys.stdin.buffer.read(), [], 0
    while at < len(raw):
        size = int.from_bytes(raw[at : at + 4])
        bodies.append(raw[at + 4 : at + 4 + size])
        at += 4 + size
    asyncio.run(_send_all(port, bodies))


async def _send_all(port: int, bodies: list[bytes]) -> None:
    await asyncio.gather(*(_send_some(port, bodies[first::SENDERS]) for first in range(SENDERS)))


async def _send_some(port: int, bodies: list[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for body in bodies:
        status = 0
        while status != 200:
            head = (
                "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            status = int(answer.split(b" ", 2)[1])
            length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
    writer.close()


# --- what both share -----------------------------------------------------------------------------


def bare_insert(folder: Path, batches: list[Batch]) -> float:
    """Return the seconds that the same rows take from columns into DuckDB with nothing derived."""
    store = Store.open(folder)

    def insert(tx: Any, batch: Batch) -> None:
        tx.view("incoming_log", to_arrow(batch.logs, LOG_COLUMNS))
        by_row = to_arrow(batch.spans, SPAN_COLUMNS)
        tx.view(
            "incoming_span",
            by_row if batch.span_table is None else pa.concat_tables([by_row, batch.span_table]),
        )
        tx.run("store/insert_logs")
        tx.run("store/insert_spans")

    start = time.perf_counter()
    for batch in batches:
        store.act(partial(insert, batch=batch)).result()
    took = time.perf_counter() - start
    store.close()
    return took


def records(store: Store) -> int:
    """Return how many records are stored."""
    return sum(row["records"] for row in store.query("server/sources"))


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the processor time that work takes."""
    start = time.process_time()
    work()
    return time.process_time() - start


def seconds(work: Callable[[], object]) -> float:
    """Return how long work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def wait_until(done: Callable[[], bool]) -> None:
    """Wait, without taking much of the processor."""
    while not done():
        time.sleep(0.02)


def report(name: str, rate: float, aim: str, share: float) -> None:
    """Print a rate, and its share of what decoding and a bare insert alone would reach."""
    unit, _, wanted = aim.partition(" ")
    line(name, f"{rate:,.0f} {unit}", wanted, f"{share:.0%} of bare decode + Arrow + insert")


if __name__ == "__main__":
    if sys.argv[1:2] == ["send"]:
        send(int(sys.argv[2]))
    else:
        main()
