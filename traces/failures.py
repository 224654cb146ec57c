"""Which records describe one failure, and which failures were only attempts (semantics 2 and 3).

`resolve` is a function of the *set* of records of one trace, so no order of arrival can matter:

1. Every failed span that no failed span inside it explains is where something went wrong: an anchor.
2. Anchors of one unit with the same service and name, none above the other, are tries of one failure.
3. An error log belongs to the anchor in, below or above its span, or with the same exception.
4. What is left is a failure that only log records describe.
5. A failure that the code around it handled, or that a later try made good, is an attempt.
6. The unit blocks of our client decide what their own errors meant.
7. A block that never ended is lost when its command was seen to die, or when its last sign of life is silent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from traces.grouping import groups_of
from traces.judgement import judge
from traces.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from traces.outcome import Resolution
    from traces.record import Record


def resolve(
    records: Iterable[Record],
    linked: Mapping[str, frozenset[str]] | None = None,
    opened: Container[int] = (),
    silent: Container[int] = (),
) -> tuple[Tree, Resolution]:
    """Return the tree of one trace's records, and what they say: failures and signals.

    `opened` are the anchors of failures that waited for their unit root long enough. `silent` are signs of
    life (`grouping.SIGNS_OF_LIFE`) that were the last of their block for too long: what time alone shows.
    """
    tree = Tree(records, linked)
    return tree, judge(tree, groups_of(tree, silent), opened)


class Everything:
    """Holds everything: nothing waits any more."""

    def __contains__(self, _: object) -> bool:
        """Return True."""
        return True
