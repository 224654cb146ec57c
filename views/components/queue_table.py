"""The queue table: rows keyed by case id, so that a selection survives whatever happens to the list.

Streamlit's own table selects by position; on a live list that selects other rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from cases.ordering import ASC
from views.components import source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from cases.ordering import Order

_HTML: Final = """
<div class="announced" role="status"></div>
<div class="queue" tabindex="0" role="grid" aria-multiselectable="true" aria-label="Exceptions">
  <div class="head" role="row"></div>
  <div class="body"></div>
</div>
"""

_table: Final = st.components.v2.component(
    "unsnag_queue",
    html=_HTML,
    css=source("queue_table.css"),
    js=source("formats.js") + source("queue_table.js"),
)


def queue_table(
    rows: Sequence[Mapping[str, Any]],
    *,
    key: str,
    now: datetime,
    me: str,
    opened: str | None,
    narrow: bool,
    keys: Mapping[str, str],
    claim_s: float,
    epoch: int,
    on_act: Callable[[], None],
    on_open: Callable[[], None],
    on_selected: Callable[[], None],
    on_sort: Callable[[], None] = lambda: None,
    columns: Sequence[str] | None = None,
    order: Order | None = None,
) -> list[str]:
    """Draw the rows and return the ids that are selected.

    A row has `id, due (ms or None), warns (ms: from when little time is left), dueFor,
    wakes (ms or None: when its snooze ends), assignee, team (is it one),
    severity, class, title, where, unit, value, seen, last (ms),
    attempts, holder, lease (ms or None), state, ended (a word, or None while it is live)`; all text
    is shown as text.
    `me` is the holder whose claims are the reader's own.
    `claim_s` is how long a fresh claim lasts: a full ring.
    `keys` maps a key to the name of an act, sent as the trigger `act` = {name, ids}.
    `epoch` clears the selection when it moves.
    `columns` are the names of those that are shown beside what happened; None: as the width allows.
    A head that can be sorted by sends the trigger `sort` = {name}; `order` is announced when it changes.
    """
    result = _table(
        data={
            "rows": list(rows),
            "now": now.timestamp() * 1000,
            "me": me,
            "opened": opened,
            "narrow": narrow,
            "keys": dict(keys),
            "claimMs": claim_s * 1000,
            "epoch": epoch,
            "columns": None if columns is None else list(columns),
            "sort": order and {"name": order.name, "up": order.direction == ASC, "words": order.words},
        },
        key=key,
        on_selected_change=on_selected,
        on_act_change=on_act,
        on_open_change=on_open,
        on_sort_change=on_sort,
    )
    known = {row["id"] for row in rows}
    return [case_id for case_id in (result.selected or []) if case_id in known]
