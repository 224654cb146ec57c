"""What the address chooses: the period and the flow."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import streamlit as st

from data import formats
from kpis import periods
from views.kit.state import choose, preset
from views.kit.title import title

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kpis.periods import Period
    from server.context import ServerContext


PERIODS: Final = {"24h": (1, 24, "hour"), "7d": (7, 14, "six hours"), "28d": (28, 28, "day")}
"""By name in the address: days, points of a sparkline, and how the shape of work is cut."""


USUAL: Final = "7d"


FRESH_S: Final = 10
"""Figures are computed at most once in so many seconds, for all users together."""


def filters(ctx: ServerContext, flows: Sequence[str]) -> tuple[Period, str | None]:
    """Draw the title with the filters beside it, and return the chosen period and flow."""
    period = periods.last(chosen()[0], _now(ctx), ctx.settings.zone)
    with title("Business"):
        flow = _flow_filter(flows)
        _period_filter()
    st.caption(_as_of(ctx, period))
    return period, flow


def _flow_filter(flows: Sequence[str]) -> str | None:
    flow = st.query_params.get("flow")
    preset("business-flow", flow if flow in flows else None)
    st.selectbox(
        "Flow",
        flows,
        index=None,
        key="business-flow",
        placeholder="All flows",
        label_visibility="collapsed",
        width=240,
        on_change=_keep,
        args=("flow", "business-flow"),
    )
    return flow if flow in flows else None


def _period_filter() -> None:
    preset("business-period", period_name())
    st.segmented_control(
        "Period",
        list(PERIODS),
        key="business-period",
        required=True,
        label_visibility="collapsed",
        on_change=_keep,
        args=("period", "business-period"),
    )


def _keep(name: str, key: str) -> None:
    """Write the value of a filter into the address."""
    choose(name, st.session_state[key])


def period_name() -> str:
    """Return the name of the chosen period."""
    name = st.query_params.get("period", USUAL)
    return name if name in PERIODS else USUAL


def chosen() -> tuple[int, int, str]:
    """Return the chosen period: days, points of a sparkline, grain of the shape of work."""
    return PERIODS[period_name()]


def _now(ctx: ServerContext) -> datetime:
    """Return the present, a few seconds coarse, so that everyone sees the same figures."""
    now = ctx.now()
    return now - timedelta(seconds=now.timestamp() % FRESH_S)


def _as_of(ctx: ServerContext, period: Period) -> str:
    zone = ctx.settings.zone
    as_of = min(ctx.as_of() or period.end, period.end)
    return (
        f"Data as of {formats.clock(as_of, zone, period.end)} · "
        f"since {formats.clock(period.start, zone)} ({zone}) · "
        f"changes compare with the {period_name()} before"
    )


def where(ctx: ServerContext) -> str:
    """Return the cache key of a store and of the part of it that the user may see."""
    return f"{ctx.settings.data} {ctx.reading.scope}"
