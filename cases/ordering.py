"""The order of a list of cases, as an address or a request writes it: `value`, `value.desc`, `value.asc`.

What is equal by it stays in the order of urgency, which a list has without any: breached first, then due
soonest, then by value. The last words are times and what the case is about, so a list has one order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from cases.case import SEVERITIES
from cases.errors import InvalidActError

ASC, DESC = "asc", "desc"
_DIRECTIONS: Final = {ASC: 1, DESC: -1}


class Key(NamedTuple):
    """What a list can be ordered by: its name, and how each direction is called."""

    label: str
    natural: str
    asc: str
    desc: str


KEYS: Final = {
    "due": Key("due time", ASC, "soonest first", "latest first"),
    "value": Key("value at risk", DESC, "smallest first", "largest first"),
    "age": Key("age", DESC, "newest first", "oldest first"),
    "severity": Key("severity", DESC, "least severe first", "most severe first"),
    "seen": Key("number of failures", DESC, "fewest first", "most first"),
    "last": Key("last failure", DESC, "earliest first", "latest first"),
    "attempts": Key("attempts", DESC, "fewest first", "most first"),
    "unit": Key("unit", ASC, "A to Z", "Z to A"),
}
"""By name; the statement `cases/cases` has the values. What has none comes last in either direction."""
PATTERN: Final = rf"^({'|'.join(KEYS)})(\.({ASC}|{DESC}))?$"


@dataclass(frozen=True, slots=True)
class Order:
    """By what a list is ordered, and in which direction."""

    name: str
    direction: str

    @classmethod
    def of(cls, text: str | None) -> Order | None:
        """Return the order that a text names; None for none.

        Raises:
            InvalidActError: there is no such order.
        """
        if not text:
            return None
        name, _, direction = text.partition(".")
        if name not in KEYS or direction not in ("", *_DIRECTIONS):
            raise InvalidActError(f"Choose one of {', '.join(KEYS)} to sort by, with .asc or .desc.")
        return cls(name, direction or KEYS[name].natural)

    @property
    def text(self) -> str:
        """The order as an address writes it."""
        return self.name if self.direction == KEYS[self.name].natural else f"{self.name}.{self.direction}"

    @property
    def turned(self) -> Order:
        """The order in the other direction."""
        return Order(self.name, ASC if self.direction == DESC else DESC)

    @property
    def words(self) -> str:
        """The order as people say it: `value at risk, largest first`."""
        key = KEYS[self.name]
        return f"{key.label}, {key.asc if self.direction == ASC else key.desc}"


def params(order: Order | None) -> dict[str, Any]:
    """Return the order as parameters of the statement."""
    return {
        "sort": order and order.name,
        "direction": _DIRECTIONS[order.direction] if order else 1,
        "severities": SEVERITIES[::-1],
    }
