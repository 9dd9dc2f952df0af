"""The exact law of a level's score: the jobs are strata, and what each can score is known.

Under uniform selection a submission of a job scores what one of its candidates scores, each with the same
probability, and submissions are independent. The law of their sum is the convolution of theirs, which is worked out
on the grid of multiples of 1/d that all scores lie on. A binomial formula knows neither partial scores nor
strata and is too wide here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from heapq import heapify, heappop, heappush
from math import ceil, floor, lcm
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy

MAX_GRID = 2**20
"""Points of the grid. Scores that would need a finer one are spread over their neighbours on it."""


@dataclass(frozen=True)
class Law:
    """A distribution of summed scores: `weights[k]` is the probability of a sum of k * step."""

    step: Fraction
    weights: numpy.ndarray[Any, Any]

    def span(self, level: float) -> tuple[Fraction, Fraction]:
        """Return the central range of sums: at most (1 - level) / 2 of the law lies below it, and as much above.

        Args:
            level: Between 0 and 1.
        """
        tail = (1 - level) / 2
        below = self.weights.cumsum()
        above = self.weights[::-1].cumsum()
        low = int((below > tail).argmax())
        high = len(self.weights) - 1 - int((above > tail).argmax())
        return low * self.step, high * self.step

    def p_value(self, total: Fraction) -> float:
        """Return the two-sided p-value of an observed sum: twice the smaller of its tails, at most 1.

        Both tails include the observed sum, so that a law of steps is never judged too sharply: under the law the
        p-value is at most a with a probability of at most a. Doubling spends half of that on either side, as `span`
        does, also where the law is skewed; to add up all sums that are no more probable instead would let a sum far
        out on the long side hide behind a nearer one on the short side. A sum between two points counts for both.
        Rounding errors are about 1e-15 of the whole, and no smaller p-value means anything.

        Args:
            total: The observed sum. One that the law rules out has a p-value of 0.
        """
        place = total / self.step
        below = float(self.weights[: max(ceil(place) + 1, 0)].sum())
        above = float(self.weights[max(floor(place), 0) :].sum())
        return min(2 * below, 2 * above, 1.0)


def binomial(draws: int, chance: float) -> numpy.ndarray[Any, Any]:
    """Return the probabilities of 0, 1, ... `draws` successes.

    Worked out from the mode outwards by the ratio of neighbours, which keeps even the smallest of them true to 12
    digits; logarithms of factorials lose more with every draw.

    Args:
        draws: 0 or more.
        chance: Of a success, between 0 and 1 and neither of them.
    """
    import numpy

    mode = min(int((draws + 1) * chance), draws)
    number = numpy.arange(draws)
    ratios = (draws - number) / (number + 1) * (chance / (1 - chance))
    below = numpy.cumprod(1 / ratios[:mode][::-1])[::-1]
    weights: numpy.ndarray[Any, Any] = numpy.concatenate([below, [1.0], numpy.cumprod(ratios[mode:])])
    weights /= weights.sum()
    return weights


def law_of_sum(strata: Iterable[Sequence[Fraction]], draws: int) -> Law:
    """Return the law of the summed score of `draws` draws from each stratum.

    Args:
        strata: Per job, the scores of its candidates, 0 to 1; a job without candidates scores 0.
        draws: Submissions of each job, 1 or more.
    """
    # Jobs with the same scores in the same shares are one stratum with more draws.
    return _law(Counter(frozenset(_shares(scores).items()) for scores in strata), draws)


def law_of_draws(strata: Iterable[tuple[Fraction, Sequence[Fraction]]], draws: int) -> Law:
    """Return the law of the summed score of so many draws, for each of which a stratum is drawn first.

    Args:
        strata: Per job, the probability of drawing it, and the scores of its candidates, 0 to 1. The probabilities add
            up to 1; a job without candidates scores 0.
        draws: Submissions in all, 1 or more.
    """
    mixed: dict[Fraction, Fraction] = {}
    for chance, scores in strata:
        for score, share in _shares(scores).items():
            mixed[score] = mixed.get(score, Fraction(0)) + chance * share
    return _law({frozenset(mixed.items()): 1}, draws)


def _shares(scores: Sequence[Fraction]) -> dict[Fraction, Fraction]:
    counted = Counter(scores or [Fraction(0)])
    return {score: Fraction(count, counted.total()) for score, count in counted.items()}


def _law(alike: Mapping[frozenset[tuple[Fraction, Fraction]], int], draws: int) -> Law:
    """Return the law of a sum of so many draws from each stratum.

    Args:
        alike: How many strata there are of each kind; a kind is its (score, share) pairs.
        draws: From each, 1 or more.
    """
    import numpy

    points = lcm(*(score.denominator for shares in alike for score, _ in shares))
    step = Fraction(1, min(points, max(MAX_GRID // max(sum(alike.values()) * draws, 1), 1)))
    laws = []
    for shares, jobs in alike.items():
        one = numpy.zeros(ceil(max(score for score, _ in shares) / step) + 1)
        for score, share in sorted(shares):
            # Between two points of the grid: both, in shares that keep the mean. Rounding would shift the whole law.
            low, beyond = divmod(score / step, 1)
            weight = float(share)
            one[low] += weight * float(1 - beyond)
            if beyond:
                one[low + 1] += weight * float(beyond)
        laws.append(_power(one, draws * jobs))
    return Law(step, _sum(laws))


def _sum(laws: list[Any]) -> Any:
    """Return the distribution of the sum, short ones first: each is then convolved with its like."""
    import numpy

    waiting = [(len(law), number, law) for number, law in enumerate(laws)]
    heapify(waiting)
    while len(waiting) > 1:
        (_, number, first), (_, _, second) = heappop(waiting), heappop(waiting)
        both = _convolve(first, second)
        heappush(waiting, (len(both), number, both))
    return waiting[0][2] if waiting else numpy.ones(1)


def _power(one: Any, times: int) -> Any:
    """Return the distribution of the sum of `times` independent draws, by squaring."""
    import numpy

    result = numpy.ones(1)
    while times:
        if times & 1:
            result = _convolve(result, one)
        times >>= 1
        if times:
            one = _convolve(one, one)
    return result


def _convolve(first: Any, second: Any) -> Any:
    import numpy

    if min(len(first), len(second)) < 256:
        return numpy.convolve(first, second)
    # Long ones by FFT; its rounding errors (1e-16 of the whole) are far below any tail asked for.
    size = len(first) + len(second) - 1
    length = 1 << (size - 1).bit_length()
    product = numpy.fft.irfft(numpy.fft.rfft(first, length) * numpy.fft.rfft(second, length), length)[:size]
    return numpy.clip(product, 0, None)
