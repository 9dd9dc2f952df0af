"""Making log-odds probabilities that mean what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

FLATTEST = 0.05
"""The least slope: a calibration never turns the order of two builds round."""


@dataclass(frozen=True)
class Calibration:
    """A monotone map from log-odds to probabilities: 1 / (1 + exp(-(intercept + slope x log-odds))).

    Args:
        intercept: Log-odds of success where the model says even odds.
        slope: How much of what the model says is believed, FLATTEST or more; below 1 when it is too sure of itself.
    """

    intercept: float = 0.0
    slope: float = 1.0

    def probabilities(self, log_odds: np.ndarray) -> np.ndarray:
        """Return the probability of success for each of some log-odds; any shape."""
        from scipy.special import expit

        found: np.ndarray = expit(self.intercept + self.slope * log_odds)
        return found

    def loss(self, log_odds: np.ndarray, succeeded: np.ndarray) -> float:
        """Return the sum of -ln of the probability given to what came true."""
        import numpy as np

        signs = np.where(succeeded, -1.0, 1.0)
        return float(np.logaddexp(0.0, signs * (self.intercept + self.slope * log_odds)).sum())


def calibrate(log_odds: np.ndarray, succeeded: np.ndarray) -> Calibration:
    """Fit the map to what models said of builds they were not trained on (Platt 1999).

    Returns:
        The map; the one that changes nothing when all builds or none succeeded.
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(succeeded)) < 2:
        return Calibration()
    # A prior so wide that it only keeps the slope finite where log-odds tell successes from failures without fault.
    regression = LogisticRegression(C=100.0, solver="lbfgs", max_iter=1000)
    regression.fit(log_odds.reshape(-1, 1), succeeded)
    slope, intercept = float(regression.coef_[0, 0]), float(regression.intercept_[0])
    return Calibration(round(intercept, 6), round(max(slope, FLATTEST), 6))
