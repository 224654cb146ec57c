"""What Unsnag states after a replay, in the words of the table.

This is the one place of the scenarios that knows the names of tables and of REST's fields.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.scenarios.expected import ANY, NO_UNIT, RUN, SOME, TRACE, Case, Rate, Row, Unit
from tests.scenarios.records import Record, records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.scenarios.capture import Recording
    from tests.scenarios.unsnag_server import UnsnagServer

_RUN_NAMES = (
    "unsnag.run_id", "cicd.pipeline.run.id", "prefect.flow-run.id", "prefect.run.id", "flow_run_id",
)  # fmt: skip
_GENERATED = re.compile(r".+-\d{8}T\d{6}Z-[0-9a-f]{4}")
"""What `unsnag run` calls a unit for which the business has no name."""
_PERIOD = timedelta(days=1000)


@dataclass(frozen=True)
class Seen:
    """Everything that a row compares."""

    units: Counter[Unit]
    cases: tuple[dict[str, Any], ...]
    groups: int
    k1: Rate
    k9: str
    k19: Rate


@dataclass(frozen=True)
class Names:
    """Which IDs of the recording are traces, and which are runs."""

    traces: frozenset[str]
    runs: frozenset[str]

    @classmethod
    def of(cls, recording: Recording) -> Names:
        """Read them from what was recorded."""
        found = records(recording.requests)
        runs = (
            str(record.attributes[name])
            for record in found
            for name in _RUN_NAMES
            if name in record.attributes
        )
        return cls(frozenset(record.trace_id for record in found if record.trace_id), frozenset(runs))

    @classmethod
    def stored_in(cls, server: UnsnagServer, row: Row) -> Names:
        """Read them from the store, where programs sent to it themselves; a run of the row keeps its name."""
        ids = "select distinct trace_id, run_id from span union select distinct trace_id, run_id from log"
        rows = server.store.act(lambda tx: tx.execute(ids)).result()
        traces, runs = ({row[name] for row in rows if row[name]} for name in ("trace_id", "run_id"))
        return cls(frozenset(traces), frozenset(runs - {unit.key for unit in row.units}))

    def label(self, key: str | None) -> str:
        """Return a unit's key as the table writes it."""
        if not key:
            return NO_UNIT
        if key in self.traces:
            return TRACE
        return RUN if key in self.runs or _GENERATED.fullmatch(key) else key


def seen(server: UnsnagServer, names: Names) -> Seen:
    """Read units, cases and figures."""
    cases = [_case(server, one, names) for one in server.get("/api/v1/cases", limit=1000)["items"]]
    figures = _figures(server)
    return Seen(
        units=Counter(_unit(row, names) for row in _unit_rows(server)),
        cases=tuple(cases),
        groups=len({case["group"] for case in cases}),
        k1=_rate(figures["K1"]),
        k9=f"{figures['K9']['value'] or 0:g}",
        k19=_rate(figures["K19"]),
    )


def _unit_rows(server: UnsnagServer) -> list[dict[str, Any]]:
    return server.store.act(lambda tx: tx.execute("select * from unit")).result()


def _unit(row: dict[str, Any], names: Names) -> Unit:
    return Unit(names.label(row["correlation_id"]), row["flow"], _outcome(row), row["tenant"] or "")


def _outcome(row: dict[str, Any]) -> str:
    """Return the unit's outcome; a store that has no such column yet says it by two times."""
    if "outcome" in row:
        return str(row["outcome"])
    completed, failed = row["completed_at"], row["failed_at"]
    if completed and (failed is None or completed >= failed):
        return "success"
    return "failed" if failed else "in_flight"


def _case(server: UnsnagServer, listed: dict[str, Any], names: Names) -> dict[str, Any]:
    case = server.get(f"/api/v1/cases/{listed['id']}")
    key = case["correlation_id"]
    money = case["value"]
    return {
        "unit": NO_UNIT if key == case["fingerprint"] else names.label(key),
        "flow": case["flow"],
        "step": case["step"],
        "state": case["state"],
        "occurrences": case["occurrences"],
        "affected": frozenset(_service(one) for one in case.get("affected") or ()),
        "tenant": case["tenant"] or "",
        "title": f"{case['title']} / {case['message']}",
        "says": _words(case),
        "severity": case["severity"],
        "value": f"{money['amount']} {money['currency']}" if money else None,
        "group": case["group"],
        "first_seen": case["first_seen"],
    }


def _words(case: dict[str, Any]) -> str:
    """Return everything that the case says of itself in words, its acts and its stack trace left out."""
    return json.dumps({name: value for name, value in case.items() if name not in ("acts", "stacktrace")})


def _service(affected: Any) -> str:
    return affected if isinstance(affected, str) else str(affected.get("service") or affected.get("step"))


def _figures(server: UnsnagServer) -> dict[str, dict[str, Any]]:
    now = datetime.now(UTC)
    period = {"from": (now - _PERIOD).isoformat(), "to": (now + timedelta(minutes=10)).isoformat()}
    return {one["id"]: one for one in server.get("/api/v1/kpis", **period)["items"]}


def _rate(figure: dict[str, Any]) -> Rate:
    value = figure["value"]
    return Rate(None if value is None or not figure["n"] else round(value, 1), figure["n"])


