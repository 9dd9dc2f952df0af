"""Many tests, one false-alarm rate."""

from __future__ import annotations

from collections.abc import Sequence

ALARM = 0.001
"""Probability that a run of a scheduler that selects uniformly is flagged anywhere, by all its tests together."""


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for there being so many (S. Holm, A simple sequentially rejective procedure, 1979).

    Whatever the tests have to do with one another, the probability that any true hypothesis has an adjusted p-value of
    at most a is at most a. Never less powerful than Bonferroni's correction.

    Args:
        p_values: 0 to 1 each.

    Returns:
        The adjusted p-values, 0 to 1 each, in the order of the p-values.

    Raises:
        ValueError: One is not a number from 0 to 1.
    """
    for value in p_values:
        if not 0 <= value <= 1:  # NaN is refused as well
            raise ValueError(f"found the p-value {value!r}, expected a number from 0 to 1")
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda each: p_values[each])):
        largest = max(largest, min((len(p_values) - rank) * p_values[place], 1.0))
        adjusted[place] = largest
    return adjusted
