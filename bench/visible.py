"""From a line that a script writes to a row that the dashboard's queries see."""

from __future__ import annotations

import json
import tempfile
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import httpx

from bench.figures import line, percentile
from tests.journeys.serving import Server

LINES = 100


def main() -> None:
    """Write lines one at a time into the spool and wait for each."""
    with tempfile.TemporaryDirectory() as name:
        server = Server(Path(name)).start()
        try:
            took = _measure(server)
        finally:
            server.stop()
    line("a script's line is visible, p50", f"{percentile(took, 0.5):.2f} s")
    line("a script's line is visible, p95", f"{percentile(took, 0.95):.2f} s", "2 s")


def _measure(server: Server) -> list[float]:
    took = []
    with httpx.Client(base_url=server.address) as http, (server.spool / "bench-1.jsonl").open("a") as spool:
        for _ in range(LINES):
            name = uuid.uuid4().hex
            stamp = datetime.now(UTC).isoformat()
            record = {
                "timestamp": stamp,
                "level": "info",
                "event": "x",
                "unsnag.flow": "b",
                "unsnag.correlation_id": name,
            }
            start = time.perf_counter()
            spool.write(json.dumps(record) + "\n")
            spool.flush()
            while http.get(f"/api/v1/units/{name}").status_code != 200:
                time.sleep(0.01)
            took.append(time.perf_counter() - start)
    return took


if __name__ == "__main__":
    main()
