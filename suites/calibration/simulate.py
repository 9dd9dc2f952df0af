"""Runs of the LAMMPS experiment in process, by selectors that are what they should be and by some that are not."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import count
from pathlib import Path

from pytest_compat.declare.catalog import load_experiment
from pytest_compat.judge.law import Law, law_of_sum
from pytest_compat.judge.multiple import holm
from pytest_compat.judge.paired import paired_test
from pytest_compat.judge.sequential import Sprt
from pytest_compat.judge.uniform import selection_test
from pytest_compat.matching import Index, choose
from pytest_compat.truth import GroundTruth

EXPERIMENT = Path(__file__).parents[1] / "lammps" / "experiment.yaml"
ITERATIONS = 20
GATED = "io.archspec+os+mpi"
"""The level whose gate is simulated."""

SHUNNED = {
    "amd64-ubuntu20.04-openmpi-gpu": "20 of 40",
    "amd64-rocky8-openmpi-gpu": "15 of 240",
    "amd64-rocky8-mpich-gpu": "8.3 of 200",
}
"""Clusters that a selector may never take, and what is to be expected of them at the level that tells most."""


@dataclass(frozen=True)
class SampledLevel:
    """A level, as far as draws and scores go.

    Args:
        stem: What the keys of its draws begin with, behind the seed.
        candidates: Names by job, sorted.
        scores: By job and cluster, of all clusters.
        law: Of the score of ITERATIONS submissions of each job.
    """

    stem: str
    candidates: dict[str, tuple[str, ...]]
    scores: dict[str, dict[str, Fraction]]
    law: Law

    @property
    def accuracy(self):
        """The exact accuracy."""
        means = [sum(self.scores[job][name] for name in names) / len(names) for job, names in self.candidates.items()]
        return sum(means, Fraction(0)) / len(means)


@cache
def levels():
    """Return the levels that the experiment declares, by name."""
    experiment = load_experiment(EXPERIMENT)
    index, truth = Index(experiment.clusters), GroundTruth(experiment.clusters, experiment.truth)
    scores = {job.name: truth.scores(job) for job in experiment.jobs}
    found = {}
    for level in experiment.levels.resolve(["all"]):
        candidates = {job.name: tuple(sorted(index.candidates(level.show(job)))) for job in experiment.jobs}
        strata = [[scores[job][name] for name in names] for job, names in candidates.items()]
        law = law_of_sum(strata, ITERATIONS)
        found[level.name] = SampledLevel(f"{experiment.name}/{level.name}", candidates, scores, law)
    return found


def uniform(candidates, stem, iteration):
    """Draw as the reference scheduler does."""
    return choose(candidates, f"{stem}/{iteration}")


def eager(candidates, stem, iteration):
    """Take the first candidate one time in ten."""
    if choose("0123456789", f"{stem}/{iteration}/eager") == "0":
        return candidates[0]
    return uniform(candidates, stem, iteration)


def sticky(candidates, stem, iteration):
    """Draw once for each job, and stay with it."""
    return uniform(candidates, stem, 0)


def shunning(cluster):
    """Return a selector that never takes one cluster where there is another."""

    def select(candidates, stem, iteration):
        return uniform([name for name in candidates if name != cluster] or candidates, stem, iteration)

    return select


def chosen(level, select, seed, iterations=range(ITERATIONS)):
    """Return the clusters that each job was given."""
    return {
        job: [select(names, f"{seed}/{level.stem}/{job}", iteration) for iteration in iterations]
        for job, names in level.candidates.items()
    }


def run_p_values(select, seed):
    """Return the p-values of a run: of every level's score and selection, and of the selection over all levels."""
    found = []
    candidates, everywhere = {}, {}
    for level_name, level in levels().items():
        given = chosen(level, select, seed)
        candidates |= {f"{job} at {level_name}": names for job, names in level.candidates.items()}
        everywhere |= {f"{job} at {level_name}": names for job, names in given.items()}
        total = sum(level.scores[job][name] for job, names in given.items() for name in names)
        found.append(level.law.p_value(total))
        if tested := selection_test(level.candidates, given):
            found.append(tested.p)
    return [*found, selection_test(candidates, everywhere).p]


def smallest(select, seeds):
    """Return the smallest p-value of each run, after Holm's correction for all the tests of the run."""
    return [min(holm(run_p_values(select, seed))) for seed in seeds]


def drop(seed, select=uniform, later=None):
    """Return the smallest adjusted p-value, over all levels, of a fall in score from one run to another.

    Args:
        seed: Of the first run; the second has another.
        select: How the first run selects.
        later: How the second does; like the first by default.
    """
    found = []
    for level in levels().values():
        before, after = chosen(level, select, f"{seed}/before"), chosen(level, later or select, f"{seed}/after")
        found.append(
            paired_test(
                (
                    level.scores[job][new] - level.scores[job][old]
                    for job, names in before.items()
                    for old, new in zip(names, after[job], strict=True)
                ),
                alternative="less",
            )
        )
    return min(holm(found))


def astray(candidates, stem, iteration):
    """Take any cluster at all, candidate or not, one time in twenty."""
    everyone = levels()["none"].candidates
    if choose([str(number) for number in range(20)], f"{stem}/{iteration}/astray") == "0":
        return choose(next(iter(everyone.values())), f"{stem}/{iteration}/anyone")
    return uniform(candidates, stem, iteration)


def coin(accuracy):
    """Return a level of as many jobs, all of whose candidates score 1 or 0 in the same share.

    Nothing varies more at that accuracy, so nothing comes nearer to the error rates stated.
    """
    real = levels()[GATED]
    names = tuple(f"{number:04}" for number in range(accuracy.denominator))
    scores = {name: Fraction(place < accuracy.numerator) for place, name in enumerate(names)}
    candidates = dict.fromkeys(real.candidates, names)
    return SampledLevel("coin", candidates, dict.fromkeys(candidates, scores), real.law)


def gate(level, limits, seed, most=3000):
    """Run a level round by round until a gate of each limit is decided.

    Returns:
        A (decision, rounds) pair for each limit; the decision is None after `most` rounds.
    """
    tests = [Sprt(limit) for limit in limits]
    answers = [None] * len(limits)
    for rounds in count(1):
        given = chosen(level, uniform, seed, range(rounds - 1, rounds))
        scores = [level.scores[job][name] for job, (name,) in given.items()]
        for place, test in enumerate(tests):
            if answers[place] is None:
                test.add(scores)
                if test.decision or rounds == most:
                    answers[place] = (test.decision, rounds)
        if all(answers):
            return answers
    raise AssertionError("counting ends nowhere")
