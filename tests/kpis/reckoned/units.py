"""Figures over units: which units finished in a period, and what is counted of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl

from tests.kpis.reckoned.frames import BAD, GOOD, ID, NOT_HELD_UP, SPLIT, UNIT, Asked, Store, key

if TYPE_CHECKING:
    from datetime import datetime

STATES = ("failed", "in_flight", "completed_unproven", "success")


def moments(store: Store, asked: Asked) -> pl.DataFrame:
    """One row per unit and moment at which its state may change, with its state from then on."""
    parts = store.unit_of(store.unit, asked).select(*UNIT, "flow", "opened_at")
    signals = _judged_signals(store)
    stuck = _stuck(store)
    times = pl.concat([
        store.unit.select(*ID, time="opened_at"), signals.select(*ID, "time"),
        stuck.select(*ID, time="opened"), stuck.select(*ID, time="closed"),
    ]).filter(pl.col("time").is_not_null())  # fmt: skip
    clock = store.unit_of(times, asked).select(*UNIT, "time").unique()
    entered = clock.join(parts, on=UNIT).filter(pl.col("opened_at") <= pl.col("time"))
    states = _part_states(entered, signals, stuck)
    whole = states.group_by(*UNIT, "time").agg(pl.col("rank").min(), began=pl.col("opened_at").min())
    return whole.with_columns(
        state=pl.col("rank").replace_strict(dict(enumerate(STATES)), return_dtype=pl.String)
    )


def _stuck(store: Store) -> pl.DataFrame:
    held = pl.col("note").is_null() | ~pl.col("note").is_in(NOT_HELD_UP)
    rows = store.episode.filter(held)
    return rows.select(*ID, "opened", "verified", closed=pl.min_horizontal("closed", "verified"))


def _judged_signals(store: Store) -> pl.DataFrame:
    """Signals that end a unit; a success while an exception is open that it does not prove is none."""
    stated = store.signal.select(*ID, "time", "outcome").filter(pl.col("outcome").is_in(GOOD + BAD))
    stuck = _stuck(store)
    proofs = store.episode.filter(pl.col("verified").is_not_null())
    proofs = proofs.filter(pl.col("note").is_null() | ~pl.col("note").is_in(NOT_HELD_UP))
    stated = pl.concat([stated, proofs.select(*ID, time="verified", outcome=pl.lit("success"))])
    stated = stated.with_row_index("n")
    held = stated.join(stuck, on=ID).filter(_is_open(pl.col("time")))
    return stated.with_columns(good=pl.col("outcome").is_in(GOOD) & ~pl.col("n").is_in(held["n"].to_list()))


def _is_open(moment: pl.Expr) -> pl.Expr:
    return (pl.col("opened") <= moment) & (pl.col("closed").is_null() | (pl.col("closed") > moment))


def _part_states(entered: pl.DataFrame, signals: pl.DataFrame, stuck: pl.DataFrame) -> pl.DataFrame:
    at = entered.with_row_index("at")
    known = at.join(signals.rename({"time": "stated"}), on=ID).filter(pl.col("stated") <= pl.col("time"))
    good, stated = pl.col("good"), pl.col("stated")
    summed = known.group_by("at").agg(
        last_good=stated.filter(good).max(), last_bad=stated.filter(~good).max(),
        how=pl.col("outcome").filter(good).sort_by(stated.filter(good)).last(),
    )  # fmt: skip
    opened = at.join(stuck, on=ID).filter(_is_open(pl.col("time")))["at"].unique().to_list()
    rows = at.join(summed, on="at", how="left")
    failed = (
        pl.col("at").is_in(opened)
        | pl.col("last_good").is_null()
        | (pl.col("last_bad") > pl.col("last_good")).fill_null(value=False)
    )
    ended = pl.col("last_good").is_not_null() | pl.col("last_bad").is_not_null()
    state = pl.when(~ended).then(1).when(failed).then(0).when(pl.col("how") == "success").then(3).otherwise(2)
    return rows.with_columns(rank=state)


def finished(store: Store, asked: Asked) -> pl.DataFrame:
    """One row per period and unit that finished in it or is in flight at its end."""
    history = moments(store, asked).sort("time")
    found = []
    for number, (start, end) in enumerate(asked.periods):
        past = history.filter(pl.col("time") < end)
        turned = past.filter(pl.col("state").ne_missing(pl.col("state").shift(1).over(UNIT)))
        now = turned.group_by(UNIT, maintain_order=True).agg(
            state=pl.col("state").last(), closed_at=pl.col("time").last(), opened_at=pl.col("began").min(),
            before=pl.col("state").filter(pl.col("time") < start).last(),
        )  # fmt: skip
        now = now.with_columns(period=pl.lit(number), starts_at=pl.lit(start), ends_at=pl.lit(end))
        changed = pl.col("state").ne_missing(pl.col("before"))
        found.append(now.filter((pl.col("state") == "in_flight") | changed))
    rows = pl.concat(found).with_row_index("number")
    rows = rows.join(store.context, on=["tenant", "correlation_id"], how="left")
    first = _first_flow(store, asked)
    rows = rows.join(first, on=UNIT, how="left").with_columns(
        in_flight=pl.col("state") == "in_flight", closed=pl.col("state") != "in_flight",
        completed=pl.col("state").is_in(GOOD), succeeded=pl.col("state") == "success",
    )  # fmt: skip
    by = None if asked.by in ("class", "recovered_by", "step", "dependency") else asked.by
    return rows.with_columns(key(by))


def _first_flow(store: Store, asked: Asked) -> pl.DataFrame:
    rows = store.unit_of(store.unit, asked).sort("opened_at", "flow")
    return rows.group_by(UNIT, maintain_order=True).agg(pl.col("flow").first())


def _up_to_end(rows: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    """Join facts (a unit and a `time`) to the units whose end they do not lie behind."""
    both = rows.join(facts, on=UNIT)
    return both.filter(pl.col("closed") & (pl.col("time") <= pl.col("closed_at")))


def flagged(rows: pl.DataFrame, name: str, facts: pl.DataFrame) -> pl.DataFrame:
    """Add whether there is a fact up to the unit's end."""
    found = _up_to_end(rows, facts)["number"].unique().to_list()
    return rows.with_columns(pl.col("number").is_in(found).alias(name))


