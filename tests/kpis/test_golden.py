"""Golden figures: every figure of a varied store must stay what it is, to the last digit.

Run `python -m tests.kpis.test_golden` to write the expected figures again. Do that only together with a
wanted change of meaning that raises the version of the KPI.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from cases.intake import intake
from data.store import Reading, Store
from kpis import scoreboard
from kpis.definition import charts, definition, definitions
from kpis.figure import Kpi, Part
from kpis.periods import Period
from tests.app import app, local
from tests.kpis.tables import START, WEEK
from tests.kpis.varied import fill
from tests.server.team import address as served_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

pytestmark = [pytest.mark.slow]

GOLDEN: Final = Path(__file__).parent / "golden"
SCOPES: Final[dict[str, tuple[str, ...] | None]] = {
    "everything": None,
    "acme": ("acme\x1f*",),
    "orders": ("*\x1forders",),
    "pairs": ("acme\x1forders", "globex\x1freturns", "globex\x1finvoices"),
    "nothing": (),
}
PERIODS: Final = {
    "week": WEEK,
    "an hour": Period(START + timedelta(hours=50), START + timedelta(hours=51)),
    "four weeks": Period(START - timedelta(days=21), START + timedelta(days=7)),
    "summer time": Period(datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC)),
    "before it began": Period(START - timedelta(days=400), START - timedelta(days=393)),
}
_SPLIT: Final = (("everything", "week"), ("everything", "four weeks"), ("pairs", "week"))
FLOWS: Final = (None, "orders", "nobody")
SPLITS: Final = (
    "flow", "segment", "tenant", "business_unit", "class", "recovered_by", "step", "dependency", "source",
)  # fmt: skip
PAGE: Final = 15
FEWEST: Final = {"K2": 8, "K10": 2, "K25": 8, "K28": -1, "K40": 8}
MAY_BE_EMPTY: Final = {
    "median_with_open",
    "only_touched",
    "came_back",
    "recovered",
    "recovery_rate",
    "without_rate",
    "late",
    "p95",
    "median",
    "longest",
}
"""Details that are empty in the varied store; the tests of their KPIs have them."""


def _plain(value: Any) -> Any:
    """Return a figure as JSON can hold it without losing a digit."""
    if isinstance(value, Decimal):
        return f"Decimal {value}"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, scoreboard.Finished | scoreboard.StepFailures | Part):
        value = _fields(value)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def _fields(noun: Any) -> dict[str, Any]:
    """Return a noun's fields by the names that the golden files have."""
    if isinstance(noun, scoreboard.Finished):
        return {"start": noun.start, "end": noun.end, **noun.units}
    own = asdict(noun)
    return {"class" if name == "error_class" else name: value for name, value in own.items()}


def _figure(one: Kpi) -> dict[str, Any]:
    return {
        "value": one.value,
        "unit": one.unit,
        "n": one.n,
        "in_flight": one.in_flight,
        "previous": [one.previous, one.previous_n],
        "version": one.definition_version,
        "trend": [[point.value, point.n] for point in one.trend],
        "details": one.details,
    }


def figures(store: Store) -> dict[str, Any]:
    """Return every tile: value, n, the period before, the trend and the details."""
    return {
        f"{scope} / {period} / {flow}": {
            one.id: _plain(_figure(one))
            for one in scoreboard.scoreboard(
                Reading(store, SCOPES[scope]), PERIODS[period].start, PERIODS[period].end, flow, buckets=5
            )
        }
        for scope in SCOPES
        for period in PERIODS
        for flow in FLOWS
        if (period == "week" and flow is None) or (scope == "everything" and flow != "nobody")
    }


def splits(store: Store, scopes: Sequence[tuple[str, str]] = _SPLIT) -> dict[str, Any]:
    """Return the parts of every split, for pairs of a scope and a period."""
    return {
        f"{scope} / {period} / {by}": {
            kpi_id: _plain(
                scoreboard._breakdown(
                    Reading(store, SCOPES[scope]), definition(kpi_id), PERIODS[period], None, by
                )
            )
            for kpi_id in definitions()
            if by in definition(kpi_id).splits
        }
        for scope, period in scopes
        for by in SPLITS
    }


def _without_random_ids(row: dict[str, Any]) -> dict[str, Any]:
    """Leave out the id of an exception that the intake opened: it differs on each run."""
    known = str(row.get("case_id", "")).startswith(("C", "X"))
    return row if known or "case_id" not in row else {**row, "case_id": None}


