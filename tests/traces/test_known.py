"""Known IDs: never forgotten, found with the times that they were given."""

from __future__ import annotations

from collections import defaultdict

import duckdb
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from traces.known import NEVER, Known, keys_of_ids, keys_of_traces

KEYS = st.dictionaries(st.integers(0, 40), st.tuples(st.integers(0, 50), st.integers(50, 99)), max_size=20)


@given(parts=st.lists(KEYS, max_size=12), asked=st.sets(st.integers(0, 60)))
def test_what_was_added_is_found_with_all_of_its_times(
    parts: list[dict[int, tuple[int, int]]], asked: set[int]
) -> None:
    known, expected = Known(), defaultdict(set)
    for part in parts:
        for end in (0, 1):
            times = np.array([pair[end] for pair in part.values()], np.int64)
            known.add(np.array(list(part), np.uint64), times)
        for key, pair in part.items():
            expected[key] |= set(pair)
    keys = np.array(sorted(asked), np.uint64)
    assert [bool(one) for one in known.holds(keys)] == [key in expected for key in sorted(asked)]
    found = set().union(*(expected[key] for key in asked if key in expected))
    assert set(known.moments(keys).tolist()) == found
    assert known.times(keys) == (min(found, default=NEVER), max(found, default=0))


def test_a_time_that_is_given_again_is_kept_once() -> None:
    known = Known()
    for _ in range(100):
        known.add(np.array([7, 7, 9], np.uint64), np.array([1, 2, 3], np.int64))
    assert len(known) <= 2 * 3


def test_runs_stay_few_and_hold_each_key_once_they_are_merged() -> None:
    known = Known()
    for first in range(0, 50_000, 50):
        known.add(np.arange(first, first + 50, dtype=np.uint64))
    known.add(np.arange(50_000, dtype=np.uint64))
    assert len(known) == 50_000
    assert known.holds(np.array([0, 49_999, 50_000], np.uint64)).tolist() == [True, True, False]


def test_an_id_has_the_same_key_in_sql() -> None:
    ids = ["SO-1", "", "Zürich 17", "日本", "x" * 300]
    rows = duckdb.connect().execute("select md5_number_lower(unnest($ids))", {"ids": ids}).fetchall()
    assert keys_of_ids(ids).tolist() == [row[0] for row in rows]


def test_a_trace_has_its_own_last_half_as_key() -> None:
    named, other = keys_of_traces(["00000000000000000000000000000abc", "id SO-1"])
    assert named == 0xABC
    assert other == keys_of_ids(["id SO-1"])[0]
