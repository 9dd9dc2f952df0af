"""Holm's correction, held to its definition."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_compat.judge.multiple import ALARM, holm

p_values = st.lists(st.floats(0, 1) | st.sampled_from([0.0, 0.01, 0.5, 1.0]), max_size=6)


def closed(found: list[float]) -> list[float]:
    """Return what the closure of Bonferroni's test gives: the worst of all groups that a hypothesis belongs to."""
    places = range(len(found))
    groups = [group for size in places for group in combinations(places, size + 1)]
    return [
        max(min(1.0, len(group) * min(found[each] for each in group)) for group in groups if place in group)
        for place in places
    ]


@given(p_values)
def test_is_the_closure_of_bonferroni(found: list[float]) -> None:
    assert holm(found) == pytest.approx(closed(found), rel=1e-12, abs=0)


@given(p_values)
def test_keeps_the_order_and_never_goes_below(found: list[float]) -> None:
    adjusted = holm(found)
    assert all(before <= after <= 1 for before, after in zip(found, adjusted, strict=True))
    ranked = sorted(zip(found, adjusted, strict=True))
    assert all(low[1] <= high[1] for low, high in pairwise(ranked))


def test_an_example_from_the_paper_scheme() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_nothing_to_adjust() -> None:
    assert holm([]) == []
    assert holm([0.3]) == [0.3]


def test_ties_are_adjusted_alike() -> None:
    assert holm([0.01] * 4) == [0.04] * 4


def test_a_million_tests() -> None:
    adjusted = holm([1e-9] + [0.5] * 999_999)
    assert adjusted[0] == pytest.approx(1e-3)
    assert set(adjusted[1:]) == {1.0}


@pytest.mark.parametrize("value", [float("nan"), -1e-9, 1.0000001, float("inf")])
def test_what_is_no_probability_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match=r"found the p-value .*, expected a number from 0 to 1"):
        holm([0.5, value])


def test_the_alarm_rate_is_the_one_the_docs_state() -> None:
    assert ALARM == 0.001