def rows(store: Store) -> dict[str, Any]:
    """Return what stands behind every figure: how many rows, the keys of all, and the first in full."""
    found = {}
    for scope in ("everything", "pairs"):
        for kpi_id in [*definitions(), *charts()]:
            for only in (None, True, False):
                if only is not None and definition(kpi_id).rows != "units":
                    continue
                total, page = scoreboard.rows(
                    Reading(store, SCOPES[scope]),
                    kpi_id,
                    WEEK.start,
                    WEEK.end,
                    limit=1_000,
                    only_counted=only,
                )
                keys = [f"{row['correlation_id']} {row['flow']} {row['counted']}" for row in page]
                first = [_plain(_without_random_ids(row)) for row in page[:PAGE]]
                found[f"{scope} / {kpi_id} / {only}"] = {"total": total, "keys": keys, "first": first}
    return found


def drawn(store: Store) -> dict[str, Any]:
    """Return what the charts draw, and the flows."""
    found: dict[str, Any] = {}
    for scope, reach in SCOPES.items():
        reading = Reading(store, reach)
        for flow in FLOWS if reach is None else (None,):
            shape = scoreboard.shape_of_work(reading, WEEK.start, WEEK.end, "day", flow, zone="Asia/Kolkata")
            steps = scoreboard.failures_by_step(reading, WEEK.start, WEEK.end, flow)
            found[f"{scope} / {flow}"] = {"shape_of_work": _plain(shape), "failures_by_step": _plain(steps)}
        found[f"{scope} / flows"] = _plain(scoreboard.flows(reading))
    return found


def answers(http: httpx.Client) -> dict[str, Any]:
    """Return what REST says of the scoreboard."""
    period = {"from": WEEK.start.isoformat(), "to": WEEK.end.isoformat()}
    asked = [{}, {"flow": "returns"}, {"by": "class"}, {"by": "tenant", "flow": "orders"}]
    return {json.dumps(more): _answer(http, period | more) for more in asked}


def _answer(http: httpx.Client, params: dict[str, str]) -> dict[str, Any]:
    """Return an answer without when its data arrived: that is now."""
    answer: dict[str, Any] = http.get("/api/v1/kpis", params=params).raise_for_status().json()
    for item in answer["items"]:
        del item["data_as_of"]
    return answer


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = Store.open(tmp_path_factory.mktemp("golden"), intake)
    fill(opened)
    yield opened
    opened.close()


@pytest.mark.parametrize("part", [figures, splits, rows, drawn], ids=lambda part: part.__name__)
def test_every_figure_is_what_it_was(store: Store, part: Any) -> None:
    _compare(part(store), part.__name__)


def test_rest_answers_what_it_did(tmp_path: Path) -> None:
    with _served(tmp_path) as http:
        _compare(answers(http), "answers")


def test_the_varied_store_has_every_kind_of_figure(store: Store) -> None:
    """A golden figure that is zero or empty protects nothing."""
    reading = store.everything()
    for one in scoreboard.scoreboard(reading, WEEK.start, WEEK.end):
        assert one.n > FEWEST.get(one.id, 10), one.id
        empty = {name for name, value in one.details.items() if not value}
        assert empty <= MAY_BE_EMPTY, one.id
    four_weeks = PERIODS["four weeks"]
    assert scoreboard.kpi(reading, "K3", four_weeks).details["median_with_open"] is not None
    assert len(scoreboard.kpi(reading, "K8", WEEK).details["currencies"]) == 4
    states = store.act(lambda tx: tx.execute("select distinct state from exception_case")).result()
    assert len(states) == 7


def _compare(found: dict[str, Any], name: str) -> None:
    expected = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    assert list(found) == list(expected)
    for key, value in found.items():
        # Through JSON and back: a float keeps every digit.
        assert json.loads(json.dumps(value)) == expected[key], key


@contextmanager
def _served(folder: Path) -> Iterator[httpx.Client]:
    """Serve the plain routes over the varied store."""
    with app(local(folder)) as container:
        fill(container.store)
        with httpx.Client(base_url=served_at(), timeout=120) as http:
            yield http


def _write(name: str, found: dict[str, Any]) -> None:
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in found.items())
    (GOLDEN / f"{name}.json").write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def _write_all() -> None:
    with tempfile.TemporaryDirectory() as folder:
        opened = Store.open(folder, intake)
        fill(opened)
        for part in (figures, splits, rows, drawn):
            _write(part.__name__, part(opened))
        opened.close()
    with tempfile.TemporaryDirectory() as folder, _served(Path(folder)) as http:
        _write("answers", answers(http))


if __name__ == "__main__":
    _write_all()
