"""Which failure of a trace another one comes from: a service that was called failed, and its caller with it.

Evidence is the way between the two: the spans from the failed call inside the caller down to the place
where the other service failed, each of them failed. Where a span on the way ended without an error, the
failure was handled; where several calls failed, nothing says which of them it was. Neither is a cause.
That two things failed at the same time is no evidence.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from traces.grouping import SAME_FAILURE_US

if TYPE_CHECKING:
    from collections.abc import Sequence

    from traces.grouping import Group
    from traces.outcome import Failure
    from traces.record import Record
    from traces.tree import Tree

    Pair = tuple[Group, Failure]

_SKEW_US: Final = 2_000_000
"""Up to so much the clocks of two hosts may differ."""


def with_causes(tree: Tree, kept: list[Pair]) -> list[Pair]:
    """Return the failures of a trace, each with the one that it comes from where the trace shows it."""
    if len({group.anchor.service for group, _ in kept}) == 1:
        return kept
    called = {
        failure.anchor: {
            other.anchor
            for its, other in kept
            if other is not failure and _is_cause(tree, its, other, group, failure)
        }
        for group, failure in kept
    }
    return [(group, replace(failure, cause=_root(called, failure.anchor))) for group, failure in kept]


def _root(called: dict[int, set[int]], anchor: int) -> int | None:
    """Return the only one of the failures below that has none below itself."""
    roots = [below for below in called[anchor] if not called[below]]
    return roots[0] if len(roots) == 1 else None


def _is_cause(tree: Tree, its: Group, other: Failure, group: Group, failure: Failure) -> bool:
    """Return whether `other` failed in a call that `failure` waited for, with only failed spans between.

    Args:
        tree: The trace.
        its: What describes `other`.
        other: The failure that may be the cause.
        group: What describes `failure`.
        failure: The failure that may come from it.
    """
    if other.settles or other.is_closed or its.anchor.service == group.anchor.service:
        return False
    if not tree.above(its.anchor):
        return False
    way, caller = _way(tree.above(its.anchor), _spans_of(group, its))
    if not way or not all(span.err and span.kind != "consumer" for span in way):
        return False
    # Who stops waiting has failed before the other one has. Only the span of a call shows that it waited.
    known = way[-1].start if caller.kind == "client" else way[-1].end
    return known - _SKEW_US <= failure.time <= way[-1].end + SAME_FAILURE_US


def _spans_of(group: Group, its: Group) -> set[str | None]:
    """Return the spans that a failure happened in, without those that describe the other one."""
    others = {record.rid for record in its.evidence}
    return {record.span for record in (group.anchor, *group.evidence) if record.rid not in others}


def _way(above: Sequence[Record], ends: set[str | None]) -> tuple[Sequence[Record], Record]:
    """Return the spans from a failure up to the last one below the first of `ends`, and that one.

    No spans where the failure lies below none of them.
    """
    place = next((i for i, span in enumerate(above) if span.span in ends), 0)
    return above[:place], above[place]
