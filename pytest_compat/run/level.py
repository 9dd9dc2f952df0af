"""One level of one experiment: ask for candidates, submit every job, receive as every cluster, and compare."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from time import perf_counter
from typing import ParamSpec, TypeVar

from pytest_compat.declare.catalog import Experiment
from pytest_compat.errors import SchedulerError, SchedulerUnavailable
from pytest_compat.matching import Index
from pytest_compat.model import Jobspec, Level
from pytest_compat.records import Candidates, Disagreement, LevelFacts, LevelKey, LevelRun, Submission
from pytest_compat.schedulers import Scheduler
from pytest_compat.truth import GroundTruth

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class LevelRunner:
    """Runs the levels of one experiment through one opened scheduler.

    Args:
        experiment: What to run.
        scheduler: Opened, with the experiment's clusters.
        name: What the scheduler is called in records.
        seed: Draws derive from it, the experiment, the level, the job and the iteration, and from nothing else.
        iterations: Submissions of each job per level, 0 or more.
    """

    def __init__(self, experiment: Experiment, scheduler: Scheduler, *, name: str, seed: int, iterations: int) -> None:
        self._experiment = experiment
        self._scheduler = scheduler
        self._name = name
        self._seed = seed
        self._iterations = iterations
        self._gone = ""
        self._reference = Index(experiment.clusters)
        truth = GroundTruth(experiment.clusters, experiment.truth)
        self._scores = {job.name: truth.scores(job) for job in experiment.jobs}

    def run(self, level: Level, position: int = 0) -> LevelRun:
        """Run a level.

        A failure of the scheduler never ends the run: what it concerns becomes an error, and once the scheduler
        is gone everything that is left becomes one without being tried.

        Args:
            level: What the scheduler is shown.
            position: The level's place among those of the session.
        """
        shown = {job.name: level.show(job) for job in self._experiment.jobs}
        expected = {name: frozenset(self._reference.candidates(job)) for name, job in shown.items()}
        seconds: dict[str, float] = {}
        with _timed(seconds, "match"):
            candidates = [self._candidates(job) for job in shown.values()]
        with _timed(seconds, "submit"):
            said = list(self._submit_all(level, shown))
        with _timed(seconds, "receive"):
            received, failures = self._receive_all()
        submissions = []
        for job, iteration, cluster, problem in said:
            holders = received.pop(_job_name(level, job, iteration), [])
            problem = problem or self._problem(cluster, holders, failures, expected[job])
            submissions.append(self._submission(job, iteration, cluster, problem))
        stray = received.keys()
        if stray:
            log.warning("level %s: received jobs that were not submitted: %s", level.name, ", ".join(sorted(stray)[:5]))
        facts = LevelFacts(
            key=LevelKey(self._experiment.name, self._name, level.name),
            reveals=level.reveals,
            position=position,
            seed=self._seed,
            iterations=self._iterations,
            jobs=tuple(shown),
            clusters=tuple(cluster.name for cluster in self._experiment.clusters),
            candidates=tuple(candidates),
            disagreements=tuple(sorted(self._disagreements(candidates, expected))),
            failures=failures,
            seconds=seconds,
            published=tuple(
                {"source": figures.source, "accuracy": figures.points[level.name] / figures.of}
                for figures in self._experiment.published
                if level.name in figures.points
            ),
        )
        return LevelRun(facts, tuple(submissions))

    def _ask(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the scheduler, unless it is known to be gone.

        Raises:
            SchedulerError: It failed, or is gone.
        """
        if self._gone:
            raise SchedulerUnavailable(self._gone)
        try:
            return call(*args, **kwargs)
        except SchedulerUnavailable as error:
            self._gone = _said(error)
            raise

    def _candidates(self, job: Jobspec) -> Candidates:
        try:
            names = sorted(set(self._ask(self._scheduler.candidates, job)))
        except SchedulerError as error:
            return Candidates(job.name, None, reason=_said(error))
        scores = self._scores[job.name]
        unknown = [name for name in names if name not in scores]
        if unknown:
            return Candidates(job.name, None, reason=f"named {unknown[0]!r}, a cluster that was not registered")
        return Candidates(job.name, tuple(names), tuple(float(scores[name]) for name in names))

    def _submit_all(self, level: Level, shown: Mapping[str, Jobspec]) -> Iterator[tuple[str, int, str | None, str]]:
        """Yield (job, iteration, cluster said, problem) of every submission."""
        for iteration in range(self._iterations):
            for name, job in shown.items():
                key = f"{self._seed}/{self._experiment.name}/{level.name}/{name}/{iteration}"
                try:
                    cluster = self._ask(self._scheduler.submit, job, _job_name(level, name, iteration), key)
                except SchedulerError as error:
                    yield name, iteration, None, _said(error)
                else:
                    yield name, iteration, cluster, ""

    def _receive_all(self) -> tuple[dict[str, list[str]], dict[str, str]]:
        """Return who received each job, by job name, and which clusters failed to receive anything and why."""
        received: dict[str, list[str]] = {}
        failures: dict[str, str] = {}
        for cluster in self._experiment.clusters:
            try:
                for name in self._ask(self._scheduler.receive, cluster.name):
                    received.setdefault(name, []).append(cluster.name)
            except SchedulerError as error:
                failures[cluster.name] = _said(error)
        return received, failures

    def _problem(
        self, cluster: str | None, holders: list[str], failures: Mapping[str, str], expected: frozenset[str]
    ) -> str:
        """Return what is wrong with an assignment, empty when nothing is.

        Args:
            cluster: Whom the scheduler said it assigned the job.
            holders: Who received it.
            failures: Who could not receive anything, and why.
            expected: The reference's candidates.
        """
        if cluster is None:
            return f"assigned to none, received by {', '.join(holders)}" if holders else ""
        if cluster in failures:
            return f"assigned to {cluster}, which could not receive: {failures[cluster]}"
        if holders != [cluster]:
            return f"assigned to {cluster}, received by {', '.join(holders) or 'none'}"
        if cluster not in expected:
            return f"assigned to {cluster}, which is not a candidate"
        return ""

    def _submission(self, job: str, iteration: int, cluster: str | None, problem: str) -> Submission:
        scores = self._scores[job]
        if problem:
            return Submission(job, iteration, cluster if cluster in scores else None, "error", 0.0, problem)
        if cluster is None:
            return Submission(job, iteration, None, "missed" if any(scores.values()) else "rejected", 0.0)
        score = scores[cluster]
        return Submission(job, iteration, cluster, _outcome(score), float(score))

    def _disagreements(
        self, candidates: list[Candidates], expected: Mapping[str, frozenset[str]]
    ) -> Iterator[Disagreement]:
        for each in candidates:
            if each.clusters is not None:
                for cluster in expected[each.job].symmetric_difference(each.clusters):
                    yield Disagreement(each.job, cluster, cluster in each.clusters, cluster in expected[each.job])


def _said(error: SchedulerError) -> str:
    return str(error) or type(error).__name__  # an empty reason would be no error


def _outcome(score: Fraction) -> str:
    return "correct" if score == 1 else "compatible" if score > 0 else "incorrect"


def _job_name(level: Level, job: str, iteration: int) -> str:
    return f"{level.name}/{job}/{iteration}"


@contextmanager
def _timed(seconds: dict[str, float], phase: str) -> Iterator[None]:
    started = perf_counter()
    yield
    seconds[phase] = perf_counter() - started
