"""Batches: how far each is, what became of its exceptions, and what was skipped and why.

`?batch=ID` is one of them; without it the page lists them.
"""

from __future__ import annotations

from datetime import UTC
from html import escape as escape_html
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import streamlit as st

from access.commands import perform
from cases import batch_queries
from cases.batch_commands import BatchCommand, CancelBatch, PauseBatch, ResumeBatch
from cases.batches import BatchNotFoundError, BatchState, ItemState
from cases.escalation import TEAM
from cases.lifecycle import CODE_NAMES
from data import formats
from data.errors import UnsnagError
from views.batches.labels import ACTS, ITEMS, STATES, reasons, sums
from views.components.live import live
from views.kit import labels
from views.kit.acting import say, show_messages
from views.kit.empty import empty
from views.kit.markdown import escape
from views.kit.person import context, page_context, who
from views.kit.state import choose, go, param, preset
from views.kit.table import table
from views.kit.title import title

if TYPE_CHECKING:
    from cases.batch_queries import BatchDetail
    from cases.batches import Batch, Item
    from server.context import ServerContext

PER_PAGE: Final = 50
_STYLE: Final = """<style>
.sum {font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
    display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: baseline; margin: 0;}
.sum a {color: inherit; text-decoration: none; display: inline-flex; flex-direction: column;
    padding: 4px 10px; border: 1px solid #80808040; border-radius: 8px; min-width: 76px;}
.sum a:hover, .sum a[aria-current] {border-color: currentColor;}
.sum b {font-size: 20px; font-weight: 600;}
.sum span {font-size: 12px; opacity: 0.8;}
</style>"""


def page() -> None:
    """Draw the page."""
    st.html(_STYLE)
    if not param("batch"):
        title("Batches")
        _list()
        return
    with title("Batch"):
        st.button(
            "All batches", key="all_batches", icon=":material/arrow_back:",
            on_click=lambda: go(batch=None, items=None, after=None),
        )  # fmt: skip
    _one()


# --- the list -----------------------------------------------------------------------------------------


