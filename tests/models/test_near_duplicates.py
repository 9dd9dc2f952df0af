"""Groups of near-duplicates, against comparing every pair."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pytest_compat.models.features import tabulate
from pytest_compat.models.groups import near_duplicates

builds = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(st.sampled_from("abc"), min_size=width, max_size=width), min_size=1, max_size=14)
)


def renamed(column: list[str]) -> tuple[int, ...]:
    return tuple(column.index(value) for value in column)


def by_pairs(rows: list[list[str]]) -> list[int]:
    """Return the groups, numbered in the order in which they appear."""
    columns = sorted({renamed(list(column)) for column in zip(*rows, strict=True)})
    group = list(range(len(rows)))
    for first in range(len(rows)):
        for second in range(first):
            if sum(column[first] != column[second] for column in columns) <= 1:
                old, new = group[first], group[second]
                group = [new if each == old else each for each in group]
    return list(renamed([str(each) for each in group]))


@given(builds)
def test_groups_are_those_of_comparing_every_pair(rows: list[list[str]]) -> None:
    features = tabulate({f"f{index}": value for index, value in enumerate(row)} for row in rows)
    found = near_duplicates(features)
    assert list(renamed([str(each) for each in found])) == by_pairs(rows)
    assert set(found) == set(range(found.max() + 1))


def test_a_chain_of_near_duplicates_is_one_group() -> None:
    chain = [{"a": "1", "b": "1"}, {"a": "2", "b": "1"}, {"a": "2", "b": "2"}, {"a": "3", "b": "3"}]
    assert np.array_equal(near_duplicates(tabulate(chain)), [0, 0, 0, 1])