def touches(store: Store, asked: Asked) -> pl.DataFrame:
    """One row per unit and time at which a person touched it."""
    acts = store.by_people.join(store.episode.select("case_id", "episode", *ID), on=["case_id", "episode"])
    both = pl.concat([acts.select(*ID, "time"), store.human_step.select(*ID, "time")])
    return store.unit_of(both, asked).select(*UNIT, "time")


def interventions(store: Store, asked: Asked) -> pl.DataFrame:
    """Those touches that lie between the failure and the end of an exception of the unit."""
    of_case = store.unit_of(store.episode, asked).select(*UNIT, "opened", "closed")
    both = touches(store, asked).join(of_case, on=UNIT).filter(pl.col("time") >= pl.col("opened"))
    inside = both.filter(pl.col("closed").is_null() | (pl.col("time") <= pl.col("closed")))
    return inside.select(*UNIT, "time")


def errors(store: Store, asked: Asked) -> pl.DataFrame:
    """One row per unit and time of something that failed."""
    failed = store.signal.filter(pl.col("outcome").is_in(BAD))
    tried = store.attempt.filter(pl.col("outcome") == "error")
    logged = store.unit.filter(pl.col("first_error_at").is_not_null())
    both = pl.concat([
        failed.select(*ID, "time"), tried.select(*ID, time="ended_at"),
        logged.select(*ID, time="first_error_at"), store.episode.select(*ID, time="opened"),
    ])  # fmt: skip
    return store.unit_of(both, asked).select(*UNIT, "time")


Figures = dict[tuple[int, str], dict[str, Any]]


def summed(rows: pl.DataFrame, **columns: pl.Expr) -> Figures:
    """Return the columns by period and key."""
    found = rows.group_by("period", "key").agg(**columns)
    return {(row.pop("period"), row.pop("key")): row for row in found.to_dicts()}


def share(good: pl.Expr, base: pl.Expr, of: float = 100.0) -> pl.Expr:
    """Return the share of what is good among the base; null where that is empty."""
    n = base.sum()
    return pl.when(n > 0).then(of * (good & base).sum() / n)


IN_FLIGHT = pl.col("in_flight").sum()
COMPLETED, CLOSED = pl.col("completed"), pl.col("closed")


def k1(store: Store, asked: Asked) -> Figures:
    """Touchless rate."""
    rows = flagged(finished(store, asked), "touched", touches(store, asked))
    return summed(
        rows, value=share(~pl.col("touched"), COMPLETED), n=COMPLETED.sum(), in_flight=IN_FLIGHT,
        assisted=(COMPLETED & pl.col("touched")).sum(),
    )  # fmt: skip


def k6(store: Store, asked: Asked) -> Figures:
    """Median time to fulfil."""
    rows = finished(store, asked).with_columns(_seconds())
    found = summed(
        rows, value=pl.col("seconds").filter(pl.col("succeeded")).median(), n=pl.col("succeeded").sum(),
        in_flight=IN_FLIGHT, p90=pl.col("seconds").filter(pl.col("succeeded")).quantile(0.9, "linear"),
    )  # fmt: skip
    return with_open(found, rows.with_columns(counted=pl.col("succeeded")))


