"""The waterfall: spans by parent over one time axis, idle gaps folded, logs as dots on their span.

`views.trace.bars.waterfall` makes its rows. What is folded and where one
has scrolled to stays in the browser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from views.components import source

if TYPE_CHECKING:
    from collections.abc import Callable

    from views.trace.bars import Chart

_HTML: Final = """
<div class="waterfall" tabindex="0" role="tree" aria-label="Waterfall of spans">
  <div class="head" role="presentation">
    <span class="name">Span</span><div class="axis"></div><span class="took">Time</span>
  </div>
  <div class="body" role="presentation"><div class="under" role="presentation"></div></div>
</div>
"""

_waterfall: Final = st.components.v2.component(
    "unsnag_waterfall",
    html=_HTML,
    css=source("waterfall.css"),
    js=source("formats.js") + source("waterfall.js"),
)


def waterfall(chart: Chart, *, key: str, selected: str | None, on_select: Callable[[], None]) -> None:
    """Draw the rows.

    `selected` is the id of a span or a log, as the address says it.
    A choice in the browser arrives as the state `selected`, and calls `on_select`.
    """
    _waterfall(data={**chart.data(), "selected": selected}, key=key, on_selected_change=on_select)
