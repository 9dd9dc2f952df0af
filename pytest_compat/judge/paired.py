"""Has accuracy changed between two runs of the same submissions? Exact paired test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from math import gcd, lcm
from typing import TYPE_CHECKING, Any, Literal

from pytest_compat.judge.law import MAX_GRID, binomial

if TYPE_CHECKING:
    import numpy

MIN_PARTS = 100
"""Parts of the largest difference that are told apart, however many differences there are."""

NEGLIGIBLE = 1e-40
"""Probability that is not followed up at either end of a law. It is added to the p-value."""


def paired_test(differences: Iterable[Fraction], *, alternative: Literal["two-sided", "less"] = "two-sided") -> float:
    """Return the p-value of score differences, after - before, by exact permutation of their signs.

    Were nothing changed, each difference would have had the other sign with the same probability. Their sum is compared
    with all those that other signs would have given. With scores of 0 and 1 this is McNemar's test in its exact form
    (Q. McNemar, 1947): a binomial law over the pairs that differ. Differences have to be independent; where submissions
    of a job are not, give one difference per job.

    The law of the sum is convolved from one binomial law per size of difference, all terms positive, so that small
    p-values are as true as large ones. Where differences need a grid too fine for their number, they are rounded to a
    coarser one, the same way with either sign. What is tested then is the sum of the rounded differences: the
    probability of a false alarm stays what it was, and only the digits dropped have no say.

    Args:
        differences: One per pair, of any size; zeros say nothing.
        alternative: `two-sided`, or `less`: only a fall is of interest.

    Returns:
        0 to 1, more than 0; 1 when nothing differs.

    Raises:
        ValueError: The alternative is neither.
    """
    if alternative not in ("two-sided", "less"):
        raise ValueError(f"found the alternative {alternative!r}, expected 'two-sided' or 'less'")
    counted = _on_grid(Counter(Fraction(each) for each in differences if each))
    total = sum(size * count for size, count in counted.items())
    if not counted or (alternative == "two-sided" and total == 0):
        return 1.0
    sizes: Counter[int] = Counter()
    for size, count in counted.items():
        sizes[abs(size)] += count
    # A law that is the same both ways: a fall is as probable as a rise of that size.
    tail = _upper_tail(sizes, -total if alternative == "less" else abs(total))
    return min(tail if alternative == "less" else 2 * tail, 1.0)


def _on_grid(counted: Counter[Fraction]) -> Counter[int]:
    """Return the differences as whole numbers, zeros left out, in a unit that keeps their law short enough."""
    if not counted:
        return Counter()
    points = lcm(*(size.denominator for size in counted))
    numbers = {size: int(size * points) for size in counted}
    unit = Fraction(gcd(*numbers.values()))
    largest = max(abs(number) for number in numbers.values())
    unit = max(unit, Fraction(largest, max(MAX_GRID // counted.total(), MIN_PARTS)))
    whole: Counter[int] = Counter()
    for size, count in counted.items():
        # Rounding is symmetric (halves go to the even number), or signs would not be exchangeable any more.
        whole[round(numbers[size] / unit)] += count
    del whole[0]
    return whole


def _upper_tail(sizes: Counter[int], total: int) -> float:
    """Return the probability that the sum of so many differences of such sizes, of random sign, is `total` or more.

    Args:
        sizes: Differences by size.
        total: A sum that some signs give.
    """
    import numpy

    law, start, lost = numpy.ones(1), 0, 0.0
    # The law of the sum of those that are positive, which decides the sum of all: 2 * positive - all.
    for size, count in sorted(sizes.items()):
        one, skipped, cut = _trimmed(binomial(count, 0.5))
        law, begin, trimmed = _trimmed(_spread(law, one, size))
        start += skipped * size + begin
        lost += cut + trimmed
    least = (total + sum(size * count for size, count in sizes.items())) // 2
    return float(law[max(least - start, 0) :].sum()) + lost


def _spread(law: numpy.ndarray[Any, Any], one: numpy.ndarray[Any, Any], size: int) -> numpy.ndarray[Any, Any]:
    """Return the law of a sum of two, the second of which counts `size` for each of its steps."""
    import numpy

    width = (len(one) - 1) * size + 1
    result = numpy.zeros(len(law) + width - 1)
    if len(law) < len(one):
        for place, weight in enumerate(law):
            result[place : place + width : size] += weight * one
    else:
        for place, weight in enumerate(one):
            result[place * size : place * size + len(law)] += weight * law
    return result


def _trimmed(law: numpy.ndarray[Any, Any]) -> tuple[numpy.ndarray[Any, Any], int, float]:
    """Return a law without its negligible ends, how many places were cut off before it, and their probability."""
    import numpy

    first = int(numpy.searchsorted(law.cumsum(), NEGLIGIBLE, side="right"))
    last = len(law) - int(numpy.searchsorted(law[::-1].cumsum(), NEGLIGIBLE, side="right"))
    return law[first:last], first, float(law[:first].sum() + law[last:].sum())
