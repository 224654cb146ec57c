"""Figures over routings, objectives of flows, and a baseline."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from tests.kpis.reckoned.frames import UNIT, Asked, Store, key
from tests.kpis.reckoned.units import CLOSED, COMPLETED, IN_FLIGHT, Figures, finished, share, summed

if TYPE_CHECKING:
    from datetime import datetime

AUTO = ("auto", "automated", "automatic")


def _routings(store: Store, asked: Asked) -> pl.DataFrame:
    routings = store.unit.select("tenant", "correlation_id", "flow", routings="routings").explode("routings")
    rows = routings.filter(pl.col("routings").is_not_null()).unnest("routings").sort("stated_at")
    rows = rows.with_columns(before=pl.col("mode").shift(1).over("tenant", "correlation_id", "flow"))
    return store.unit_of(rows, asked)


def k2(store: Store, asked: Asked) -> Figures:
    """Shift to automated routing, and its net share."""
    routings = _routings(store, asked)
    shifts = routings.filter((pl.col("before") == "manual") & pl.col("mode").is_in(AUTO))
    shifts = shifts.join(store.context, on=["tenant", "correlation_id"]).with_columns(key(asked.by))
    found: Figures = {}
    for number, (start, end) in enumerate(asked.periods):
        within = shifts.filter((pl.col("stated_at") >= start) & (pl.col("stated_at") < end))
        for one, rows in within.unique(UNIT).group_by("key"):
            found[number, str(one[0])] = {"n": rows.height}
    shares = _shares(store, asked, routings)
    for place in {*found, *shares}:
        n = found.get(place, {}).get("n", 0)
        routed, share_now = shares.get(place, (0, None))
        before = shares.get((place[0] + 1, place[1]), (0, None))[1]
        net = None if share_now is None or before is None else (share_now - before) * routed
        found[place] = {"value": float(n), "n": n, "in_flight": 0, "routed": routed, "net_shift": net}
    return found


def _shares(store: Store, asked: Asked, routings: pl.DataFrame) -> dict[tuple[int, str], tuple[int, float]]:
    ended = finished(store, asked).filter(CLOSED).drop("flow")
    known = ended.join(routings.select(*UNIT, "flow", "stated_at", "mode"), on=UNIT)
    known = known.filter(pl.col("stated_at") <= pl.col("closed_at")).sort("stated_at")
    last = known.group_by("number", "flow", "period", "key", maintain_order=True).agg(pl.col("mode").last())
    units = last.group_by("number", "period", "key").agg(auto=pl.col("mode").is_in(AUTO).all())
    found = units.group_by("period", "key").agg(n=pl.len(), auto=pl.col("auto").sum())
    return {(row["period"], row["key"]): (row["n"], row["auto"] / row["n"]) for row in found.to_dicts()}


def bound(rows: list[dict[str, Any]], flow: str, end: datetime, name: str) -> float | None:
    """Return the objective that held at the end of a period, of the flow or of all; else the first."""
    for scope in (flow, None):
        own = sorted((one for one in rows if one["flow"] == scope), key=lambda one: one["set_at"])
        if own:
            held = [one for one in own if one["set_at"] < end]
            return (held[-1] if held else own[0])[name]  # type: ignore[no-any-return]
    return None


def _aimed(store: Store, asked: Asked, table: str, name: str) -> pl.DataFrame:
    rows = finished(store, replace(asked, by="flow")).drop("key").with_columns(key(asked.by))
    given = store.tables.get(table, [])
    bounds = [bound(given, flow, end, name) for flow, end in rows.select("of_flow", "ends_at").rows()]
    until = pl.when(pl.col("in_flight")).then(pl.col("ends_at")).otherwise(pl.col("closed_at"))
    return rows.with_columns(
        bound=pl.Series(bounds, dtype=pl.Float64),
        seconds=(until - pl.col("opened_at")).dt.total_microseconds() / 1e6,
    )


def k14(store: Store, asked: Asked) -> Figures:
    """Service level: latency."""
    rows = _aimed(store, asked, "kpi_objective", "bound")
    has, seconds = pl.col("bound").is_not_null(), pl.col("seconds")
    counted, late = pl.col("succeeded") & has, (seconds > pl.col("bound")).fill_null(value=False)
    return summed(
        rows, value=share(~late, counted), n=counted.sum(), in_flight=(pl.col("in_flight") & has).sum(),
        overdue=(pl.col("in_flight") & late).sum(), p95=seconds.filter(counted).quantile(0.95, "linear"),
        without_objective=(pl.col("succeeded") & ~has).sum(),
    )  # fmt: skip


def k15(store: Store, asked: Asked) -> Figures:
    """Service level: failures, and the budget that is left."""
    rows = _aimed(store, asked, "kpi_target", "target")
    has, failed = pl.col("bound").is_not_null(), CLOSED & ~COMPLETED
    allowed = (pl.col("bound") / 100).filter(CLOSED).sum()
    return summed(
        rows, value=share(failed, CLOSED), n=CLOSED.sum(), in_flight=IN_FLIGHT, failed=failed.sum(),
        budget_left=pl.when(allowed > 0).then(100 - 100 * (failed & has).sum() / allowed),
        without_objective=(CLOSED & ~has).sum(),
    )  # fmt: skip


def k32(store: Store, asked: Asked) -> Figures:
    """Process-time reduction, segment by segment."""
    base = store.tables["kpi_baseline"][-1]
    both = replace(asked, periods=[*asked.periods, (base["starts_at"], base["ends_at"])])
    rows = finished(store, both).with_columns(
        pl.col("segment").fill_null("not set"),
        seconds=(pl.col("closed_at") - pl.col("opened_at")).dt.total_microseconds() / 1e6,
    )
    done = rows.filter(pl.col("succeeded")).group_by("period", "key", "segment")
    medians = done.agg(median=pl.col("seconds").median(), units=pl.len())
    before = medians.filter(pl.col("period") == len(asked.periods)).drop("period")
    now = medians.filter(pl.col("period") < len(asked.periods))
    now = now.join(before, on=["key", "segment"], suffix="_before")
    took, would = (pl.col(name) * pl.col("units") for name in ("median", "median_before"))
    weighed = now.group_by("period", "key").agg(
        value=100 - 100 * took.sum() / would.sum(), compared=pl.col("units").sum()
    )
    values = {(row["period"], row["key"]): row for row in weighed.to_dicts()}
    found = summed(rows, n=pl.col("succeeded").sum(), in_flight=IN_FLIGHT)
    return {
        place: {
            **one, "value": values.get(place, {}).get("value"),
            "compared": values.get(place, {}).get("compared", 0),
        }
        for place, one in found.items() if place[0] < len(asked.periods)
    }  # fmt: skip
