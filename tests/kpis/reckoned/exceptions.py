"""Figures over exceptions and people's work on them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import polars as pl

from tests.kpis.reckoned.frames import Asked, Store, key
from tests.kpis.reckoned.units import Figures, share, summed, with_open

if TYPE_CHECKING:
    from datetime import datetime

CLAIMS: Final = ("claimed", "retried", "edited", "decided", "fixed_outside", "resolved")
IDLE: Final = timedelta(minutes=10)
BANDS: Final = (("under_1h", 1), ("from_1h_to_4h", 4), ("from_4h_to_24h", 24), ("from_1d_to_7d", 168))
OPENED, CLOSED = pl.col("opened"), pl.col("closed")


def _episodes(store: Store, asked: Asked) -> pl.DataFrame:
    rows = store.unit_of(store.episode, asked)
    return rows.with_columns(key(asked.by if asked.by != "recovered_by" else None))


def _each(rows: pl.DataFrame, asked: Asked) -> pl.DataFrame:
    """One row per period and row."""
    edges = pl.DataFrame(
        {
            "period": range(len(asked.periods)),
            "starts": [a for a, _ in asked.periods],
            "ends": [b for _, b in asked.periods],
        }
    )
    return rows.join(edges, how="cross").with_columns(
        pl.col("starts", "ends").cast(pl.Datetime("us")),
    )


def _in_period(moment: pl.Expr) -> pl.Expr:
    return ((moment >= pl.col("starts")) & (moment < pl.col("ends"))).fill_null(value=False)


def _from(moment: pl.Expr, edge: str = "ends") -> pl.Expr:
    """Whether something has not happened before an edge."""
    return moment.is_null() | (moment >= pl.col(edge))


def _age(until: pl.Expr) -> pl.Expr:
    return ((until - OPENED).dt.total_microseconds() / 1e6).alias("seconds")


STILL: Final = (pl.col("ends") > OPENED) & _from(CLOSED)


def _times(rows: pl.DataFrame) -> Figures:
    counted = pl.col("counted")
    seconds = pl.col("seconds").filter(counted)
    found = summed(
        rows, value=seconds.median(), n=counted.sum(), in_flight=pl.col("in_flight").sum(),
        p90=seconds.quantile(0.9, "linear"),
    )  # fmt: skip
    return with_open(found, rows)


def k3(store: Store, asked: Asked) -> Figures:
    """Median time to resolve."""
    rows = _each(_episodes(store, asked), asked).with_columns(in_flight=STILL, ended=_in_period(CLOSED))
    rows = rows.filter(pl.col("in_flight") | pl.col("ended")).with_columns(
        _age(pl.min_horizontal("closed", "ends")), counted=pl.col("ended") & (pl.col("how") != "expired")
    )
    return _times(rows)


def _claims(store: Store, rows: pl.DataFrame) -> pl.DataFrame:
    by_people = (pl.col("actor_type") == "human") & pl.col("verb").is_in(CLAIMS)
    first = store.acts.filter(by_people).group_by("case_id", "episode").agg(claimed=pl.col("time").min())
    return rows.join(first, on=["case_id", "episode"], how="left")


def k4(store: Store, asked: Asked) -> Figures:
    """Median time to claim."""
    rows = _each(_claims(store, _episodes(store, asked)), asked).filter(pl.col("ends") > OPENED)
    claimed = pl.col("claimed")
    rows = rows.with_columns(counted=_in_period(claimed), in_flight=_from(claimed) & _from(CLOSED))
    # those that nobody took up: open at the end of the period, or ended in it by themselves
    alone = _from(claimed) & _from(CLOSED, "starts")
    rows = rows.filter(pl.col("counted") | alone)
    until = pl.when(pl.col("counted")).then(claimed).otherwise(pl.min_horizontal("closed", "ends"))
    return _times(rows.with_columns(_age(until)))


def k12(store: Store, asked: Asked) -> Figures:
    """Escalation rate."""
    rows = _each(_episodes(store, asked), asked).filter(_in_period(OPENED)).with_row_index("number")
    raised = store.acts.filter(pl.col("verb") == "escalated").select(
        "case_id", "episode", "time", "actor_type"
    )
    done = rows.join(raised, on=["case_id", "episode"]).filter(pl.col("time") < pl.col("ends"))
    by_time = done.filter(pl.col("actor_type") == "system")["number"].to_list()
    by_people = done.filter(pl.col("actor_type") == "human")["number"].to_list()
    number = pl.col("number")
    rows = rows.with_columns(escalated=number.is_in(done["number"].to_list()), still=_from(CLOSED))
    return summed(
        rows, value=share(pl.col("escalated"), number.is_not_null()),
        n=pl.len(), in_flight=(pl.col("still") & ~pl.col("escalated")).sum(),
        by_time=number.is_in(by_time).sum(), by_people=number.is_in(by_people).sum(),
    )  # fmt: skip


def band(opened: datetime, moment: datetime) -> str:
    """Name the band of an age."""
    hours = (moment - opened) / timedelta(hours=1)
    return next((name for name, limit in BANDS if hours < limit), "over_7d")


def k16(store: Store, asked: Asked) -> Figures:
    """Open backlog."""
    rows = _each(_episodes(store, asked), asked).with_columns(still=STILL, ended=_in_period(CLOSED))
    expired, still = pl.col("how").eq_missing("expired"), pl.col("still")
    lately = (pl.col("ends") - pl.duration(days=28) <= CLOSED) & (pl.col("ends") > CLOSED)
    bands = [
        band(opened, end) if is_open else ""
        for opened, end, is_open in rows.select("opened", "ends", "still").rows()
    ]
    rows = rows.with_columns(age=pl.Series(bands, dtype=pl.String))
    left = (lately.fill_null(value=False) & ~expired).sum()
    found = summed(
        rows, value=still.sum().cast(pl.Float64), n=still.sum(), in_flight=pl.lit(0),
        inflow=_in_period(OPENED).sum(), outflow=(pl.col("ended") & ~expired).sum(),
        expired=(pl.col("ended") & expired).sum(),
        backlog_days=pl.when(left > 0).then(still.sum() * 28.0 / left),
        **{name: (pl.col("age") == name).sum() for name in (*(name for name, _ in BANDS), "over_7d")},
    )  # fmt: skip
    return {place: one for place, one in found.items() if asked.by is None or one["n"]}


def k17(store: Store, asked: Asked) -> Figures:
    """Triage within its due time, and the end within its own."""
    closing = store.raw["case_episode"].filter(pl.col("change") == "closed")
    names = ("triaged_at", "triage_due_at", "due_at")
    of_past = closing.select("case_id", "episode", *names)
    of_now = store.case.select("episodes", *names, case_id="id").rename({"episodes": "episode"})
    now = of_now.join(of_past, on=["case_id", "episode"], how="anti").select(of_past.columns)
    rows = _each(
        _episodes(store, asked).drop(names).join(pl.concat([of_past, now]), on=["case_id", "episode"]), asked
    )
    due, taken, how = pl.col("triage_due_at"), pl.col("triaged_at"), pl.col("how")
    rows = rows.filter(due.is_not_null())
    in_time = (taken <= due).fill_null(value=False)
    alone = ~in_time & (due >= CLOSED).fill_null(value=False)
    is_due = _in_period(due) & ~alone
    ended = pl.when(how.ne_missing("expired")).then(CLOSED)
    ended_in_time = (ended <= pl.col("due_at")).fill_null(value=False)
    waits = (due >= pl.col("ends")) & _from(taken) & STILL
    end_due = _in_period(pl.col("due_at"))
    return summed(
        rows, value=share(in_time, is_due), n=is_due.sum(), in_flight=waits.sum(),
        resolved=share(ended_in_time, end_due), resolved_n=end_due.sum(),
    )  # fmt: skip


def _work(store: Store, rows: pl.DataFrame) -> pl.DataFrame:
    """One row per stretch of a person's work."""
    acts = store.acts.filter((pl.col("actor_type") == "human") & (pl.col("to_state") == "claimed"))
    stretches = acts.select(
        "case_id", "episode", began="time", until=pl.min_horizontal(pl.col("next"), pl.col("time") + IDLE)
    )
    return rows.join(stretches, on=["case_id", "episode"])


