"""What is read of the recorded files, beside what the programs that wrote them say that they logged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from collectors.lines import Reader
from collectors.normalise import Normaliser
from collectors.piece import Piece
from collectors.sheet import SheetForm, sheet_of
from tests.collectors.rows import logs

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDED: Final = Path(__file__).with_name("recorded")
ZONE: Final = ZoneInfo("Europe/Berlin")
"""Of the machine that the programs ran on."""
NEAR_US: Final = 2_000_000
"""A layout may write whole seconds; a wrong zone or unit is off by far more."""
ARRIVAL_US: Final = 60_000_000
COLUMNS: Final = {
    "severity": "severity",
    "message": "message",
    "logger": "logger",
    "type": "error_type",
    "failure": "exception_message",
}
FIELDS: Final = ("time", "severity", "message", "logger", "id", "type", "failure", "trace")


class Event(NamedTuple):
    """What a program says that it logged; `-` where its layout does not carry it."""

    time: str
    severity: str
    message: str
    logger: str
    id: str
    type: str
    failure: str
    trace: str


@dataclass(frozen=True, slots=True)
class Proof:
    """A recorded file."""

    name: str
    layout: str
    program: str
    """That wrote it, with its version."""
    is_csv: bool = False
    has_date: bool = True
    """Without one a line is of the newest day on which its time has passed: another one each day."""

    @property
    def log(self) -> bytes:
        """The file."""
        return (RECORDED / f"{self.name}.log").read_bytes()

    def events(self) -> list[Event]:
        """Return what the program says that it logged."""
        lines = (RECORDED / f"{self.name}.truth.tsv").read_text().splitlines()
        return [Event(*line.replace("\\n", "\n").split("\t")) for line in lines]

    def rows(self) -> list[dict[str, Any]]:
        """Return what is read, as if the file had arrived a minute after its last line."""
        return logs(self.batch())

    def batch(self) -> Normaliser:
        """Return the batch of the whole file."""
        now = max(int(event.time) for event in self.events()) + ARRIVAL_US
        n = Normaliser("proof", "jsonl", now, local_zone=ZONE)
        Reader.into(n).read(self.piece(0, len(self.log), final=True))
        return n

    def piece(self, start: int, end: int, *, final: bool) -> Piece:
        """Return a part of the file that begins and ends with lines."""
        lines = self.log.split(b"\n")
        form = SheetForm(is_sure=True)
        sheet = sheet_of(lines, None, form, is_all=True) if self.is_csv else None
        return Piece(self.log[start:end].removesuffix(b"\n").split(b"\n"), None, start, 7, final, sheet)

    def shares(self) -> dict[str, float | None]:
        """Return for each field the share of its events that have it right; None: the layout has none."""
        right: dict[str, list[bool]] = {name: [] for name in FIELDS}
        for event, row in self._matched():
            for name, value in _judged(event, row):
                right[name].append(value)
        return {name: sum(found) / len(found) if found else None for name, found in right.items()}

    def wrong(self) -> Iterator[tuple[str, Event, dict[str, Any] | None]]:
        """Yield what is not right: the field, the event and the row that was read."""
        for event, row in self._matched():
            for name, is_right in _judged(event, row):
                if not is_right:
                    yield name, event, row

    def _matched(self) -> Iterator[tuple[Event, dict[str, Any] | None]]:
        rows: dict[str, list[dict[str, Any]]] = {}
        for row in self.rows():
            rows.setdefault(row["message"], []).append(row)
        for event in self.events():
            found = rows.get(event.message)
            yield event, found.pop(0) if found else None


def _judged(event: Event, row: dict[str, Any] | None) -> Iterator[tuple[str, bool]]:
    """Yield each field that the event carries, and whether the row has it right."""
    row = row or {}
    yield "time", abs(row.get("time", 0) - int(event.time)) < NEAR_US
    for name, column in COLUMNS.items():
        if getattr(event, name) != "-":
            yield name, row.get(column) == getattr(event, name)
    if event.id != "-":
        yield "id", event.id in (row.get("correlation_id"), row.get("technical_id"))
    if event.trace != "-":
        yield "trace", bool(row) and ("stacktrace" in row) == (event.trace == "1")


PROOFS: Final = (
    Proof("slog", "logfmt", "Go 1.27 log/slog"),
    Proof("logrus", "logfmt", "logrus 1.9"),
    Proof("structlog-console", "structlog console", "structlog 26.1"),
    Proof("structlog-colours", "structlog console", "structlog 26.1, with colours"),
    Proof("structlog-rich", "structlog console", "structlog 26.1, with colours and rich tracebacks"),
    Proof(
        "log4j-pattern", "log4j and logback, thread first", "log4j 2.19, `%d [%t] %-5level %c %X - %msg%n`"
    ),
    Proof(
        "logback-basic",
        "log4j and logback, thread first",
        "logback 1.2, its default: no date",
        has_date=False,
    ),
    Proof("log4j-level-first", "log4j and logback, level first", "log4j 2.19, `%d %-5p [%t] %c:%L - %m%n`"),
    Proof("logback-spring", "Spring Boot", "logback 1.2 with Spring Boot's pattern"),
    Proof("klog", "klog and glog", "klog 2.80"),
    Proof("glog", "klog and glog", "glog"),
    Proof("monolog", "Monolog", "Monolog 2.9, its default"),
    Proof("monolog-traces", "Monolog", "Monolog 2.9, with stack traces"),
    Proof("ruby", "Ruby and Rails logger", "Ruby 3.1 Logger"),
    Proof("rails", "Ruby and Rails logger", "ActiveSupport 6.1 TaggedLogging"),
    Proof("celery", "Celery", "Celery 5.7, a worker of two threads"),
    Proof("apache", "Apache error log", "Apache 2.4, with a CGI program"),
    Proof("syslog-5424", "syslog, RFC 5424", "util-linux logger and rsyslog 8, with structured data"),
    Proof("syslog-3164", "syslog, RFC 3164", "Python's SysLogHandler and rsyslog 8"),
    Proof("syslog-file", "syslog, rsyslog's file format", "Python's SysLogHandler and rsyslog 8"),
    Proof("lambda-python", "AWS Lambda, Python", "awslambdaric, Lambda's runtime"),
    Proof("airflow", "Airflow 3 task log", "apache-airflow-task-sdk 1.3"),
    Proof("gelf", "GELF", "log4j 2.19 GelfLayout"),
    Proof("cloudwatch", "CloudWatch subscription", "awslambdaric, seven lines an event"),
    Proof("eliot", "eliot", "eliot 1.18"),
    Proof("roarr", "roarr", "roarr 7"),
    Proof("cri", "Kubernetes CRI", "conmon 2.1, as CRI-O and Podman use; lines of 8 KiB parts, two streams"),
    Proof("pino", "pino", "pino 10"),
    Proof("bunyan", "bunyan", "bunyan 2.0"),
    Proof("winston", "winston", "winston 3.19, `json` with `timestamp` and `errors`"),
    Proof("journald-json", "journald, JSON", "systemd 252"),
    Proof("csv", "CSV", "Python 3.11 csv, tracebacks in a column", is_csv=True),
    Proof("csv-semicolons", "CSV", "Python 3.11 csv, separated by semicolons", is_csv=True),
    Proof("csv-postgresql", "PostgreSQL csvlog", "PostgreSQL 15", is_csv=True),
    Proof("journald-export", "journald, export format", "systemd 252, with values of several lines"),
)
