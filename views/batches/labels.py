"""How batches are named: their acts, states, and sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cases.batches import CAUSES_OF_MANY, ItemState
from data import formats
from views.kit import labels

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cases.batches import CauseCount
    from cases.case import Money

ACTS: Final = {
    "claim": ("Claim", ":material/front_hand:"),
    "release": ("Release", ":material/undo:"),
    "retry": ("Retry", ":material/replay:"),
    "resolve": ("Resolve", ":material/task_alt:"),
    "assign": ("Assign", ":material/assignment_ind:"),
    "snooze": ("Snooze", ":material/snooze:"),
    "escalate": ("Escalate", ":material/north_east:"),
}
STATES: Final = {
    "frozen": ("Not started", "gray", ":material/ac_unit:"),
    "running": ("Running", "blue", ":material/play_arrow:"),
    "paused": ("Paused", "orange", ":material/pause:"),
    "stopped": ("Stopped", "red", ":material/block:"),
    "done": ("Done", "green", ":material/check_circle:"),
    "cancelled": ("Cancelled", "gray", ":material/cancel:"),
}
ITEMS: Final = {
    ItemState.DONE: "Done",
    ItemState.FAILED: "Failed",
    ItemState.SKIPPED: "Skipped",
    ItemState.WAITING: "Waiting",
    ItemState.LEFT_OUT: "Left out",
}


def reasons(found: Iterable[CauseCount], state: str) -> str:
    """Return why items are in a state, with how many: `2 claimed by others, 1 not safe to replay`."""
    return ", ".join(f"{one.items:,} {CAUSES_OF_MANY[one.cause]}" for one in found if one.state == state)


def sums(value: Iterable[Money]) -> str:
    """Return amounts of several currencies side by side; a dash where there is none."""
    return " · ".join(labels.amount(one) for one in value) or formats.MISSING
