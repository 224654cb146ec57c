"""What senders and tenants have used of their quotas today, for the page Collectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from data import formats

if TYPE_CHECKING:
    from collectors.quotas import QuotaUse
    from server.context import ServerContext


def section(ctx: ServerContext) -> None:
    """Draw a line for each sender and tenant that brought something today; nothing where no quota is set."""
    if not ctx.container.quotas.is_set:
        return
    st.subheader("Quotas of today", anchor=False)
    found = ctx.quota_uses()
    if not found:
        st.caption("Nothing has arrived today (UTC) that counts against a quota you may see.")
        return
    st.caption(
        "Days are of UTC. A refused request is kept by its sender, which sends it again; files wait unread."
    )
    st.dataframe([_row(one) for one in found], hide_index=True, width="stretch")


def _row(one: QuotaUse) -> dict[str, Any]:
    return {
        "Sender or tenant": one.name,
        "Kind": one.kind,
        "State": "used up" if one.is_used_up else "within its quota",
        "Records": _of(f"{one.records:,}", f"{one.max_records:,}" if one.max_records else None),
        "Size": _of(formats.size(one.bytes), formats.size(one.max_bytes) if one.max_bytes else None),
        "Refused requests": f"{one.refused_requests:,}",
        "Refused records": f"{one.refused_records:,}",
    }


def _of(used: str, limit: str | None) -> str:
    return f"{used} of {limit}" if limit else used
