"""Blocks on a Dask cluster: the same arrays, even if a worker is lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy
import pytest
from problems_made import GivenScores, assert_same, make

pytest.importorskip("distributed")

from distributed import LocalCluster

from pytest_compat.errors import SchedulerUnavailable
from pytest_compat.scale.dask import DaskExecutor
from pytest_compat.scale.engine import blocks
from pytest_compat.scale.problem import Problem
from pytest_compat.scale.work import run_all

SIZE = 5


class Slow(GivenScores):
    """Takes a moment for each block, so that there are some left when a worker is lost."""

    def block(self, jobs: Any) -> Any:
        time.sleep(0.05)
        return super().block(jobs)


@pytest.fixture(scope="module")
def problem() -> Problem:
    return make(8, 200, 70, 5, picky=0.3).problem


@pytest.fixture(scope="module")
def workers() -> Iterator[LocalCluster]:
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster:
        yield cluster


def test_a_worker_that_is_lost_costs_no_results(problem: Problem, workers: LocalCluster) -> None:
    slow = replace(problem, scores={name: Slow(each.chances) for name, each in problem.scores.items()})
    pids = {worker.pid for worker in workers.workers.values()}
    killed: list[int] = []

    def told(done: int, total: int) -> None:
        if done >= total // 4 and not killed:
            killed.append(pids.pop())
            os.kill(killed[0], signal.SIGKILL)

    found = run_all(slow, blocks(slow, SIZE), 0, DaskExecutor(workers.scheduler_address), told=told)
    assert killed
    assert_same(found, run_all(problem, blocks(problem, SIZE), 0))


def test_what_was_kept_is_not_sent_out(problem: Problem, workers: LocalCluster, tmp_path: Any) -> None:
    executor = DaskExecutor(workers.scheduler_address)

    def interrupted(done: int, total: int) -> None:
        if done >= total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_all(problem, blocks(problem, SIZE), 0, executor, folder=tmp_path, told=interrupted)
    told: list[int] = []
    found = run_all(
        problem, blocks(problem, SIZE), 0, executor, folder=tmp_path, told=lambda done, _: told.append(done)
    )
    assert told[0] >= 100
    assert_same(found, run_all(problem, blocks(problem, SIZE), 0))


def test_workers_of_this_machine(problem: Problem) -> None:
    found = run_all(problem, blocks(problem, 64), 1, DaskExecutor(workers=1))
    assert_same(found, run_all(problem, blocks(problem), 1))


def test_nothing_left_to_do_takes_no_cluster(problem: Problem) -> None:
    assert list(DaskExecutor("tcp://127.0.0.1:1")(problem, [], 0)) == []


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:1", "tcp://no.such.host.invalid:8786", "tcp://127.0.0.1", "nonsense://127.0.0.1:1"]
)
def test_an_address_that_nobody_answers_at_is_told(
    problem: Problem, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_compat.scale.dask.CONNECT_SECONDS", 0.5)
    with pytest.raises(SchedulerUnavailable, match=f"no Dask cluster answers at '{address}'"):
        list(DaskExecutor(address)(problem, [numpy.arange(3)], 0))