def _seconds() -> pl.Expr:
    end = pl.when(pl.col("in_flight")).then(pl.col("ends_at")).otherwise(pl.col("closed_at"))
    return ((end - pl.col("opened_at")).dt.total_microseconds() / 1e6).alias("seconds")


def with_open(found: Figures, rows: pl.DataFrame) -> Figures:
    """Add the Kaplan-Meier median: rows that are not counted are known to last longer than `seconds`."""
    for (period, part), figure in found.items():
        own = rows.filter((pl.col("period") == period) & (pl.col("key") == part)).sort("seconds")
        figure["median_with_open"] = _kaplan_meier(own["seconds"].to_list(), own["counted"].to_list())
    return found


def _kaplan_meier(seconds: list[float], ended: list[bool]) -> float | None:
    still = 1.0
    for moment in sorted(set(seconds)):
        at_risk = sum(one >= moment for one in seconds)
        still *= (
            1 - sum(one == moment and is_end for one, is_end in zip(seconds, ended, strict=True)) / at_risk
        )
        if still <= 0.5 + 1e-9:
            return moment
    return None


def k7(store: Store, asked: Asked) -> Figures:
    """Errors per 1,000; split by class or step, all parts share the base."""
    rows = flagged(finished(store, asked), "error", errors(store, asked))
    place = (pl.col("flow") + " / " + pl.col("step")).alias("step")
    opened = store.unit_of(store.episode, asked).select(*UNIT, "case_id", "class", place, time="opened")
    known = _up_to_end(rows.drop("flow"), opened)
    counts = known.group_by("number").agg(exceptions=pl.col("case_id").n_unique())
    rows = rows.join(counts, on="number", how="left").with_columns(pl.col("exceptions").fill_null(0))
    shares = asked.by in ("class", "step")
    if shares:
        rows = rows.with_columns(_part_of_error(store, asked, rows, known))
    base = CLOSED.sum().over("period") if shares else CLOSED.sum().over("period", "key")
    rows = rows.with_columns(base=base)
    n = pl.col("base").first()
    return summed(
        rows, value=pl.when(n > 0).then(1000.0 * (CLOSED & pl.col("error")).sum() / n), n=CLOSED.sum(),
        in_flight=IN_FLIGHT,
        exceptions_per_1000=pl.when(n > 0).then(1000.0 * pl.col("exceptions").sum() / n).otherwise(0),
    )  # fmt: skip


def _part_of_error(store: Store, asked: Asked, rows: pl.DataFrame, known: pl.DataFrame) -> pl.Series:
    """Name the class or step of the latest exception, else of the latest failed attempt."""
    by = asked.by or ""
    latest = known.sort("time", "case_id").group_by("number", maintain_order=True).agg(pl.col(by).last())
    failed = store.attempt.filter(pl.col("outcome") == "error")
    of_attempt = pl.col("error_class") if by == "class" else pl.col("flow") + " / " + pl.col("step")
    failed = failed.with_columns(tried=of_attempt).filter(pl.col("tried").is_not_null())
    tried = store.unit_of(failed, asked).select(*UNIT, "tried", "record_id", time="ended_at")
    attempts = _up_to_end(rows.drop("flow"), tried).sort("time", "record_id")
    last = attempts.group_by("number", maintain_order=True).agg(pl.col("tried").last())
    both = rows.join(latest, on="number", how="left").join(last, on="number", how="left")
    named = pl.coalesce(by, "tried", pl.lit("unknown"))
    return both.select(key=pl.when(pl.col("error")).then(named).otherwise(pl.lit("none")))["key"]


def k11(store: Store, asked: Asked) -> Figures:
    """First-time-right rate."""
    rows = flagged(finished(store, asked), "error", errors(store, asked))
    rows = flagged(rows, "touched", touches(store, asked))
    right = ~(pl.col("error") | pl.col("touched"))
    came_back = (pl.col("state") == "failed") & pl.col("before").is_in(GOOD)
    return summed(
        rows, value=share(right, COMPLETED), n=COMPLETED.sum(), in_flight=IN_FLIGHT,
        with_error=(COMPLETED & pl.col("error")).sum(), came_back=came_back.sum(),
    )  # fmt: skip


def k19(store: Store, asked: Asked) -> Figures:
    """Success rate."""
    rows = finished(store, asked)
    return summed(rows, value=share(pl.col("succeeded"), CLOSED), n=CLOSED.sum(), in_flight=IN_FLIGHT)


