"""Figures that say how good probabilities are."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

BINS = 10
"""Parts of a reliability curve."""

SUREST = 1e-6
"""Probabilities count as this at least in a log loss, and as 1 minus this at most."""


@dataclass(frozen=True)
class Bin:
    """A part of a reliability curve.

    Args:
        builds: How many have a probability in it.
        said: Their mean probability.
        succeeded: Which part of them succeeded.
    """

    builds: int
    said: float
    succeeded: float


@dataclass(frozen=True)
class Judgement:
    """How good the probabilities of some builds are.

    Args:
        builds: How many there are.
        brier: Mean squared difference from what came true, 0 (best) to 1 (Brier 1950).
        log_loss: Mean of -ln of the probability given to what came true, from 0 (best).
        auc: Probability that a success has a higher one than a failure; None when there are not both.
        accuracy: Part of the builds for which what came true had 0.5 or more.
        majority: The same part when the more frequent outcome of its package is said of every build.
        curve: Reliability: bins of equal width from 0 to 1, those without builds left out.
    """

    builds: int
    brier: float
    log_loss: float
    auc: float | None
    accuracy: float
    majority: float
    curve: tuple[Bin, ...]

    def plain(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


def judge(probabilities: np.ndarray, succeeded: np.ndarray, majority: np.ndarray) -> Judgement:
    """Judge probabilities by what came true; all of shape (builds,), at least one.

    Args:
        probabilities: Of success.
        succeeded: What came true.
        majority: Whether most builds of the build's package succeeded.
    """
    import numpy as np
    from sklearn.metrics import roc_auc_score

    bounded = np.clip(probabilities, SUREST, 1 - SUREST)
    place = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    bins = (place == index for index in range(BINS))
    return Judgement(
        builds=len(probabilities),
        brier=float(np.mean((probabilities - succeeded) ** 2)),
        log_loss=float(-np.mean(np.log(np.where(succeeded, bounded, 1 - bounded)))),
        auc=float(roc_auc_score(succeeded, probabilities)) if len(np.unique(succeeded)) == 2 else None,
        accuracy=float(np.mean((probabilities >= 0.5) == succeeded)),
        majority=float(np.mean(majority == succeeded)),
        curve=tuple(
            Bin(int(own.sum()), float(probabilities[own].mean()), float(succeeded[own].mean()))
            for own in bins
            if own.any()
        ),
    )
