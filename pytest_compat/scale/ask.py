"""A scheduler, asked about one job after the other, in place of the batch."""

from __future__ import annotations

from typing import Any

from pytest_compat.errors import SchedulerError
from pytest_compat.scale.bits import packed
from pytest_compat.scale.engine import key
from pytest_compat.scale.problem import Problem
from pytest_compat.schedulers import Scheduler


class OneByOne:
    """A scheduler that is open and has the problem's clusters, for a block of jobs.

    Args:
        problem: The experiment.
        jobs: Positions of the jobs.
        scheduler: Whom to ask.
        seed: What draws derive from.
    """

    def __init__(self, problem: Problem, jobs: Any, scheduler: Scheduler, seed: int) -> None:
        self._problem, self._jobs, self._scheduler, self._seed = problem, jobs, scheduler, seed
        self._places = {name: place for place, name in enumerate(problem.clusters)}

    def answer(self, level: int) -> tuple[Any, Any]:
        """Ask for candidates, submit, and receive everywhere.

        Raises:
            SchedulerError: A call failed, or a cluster did not receive what it was said to be given.
        """
        import numpy

        masks = numpy.zeros((len(self._jobs), len(self._problem.clusters)), dtype=bool)
        chosen = numpy.full(len(self._jobs), -1, numpy.int32)
        due: dict[str, set[str]] = {}
        for row, job in enumerate(self._jobs.tolist()):
            jobspec = self._problem.jobspec(job, level)
            masks[row, [self._place(name, jobspec.name) for name in self._scheduler.candidates(jobspec)]] = True
            name = f"{self._problem.levels[level]}/{jobspec.name}/0"
            cluster = self._scheduler.submit(jobspec, name, key(self._problem, level, job, self._seed)).cluster
            if cluster is not None:
                chosen[row] = self._place(cluster, jobspec.name)
                due.setdefault(cluster, set()).add(name)
        self._receive(due)
        return packed(masks), chosen

    def _place(self, cluster: str, job: str) -> int:
        if cluster not in self._places:
            raise SchedulerError(f"named {cluster!r} for job {job}, a cluster that was not registered")
        return self._places[cluster]

    def _receive(self, due: dict[str, set[str]]) -> None:
        for cluster in self._problem.clusters:
            received = self._scheduler.receive(cluster)
            expected = due.get(cluster, set())
            if len(received) != len(expected) or set(received) != expected:
                raise SchedulerError(
                    f"{cluster} received {len(received)} jobs at one level, expected the {len(expected)} that were "
                    f"said to be assigned to it"
                )