def k18(store: Store, asked: Asked) -> Figures:
    """Handling time."""
    rows = _each(_work(store, _episodes(store, asked)), asked)
    rows = rows.with_columns(counted=_in_period(CLOSED), in_flight=STILL)
    rows = rows.filter((pl.col("counted") | pl.col("in_flight")) & (pl.col("began") < pl.col("ends")))
    spent = (pl.min_horizontal("until", "ends") - pl.col("began")).dt.total_microseconds() / 1e6
    each = rows.group_by("period", "key", "case_id", "episode", "counted", "in_flight").agg(
        seconds=spent.sum()
    )
    seconds = pl.col("seconds").filter(pl.col("counted"))
    return summed(
        each, value=seconds.median(), n=pl.col("counted").sum(), in_flight=pl.col("in_flight").sum(),
        p90=seconds.quantile(0.9, "linear"),
    )  # fmt: skip


def k22(store: Store, asked: Asked) -> Figures:
    """Manual intervention time."""
    rows = _each(_work(store, _episodes(store, asked)), asked)
    rows = rows.filter((pl.col("began") < pl.col("ends")) & (pl.col("until") > pl.col("starts")))
    spent = pl.min_horizontal("until", "ends") - pl.max_horizontal("began", "starts")
    rows = rows.with_columns(seconds=spent.dt.total_microseconds() / 1e6)
    return summed(
        rows,
        value=pl.col("seconds").sum(),
        n=pl.col("case_id").n_unique(),
        in_flight=pl.lit(0),
        stretches=pl.len(),
    )


def k5(store: Store, asked: Asked) -> Figures:
    """Retries."""
    rows = store.unit_of(store.retry, asked).join(
        store.context.select("tenant", "correlation_id", "segment", "business_unit"),
        on=["tenant", "correlation_id"],
    )
    rows = rows.with_columns(
        depends=pl.coalesce("dependency", "dependency_before"),
        failed_by=pl.coalesce("error_class", "class_before", pl.lit("unknown")),
    )
    by = {"dependency": "depends", "class": "failed_by"}.get(asked.by or "", asked.by)
    rows = _each(rows.with_columns(key(by)), asked).filter(_in_period(pl.col("ended_at")))
    took = (pl.col("ended_at") - pl.col("started_at")).dt.total_microseconds() / 1e6
    return summed(
        rows, value=pl.len().cast(pl.Float64), n=pl.len(), in_flight=pl.lit(0),
        by_people=pl.col("retry_id").is_not_null().sum(), total_seconds=took.sum(),
        wasted=pl.col("class_before").eq_missing("business").sum(),
    )  # fmt: skip
