"""One level of one experiment: ask for candidates, submit every job, receive as every cluster, and compare."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from math import ceil
from statistics import median
from time import perf_counter
from typing import ParamSpec, TypeVar

from pytest_compat.declare.catalog import Experiment
from pytest_compat.errors import SchedulerError, SchedulerUnavailable, brief, printable
from pytest_compat.matching import Index
from pytest_compat.model import Jobspec, Level
from pytest_compat.records import (
    MAX_DISAGREEMENTS,
    Candidates,
    Design,
    Disagreement,
    LevelFacts,
    LevelKey,
    LevelRun,
    Submission,
    Times,
)
from pytest_compat.run.answers import Answers, Said, evenly
from pytest_compat.run.draws import draw, drawn_jobs
from pytest_compat.run.progress import Told
from pytest_compat.run.rounds import Rounds, Sampling
from pytest_compat.schedulers import Assignment, Scheduler
from pytest_compat.truth import GroundTruth

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


def describe(experiment: Experiment) -> Design:
    """Return what an experiment measures, as its records have it."""
    truth = GroundTruth(experiment.clusters, experiment.truth)
    judged = {job.name: truth.judgements(job) for job in experiment.jobs}
    seconds = {
        job: times
        for job, found in judged.items()
        if (times := {name: each.seconds for name, each in found.items() if each.seconds is not None})
    }
    tables = [rule.table for rule in experiment.truth if rule.table is not None and rule.table.machine]
    return Design(
        version=experiment.version,
        order=experiment.levels.order,
        levels=tuple(level.name for level in experiment.levels.resolve(["all"])),
        jobs=tuple(sorted(judged)),
        clusters=tuple(sorted(cluster.name for cluster in experiment.clusters)),
        truth={job: {name: each.score for name, each in found.items() if each.score} for job, found in judged.items()},
        description=experiment.description,
        reasons={
            job: reasons
            for job, found in judged.items()
            if (reasons := {name: each.reason for name, each in found.items() if each.reason})
        },
        times=Times(tables[0].kind, tables[0].machine, seconds) if tables else None,
    )


class LevelRunner:
    """Runs the levels of one experiment through one opened scheduler.

    Args:
        experiment: What to run.
        scheduler: Opened, with the experiment's clusters.
        name: What the scheduler is called in records.
        seed: Draws derive from it, the experiment, the level, the job and the iteration, and from nothing else.
        sampling: How much to submit.

    Attributes:
        lost: True once the scheduler is gone; nothing further is tried.
    """

    def __init__(
        self,
        experiment: Experiment,
        scheduler: Scheduler,
        *,
        name: str,
        seed: int,
        sampling: Sampling | None = None,
    ) -> None:
        self._experiment = experiment
        self._scheduler = scheduler
        self._name = name
        self._seed = seed
        self._sampling = sampling or Sampling()
        self.lost = False
        self._last_words = ""
        self._reference = Index(experiment.clusters)
        self._design = describe(experiment)
        self._clusters = frozenset(self._design.clusters)

    def run(self, level: Level, limits: Sequence[Fraction] = (), told: Told | None = None) -> LevelRun:
        """Run a level.

        A failure of the scheduler never ends the run: what it concerns becomes an error, and once the scheduler
        is gone everything that is left becomes one without being tried.

        Args:
            level: What the scheduler is shown.
            limits: Accuracies that gates ask of this level; sequential sampling ends when each is decided.
            told: Called before each question and after each submission.
        """
        told = told or _untold
        shown = {job.name: level.show(job) for job in level.among(self._experiment.jobs)}
        expected = {name: frozenset(self._reference.candidates(job)) for name, job in shown.items()}
        drawn = drawn_jobs(level, expected)
        declared = self._sampling.iterations
        iterations = self._experiment.iterations if declared is None else declared
        # Where nothing matches nothing can be drawn, and nothing more is learnt by trying again.
        rounds = Rounds(0) if drawn == {} else Rounds(iterations, limits, self._sampling.cap)
        most = rounds.most * (len(shown) if drawn is None else 1)
        seconds: dict[str, float] = {}
        durations: dict[str, list[float]] = {"match": [], "submit": []}
        answers = {name: Answers() for name in shown}
        with _timed(seconds, "match"):
            candidates: list[Candidates] = []
            for name, job in shown.items():
                told("match", len(candidates), len(shown))
                candidates.append(self._candidates(job, answers[name], durations["match"]))
        with _timed(seconds, "submit"):
            said = []
            for each in self._submit_all(level, shown, drawn, answers, rounds, durations["submit"]):
                said.append(each)
                told("submit", len(said), most)
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
            design=self._design,
            reveals=level.reveals,
            seed=self._seed,
            iterations=rounds.done,
            drawn=drawn,
            sequential=rounds.sequential,
            candidates=tuple(sorted(candidates, key=lambda each: each.job)),
            disagreements=evenly(differing, MAX_DISAGREEMENTS),
            differing=len(differing),
            unstable=sum(not found.stable for found in differing),
            many=sum(not found.expected for found in differing),
            unmet=self._unmet(level, differing),
            failures=failures,
            seconds=seconds,
            timings={phase: _statistics(each) for phase, each in durations.items() if each},
            published=tuple(
                {
                    "source": figures.source,
                    "points": figures.points[level.name],
                    "of": figures.of,
                    "reasons": dict(figures.reasons.get(level.name, {})),
                }
                for figures in self._experiment.published
                if level.name in figures.points
            ),
        )
        return LevelRun(facts, tuple(submissions), durations)

    def _unmet(self, level: Level, differing: Sequence[Disagreement]) -> dict[str, int]:
        """Return, by what the level reveals, how many of the clusters that are candidates too many do not meet it."""
        jobs = {job.name: job for job in self._experiment.jobs}
        too_many = [found for found in differing if not found.expected]
        unmet = {}
        for revealed in level.reveals if too_many else ():
            alone = Level("", (revealed,))
            meeting = {
                name: set(self._reference.candidates(alone.show(jobs[name]))) for name in {f.job for f in too_many}
            }
            unmet[revealed] = sum(found.cluster not in meeting[found.job] for found in too_many)
        return {revealed: count for revealed, count in unmet.items() if count}

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

    def _candidates(self, job: Jobspec, answers: Answers, durations: list[float]) -> Candidates:
        try:
            with _clocked(durations):
                found = self._ask(self._scheduler.candidates, job)
            names = sorted(set(_names(found, "candidates")))
        except SchedulerError as error:
            return Candidates(job.name, None, _said(error))
        unknown = [name for name in names if name not in self._clusters]
        if unknown:
            return Candidates(job.name, None, f"named {unknown[0]!r}, a cluster that was not registered")
        answers.add(names)
        return Candidates(job.name, tuple(names))

    def _submit_all(
        self,
        level: Level,
        shown: Mapping[str, Jobspec],
        drawn: Mapping[str, Fraction] | None,
        answers: Mapping[str, Answers],
        rounds: Rounds,
        durations: list[float],
    ) -> Iterator[Said]:
        while rounds:
            scores = []
            # Those of submissions begin with a number, so that no name of a job can make it the same.
            key = f"draw/{self._seed}/{self._experiment.name}/{level.name}/{rounds.done}"
            for name in shown if drawn is None else [draw(drawn, key)]:
                said = self._submit(level, name, shown[name], rounds.done, answers[name], durations)
                # A cluster of nobody's scores nothing; what else is wrong with it is found when it is received.
                known = not said.failed and said.cluster is not None
                scores.append(self._design.truth[name].get(said.cluster or "", Fraction(0)) if known else Fraction(0))
                yield said
            rounds.add(scores)

    def _submit(
        self, level: Level, name: str, job: Jobspec, iteration: int, answers: Answers, durations: list[float]
    ) -> Said:
        key = f"{self._seed}/{self._experiment.name}/{level.name}/{name}/{iteration}"
        try:
            with _clocked(durations):
                found = self._ask(self._scheduler.submit, job, _job_name(level, name, iteration), key)
            if not isinstance(found, Assignment):
                raise SchedulerError(f"submit returned {brief(found)}, expected an Assignment")
            if found.cluster is not None:
                (cluster,) = _names([found.cluster], "submit, in Assignment.cluster,")
                found = replace(found, cluster=cluster)
            if found.candidates is not None:
                found = replace(found, candidates=_names(found.candidates, "submit, in Assignment.candidates,"))
        except SchedulerError as error:
            return Said(name, iteration, None, failed=_said(error))
        odd = ""
        if found.candidates is not None:
            odd = answers.add(found.candidates)
            if found.cluster is not None and found.cluster not in found.candidates:
                odd = f"assigned to {found.cluster}, which it did not call a candidate"
        return Said(name, iteration, found.cluster, odd=odd)

    def _receive_all(self) -> tuple[dict[str, list[str]], dict[str, str]]:
        """Return who received each job, by job name, and which clusters failed to receive anything and why."""
        received: dict[str, list[str]] = {}
        failures: dict[str, str] = {}
        for cluster in self._experiment.clusters:
            try:
                found = self._ask(lambda name: list(self._scheduler.receive(name)), cluster.name)
                for name in _names(found, "receive", "jobs"):
                    received.setdefault(name, []).append(cluster.name)
            except SchedulerError as error:
                failures[cluster.name] = _said(error)
        return received, failures

    @staticmethod
    def _problem(said: Said, holders: list[str], failures: Mapping[str, str], expected: frozenset[str]) -> str:
        """Return what is wrong with an assignment, empty when nothing is.

        Args:
            said: What the scheduler said.
            holders: Who received it.
            failures: Who could not receive anything, and why.
            expected: The reference's candidates.
        """
        cluster = said.cluster
        if cluster is None:
            return f"assigned to nobody, received by {', '.join(holders)}" if holders else said.odd
        if cluster in failures:
            return f"assigned to {cluster}, which could not receive: {failures[cluster]}"
        if holders != [cluster]:
            return f"assigned to {cluster}, received by {', '.join(holders) or 'nobody'}"
        if said.odd:
            return said.odd
        if cluster not in expected:
            return f"assigned to {cluster}, which the reference does not call a candidate"
        return ""

    def _submission(self, job: str, iteration: int, cluster: str | None, problem: str) -> Submission:
        if problem:
            return Submission(job, iteration, cluster if cluster in self._clusters else None, "error", 0.0, problem)
        outcome, score, reason = self._design.outcome(job, cluster)
        return Submission(job, iteration, cluster, outcome, float(score), reason)


def _names(found: object, what: str, of: str = "clusters") -> list[str]:
    """Return what a scheduler said when it is names, as plain text; one of someone's own may say anything."""
    if isinstance(found, str) or not isinstance(found, Collection) or not all(isinstance(name, str) for name in found):
        raise SchedulerError(f"{what} returned {brief(found)}, expected names of {of}")
    return [str.__str__(name) for name in found]  # what is more than text does not travel between processes


def _untold(phase: str, done: int, total: int | None) -> None:
    """Tell nobody."""


def _said(error: SchedulerError) -> str:
    return printable(str(error)) or type(error).__name__  # an empty reason would be no error


def _job_name(level: Level, job: str, iteration: int) -> str:
    return f"{level.name}/{job}/{iteration}"


@contextmanager
def _timed(seconds: dict[str, float], phase: str) -> Iterator[None]:
    started = perf_counter()
    yield
    seconds[phase] = perf_counter() - started


@contextmanager
def _clocked(durations: list[float]) -> Iterator[None]:
    started = perf_counter()
    yield
    durations.append(perf_counter() - started)  # of calls that succeed: one that fails at once is no fast call


def _statistics(durations: Sequence[float]) -> dict[str, float]:
    rank = ceil(0.99 * len(durations)) - 1
    return {"count": len(durations), "median": median(durations), "p99": sorted(durations)[rank]}
