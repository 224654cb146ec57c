"""Compare figures with an independent computation over an event log: `python -m bench.eventlog FILE`.

The log is a CSV file, also packed with gzip, with the columns that pm4py writes: `case:concept:name`,
`concept:name`, `time:timestamp`, `org:resource`, and `case:channel` as the segment. One case is one unit, one
event is one step, and the last event of a case completes it.

It is loaded as telemetry in three ways, each as a flow of its own: spans over OTLP, JSON lines that a source
follows, and a CSV file in a drop folder. Then counts, medians, 90th percentiles, the touchless rate and the
figures of every week are compared with plain Python, by REST, and those of one week on the page.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
import re
import statistics
import sys
import tempfile
import zlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import httpx
from playwright.sync_api import sync_playwright

from bench.figures import line
from data import formats
from tests.journeys import serving
from tests.journeys.browsing import CHROMIUM, SETTLED, SWITCHES
from tests.journeys.serving import Server
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ZONE: Final = "Europe/Amsterdam"
WAYS: Final = ("spans", "lines", "csv")
_WAIT_S: Final = 600
_BODY: Final = 200
"""Cases in one request."""
_CLOSE: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a case."""

    step: str
    moment: datetime
    resource: str


@dataclass(frozen=True, slots=True)
class Case:
    """A case with its events in the order of time."""

    name: str
    segment: str
    events: Sequence[Event]

    @property
    def start(self) -> datetime:
        """When it began."""
        return self.events[0].moment

    @property
    def end(self) -> datetime:
        """When it was completed."""
        return self.events[-1].moment

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.end - self.start).total_seconds()


