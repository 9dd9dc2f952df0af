"""How many rounds a level is submitted for; a round is one submission of every job."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_compat.judge.sequential import Sprt

AUTO_CAP = 1000
"""Rounds after which sequential sampling gives up, unless told otherwise."""


@dataclass(frozen=True)
class Sampling:
    """How much to submit.

    Args:
        iterations: Rounds of a level whose number is fixed; None leaves it to the experiment.
        cap: None: the number of rounds is fixed. Otherwise levels with gates on their sampled accuracy are
            submitted until each of these is decided, for so many rounds at most.
    """

    iterations: int | None = None
    cap: int | None = None


class Rounds:
    """Counts the rounds of one level and tells when there have been enough.

    Args:
        iterations: How many, unless gates decide.
        limits: Accuracies that gates ask the level to reach.
        cap: With limits: submit until each is decided, but not more than so many rounds. None: `iterations` it is.

    Attributes:
        sequential: True when gates decide.
        done: Rounds there have been.
        most: Rounds there can be.
    """

    def __init__(self, iterations: int, limits: Sequence[Fraction] = (), cap: int | None = None) -> None:
        self.sequential = cap is not None and bool(limits)
        self.done = 0
        self.most = cap if cap is not None and limits else iterations
        self._open: list[Sprt] = []
        if self.sequential:
            from pytest_compat.judge.sequential import Sprt

            self._open = [Sprt(limit) for limit in limits]

    def __bool__(self) -> bool:
        return self.done < self.most and not (self.sequential and self.done and not self._open)

    def add(self, scores: Iterable[Fraction]) -> None:
        """Take in what every job scored in one more round."""
        self.done += 1
        if self._open:
            known = list(scores)
            for each in self._open:
                each.add(known)
            self._open = [each for each in self._open if each.decision is None]
