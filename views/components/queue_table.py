"""The queue table: rows keyed by case id, so that a selection survives whatever happens to the list.

Streamlit's own table selects by position; on a live list that selects other rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import streamlit as st

from cases.ordering import ASC
from views.components import source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from server.queue import QueueRequest, QueueView

_HTML: Final = """
<div class="announced" role="status"></div>
<div class="queue" tabindex="0" role="grid" aria-multiselectable="true" aria-label="Exceptions">
  <div class="head" role="row"></div>
  <div class="body"></div>
</div>
<div class="message" role="status" hidden>
  <span></span><button type="button" aria-label="Dismiss">×</button>
</div>
"""

_table: Final = st.components.v2.component(
    "unsnag_queue",
    html=_HTML,
    css=source("queue_table.css"),
    js="".join(
        map(
            source,
            (
                "formats.js",
                "queue_view.js",
                "queue_acts.js",
                "queue_row.js",
                "column_widths.js",
                "queue_table.js",
            ),
        )
    ),
)


def queue_table(
    view: QueueView,
    request: QueueRequest,
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
    on_sort: Callable[[], None],
    on_width: Callable[[], None],
    on_claimed: Callable[[], None],
    refusal: str | None,
    columns: Sequence[str] | None = None,
    widths: Mapping[str, int] | None = None,
) -> list[str]:
    """Draw the rows and return the ids that are selected; `queue_tabs` on the page keeps the rows true.

    A row is one of `server.queue.shown`; all text is shown as text.
    `me` is the holder whose claims are the reader's own.
    `claim_s` is how long a fresh claim lasts: a full ring.
    `keys` maps a key to the name of an act, sent as the trigger `act` = {name, ids}; claim and release of one
    row are performed by REST, and a claim that succeeded is sent as the trigger `claimed` = {id}.
    `refusal` is what these say where the reader has no right to claim.
    `epoch` clears the selection when it moves.
    `columns` are the names of those that are shown beside what happened; None: as the width allows.
    `widths` are those that a person changed, in pixels by name; another one is sent as the trigger `width` =
    {name, width}. On a telephone, where rows have no columns, they change nothing.
    A head that can be sorted by sends the trigger `sort` = {name}; the order is announced when it changes.
    """
    rows, order = view.listed.rows, request.order
    result = _table(
        data={
            "rows": rows,
            "query": urlencode(request.params()),
            "revision": view.revision.text,
            "refusal": refusal,
            "now": now.timestamp() * 1000,
            "me": me,
            "opened": opened,
            "narrow": narrow,
            "keys": dict(keys),
            "claimMs": claim_s * 1000,
            "epoch": epoch,
            "columns": None if columns is None else list(columns),
            "widths": dict(widths) if widths else None,
            "sort": order and {"name": order.name, "up": order.direction == ASC, "words": order.words},
        },
        key=key,
        on_selected_change=on_selected,
        on_act_change=on_act,
        on_open_change=on_open,
        on_sort_change=on_sort,
        on_width_change=on_width,
        on_claimed_change=on_claimed,
    )
    known = {row["id"] for row in rows}
    return [case_id for case_id in (result.selected or []) if case_id in known]
