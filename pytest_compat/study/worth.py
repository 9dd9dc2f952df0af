"""What each subsystem is worth: how much of the accuracy is owed to revealing it.

The accuracy of a set of revealed subsystems is a cooperative game, and its Shapley value (L. S. Shapley, A Value for
n-Person Games, 1953) is the one division of `full - none` among the subsystems in which equal contributions get equal
shares, what never changes anything gets nothing, and the shares of two games add up: what a subsystem adds to those
revealed before it, averaged over all orders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import combinations
from math import comb
from random import Random
from statistics import mean, stdev
from typing import Any

MAX_EXACT = 12
"""Subsystems up to which every set of them is looked at."""

DEFAULT_PERMUTATIONS = 400
CONFIDENCE = 0.95
"""Probability with which an interval of a sampled value covers the exact one."""

Value = Callable[[frozenset[str]], Fraction]
"""The accuracy, 0 to 1, of a set of revealed subsystems."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one subsystem is worth.

    Args:
        subsystem: Which one.
        shapley: What it adds on average over all orders of revealing them, -1 to 1.
        interval: The range of `shapley` with probability CONFIDENCE when it is sampled; None when it is exact.
        first: What it adds to nothing.
        last: What it adds to all others.
    """

    subsystem: str
    shapley: Fraction
    interval: tuple[float, float] | None
    first: Fraction
    last: Fraction


@dataclass(frozen=True, slots=True)
class Best:
    """The set of its size that has the highest accuracy, as far as was looked."""

    subsystems: tuple[str, ...]
    accuracy: Fraction


@dataclass(frozen=True)
class Worth:
    """What the subsystems of an experiment are worth.

    Args:
        none: Accuracy when nothing is revealed.
        full: Accuracy when all is.
        permutations: How many orders were drawn; None when the values are exact.
        shares: Of each subsystem, in the order given. Their Shapley values add up to full - none, sampled or not.
        best: One set of each size, from 0 to all.
        exhaustive: True when all sets were compared, False when each is the one before it and what then adds most.
    """

    none: Fraction
    full: Fraction
    permutations: int | None
    shares: tuple[Share, ...]
    best: tuple[Best, ...]
    exhaustive: bool

    def smallest(self, target: Fraction) -> Best | None:
        """Return the smallest of the best sets with this accuracy or more; None when none has.

        Unless `exhaustive`, a smaller set may reach it too.
        """
        return next((each for each in self.best if each.accuracy >= target), None)


def worth(value: Value, names: Sequence[str], *, seed: int = 0, permutations: int | None = None) -> Worth:
    """Work out what each subsystem is worth.

    Sampled values are means over random orders in pairs, each with its reverse, in which a subsystem that comes early
    in one comes late in the other (J. Castro, D. Gomez and J. Tejada, Polynomial calculation of the Shapley value
    based on sampling, 2009; the pairs are antithetic variates). Pairs are independent of one another, so the interval
    is Student's t over the means of pairs.

    Args:
        value: The accuracy of a set of subsystems; asked once for each.
        names: The subsystems, each once.
        seed: The orders drawn derive from it.
        permutations: How many orders to draw, an even number from 4. None: exact up to MAX_EXACT subsystems,
            DEFAULT_PERMUTATIONS orders beyond.

    Raises:
        ValueError: `permutations` is no even number from 4.
    """
    if permutations is not None and (permutations < 4 or permutations % 2):
        raise ValueError(f"found {permutations} permutations, expected an even number from 4: they are drawn in pairs")
    if permutations is None and len(names) > MAX_EXACT:
        permutations = DEFAULT_PERMUTATIONS
    value = cache(value)
    everything = frozenset(names)
    none, full = value(frozenset()), value(everything)
    found = _exact(value, names) if permutations is None else _sampled(value, names, Random(seed), permutations // 2)  # noqa: S311
    shares = (
        Share(name, *found[name], value(frozenset([name])) - none, full - value(everything - {name})) for name in names
    )
    exhaustive = len(names) <= MAX_EXACT
    best = _best(value, names) if exhaustive else _greedy(value, names)
    return Worth(none, full, permutations, tuple(shares), tuple(best), exhaustive)


Values = dict[str, tuple[Fraction, tuple[float, float] | None]]
"""Shapley values and, where they are sampled, their intervals."""


def _exact(value: Value, names: Sequence[str]) -> Values:
    found: Values = {}
    for name in names:
        others = [other for other in names if other != name]
        total = Fraction(0)
        for size in range(len(names)):
            sets = [frozenset(some) for some in combinations(others, size)]
            added = sum((value(some | {name}) - value(some) for some in sets), Fraction(0))
            total += added / (len(names) * comb(len(others), size))
        found[name] = total, None
    return found


def _sampled(value: Value, names: Sequence[str], random: Random, pairs: int) -> Values:
    means: dict[str, list[Fraction]] = {name: [] for name in names}
    for _ in range(pairs):
        order = random.sample(names, len(names))
        there, back = _added(value, order), _added(value, order[::-1])
        for name in names:
            means[name].append((there[name] + back[name]) / 2)
    return {name: (sum(each, Fraction(0)) / pairs, _interval(each)) for name, each in means.items()}


def _added(value: Value, order: Sequence[str]) -> dict[str, Fraction]:
    """Return what each subsystem adds to those before it."""
    before = [value(frozenset(order[:place])) for place in range(len(order) + 1)]
    return {name: before[place + 1] - before[place] for place, name in enumerate(order)}


def _interval(means: Sequence[Fraction]) -> tuple[float, float]:
    from scipy.special import stdtrit  # imported in half the time of scipy.stats

    middle, floats = float(mean(means)), [float(each) for each in means]
    half = float(stdtrit(len(means) - 1, (1 + CONFIDENCE) / 2)) * stdev(floats) / len(means) ** 0.5
    return middle - half, middle + half


def _best(value: Value, names: Sequence[str]) -> Iterator[Best]:
    """Yield the best set of each size; of equals the one that comes first in the order given."""
    for size in range(len(names) + 1):
        some = max(combinations(names, size), key=lambda some: value(frozenset(some)))
        yield Best(some, value(frozenset(some)))


def _greedy(value: Value, names: Sequence[str]) -> Iterator[Best]:
    some: frozenset[str] = frozenset()
    yield Best((), value(some))
    while len(some) < len(names):
        some |= {max((name for name in names if name not in some), key=lambda name: value(some | {name}))}
        yield Best(tuple(name for name in names if name in some), value(some))


def plain_worth(worth: Worth) -> dict[str, Any]:
    """Return it as the JSON report has it, with accuracies as floats."""
    return {
        "method": "exact" if worth.permutations is None else "sampled",
        "permutations": worth.permutations,
        "none": float(worth.none),
        "full": float(worth.full),
        "subsystems": [
            {
                "subsystem": share.subsystem,
                "shapley": float(share.shapley),
                "interval": None if share.interval is None else list(share.interval),
                "first": float(share.first),
                "last": float(share.last),
            }
            for share in worth.shares
        ],
        "best": [
            {"size": len(best.subsystems), "subsystems": list(best.subsystems), "accuracy": float(best.accuracy)}
            for best in worth.best
        ],
        "exhaustive": worth.exhaustive,
    }
