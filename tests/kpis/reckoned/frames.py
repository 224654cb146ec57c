"""The raw tables as polars frames, and the nouns of figures, worked out from docs/kpis.md."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tests.kpis.reckoned.world import Tables

TIME: Final = pl.Datetime("us")
ID: Final = ("tenant", "correlation_id", "flow")
UNIT: Final = ("tenant", "correlation_id", "of_flow")
SPLIT: Final = ("segment", "business_unit")
CONTEXT: Final = (*SPLIT, "customer")
NOT_HELD_UP: Final = ("needs a look", "the script went on after this error", "partial")
"""Notes of exceptions whose own signal already says how the unit ended: they hold no success up."""
GOOD: Final = ("success", "completed_unproven")
BAD: Final = ("failed", "partial", "completed_with_errors")

_TEXT = dict.fromkeys((*ID, "id", "note", "class", "step", "trace_id", "case_id"), pl.String)
SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    "unit": {
        **dict.fromkeys((*ID, *CONTEXT, "value_currency"), pl.String), "opened_at": TIME,
        "first_error_at": TIME, "human_times": pl.List(TIME), "value_amount": pl.Decimal(18, 4),
        "routings": pl.List(pl.Struct({"stated_at": TIME, "mode": pl.String})),
    },
    "unit_signal": {
        **dict.fromkeys((*ID, "trace_id", "outcome", "part"), pl.String),
        "record_id": pl.Int64, "time": TIME, "change": pl.Int64,
    },
    "exception_case": {
        **dict.fromkeys((*ID, "id", "note", "class", "step", "segment", "business_unit"), pl.String),
        **dict.fromkeys(("approval_id", "resolution_code"), pl.String),
        **dict.fromkeys(("opened_at", "resolved_at"), TIME),
        "value_amount": pl.Decimal(18, 4), "value_currency": pl.String, "triaged_at": TIME,
        "triage_due_at": TIME, "due_at": TIME, "episodes": pl.Int64,
    },
    "case_episode": {
        **dict.fromkeys(("case_id", "change", "how", "code"), pl.String), "episode": pl.Int64,
        **dict.fromkeys(("time", "recorded_at", "triaged_at", "triage_due_at", "due_at"), TIME),
    },
    "audit": {
        **dict.fromkeys(("case_id", "actor_type", "kind", "verb", "to_state", "details"), pl.String),
        "seq": pl.Int64, "time": TIME,
    },
    "attempt": {
        **dict.fromkeys(
            ("correlation_id", "flow", "step", "trace_id", "outcome", "error_class", "dependency",
             "retry_id"),
            pl.String,
        ),
        "record_id": pl.Int64, "attempt": pl.Int64, "started_at": TIME, "ended_at": TIME,
    },
    "unit_trace": dict.fromkeys((*ID, "trace_id"), pl.String),
    **{
        name: {
            **dict.fromkeys(("tenant", "flow", "source", "segment", "business_unit"), pl.String),
            **dict.fromkeys((happened, "ingested_at"), TIME),
        }
        for name, happened in (("log", "time"), ("span", "end_time"))
    },
}  # fmt: skip


def frame(tables: Tables, name: str) -> pl.DataFrame:
    """Return the columns of a table that figures read; who has no tenant has the tenant ''."""
    schema = SCHEMAS[name]
    rows = [{column: row.get(column) for column in schema} for row in tables.get(name, [])]
    found = pl.DataFrame(rows, schema=schema, orient="row")
    return found.with_columns(pl.col("tenant").fill_null("")) if "tenant" in schema else found


@dataclass(frozen=True)
class Asked:
    """What is asked of a figure: a period, the one before it, a flow and a split."""

    periods: Sequence[tuple[datetime, datetime]]
    flow: str | None = None
    by: str | None = None
    zone: str = "UTC"

    @property
    def is_by_flow(self) -> bool:
        """Return whether a unit counts in each flow that it entered."""
        return self.flow is not None or self.by == "flow"


def key(by: str | None) -> pl.Expr:
    """Return the part of a split that a row belongs to."""
    if by is None:
        return pl.lit("").alias("key")
    part = pl.col("flow") + " / " + pl.col("step") if by == "step" else pl.col(by).replace("", None)
    return part.fill_null("not set").alias("key")


class Store:
    """The frames of one store, with the nouns that several figures read."""

    def __init__(self, tables: Tables) -> None:
        self.unit, self.case, self.act = (frame(tables, one) for one in ("unit", "exception_case", "audit"))
        self.raw = {name: frame(tables, name) for name in SCHEMAS}
        self.tables = tables

    @cached_property
    def signal(self) -> pl.DataFrame:
        """One row per signal of a unit that was not withdrawn."""
        names = (*ID, "trace_id", "record_id", "time", "outcome", "part")
        grouped = self.raw["unit_signal"].group_by(names).agg(pl.col("change").sum())
        return grouped.filter(pl.col("change") > 0)

    @cached_property
    def context(self) -> pl.DataFrame:
        """One row per ID of a tenant: what any flow of it knows counts for all of its flows."""
        known = self.unit.sort("flow").group_by("tenant", "correlation_id")
        return known.agg(*(pl.col(name).drop_nulls().first() for name in CONTEXT), *_own_value())

    @cached_property
    def episode(self) -> pl.DataFrame:
        """One row per opening of an exception: opened, ended (null: open), how, and proven."""
        past = self.raw["case_episode"]
        change, time = pl.col("change"), pl.col("time")
        spans = past.group_by("case_id", "episode").agg(
            opened=time.filter(change == "opened").min(),
            opened_known=pl.col("recorded_at").filter(change == "opened").min(),
            closed=time.filter(change == "closed").max(),
            how=pl.col("how").filter(change == "closed").first(),
            code=pl.col("code").filter(change == "closed").first(),
            verified=time.filter(
                (change == "verified") | ((change == "closed") & (pl.col("how") == "recovered"))
            ).max(),
        )
        counted = self.case.filter(pl.col("note").ne_missing("closed by the script"))
        return spans.join(counted.rename({"id": "case_id"}), on="case_id")

    @cached_property
    def acts(self) -> pl.DataFrame:
        """One row per effect on an exception, with its episode, and when the next one was."""
        done = self.act.filter(pl.col("kind") == "effect").sort("seq")
        done = done.with_columns(next=pl.col("time").shift(-1).over("case_id"))
        spans = self.episode.select("case_id", "episode", "opened_known")
        within = done.join(spans, on="case_id").filter(
            (pl.col("opened_known") <= pl.col("time")) | (pl.col("episode") == 1)
        )
        return within.sort("episode").unique("seq", keep="last")

    @cached_property
    def by_people(self) -> pl.DataFrame:
        """One row per act of a person that changes what becomes of a unit."""
        changes = pl.col("verb").is_in(["retried", "edited", "decided", "fixed_outside"])
        code = pl.col("details").str.json_path_match("$.code")
        repaired = (pl.col("verb") == "resolved") & code.is_in(["fixed_upstream", "data_corrected"])
        return self.acts.filter((pl.col("actor_type") == "human") & (changes | repaired))

    @cached_property
    def human_step(self) -> pl.DataFrame:
        """One row per step of a unit that a person carried out."""
        steps = self.unit.select(*ID, time="human_times").explode("time")
        return steps.filter(pl.col("time").is_not_null())

    @cached_property
    def attempt(self) -> pl.DataFrame:
        """One row per attempt, with the tenant of its trace."""
        of_trace = self.raw["unit_trace"].unique()
        return self.raw["attempt"].join(of_trace, on=["correlation_id", "flow", "trace_id"])

    @cached_property
    def retry(self) -> pl.DataFrame:
        """One row per attempt of a step after the first, with the failure before it."""
        step = [*ID, "step"]
        rows = self.attempt.sort("ended_at", "attempt").with_columns(
            class_before=pl.col("error_class").shift(1).over(step),
            dependency_before=pl.col("dependency").shift(1).over(step),
        )
        return rows.filter(pl.col("attempt") > 1)

    def unit_of(self, rows: pl.DataFrame, asked: Asked) -> pl.DataFrame:
        """Add which unit rows belong to, and leave out other flows than the one that is asked for."""
        chosen = rows if asked.flow is None else rows.filter(pl.col("flow") == asked.flow)
        return chosen.with_columns(of_flow=pl.col("flow") if asked.is_by_flow else pl.lit(""))


def _own_value() -> list[pl.Expr]:
    has_value = pl.col("value_amount").is_not_null()
    return [pl.col(name).filter(has_value).first() for name in ("value_amount", "value_currency")]