def k20(store: Store, asked: Asked) -> Figures:
    """Throughput, and the most units within one hour of the clock."""
    zone = ZoneInfo(asked.zone)
    rows = finished(store, asked)
    hours = [_clock_hour(moment, zone) for moment in rows["closed_at"]]
    rows = rows.with_columns(hour=pl.Series(hours, dtype=pl.String))
    in_hour = COMPLETED.sum().over("period", "key", "hour")
    rows = rows.with_columns(peak=pl.when(COMPLETED).then(in_hour).otherwise(0))
    return summed(
        rows, value=COMPLETED.sum().cast(pl.Float64), n=COMPLETED.sum(), in_flight=IN_FLIGHT,
        peak_per_hour=pl.col("peak").max(),
    )  # fmt: skip


def _clock_hour(moment: datetime, zone: ZoneInfo) -> str:
    """Name the hour on the clock; an hour that it shows twice has two offsets."""
    wall = moment.replace(tzinfo=ZoneInfo("UTC")).astimezone(zone)
    return f"{wall:%Y-%m-%d %H %z}"


def k23(store: Store, asked: Asked) -> Figures:
    """Manual intervention rate."""
    rows = flagged(finished(store, asked), "intervened", interventions(store, asked))
    return summed(rows, value=share(pl.col("intervened"), COMPLETED), n=COMPLETED.sum(), in_flight=IN_FLIGHT)


def k40(store: Store, asked: Asked) -> Figures:
    """Retry success rate."""
    tried = store.unit_of(store.retry, asked).select(*UNIT, "retry_id", time="ended_at")
    rows = flagged(finished(store, asked), "retried", tried)
    rows = flagged(rows, "people", tried.filter(pl.col("retry_id").is_not_null()))
    waiting = (
        rows.join(tried, on=UNIT).filter(pl.col("time") < pl.col("ends_at"))["number"].unique().to_list()
    )
    retried, people, good = pl.col("retried"), pl.col("people"), pl.col("succeeded")
    return summed(
        rows, value=share(good, retried), n=retried.sum(),
        in_flight=(pl.col("in_flight") & pl.col("number").is_in(waiting)).sum(),
        people=share(good, people), automatic=share(good, retried & ~people),
    )  # fmt: skip


def k43(store: Store, asked: Asked) -> Figures:
    """Audit completeness."""
    rows = finished(store, asked)
    named = store.unit_of(store.signal.filter(pl.col("part").is_not_null()), asked)
    rows = flagged(rows, "who", named.select(*UNIT, "time"))
    tried = store.unit_of(store.attempt, asked).select(*UNIT, time="ended_at")
    rows = flagged(rows, "steps", tried)
    rows = flagged(rows, "what", _carried(store, asked))
    expired = store.unit_of(store.episode.filter(pl.col("how") == "expired"), asked)
    gone = rows.join(expired.select(*UNIT, gone="closed"), on=UNIT).filter(pl.col("gone") < pl.col("ends_at"))
    questions = store.unit_of(store.case.filter(pl.col("approval_id").is_not_null()), asked)
    questions = questions.select(*UNIT, "resolution_code", "resolved_at", time="opened_at")
    asked_for = _up_to_end(rows.drop("flow"), questions)
    given = pl.col("resolution_code").str.contains("^(approved|rejected)") & (
        pl.col("resolved_at") < pl.col("ends_at")
    )
    undecided = asked_for.filter(~given.fill_null(value=False))
    number = pl.col("number")
    rows = rows.with_columns(
        why=~number.is_in(gone["number"].to_list()), approvals=~number.is_in(undecided["number"].to_list())
    )
    names = ("who", "what", "steps", "why", "approvals")
    answers = {name: (CLOSED & pl.col(name)).sum() for name in names}
    complete = pl.all_horizontal(names)
    return summed(rows, value=share(complete, CLOSED), n=CLOSED.sum(), in_flight=IN_FLIGHT, **answers)


def _carried(store: Store, asked: Asked) -> pl.DataFrame:
    """One row per unit and beginning of a flow that names its value or a field of splits."""
    valued = store.unit_of(store.unit.filter(pl.col("value_amount").is_not_null()), asked)
    named = store.unit.filter(
        pl.any_horizontal(*(pl.col(name).is_not_null() for name in SPLIT), pl.col("tenant") != "")
    )
    # A field counts for all flows of the ID, a value in its own.
    known = store.unit_of(store.unit, asked).select(*UNIT).unique()
    named = named.select("tenant", "correlation_id", time="opened_at")
    context = known.join(named, on=["tenant", "correlation_id"])
    return pl.concat([valued.select(*UNIT, time="opened_at"), context.select(*UNIT, "time")])
