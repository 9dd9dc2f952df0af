"""What matching at scale costs, beside a plain numpy loop, and how it grows with jobs, levels and clusters."""

from functools import cache

import numpy
import pytest

from pytest_compat.scale.bits import packed
from pytest_compat.scale.engine import Batch, blocks
from pytest_compat.scale.problem import Problem, Step
from pytest_compat.scale.work import run_all

from ..speed.test_speed import compare

JOBS, SUBSYSTEMS, CLUSTERS = 25_000, 113, 1000
"""The full size."""

VERSIONS = 10
"""Versions of each subsystem. A job takes all but one, so that most have candidates at the last level too."""

REQUIRED = 0.2
"""Share of the subsystems that a job requires something of, as generated builds do: 23 of 113."""

BASE = (2048, 56, 500)
DOUBLED = {"jobs": (4096, 56, 500), "levels": (2048, 112, 500), "clusters": (2048, 56, 1000)}
"""A size (jobs, subsystems, clusters), and what it is when one of the three doubles."""


class Scores:
    """Probabilities of success that cost nothing to work out."""

    def __init__(self, random, clusters):
        """Draw as many rows as are told apart."""
        self._rows = random.random((64, clusters), dtype=numpy.float32)

    def block(self, jobs):
        """Return them for some jobs on every cluster."""
        return self._rows[jobs % len(self._rows)]


@cache
def problem_of(jobs, subsystems, clusters):
    """Return jobs that require something of random subsystems, and clusters that have random versions of all."""
    random = numpy.random.default_rng(0)
    steps = []
    for number in range(subsystems):
        picked = numpy.flatnonzero(random.random(jobs) < REQUIRED)
        installed = random.integers(VERSIONS, size=clusters)
        steps.append(
            Step(
                f"lib{number:03}",
                picked,
                random.integers(VERSIONS, size=len(picked)),
                (),
                packed(installed != numpy.arange(VERSIONS)[:, None]),
            )
        )
    return Problem(
        "speed",
        tuple(map(str, range(jobs))),
        ("package",) * jobs,
        tuple(f"{number:04}" for number in range(clusters)),
        tuple(steps),
        {"drawn": Scores(random, clusters)},
    )


def match(problem):
    """Return the candidates of every job at the last level, after all levels before it, as bitsets."""
    found = []
    for jobs in blocks(problem):
        batch = Batch(problem, jobs, 0)
        for level in range(len(problem.levels)):
            bits = batch.match(level)
        found.append(bits)
    return numpy.concatenate(found)


def plain_rows(problem):
    """Return for each subsystem a bitset per requirement and one of all clusters, and which of them each job takes."""
    everywhere = packed(numpy.ones((1, len(problem.clusters)), dtype=bool))
    rows = []
    for step in problem.steps:
        takes = numpy.full(len(problem.jobs), len(step.masks))
        takes[step.jobs] = step.wants
        rows.append((numpy.concatenate([step.masks, everywhere]), takes))
    return everywhere, rows


def plain_match(problem, everywhere, rows):
    """Return what `match` does, by one AND for every job and level, whether it requires anything there or not."""
    alive = numpy.repeat(everywhere, len(problem.jobs), axis=0)
    for masks, takes in rows:
        alive &= masks[takes]
    return alive


@pytest.mark.benchmark(max_time=0.5, min_rounds=3, group="matching, 25,000 jobs x 113 subsystems x 1000 clusters")
def test_matching(benchmark):
    problem = problem_of(JOBS, SUBSYSTEMS, CLUSTERS)
    plain = plain_rows(problem)
    assert (match(problem) == plain_match(problem, *plain)).all()
    compare(benchmark, lambda: match(problem), lambda: plain_match(problem, *plain), "the plain loop", times=3)


@pytest.mark.benchmark(max_time=0.5, min_rounds=3, group="matching, 25,000 jobs x 113 subsystems x 1000 clusters")
def test_matching_by_plain_loop(benchmark):
    problem = problem_of(JOBS, SUBSYSTEMS, CLUSTERS)
    plain = plain_rows(problem)
    benchmark(lambda: plain_match(problem, *plain))


@pytest.mark.benchmark(max_time=0.5, min_rounds=5, group="all levels with draws and scores, as one thing doubles")
@pytest.mark.parametrize("doubled", DOUBLED)
def test_growth(benchmark, doubled):
    base, more = problem_of(*BASE), problem_of(*DOUBLED[doubled])
    assert run_all(more, blocks(more), 0).candidates.shape == (len(more.levels), len(more.jobs))
    compare(
        benchmark,
        lambda: run_all(more, blocks(more), 0),
        lambda: run_all(base, blocks(base), 0),
        f"{BASE[0]} jobs x {BASE[1]} subsystems x {BASE[2]} clusters",
        times=5,
    )
