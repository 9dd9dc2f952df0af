"""One level of one experiment: ask for candidates, submit every job, receive as every cluster, and compare."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from time import perf_counter
from typing import ParamSpec, TypeVar

from pytest_compat.declare.catalog import Experiment
from pytest_compat.errors import SchedulerError, SchedulerUnavailable
from pytest_compat.matching import Index
from pytest_compat.model import Jobspec, Level
from pytest_compat.records import (
    MAX_DISAGREEMENTS,
    Candidates,
    Disagreement,
    LevelFacts,
    LevelKey,
    LevelRun,
    Submission,
)
from pytest_compat.schedulers import Scheduler
from pytest_compat.truth import GroundTruth

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Said:
    """What the scheduler said of one submission.

    Args:
        job: The job's name.
        iteration: 0 for its first submission at the level.
        cluster: Whom it was assigned.
        failed: Why nothing came of it, empty otherwise.
        odd: What is odd about the candidates it was chosen among, empty when nothing is.
    """

    job: str
    iteration: int
    cluster: str | None
    failed: str = ""
    odd: str = ""


@dataclass
class _Answers:
    """What the scheduler said of a job's candidates, each time."""

    first: frozenset[str] | None = None
    times: Counter[frozenset[str]] = field(default_factory=Counter)

    def add(self, clusters: Collection[str]) -> str:
        """Take in an answer and return how it differs from the first, empty when it does not."""
        answer = frozenset(clusters)
        self.times[answer] += 1
        if self.first is None:
            self.first = answer
        changed = sorted(answer ^ self.first)
        if not changed:
            return ""
        how = "is a candidate now" if changed[0] in answer else "is no candidate any more"
        more = f", and {len(changed) - 1} other clusters changed" if len(changed) > 1 else ""
        return f"answered differently than at first: {changed[0]} {how}{more}"

    def disagreements(self, job: str, expected: frozenset[str]) -> list[Disagreement]:
        """Return the clusters that not all answers call what the reference calls them, sorted."""
        asked = self.times.total()
        said = Counter(dict.fromkeys(expected, 0))
        for answer, times in self.times.items():
            said.update(dict.fromkeys(answer, times))
        return [
            Disagreement(job, cluster, cluster in (self.first or ()), cluster in expected, asked, times)
            for cluster, times in sorted(said.items())
            if times != (asked if cluster in expected else 0)
        ]


class LevelRunner:
    """Runs the levels of one experiment through one opened scheduler.

    Args:
        experiment: What to run.
        scheduler: Opened, with the experiment's clusters.
        name: What the scheduler is called in records.
        seed: Draws derive from it, the experiment, the level, the job and the iteration, and from nothing else.
        iterations: Submissions of each job per level, 0 or more.

    Attributes:
        lost: True once the scheduler is gone; nothing further is tried.
    """

    def __init__(self, experiment: Experiment, scheduler: Scheduler, *, name: str, seed: int, iterations: int) -> None:
        self._experiment = experiment
        self._scheduler = scheduler
        self._name = name
        self._seed = seed
        self._iterations = iterations
        self.lost = False
        self._last_words = ""
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
        answers = {name: _Answers() for name in shown}
        with _timed(seconds, "match"):
            candidates = [self._candidates(job, answers[name]) for name, job in shown.items()]
        with _timed(seconds, "submit"):
            said = list(self._submit_all(level, shown, answers))
        with _timed(seconds, "receive"):
            received, failures = self._receive_all()
        submissions = []
        for each in said:
            holders = received.pop(_job_name(level, each.job, each.iteration), [])
            problem = each.failed or self._problem(each, holders, failures, expected[each.job])
            submissions.append(self._submission(each.job, each.iteration, each.cluster, problem))
        differing = [found for job, said_of in answers.items() for found in said_of.disagreements(job, expected[job])]
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
            disagreements=_evenly(differing, MAX_DISAGREEMENTS),
            differing=len(differing),
            unstable=sum(not found.stable for found in differing),
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
        if self.lost:
            raise SchedulerUnavailable(f"not tried, the scheduler was lost: {self._last_words}")
        try:
            return call(*args, **kwargs)
        except SchedulerUnavailable as error:
            self.lost, self._last_words = True, _said(error)
            raise
        except SchedulerError:
            raise
        except Exception as error:
            # A scheduler of someone's own may fail in any way; the level goes on all the same.
            log.debug("the scheduler failed", exc_info=True)
            raise SchedulerError(f"{type(error).__name__}: {error}") from error

    def _candidates(self, job: Jobspec, answers: _Answers) -> Candidates:
        try:
            names = sorted(set(self._ask(self._scheduler.candidates, job)))
        except SchedulerError as error:
            return Candidates(job.name, None, reason=_said(error))
        scores = self._scores[job.name]
        unknown = [name for name in names if name not in scores]
        if unknown:
            return Candidates(job.name, None, reason=f"named {unknown[0]!r}, a cluster that was not registered")
        answers.add(names)
        return Candidates(job.name, tuple(names), tuple(float(scores[name]) for name in names))

    def _submit_all(
        self, level: Level, shown: Mapping[str, Jobspec], answers: Mapping[str, _Answers]
    ) -> Iterator[_Said]:
        for iteration in range(self._iterations):
            for name, job in shown.items():
                key = f"{self._seed}/{self._experiment.name}/{level.name}/{name}/{iteration}"
                try:
                    found = self._ask(self._scheduler.submit, job, _job_name(level, name, iteration), key)
                except SchedulerError as error:
                    yield _Said(name, iteration, None, failed=_said(error))
                else:
                    odd = ""
                    if found.candidates is not None:
                        odd = answers[name].add(found.candidates)
                        if found.cluster is not None and found.cluster not in found.candidates:
                            odd = f"assigned to {found.cluster}, which it did not call a candidate"
                    yield _Said(name, iteration, found.cluster, odd=odd)

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

    @staticmethod
    def _problem(said: _Said, holders: list[str], failures: Mapping[str, str], expected: frozenset[str]) -> str:
        """Return what is wrong with an assignment, empty when nothing is.

        Args:
            said: What the scheduler said.
            holders: Who received it.
            failures: Who could not receive anything, and why.
            expected: The reference's candidates.
        """
        cluster = said.cluster
        if cluster is None:
            return f"assigned to none, received by {', '.join(holders)}" if holders else said.odd
        if cluster in failures:
            return f"assigned to {cluster}, which could not receive: {failures[cluster]}"
        if holders != [cluster]:
            return f"assigned to {cluster}, received by {', '.join(holders) or 'none'}"
        if said.odd:
            return said.odd
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


def _evenly(differing: list[Disagreement], most: int) -> tuple[Disagreement, ...]:
    """Return so many disagreements, sorted, of every job as many as of any other as long as it has them."""
    seen: Counter[str] = Counter()
    ranked = []
    for each in differing:
        ranked.append((seen[each.job], each))
        seen[each.job] += 1
    return tuple(sorted(each for _, each in sorted(ranked)[:most]))


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
