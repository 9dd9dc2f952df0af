"""Small problems at scale, and what becomes of them worked out job by job, with nothing of the engine."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from hashlib import blake2b
from statistics import fmean
from typing import Any

import numpy

from pytest_compat.builds.environments import Environments
from pytest_compat.declare.pools import HOST
from pytest_compat.matching import Index, choose
from pytest_compat.model import Jobspec, Requirement, Resource, Task
from pytest_compat.scale.declared import Prepared
from pytest_compat.scale.engine import Outcome
from pytest_compat.scale.problem import FIELD, Problem, make_step

VERSIONS = ("1.9", "1.10", "1.10.3", "2", "2.0.1", "v2.1", "2.1.0-rc.1", "3.0.0+here", "develop", "1.2.3.4", "")
"""What clusters have, in several spellings; the last for a subsystem that is not installed."""

BOUNDS = ("1.9", "1.10", "2", "2.0", "2.1.0-rc.1", "2.1.0-rc.2", "3", "develop")


class GivenScores:
    """Probabilities of success from a table of shape (jobs, clusters)."""

    def __init__(self, chances: Any) -> None:
        self.chances = numpy.asarray(chances, dtype=numpy.float32)

    def block(self, jobs: Any) -> Any:
        return self.chances[jobs]

    def digest(self) -> bytes:
        return self.chances.tobytes()


@dataclass(frozen=True)
class Made:
    """A problem and what it was made of: what jobs require by subsystem and position, and what clusters have."""

    problem: Problem
    required: Mapping[str, Mapping[int, Requirement]]
    environments: Environments

    @property
    def prepared(self) -> Prepared:
        return Prepared(self.problem, self.environments, ())


def make(
    seed: int, jobs: int, clusters: int, subsystems: int, *, picky: float = 0.5, sources: Sequence[str] = ("a", "b")
) -> Made:
    """Make a problem in which each job requires something of each subsystem with a chance of `picky`."""
    rng = random.Random(seed)
    names = tuple(f"s{number}" for number in range(subsystems))
    codes = [[rng.randrange(len(VERSIONS)) for _ in range(clusters)] for _ in names]
    gone = len(VERSIONS) - 1
    environments = Environments(
        names,
        tuple(VERSIONS[:gone] for _ in names),
        numpy.array([[-1 if code == gone else code for code in row] for row in codes]).reshape(subsystems, clusters),
        tuple(f"c{number:04}" for number in range(clusters)),
    )
    required = {name: {job: requirement(name, rng) for job in range(jobs) if rng.random() < picky} for name in names}
    revealed = list(names)
    rng.shuffle(revealed)
    problem = Problem(
        "made",
        tuple(f"job-{number}" for number in range(jobs)),
        tuple(f"package-{rng.randrange(3)}" for _ in range(jobs)),
        environments.names,
        tuple(
            make_step(name, required[name], environments.versions[place], environments.codes[place])
            for name in revealed
            for place in [names.index(name)]
        ),
        {
            source: GivenScores([[rng.randrange(9) / 8 for _ in range(clusters)] for _ in range(jobs)])
            for source in sources
        },
    )
    return Made(problem, required, environments)


def requirement(subsystem: str, rng: random.Random) -> Requirement:
    """Return a requirement: of a version, or of a range that is open on one side or on none."""
    how = rng.choice(("match", "min", "max", "both"))
    if how == "match":
        return Requirement(subsystem, FIELD, match=rng.choice(VERSIONS[:-1]))
    low, high = sorted(rng.sample(range(len(BOUNDS)), 2))
    return Requirement(
        subsystem,
        FIELD,
        min=None if how == "max" else BOUNDS[low],
        max=None if how == "min" else BOUNDS[high],
    )


def plainly(made: Made, seed: int) -> dict[str, list[Any]]:
    """Return what becomes of every job at every level by the reference matcher, as lists in the shapes of Outcome."""
    problem = made.problem
    index = Index(made.environments.clusters())
    tables = [scores.chances.tolist() for scores in problem.scores.values()]
    candidates, chosen, succeeded = [], [], []
    expected: list[list[list[float]]] = [[] for _ in tables]
    obtained: list[list[list[float]]] = [[] for _ in tables]
    for number, level in enumerate(problem.levels):
        shown = [step.subsystem for step in problem.steps[:number]]
        rows = list(_at_level(made, index, level, shown, tables, seed))
        candidates.append([row[0] for row in rows])
        chosen.append([row[1] for row in rows])
        succeeded.append([row[2] for row in rows])
        for place in range(len(tables)):
            expected[place].append([row[3][place] for row in rows])
            obtained[place].append([row[4][place] for row in rows])
    return {
        "jobs": list(range(len(problem.jobs))),
        "candidates": candidates,
        "chosen": chosen,
        "succeeded": succeeded,
        "expected": expected,
        "obtained": obtained,
        "best": [[max(row) for row in table] for table in tables],
    }


def _at_level(
    made: Made, index: Index, level: str, shown: Sequence[str], tables: Sequence[Any], seed: int
) -> Iterator[tuple[int, int, bool, list[float], list[float]]]:
    problem = made.problem
    for job, name in enumerate(problem.jobs):
        requires = tuple(made.required[each][job] for each in shown if job in made.required[each])
        group = Resource(HOST, 1, True, requires)
        names = index.candidates(Jobspec(name, {"build": group}, (Task(("spack",), "build"),)))
        places = [problem.clusters.index(each) for each in names]
        if not places:
            yield 0, -1, False, [0.0] * len(tables), [0.0] * len(tables)
            continue
        key = f"{seed}/{problem.name}/{level}/{name}/0"
        taken = choose(places, key)
        number = int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big")
        yield (
            len(places),
            taken,
            splitmix(number) < tables[0][job][taken],
            [fmean(table[job][place] for place in places) for table in tables],
            [table[job][taken] for table in tables],
        )


def splitmix(state: int) -> float:
    """Return what SplitMix64 says after a state, in whole numbers of any size, as a number from 0 to 1."""
    mask = (1 << 64) - 1
    mixed = (state + 0x9E3779B97F4A7C15) & mask
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & mask
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & mask
    mixed ^= mixed >> 31
    return (mixed >> 11) / (1 << 53)


def assert_same(one: Outcome, other: Outcome) -> None:
    """Compare every array, to the last bit."""
    for each in fields(Outcome):
        numpy.testing.assert_array_equal(getattr(one, each.name), getattr(other, each.name), err_msg=each.name)
