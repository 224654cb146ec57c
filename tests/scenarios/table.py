"""The expected results, taken by hand from semantics.md sections 1 to 4. Never from what a server printed."""

from __future__ import annotations

from tests.scenarios import plays
from tests.scenarios.expected import TRACE, Case, Rate, Row, Unit

ONE_FAILED = Rate(0.0, 1)

WEB = (
    Row(
        name="flask: one failing request, no mapping",
        section="2",
        play=plays.flask("/ship/SO-7", "/orders/SO-8"),
        units=(Unit(TRACE, "shop", "failed"), Unit(TRACE, "shop", "ended")),
        cases=(Case(TRACE, "shop", "/ship/<order_id>", says="connection"),),
        k19=ONE_FAILED,
        unknown=("SO-99",),
        live=True,
    ),
)

ROWS: tuple[Row, ...] = (*WEB,)
