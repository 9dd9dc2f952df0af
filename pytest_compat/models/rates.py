"""Base rates of success, for packages that no model can be fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Rates:
    """What is known of a package before its builds are seen: a beta distribution of its rate of success.

    Args:
        successes: First parameter, above 0: so many successes are imagined.
        failures: Second parameter, above 0.
    """

    successes: float
    failures: float

    @property
    def mean(self) -> float:
        """The rate of a package of which nothing was seen, between 0 and 1."""
        return self.successes / (self.successes + self.failures)

    def rate(self, successes: int, builds: int) -> float:
        """Return the expected rate of a package of which some builds were seen."""
        return (self.successes + successes) / (self.successes + self.failures + builds)


def fit_rates(successes: Sequence[int], builds: Sequence[int]) -> Rates:
    """Find the distribution that makes what was seen of all packages most likely (empirical Bayes, Efron 2010).

    Args:
        successes: Of each package, how many builds succeeded.
        builds: Of each package, how many builds there are; at least one in all.

    Returns:
        Rates with 1 to 1000 imagined builds; fewer or more say nothing that a finite number of packages could tell.
    """
    import numpy as np
    from scipy.optimize import minimize
    from scipy.stats import betabinom

    seen, count = np.array(successes), np.array(builds)
    start = (seen.sum() + 0.5) / (count.sum() + 1)

    def unlikely(at: np.ndarray) -> float:
        mean, size = 1 / (1 + np.exp(-at[0])), np.exp(at[1])
        return -float(betabinom.logpmf(seen, count, mean * size, (1 - mean) * size).sum())

    bounds = [(-7.0, 7.0), (0.0, float(np.log(1000)))]
    found = minimize(unlikely, [np.log(start / (1 - start)), 1.0], method="L-BFGS-B", bounds=bounds)
    mean, size = 1 / (1 + np.exp(-found.x[0])), np.exp(found.x[1])
    return Rates(round(float(mean * size), 6), round(float((1 - mean) * size), 6))
