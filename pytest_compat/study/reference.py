"""An experiment by the reference matcher: candidates, scores, and the exact accuracy of what is revealed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from fractions import Fraction

from pytest_compat.declare.catalog import Experiment
from pytest_compat.matching import Index
from pytest_compat.model import Jobspec, Level, Resource
from pytest_compat.truth import GroundTruth, Judgement

Asked = tuple[str, tuple[tuple[str, Resource], ...]]
"""What a jobspec asks for: jobspecs that are equal in this have the same candidates and scores.

Its name is part of it where ground truth has a table, which goes by names; it is empty otherwise.
"""


class Study:
    """An experiment, ready to be asked about its candidates. Whatever was worked out once is kept.

    Sets of clusters are kept as bitsets, so that thousands of them cost little.

    Args:
        experiment: As declared.
    """

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.index = Index(experiment.clusters)
        self._names = sorted(cluster.name for cluster in experiment.clusters)
        self._places = {name: place for place, name in enumerate(self._names)}
        self._truth = GroundTruth(experiment.clusters, experiment.truth)
        self._by_name = any(rule.table for rule in experiment.truth)
        self._jobs = {self._asked(job): job for job in experiment.jobs}
        self._alike = Counter(self._asked(job) for job in experiment.jobs)
        self._judgements: dict[Asked, Mapping[str, Judgement]] = {}
        self._points: dict[Asked, list[tuple[Fraction, int]]] = {}
        self._candidates: dict[Asked, int] = {}
        self._accuracies: dict[frozenset[str], Fraction] = {}

    def candidates(self, job: Jobspec, level: Level) -> tuple[str, ...]:
        """Return the names of the clusters that would do for a job at a level, sorted.

        Raises:
            JobspecError: The job asks for more than the reference matcher can decide.
        """
        return self.index.candidates(level.show(job))

    def scores(self, job: Jobspec) -> Mapping[str, Fraction]:
        """Return the score of every cluster for a job, above 0 and up to 1, by name; the others score 0."""
        return {name: each.score for name, each in self.judgements(job).items() if each.score}

    def judgements(self, job: Jobspec) -> Mapping[str, Judgement]:
        """Return what ground truth says of every cluster for a job, by name."""
        asked = self._asked(job)
        if asked not in self._judgements:
            self._judgements[asked] = self._truth.judgements(job)
        return self._judgements[asked]

    def accuracy(self, reveals: Iterable[str]) -> Fraction:
        """Return the exact accuracy of revealing some subsystems, 0 to 1.

        It is the mean over jobs of the mean score of their candidates; a job without candidates scores 0.

        Args:
            reveals: Subsystems, or single attributes as `subsystem:field`.

        Raises:
            JobspecError: A job asks for more than the reference matcher can decide.
        """
        revealed = frozenset(reveals)
        if revealed not in self._accuracies:
            level = Level("", tuple(revealed))
            total = sum((self._mean(asked, level) * count for asked, count in self._alike.items()), Fraction(0))
            self._accuracies[revealed] = total / len(self.experiment.jobs)
        return self._accuracies[revealed]

    def _mean(self, asked: Asked, level: Level) -> Fraction:
        """Return the mean score of a job's candidates."""
        shown = level.show(self._jobs[asked])
        key = self._asked(shown)
        if key not in self._candidates:
            self._candidates[key] = self._bits(self.index.candidates(shown))
        if asked not in self._points:
            clusters: dict[Fraction, list[str]] = {}
            for name, score in self.scores(self._jobs[asked]).items():
                clusters.setdefault(score, []).append(name)
            self._points[asked] = [(score, self._bits(names)) for score, names in clusters.items()]
        candidates = self._candidates[key]
        if not candidates:
            return Fraction(0)
        total = sum((score * (candidates & having).bit_count() for score, having in self._points[asked]), Fraction(0))
        return total / candidates.bit_count()

    def _bits(self, names: Iterable[str]) -> int:
        digits = bytearray(b"0" * len(self._names))
        for name in names:
            digits[self._places[name]] = ord("1")
        return int(digits, 2)

    def _asked(self, job: Jobspec) -> Asked:
        return job.name if self._by_name else "", tuple(job.groups.items())
