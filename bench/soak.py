"""Steady mixed load on the real server for half an hour: its memory, its answers and its backlog, plotted.

`python -m bench soak --minutes 30` sends varied spans at an even rate, appends lines to the spool, acts on
exceptions and reads by REST, and opens the pages in Chromium, all at once. It writes `soak.svg` and
`soak.md` to docs/. SOAK_SPANS sets the spans a second, SOAK_TO another folder.
"""

from __future__ import annotations

import itertools
import os
import random
import tempfile
import threading
import time
import uuid
from collections import defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx

from bench import soak_report, varied
from bench.figures import percentile
from bench.soak_report import Sample
from tests.journeys.browsing import browser, settle, visit
from tests.journeys.serving import ROOT, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SPANS_A_SECOND: Final = float(os.environ.get("SOAK_SPANS", "768"))
SENDERS: Final = 2
LINES_A_SECOND: Final = 20
ACTS_A_SECOND: Final = 4
READS_A_SECOND: Final = 4
EVERY_S: Final = 10.0
_FAILED: Final = 0.001
"""Of the spans, so that as many exceptions are resolved as are opened."""
_PAGES: Final = ("", "trace", "business", "flows", "collectors", "audit")
_PAGE_S: Final = 20.0
_GONE: Final = (404, 409)
"""An exception recovered before it was acted on."""
_READS: Final = (
    ("/api/v1/cases", {"state": "open", "limit": 50}),
    ("/api/v1/traces", {"limit": 50}),
    ("/api/v1/logs", {"limit": 50}),
    ("/api/v1/groups", {"limit": 50}),
    ("/api/v1/kpis", {}),
)


@dataclass
class Load:
    """What runs beside the server until `stop` is set."""

    server: Server
    stop: threading.Event = field(default_factory=threading.Event)
    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Milliseconds of the answers since the last sample, by kind."""
    refused: int = 0
    sent: int = 0
    """Spans that were acknowledged."""
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def paced(self, each_s: float) -> Iterator[int]:
        """Count at an even pace, without making up for what was late."""
        due = time.monotonic()
        for number in itertools.count():
            if self.stop.wait(max(0.0, due - time.monotonic())):
                return
            due = max(due + each_s, time.monotonic())
            yield number

    def timed(self, kind: str, ask: Callable[[], httpx.Response]) -> httpx.Response | None:
        """Ask once and note how long it took; None where there was no good answer."""
        began = time.perf_counter()
        try:
            answer = ask()
        except httpx.TransportError:
            self.refused += 1
            return None
        self.took[kind].append(1000 * (time.perf_counter() - began))
        self.refused += answer.is_error and answer.status_code not in _GONE
        return answer if answer.is_success else None

    def send(self) -> None:
        """Send requests of spans, none of which repeats."""
        headers = {"Content-Type": "application/x-protobuf"}
        with httpx.Client(base_url=self.server.address, timeout=60) as http:
            for _ in self.paced(SENDERS * varied.SPANS / SPANS_A_SECOND):
                body = varied.request(next(self._numbers), time.time_ns(), failed=_FAILED)
                if self.timed("ingest", lambda: http.post("/v1/traces", content=body, headers=headers)):  # noqa: B023 - called at once
                    self.sent += varied.SPANS

    def write(self) -> None:
        """Append lines to the spool as a script does."""
        begun = time.time_ns() // 1000
        with (self.server.spool / "soak.jsonl").open("ab", buffering=0) as spool:
            for number in self.paced(1 / LINES_A_SECOND):
                spool.write(varied.log_line(number, begun) + b"\n")

    def act(self) -> None:
        """Claim open exceptions, note something on them and resolve them."""
        with httpx.Client(base_url=self.server.address, timeout=60) as http:
            waiting: list[str] = []
            for _ in self.paced(3 / ACTS_A_SECOND):
                if not waiting:
                    listed = http.get("/api/v1/cases", params={"state": "open", "limit": 20}).json()
                    waiting = [case["id"] for case in listed["items"]]
                if waiting:
                    self._work_off(http, waiting.pop())

    def _work_off(self, http: httpx.Client, case: str) -> None:
        resolved = {"code": "false_alarm", "reason": "Raised by a benchmark"}
        for act, body in (("claim", None), ("notes", {"text": "seen"}), ("resolve", resolved)):
            path = f"/api/v1/cases/{case}/{act}"
            key = {"Idempotency-Key": uuid.uuid4().hex}
            if self.timed("act", lambda: http.post(path, json=body, headers=key)) is None:  # noqa: B023 - called at once
                return

    def read(self) -> None:
        """Ask what the pages ask."""
        with httpx.Client(base_url=self.server.address, timeout=60) as http:
            for _ in self.paced(1 / READS_A_SECOND):
                path, asked = random.choice(_READS)
                self.timed("read", lambda: http.get(path, params=asked))  # noqa: B023 - called at once

    def browse(self) -> None:
        """Go from page to page in a browser."""
        with browser() as started:
            page, _ = visit(started, self.server.address)
            for number in self.paced(_PAGE_S):
                began = time.perf_counter()
                page.goto(f"{self.server.address}/{_PAGES[number % len(_PAGES)]}", timeout=60_000)
                settle(page)
                self.took["page"].append(1000 * (time.perf_counter() - began))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Do all of it at once."""
        works = (*[self.send] * SENDERS, self.write, self.act, self.read, self.browse)
        threads = [threading.Thread(target=work, name=work.__name__) for work in works]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()


