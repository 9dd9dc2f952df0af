"""A scheduler asked job by job makes the very arrays that the batch makes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import numpy
import pytest
from problems_made import Made, assert_same, make

from pytest_compat.errors import SchedulerError
from pytest_compat.matching import Index
from pytest_compat.model import Jobspec
from pytest_compat.scale.ask import OneByOne
from pytest_compat.scale.engine import blocks, run_block
from pytest_compat.scale.run import through_scheduler
from pytest_compat.scale.work import run_all
from pytest_compat.schedulers import Assignment, SchedulerOptions
from pytest_compat.schedulers.reference import ReferenceScheduler

REFERENCE, RAINBOW = SchedulerOptions("reference"), SchedulerOptions()


@pytest.mark.parametrize("size", [1, 7, 64])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_reference_scheduler(size: int, seed: int) -> None:
    made = make(seed, 20, 70, 4)
    found = through_scheduler(made.prepared, REFERENCE, seed, size=size)
    assert_same(found, run_all(made.problem, blocks(made.problem), seed))


def test_a_rainbow_over_grpc() -> None:
    made = make(1, 60, 15, 7, picky=0.3)
    batch = run_all(made.problem, blocks(made.problem), 3)
    assert (batch.candidates == 0).any()
    assert (batch.candidates > 1).any()
    assert_same(through_scheduler(made.prepared, RAINBOW, 3), batch)


def test_progress_is_told_after_every_block() -> None:
    told: list[tuple[int, int]] = []
    through_scheduler(make(0, 10, 3, 1).prepared, REFERENCE, 0, lambda *each: told.append(each), size=4)
    assert told == [(4, 10), (8, 10), (10, 10)]


def test_a_jobspec_requires_what_was_revealed_and_nothing_else() -> None:
    made = make(2, 30, 5, 4)
    index = Index(made.environments.clusters())
    revealed = [step.subsystem for step in made.problem.steps]
    for job in range(30):
        for level in range(5):
            jobspec = made.problem.jobspec(job, level)
            assert jobspec.name == f"job-{job}"
            (group,) = jobspec.groups.values()
            shown = [each for each in revealed[:level] if job in made.required[each]]
            assert group.requires == tuple(made.required[each][job] for each in shown)
            index.candidates(jobspec)


class Lossy(ReferenceScheduler):
    """Loses one job on its way to a cluster."""

    def receive(self, cluster: str) -> list[str]:
        return super().receive(cluster)[1:]


class Twice(ReferenceScheduler):
    """Hands a job over twice."""

    def receive(self, cluster: str) -> list[str]:
        found = super().receive(cluster)
        return [*found, *found[:1]]


class Renaming(ReferenceScheduler):
    """Hands over jobs that nobody submitted."""

    def receive(self, cluster: str) -> list[str]:
        return [f"{name}?" for name in super().receive(cluster)]


class Swapping(ReferenceScheduler):
    """Says that a job went to a cluster that it does not go to."""

    def submit(self, jobspec: Jobspec, name: str, key: str) -> Assignment:
        found = super().submit(jobspec, name, key)
        return Assignment("c0000" if found.cluster != "c0000" else "c0001", found.candidates)


class Inventing(ReferenceScheduler):
    """Assigns to a cluster that there is not."""

    def submit(self, jobspec: Jobspec, name: str, key: str) -> Assignment:
        return Assignment("elsewhere", ("elsewhere",))


class Seeing(ReferenceScheduler):
    """Names a candidate that there is not."""

    def candidates(self, jobspec: Jobspec) -> list[str]:
        return [*super().candidates(jobspec), "elsewhere"]


class Failing(ReferenceScheduler):
    """Fails after some calls."""

    calls = 0

    def submit(self, jobspec: Jobspec, name: str, key: str) -> Assignment:
        self.calls += 1
        if self.calls == 15:
            raise SchedulerError("out of ink")
        return super().submit(jobspec, name, key)


def asked(scheduler: ReferenceScheduler, made: Made) -> None:
    jobs = numpy.arange(len(made.problem.jobs))
    with closing(scheduler):
        scheduler.open(list(made.environments.clusters()))
        run_block(made.problem, jobs, OneByOne(made.problem, jobs, scheduler, 0), 0)


@pytest.mark.parametrize(
    ("scheduler", "message"),
    [
        (Lossy, r"^c000\d received \d+ jobs at one level, expected the \d+ that were said to be assigned to it$"),
        (Twice, r"^c000\d received \d+ jobs at one level, expected"),
        (Renaming, r"^c000\d received \d+ jobs at one level, expected"),
        (Swapping, r"^c000\d received \d+ jobs at one level, expected"),
        (Inventing, r"^named 'elsewhere' for job job-0, a cluster that was not registered$"),
        (Seeing, r"^named 'elsewhere' for job job-0, a cluster that was not registered$"),
        (Failing, r"^out of ink$"),
    ],
)
def test_a_scheduler_that_does_not_do_what_it_says_is_an_error(
    scheduler: Callable[[], ReferenceScheduler], message: str
) -> None:
    with pytest.raises(SchedulerError, match=message):
        asked(scheduler(), make(0, 10, 4, 2, picky=0.2))
