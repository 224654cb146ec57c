"""Units of some periods, made once for all figures over units that are made together.

Thirteen figures select from the noun `unit_in_period`, and making it is most of what each of them costs.
A board makes its rows once, in a temporary table of a cursor of its own, which may spill to the disk as any
other; a macro of that cursor then answers in the place of the noun. Rows of Arrow would be shared by several
threads, but nothing limits their memory.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from data import queries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from data.store import Reading
    from data.transaction import Params
    from kpis.definition import Definition

NOUN: Final = "unit_in_period"


def is_over_units(meant: Definition) -> bool:
    """Return whether a figure is one of those that select from the noun."""
    return queries.reads(meant.statement, NOUN)


@contextmanager
def held_units(reading: Reading, params: Params) -> Iterator[Reading]:
    """Give a reading whose units of these periods (starts, ends, flow) are made once, for any split.

    It answers for these periods, or for the first ones of them, and refuses any others.
    """
    with reading.apart() as held:
        held.query("kpis/held_for", params)
        held.query("kpis/hold_units", params)
        held.query("kpis/read_held_units")
        yield held