def read(path: Path) -> list[Case]:
    """Return the cases of a log."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    events: dict[str, list[Event]] = defaultdict(list)
    segments: dict[str, str] = {}
    for row in csv.DictReader(io.StringIO(text)):
        name = row["case:concept:name"]
        moment = datetime.fromisoformat(row["time:timestamp"])
        events[name].append(Event(row["concept:name"], moment, row["org:resource"]))
        segments[name] = row.get("case:channel") or "all"
    return [
        Case(name, segments[name], sorted(found, key=lambda one: one.moment))
        for name, found in events.items()
    ]


# --- the same as telemetry, in three ways ---------------------------------------------------------------


def config(folder: Path, people: Sequence[str]) -> str:
    """Return the config file of the server."""
    named = json.dumps(list(people))
    common = f'step = "activity"\nsegment = "channel"\nhuman = {{ attribute = "resource", in = {named} }}\n'
    done = 'success = { attribute = "last", equals = "yes" }\n'
    texts = [f'zone = "{ZONE}"\n[collectors.otlp]\nmax_body_mb = 64\n']
    texts.append(f'[[collectors.jsonl]]\nname = "lines"\npaths = ["{folder}/lines.log"]\nmapping = "lines"\n')
    texts.append(
        f'[[collectors.dropfolder]]\nname = "csv"\npath = "{folder}/drop"\npattern = "*.csv"\n'
        'time = "time"\nmapping = "csv"\n'
    )
    for way in WAYS:
        ends = (
            'match = { "service.name" = "permits" }\nsuccess = { span = "permit" }\n'
            if way == "spans"
            else done
        )
        texts.append(
            f'[collectors.mappings.{way}]\ncorrelation_id = "case"\nprefix = "{way}-"\n'
            f"flow = \"'{way}'\"\n{common}{ends}"
        )
    return "\n".join(texts)


def rows(cases: Iterable[Case]) -> Iterable[dict[str, str]]:
    """Return a row for each event."""
    for case in cases:
        for place, one in enumerate(case.events, 1):
            yield {
                "time": one.moment.isoformat(),
                "case": case.name,
                "activity": one.step,
                "channel": case.segment,
                "resource": one.resource,
                "last": "yes" if place == len(case.events) else "no",
            }


def write_lines(cases: Sequence[Case], folder: Path) -> None:
    """Write the log as JSON lines."""
    texts = (json.dumps({**row, "timestamp": row["time"], "event": row["activity"]}) for row in rows(cases))
    (folder / "lines.log").write_text("\n".join(texts) + "\n", encoding="utf-8")


def write_csv(cases: Sequence[Case], folder: Path) -> None:
    """Put the log into the drop folder, as a whole."""
    out = io.StringIO()
    writer = csv.DictWriter(out, ["time", "case", "activity", "channel", "resource", "last"])
    writer.writeheader()
    writer.writerows(rows(cases))
    part = folder / "drop" / "log.csv.part"
    part.write_text(out.getvalue(), encoding="utf-8")
    part.rename(folder / "drop" / "log.csv")


def send_spans(cases: Sequence[Case], server: Server) -> None:
    """Send a span for each case, with one below it for each event."""
    for place in range(0, len(cases), _BODY):
        spans = [span for case in cases[place : place + _BODY] for span in _spans(case)]
        resource = {"attributes": _attributes({"service.name": "permits"})}
        body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}
        answer = httpx.post(f"{server.address}/v1/traces", json=body, timeout=300)
        assert answer.json() in ({}, {"partialSuccess": {}}), answer.text


def _spans(case: Case) -> Iterable[dict[str, Any]]:
    key = f"{zlib.crc32(case.name.encode()):08x}"
    trace, root = key * 4, key * 2
    about = {"case": case.name, "channel": case.segment}
    yield _span(trace, root, "", "permit", case.start, case.end, about)
    for place, one in enumerate(case.events, 1):
        texts = {**about, "activity": one.step, "resource": one.resource}
        yield _span(trace, f"{place:04x}{key}{place:04x}", root, one.step, one.moment, one.moment, texts)


def _span(  # noqa: PLR0917 - the order of OTLP
    trace: str, span: str, parent: str, name: str, start: datetime, end: datetime, texts: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "traceId": trace, "spanId": span, "parentSpanId": parent, "name": name, "kind": 1,
        "startTimeUnixNano": str(_micros(start) * 1000), "endTimeUnixNano": str(_micros(end) * 1000),
        "attributes": _attributes(texts),
    }  # fmt: skip


def _micros(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC"))) // timedelta(microseconds=1)


def _attributes(texts: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in texts.items()]


# --- the independent computation ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Expected:
    """The figures of some cases; None where nothing is counted."""

    n: int
    median_s: float | None
    p90_s: float | None
    touchless: float | None


def expected(cases: Sequence[Case], people: Sequence[str]) -> Expected:
    """Return the figures of cases, from their events alone."""
    took = sorted(case.seconds for case in cases)
    if not took:
        return Expected(0, None, None, None)
    alone = sum(all(one.resource not in people for one in case.events) for case in cases)
    return Expected(len(took), statistics.median(took), _quantile(took, 0.9), 100 * alone / len(took))


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def week_of(moment: datetime) -> str:
    """Return the ISO week of a moment in the business zone."""
    year, week, _ = moment.astimezone(ZoneInfo(ZONE)).isocalendar()
    return f"{year}-W{week:02}"


# --- the comparison -------------------------------------------------------------------------------------


class Comparison:
    """What was compared, and what differs."""

    def __init__(self) -> None:
        self.compared: Counter[str] = Counter()
        self.different: list[str] = []

    def check(self, about: str, way: str, found: Any, wanted: Any) -> None:
        """Compare one figure."""
        self.compared[way] += 1
        is_same = found == wanted
        if isinstance(found, (int, float)) and isinstance(wanted, (int, float)):
            is_same = abs(found - wanted) <= _CLOSE * max(1.0, abs(wanted))
        if not is_same:
            self.different.append(f"{way}, {about}: {found!r}, expected {wanted!r}")

    def figures(self, about: str, way: str, kpis: Mapping[str, Any], wanted: Expected) -> None:
        """Compare the figures of a period."""
        found = Expected(
            kpis["K20"]["n"],
            kpis["K6"]["value"],
            kpis["K6"]["details"].get("p90"),
            kpis["K1"]["value"],
        )
        self.check(f"{about}, units", way, found.n, wanted.n)
        self.check(f"{about}, units that succeeded", way, kpis["K19"]["n"], wanted.n)
        self.check(f"{about}, median", way, found.median_s, wanted.median_s)
        self.check(f"{about}, p90", way, found.p90_s, wanted.p90_s)
        self.check(f"{about}, touchless", way, found.touchless, wanted.touchless)


def asked(server: Server, path: str, **params: str) -> list[dict[str, Any]]:
    """Return the items of a list."""
    answer = httpx.get(f"{server.address}{path}", params=params, timeout=_WAIT_S)
    items: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
    return items


def by_id(server: Server, **params: str) -> dict[str, Any]:
    """Return the figures of a period by KPI."""
    return {one["id"]: one for one in asked(server, "/api/v1/kpis", **params)}


def compare_way(
    server: Server, way: str, cases: Sequence[Case], people: Sequence[str], to: Comparison
) -> None:
    """Compare one way: the whole time, each segment, each week."""
    begin = min(case.start for case in cases).astimezone(ZoneInfo(ZONE)).date()
    end = max(case.end for case in cases).astimezone(ZoneInfo(ZONE)).date() + timedelta(days=1)
    whole = {"from": begin.isoformat(), "to": end.isoformat(), "flow": way}
    kpis = by_id(server, **whole, by="segment")
    to.figures("all", way, kpis, expected(cases, people))
    segments = defaultdict(list)
    for case in cases:
        segments[case.segment].append(case)
    parts = {part["key"]: part for part in kpis["K6"]["breakdown"]}
    for name, found in segments.items():
        wanted = expected(found, people)
        to.check(f"segment {name}, units", way, parts.get(name, {}).get("n"), wanted.n)
        to.check(f"segment {name}, median", way, parts.get(name, {}).get("value"), wanted.median_s)
    weeks = defaultdict(list)
    for case in cases:
        weeks[week_of(case.end)].append(case)
    day = begin
    while day < end + timedelta(days=7):
        year, week, _ = day.isocalendar()
        name = f"{year}-W{week:02}"
        to.figures(name, way, by_id(server, week=name, flow=way, points="0"), expected(weeks[name], people))
        day += timedelta(days=7)


def compare_page(server: Server, cases: Sequence[Case], to: Comparison) -> None:
    """Compare what the page of the busiest week shows: the units of all ways, and their median."""
    weeks = Counter(week_of(case.end) for case in cases)
    name, units = weeks.most_common(1)[0]
    wanted = expected([case for case in cases if week_of(case.end) == name], ())
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(SWITCHES))
        page = started.new_page()
        page.goto(f"{server.address}/review?week={name}")
        page.wait_for_selector(SETTLED, timeout=300_000)
        shown = {kpi: page.locator(f".st-key-tile_{kpi}").inner_text(timeout=60_000) for kpi in ("K20", "K6")}
        started.close()
    numbers = [int(one.replace(",", "")) for one in re.findall(r"^[\d,]+$", shown["K20"], re.MULTILINE)]
    wanted_text = formats.duration(wanted.median_s)
    to.check(f"{name}, throughput of all ways", "page", numbers[:1], [units * len(WAYS)])
    to.check(
        f"{name}, median", "page", wanted_text if wanted_text in shown["K6"] else shown["K6"], wanted_text
    )


def is_complete(server: Server, cases: Sequence[Case]) -> bool:
    """Return whether every case and every event is stored in every way."""
    flows = {one["name"]: one for one in asked(server, "/api/v1/flows")}
    sources = {one["name"]: one for one in asked(server, "/api/v1/sources")}
    events = sum(len(case.events) for case in cases)
    return all(flows.get(way, {}).get("units") == len(cases) for way in WAYS) and all(
        sources[way]["records"] == events for way in WAYS[1:]
    )


def main(path: Path) -> int:
    """Load a log in three ways, compare, and print; return 1 where something differs."""
    cases = read(path)
    counted = Counter(one.resource for case in cases for one in case.events)
    people = [name for name, _ in counted.most_common(2)]
    to = Comparison()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = folder / "unsnag.toml"
        settings.write_text(config(folder, people), encoding="utf-8")
        server = Server(folder, settings)
        (folder / "drop").mkdir()
        serving.READY_S = _WAIT_S  # the machine may be busy
        server.start()
        try:
            send_spans(cases, server)
            write_lines(cases, folder)
            write_csv(cases, folder)
            eventually(
                lambda: is_complete(server, cases), lambda: str(asked(server, "/api/v1/flows")), _WAIT_S
            )
            for way in WAYS:
                compare_way(server, way, cases, people, to)
            compare_page(server, cases, to)
        finally:
            server.stop()
    line("cases, events", f"{len(cases):,}, {counted.total():,}")
    for way, number in to.compared.items():
        line(f"figures compared: {way}", f"{number:,}")
    line("different", f"{len(to.different):,}", "0")
    for one in itertools.islice(to.different, 20):
        print(f"  {one}")
    return 1 if to.different else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1])))
