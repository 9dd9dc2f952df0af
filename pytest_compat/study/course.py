"""What becomes of a job's candidates from level to level."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pytest_compat.model import Jobspec, Level
from pytest_compat.study.reference import Study


@dataclass(frozen=True, slots=True)
class Step:
    """A job's candidates at one level, by score.

    Args:
        level: Name of the level.
        correct: Candidates of score 1.
        compatible: Of a score between 0 and 1.
        incorrect: Of score 0.
    """

    level: str
    correct: int
    compatible: int
    incorrect: int

    @property
    def candidates(self) -> int:
        """How many there are."""
        return self.good + self.incorrect

    @property
    def good(self) -> int:
        """How many score above 0."""
        return self.correct + self.compatible


@dataclass(frozen=True)
class Course:
    """A job's candidates at levels, in order."""

    steps: tuple[Step, ...]

    @property
    def lost_good(self) -> str | None:
        """The level from which on no candidate scores above 0; None when the last level has such candidates."""
        return _last([(step.level, step.good) for step in self.steps])

    @property
    def lost_bad(self) -> str | None:
        """The level from which on no candidate scores 0; None when the last level has such candidates."""
        return _last([(step.level, step.incorrect) for step in self.steps])


def course(study: Study, job: Jobspec, levels: Iterable[Level]) -> Course:
    """Return what becomes of a job's candidates at some levels.

    Raises:
        JobspecError: The job asks for more than the reference matcher can decide.
    """
    scores = study.scores(job)
    steps = []
    for level in levels:
        candidates = study.candidates(job, level)
        correct = sum(scores.get(name) == 1 for name in candidates)
        good = sum(name in scores for name in candidates)
        steps.append(Step(level.name, correct, good - correct, len(candidates) - good))
    return Course(tuple(steps))


def _last(counts: list[tuple[str, int]]) -> str | None:
    lost = None
    for level, count in counts:
        lost = None if count else lost or level
    return lost