# --- comparing -----------------------------------------------------------------------------------


def differences(found: Seen, row: Row) -> list[str]:
    """Return what differs from the row, one sentence each; empty when all is as it must be."""
    wanted = Counter(row.units)
    told = [f"unit missing: {unit} × {n}" for unit, n in (wanted - found.units).items()]
    told += [f"unit too many: {unit} × {n}" for unit, n in (found.units - wanted).items()]
    told += _of_cases(found.cases, row.cases)
    if row.groups is not None and found.groups != row.groups:
        told.append(f"groups: {found.groups}, expected {row.groups}")
    pairs = (("K1", found.k1, row.k1), ("K9", found.k9, row.k9), ("K19", found.k19, row.k19))
    return told + [f"{name}: {got}, expected {want}" for name, got, want in pairs if got != want]


def _of_cases(found: Sequence[dict[str, Any]], wanted: Sequence[Case]) -> list[str]:
    left, told = list(found), []
    for case in wanted:
        match = next((one for one in left if not _odd(one, case)), None)
        if match is not None:
            left.remove(match)
        else:
            near = min(left, key=lambda one: len(_odd(one, case)), default=None)
            why = "" if near is None else f"; the nearest differs in {', '.join(_odd(near, case))}"
            told.append(f"case missing: {case}{why}")
    return told + [f"case too many: {_short(one)}" for one in left]


def _odd(one: dict[str, Any], case: Case) -> list[str]:
    """Return in what a seen case differs from an expected one."""
    names = ("unit", "flow", "step", "state", "occurrences", "tenant", "severity", "value")
    odd = [
        f"{name}={one[name]!r}"
        for name in names
        if getattr(case, name) != ANY and one[name] != getattr(case, name)
    ]
    if case.says.lower() not in one["says"].lower():
        odd.append(f"title={one['title']!r}")
    return odd if _fits(one["affected"], case.affected) else [*odd, f"affected={set(one['affected'])!r}"]


def _fits(affected: frozenset[str], wanted: frozenset[str] | str) -> bool:
    return wanted == ANY or (bool(affected) if wanted == SOME else affected == wanted)


def _short(one: dict[str, Any]) -> str:
    names = ("unit", "flow", "step", "state", "occurrences", "tenant", "title")
    return ", ".join(f"{name}={one[name]!r}" for name in names)


# --- looking up ----------------------------------------------------------------------------------


def recorded_in(recording: Recording) -> list[Record]:
    """Return every record of the requests, and every JSON line of the files that are no spans."""
    files = [*recording.files, *recording.spool]
    lines = (json.loads(line) for file in files for line in file.read_text().splitlines())
    logs = [_of_line(line) for line in lines if "resourceSpans" not in line]
    return records(recording.requests) + logs


def _of_line(line: dict[str, Any]) -> Record:
    name = str(line.get("message", line.get("event")))
    return Record(False, name, line.get("trace_id", ""), line.get("span_id", ""), "", 0, False, line)  # noqa: FBT003 - a record as it is read


def missing_from_look_up(server: UnsnagServer, known_id: str, found: Sequence[Record]) -> list[str]:
    """Return the recorded spans and log records that carry an ID and that its look-up does not return."""
    answer = server.http.get(f"/api/v1/units/{known_id}")
    if answer.status_code != 200:
        return [f"look-up of {known_id}: {answer.status_code}"]
    unit = answer.json()
    spans = {span["span_id"] for span in unit["spans"]}
    logs = Counter((log["trace_id"] or "", log["message"]) for log in unit["logs"])
    carrying = [record for record in found if record.carries(known_id)]
    wanted = Counter((record.trace_id, record.name) for record in carrying if not record.is_span)
    lost = [f"span {one.name}" for one in carrying if one.is_span and one.span_id not in spans]
    return lost + [f"log {name} × {n}" for (_, name), n in (wanted - logs).items()]


def missing_from_search(server: UnsnagServer, known_id: str) -> list[str]:
    """Return why a search for an ID fails, in its own case and in the other."""
    texts = (known_id, known_id.lower(), known_id.upper())
    hits = {text: server.get("/api/v1/search", q=text)["items"] for text in texts}
    return [
        f"search for {text!r} does not find it"
        for text, items in hits.items()
        if known_id not in {item["id"] for item in items}
    ]


def missing_from_traces(server: UnsnagServer, found: Sequence[Record]) -> list[str]:
    """Return the recorded spans and log records that the look-up of their trace does not return.

    A span that two pipelines exported, ours and the SDK's, is one span.
    """
    told = []
    for trace_id in sorted({record.trace_id for record in found if record.trace_id}):
        own = [record for record in found if record.trace_id == trace_id]
        answer = server.get(f"/api/v1/traces/{trace_id}")
        spans = {span["span_id"] for span in answer["spans"]}
        logs = Counter(log["message"] for log in answer["logs"])
        lost = Counter(record.name for record in own if not record.is_span) - logs
        told += [
            f"trace {trace_id}: span {one.name}" for one in own if one.is_span and one.span_id not in spans
        ]
        told += [f"trace {trace_id}: log {name} × {n}" for name, n in lost.items()]
    return told