@st.fragment(run_every="60s")
def _list() -> None:
    live("batch", key="live_batches")
    ctx = page_context()
    found = batch_queries.listed(
        ctx,
        author=None if param("whose") == "all" else who().name,
        states=[state for state in BatchState if state != BatchState.FROZEN],
        after=_place(),
        limit=PER_PAGE,
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        preset("whose", "all" if param("whose") == "all" else "mine")
        st.segmented_control(
            "Whose", ["mine", "all"], key="whose", label_visibility="collapsed", required=True,
            format_func={"mine": "My batches", "all": "All that I may see"}.__getitem__,
            on_change=lambda: choose("whose", "all" if st.session_state.whose == "all" else None, after=None),
        )  # fmt: skip
        st.markdown(formats.count(found.total, "batch", "batches"))
        st.space("stretch")
        _paging(batch_queries.place(found.items[-1]).text if found.has_more else None)
    if found.items:
        st.html(table(("Batch", "State", "Done", "Skipped, failed", "By"), map(_line, found.items)))
        return
    empty(
        ":material/stacks:",
        "Acts on many exceptions at once, with their progress.",
        "No batch has been started.",
        "Choose a filter or a group on the page Exceptions, then “Act on all”.",
        "[Exceptions](/)",
    )


def _place() -> batch_queries.After | None:
    """Return where the list begins; at the beginning where the address names no place."""
    try:
        return batch_queries.After.of(param("after")) if param("after") else None
    except ValueError:
        return None


def _paging(place: str | None) -> None:
    """Draw the buttons; `place` is where the next page begins, None on the last one."""
    if param("after"):
        st.button("First page", key="batch_first", on_click=lambda: go(after=None))
    if place:
        st.button("Next page", key="batch_next", on_click=lambda: go(after=place))


def _line(batch: Batch) -> list[str]:
    ctx = page_context()
    started = formats.clock(batch.started_at or batch.created_at, ctx.settings.zone, ctx.now())
    link = f'<a href="/batches?batch={batch.id}" target="_self">{escape_html(_name(batch))}</a>'
    return [
        f"{link}<small>{escape_html(', '.join(batch.flows))}</small>",
        STATES[batch.state][0],
        f"{batch.done:,} of {batch.total:,}",
        f"{batch.skipped:,}, {batch.failed:,}",
        f"{escape_html(batch.author)}<small>{started}</small>",
    ]


def _name(batch: Batch) -> str:
    return f"{ACTS[batch.act][0]} {formats.count(batch.total, 'exception')}{_terms(batch)}"


def _terms(batch: Batch) -> str:
    """Return whom a batch assigns to, or until when it snoozes, as the end of its name."""
    given, ctx = batch.given, page_context()
    if given.to:
        return f" to {'the team ' if given.kind == TEAM else ''}{given.to}"
    parts = []
    if given.until:
        until = formats.clock(given.until.replace(tzinfo=UTC), ctx.settings.zone, ctx.now())
        parts.append(f"until {until}")
    if given.more:
        parts.append(f"until {formats.count(given.more, 'more failure')}")
    return f" {' or '.join(parts)}" if parts else ""


# --- one batch ----------------------------------------------------------------------------------------


@st.fragment(run_every="60s")
def _one() -> None:
    live("batch", key="live_batch")
    # What became of its exceptions changes when they do.
    live("case", key="live_batch_cases")
    show_messages()
    ctx = page_context()
    try:
        found = batch_queries.one(ctx, param("batch"))
    except BatchNotFoundError as error:
        empty(":material/search_off:", "One batch.", escape(str(error)), "Choose one from the list.")
        return
    _head(ctx, found.batch)
    _progress(found)
    _outcome(found)
    _items(ctx, found.batch)


def _head(ctx: ServerContext, batch: Batch) -> None:
    name, color, icon = STATES[batch.state]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{escape(_name(batch))}**")
        st.badge(name, color=color, icon=icon)  # type: ignore[arg-type]
        st.space("stretch")
        _buttons(ctx, batch)
    zone, now = ctx.settings.zone, ctx.now()
    facts = [
        f"by {batch.author}",
        f"frozen {formats.clock(batch.created_at, zone, now)}",
        f"started {formats.clock(batch.started_at, zone, now)}" if batch.started_at else "not started",
        f"ended {formats.clock(batch.ended_at, zone, now)}" if batch.ended_at else "",
        f"as: {CODE_NAMES[batch.code]}" if batch.code else "",
        f"reason: {batch.reason}" if batch.reason else "",
    ]
    st.caption(escape(" · ".join(filter(None, facts))))
    if batch.why and batch.state != BatchState.DONE:
        st.warning(escape(batch.why), icon=":material/info:")


def _buttons(ctx: ServerContext, batch: Batch) -> None:
    if not ctx.may("batch.run"):
        return
    if batch.state == BatchState.RUNNING:
        _button("Pause", ":material/pause:", PauseBatch(batch.id))
    if batch.state in (BatchState.PAUSED, BatchState.STOPPED):
        is_own = batch.author == ctx.actor.name
        _button(
            "Resume", ":material/play_arrow:", ResumeBatch(batch.id),
            None if is_own else f"Only {escape(batch.author)} can resume it: its acts are theirs.",
        )  # fmt: skip
    if batch.is_started and st.button(
        f"Cancel the other {batch.waiting:,}…", key="batch_cancel", icon=":material/cancel:"
    ):
        _cancel_dialog(batch)


def _button(name: str, icon: str, command: BatchCommand, refusal: str | None = None) -> None:
    st.button(
        name, key=f"batch_{name}", icon=icon, on_click=_do, args=(command,), help=refusal,
        disabled=refusal is not None,
    )  # fmt: skip


def _do(command: BatchCommand) -> None:
    try:
        perform(command, context())
    except UnsnagError as error:
        say(escape(str(error)), ":material/warning:")


@st.dialog("Cancel the batch")
def _cancel_dialog(batch: Batch) -> None:
    st.markdown(
        f"{formats.count(batch.waiting, 'exception')} will be skipped. "
        f"{formats.count(batch.done, 'act')} that are done stay done."
    )
    if st.button(f"Cancel the other {batch.waiting:,}", type="primary", icon=":material/cancel:"):
        _do(CancelBatch(batch.id))
        st.rerun()


def _progress(found: BatchDetail) -> None:
    batch = found.batch
    finished = batch.total - batch.waiting
    share = finished / batch.total if batch.total else 1.0
    st.progress(share, text=f"{finished:,} of {batch.total:,}")
    parts = " + ".join(_figure(batch, state) for state in list(ITEMS)[:4]).replace(" + ", "<span>+</span>")
    total = _tile("Total", batch.total, {"batch": batch.id}, is_chosen=not param("items"))
    st.html(f'{_STYLE}<p class="sum">{total}<span>=</span>{parts}</p>')


def _figure(batch: Batch, state: ItemState) -> str:
    count = getattr(batch, state)
    address = {"batch": batch.id, "items": state.value}
    return _tile(ITEMS[state], count, address, is_chosen=param("items") == state)


def _tile(name: str, count: int, address: dict[str, str], *, is_chosen: bool) -> str:
    current = ' aria-current="true"' if is_chosen else ""
    href = escape_html(f"/batches?{urlencode(address)}")
    return f'<a href="{href}" target="_self"{current}><b>{count:,}</b><span>{name}</span></a>'


def _outcome(found: BatchDetail) -> None:
    batch = found.batch
    lines = []
    if found.case_states:
        now = ", ".join(
            f"{count:,} {_state_name(state).lower()}" for state, count in sorted(
                found.case_states.items(), key=lambda one: -one[1]
            )
        )  # fmt: skip
        lines.append(f"**Those that are done, now:** {now}")
    if batch.value:
        recovered = escape(sums(found.recovered)) if found.recovered else "nothing yet"
        lines.append(f"**Recovered so far:** {recovered}, of {escape(sums(batch.value))} at risk")
    why = {state: reasons(found.causes, state) for state in ItemState}
    lines += [f"**{ITEMS[state]}:** {words}" for state, words in why.items() if words]
    st.markdown("  \n".join(lines))


def _state_name(state: str | None) -> str:
    return labels.STATES[state][0] if state else "merged or withdrawn"


def _items(ctx: ServerContext, batch: Batch) -> None:
    chosen = [param("items")] if param("items") in set(ItemState) else list(ITEMS)[:4]
    after = int(param("after")) if param("after").isdecimal() else 0
    found = batch_queries.items(ctx, batch.id, states=chosen, after=after, limit=PER_PAGE)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        name = ITEMS[ItemState(chosen[0])] if param("items") else "All"
        st.markdown(f"**{name}** · {formats.count(found.total, 'exception')}")
        if batch.left_out and param("items") != ItemState.LEFT_OUT:
            st.button(
                f"Left out: {batch.left_out:,}", key="batch_left_out", type="tertiary",
                on_click=lambda: go(items=ItemState.LEFT_OUT.value, after=None),
            )  # fmt: skip
        st.space("stretch")
        _paging(str(found.items[-1].place) if found.has_more else None)
    if found.items:
        names = ("Exception", "Result", "Why", "The exception now")
        st.html(table(names, map(_item, found.items), wide=("Why",)))


def _item(item: Item) -> list[str]:
    title_ = escape_html(item.title or item.case_id)
    link = f'<a href="/?{urlencode({"case": item.case_id})}" target="_self">{title_}</a>'
    unit = " · ".join(part for part in (item.correlation_id, item.flow) if part)
    return [
        f"{link if item.case_state else title_}<small>{escape_html(unit)}</small>",
        ITEMS[ItemState(item.state)],
        escape_html(item.reason or formats.MISSING),
        _state_name(item.case_state) if item.case_state else formats.MISSING,
    ]
