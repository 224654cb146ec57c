"""Which group the id of a group stands for: itself, or the one that it is part of.

A merge says that one group (the source) is part of another (the target). The target may be part of a third: a
case is in the group at the end of that way, the root. Cases keep their fingerprint, and a case that a person
moved keeps where it was moved to, so that the end of a merge gives back exactly what it had brought.
`cases.change` puts each case that intake changes into its group.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cases.change import group_merges, root_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cases.change import GroupMerge
    from data.transaction import Tx


def rooted(merges: Iterable[GroupMerge]) -> list[GroupMerge]:
    """Return the merges, each with the group at the end of its way; none of them may lead back to itself."""
    kept = list(merges)
    targets = {merge.source: merge.target for merge in kept}
    return [replace(merge, root=_end(targets, merge.target)) for merge in kept]


def _end(targets: Mapping[str, str], group_id: str) -> str:
    while group_id in targets:
        group_id = targets[group_id]
    return group_id


def current_group(tx: Tx, group_id: str) -> str:
    """Return the group that the id of a group stands for now."""
    return root_of(group_merges(tx), group_id)
