"""How many submissions does a gate take? Wald's sequential test, which stops as soon as the answer is clear."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import inf, log
from typing import Literal


class Sprt:
    """Sequential probability ratio test of an accuracy: at least `limit`, or at most `limit - delta`?

    A. Wald, Sequential tests of statistical hypotheses, 1945; the error rates below hold for any number of rounds
    (J. Ville, 1939).

    With p0 = limit and p1 = max(limit - delta, 0), every score x from 0 to 1 contributes the likelihood ratio
    (p1/p0)^x ((1-p1)/(1-p0))^(1-x). That is convex in x, so it lies below its chord from x = 0 to x = 1, and the
    expectation for a score of mean m is at most c(m) = m p1/p0 + (1-m) (1-p1)/(1-p0): linear, falling, 1 at p0. Scores
    of a round are independent, so the expectation of their product is at most the product of c(m) over the jobs, which
    is at most the n-th power of c at the mean over jobs, as log c is concave. Over complete rounds the ratio is hence
    a supermartingale when the mean is p0 or more, whatever the scores and however jobs differ, and reaches 1/alpha
    with a probability of at most alpha. The reciprocal is convex too, its chord is 1 at p1 and rises, and the same
    holds for a mean of p1 or less and 1/beta. Within a round none of this holds, so a round counts as a whole.

    So P(ever `fail`) <= alpha when the accuracy is limit or more, P(ever `pass`) <= beta when it is limit - delta or
    less. Between the two, either answer may come. A limit of 0 passes at once. A limit of 1 fails with the first score
    below 1. A limit of delta or less passes with the first score above 0, as only an accuracy of 0 is held against it.

    Args:
        limit: The accuracy to reach, 0 to 1.
        delta: How far below it the accuracy may lie without being told for sure, more than 0, at most 1.
        alpha: Most probability of failing what reaches the limit, between 0 and 1.
        beta: Most probability of passing what misses it by delta, between 0 and 1.

    Raises:
        ValueError: One of them is out of range.
    """

    def __init__(
        self, limit: Fraction, delta: Fraction = Fraction("0.02"), alpha: float = 0.01, beta: float = 0.01
    ) -> None:
        if not 0 <= limit <= 1:
            raise ValueError(f"found the limit {limit}, expected a number from 0 to 1")
        if not 0 < delta <= 1:
            raise ValueError(f"found the delta {delta}, expected a number above 0 and at most 1")
        for name, rate in (("alpha", alpha), ("beta", beta)):
            if not 0 < rate < 1:
                raise ValueError(f"found the {name} {rate}, expected a number between 0 and 1")
        self._alpha, self._beta = alpha, beta
        upper, lower = Fraction(limit), max(Fraction(limit) - Fraction(delta), Fraction(0))
        self._gained = log(lower / upper) if lower else -inf
        self._lost = log((1 - lower) / (1 - upper)) if upper < 1 else inf
        # Kept as fractions: the ratio depends on these sums alone, and no rounding adds up over many rounds.
        self._gains, self._losses = Fraction(0), Fraction(0)
        self._decision: Literal["pass", "fail"] | None = None if limit else "pass"

    @property
    def decision(self) -> Literal["pass", "fail"] | None:
        """The answer, which stays what it was first; None while it is open."""
        return self._decision

    def add(self, round_scores: Iterable[Fraction | float]) -> None:
        """Take in a complete round.

        Args:
            round_scores: The score of one submission of every job, 0 to 1 each.

        Raises:
            ValueError: A score is not from 0 to 1; the round is then left out as a whole.
        """
        scores = list(round_scores)
        for score in scores:
            if not 0 <= score <= 1:  # NaN is refused as well
                raise ValueError(f"found the score {score}, expected a number from 0 to 1")
        gained = sum((Fraction(score) for score in scores), Fraction(0))
        self._gains += gained
        self._losses += len(scores) - gained
        if self._decision is None:
            self._decision = self._decide()

    def _decide(self) -> Literal["pass", "fail"] | None:
        # Where a limit of 1 and an accuracy of 0 are both ruled out, what was to be reached was not.
        against = self._lost * float(self._losses) if self._losses else 0.0
        if against == inf:
            return "fail"
        ratio = against + (self._gained * float(self._gains) if self._gains else 0.0)
        if ratio >= -log(self._alpha):
            return "fail"
        return "pass" if -ratio >= -log(self._beta) else None