def main(minutes: float = 30.0) -> None:
    """Run the load for so many minutes and write what was seen."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        server = Server(Path(name)).start()
        try:
            load = Load(server)
            with load.running():
                samples = list(_samples(load, 60 * minutes))
            shown = soak_report.summary(samples, load.sent, load.refused)
        finally:
            server.kill()
    print("\n".join(shown))
    to = Path(os.environ.get("SOAK_TO", str(ROOT / "docs")))
    (to / "soak.svg").write_text(soak_report.drawing(samples), encoding="utf-8")
    (to / "soak.md").write_text(soak_report.page(samples, shown), encoding="utf-8")


def _samples(load: Load, seconds: float) -> Iterator[Sample]:
    """Look every ten seconds; a sample holds the answers since the one before."""
    begun = time.monotonic()
    with httpx.Client(base_url=load.server.address, timeout=60) as http:
        for _ in load.paced(EVERY_S):
            at = time.monotonic() - begun
            took, load.took = load.took, defaultdict(list)
            sample = _sample(load.server, http, at, took)
            print(sample.line(), flush=True)
            yield sample
            if at >= seconds:
                return


def _sample(server: Server, http: httpx.Client, at: float, took: dict[str, list[float]]) -> Sample:
    assert server.process is not None
    figures = _metrics(http)
    database = server.data / "unsnag.duckdb"
    log = database.with_name(f"{database.name}.wal")
    with suppress(FileNotFoundError):
        return Sample(
            minute=at / 60,
            rss=_rss(server.process.pid),
            backlog=figures["unsnag_writer_waiting_rows"],
            unread=figures["unsnag_source_unread_bytes"],
            open_cases=figures["unsnag_cases"],
            stored=sum(path.stat().st_size for path in (database, log)),
            median={kind: percentile(values, 0.5) for kind, values in took.items() if values},
            slow={kind: percentile(values, 0.95) for kind, values in took.items() if values},
            load=os.getloadavg()[0],
        )
    return _sample(server, http, at, took)  # the log went with a checkpoint between two looks


def _rss(pid: int) -> int:
    """Return the bytes of memory that a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _metrics(http: httpx.Client) -> dict[str, float]:
    """Return the sums of the server's own figures; of exceptions only those that are not done."""
    sums: dict[str, Any] = defaultdict(float)
    for row in http.get("/metrics").text.splitlines():
        name, _, value = row.rpartition(" ")
        is_over = 'state="resolved"' in name or 'state="recovered"' in name
        if not row.startswith("#") and not is_over:
            sums[name.partition("{")[0]] += float(value)
    return sums
