"""The exact figures of the experiment that ships, by the reference scheduler."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from pytest_compat.declare.catalog import load_experiment
from pytest_compat.judge.score import score_level
from pytest_compat.run.rounds import Sampling
from pytest_compat.run.world import RunOptions, Worlds
from pytest_compat.schedulers import SchedulerOptions

EXPERIMENT = Path(__file__).parents[2] / "suites" / "lammps" / "experiment.yaml"


@pytest.mark.parametrize(
    ("level", "fraction"),
    {
        "none": "23/864",
        "io.archspec": "23/432",
        "os": "23/216",
        "mpi": "23/288",
        "hardware": "1/24",
        "io.archspec+os": "23/108",
        "io.archspec+os+mpi": "23/36",
        "io.archspec+os+mpi+hardware": "1",
    }.items(),
)
def test_exact_fraction(level: str, fraction: str) -> None:
    experiment = load_experiment(EXPERIMENT)
    worlds = Worlds(RunOptions(SchedulerOptions("reference"), sampling=Sampling(0)))
    (resolved,) = experiment.levels.resolve([level])
    run = worlds.level(experiment, resolved)
    exact = score_level(run.facts, run.submissions).exact
    assert exact is not None
    assert exact.accuracy == Fraction(fraction)
    assert exact.unmatched == 0


@pytest.mark.parametrize("seed", range(5))
def test_samples_lie_where_their_exact_law_puts_them(seed: int) -> None:
    experiment = load_experiment(EXPERIMENT)
    worlds = Worlds(RunOptions(SchedulerOptions("reference"), seed=seed))
    for level in experiment.levels.resolve(["all"]):
        run = worlds.level(experiment, level)
        score = score_level(run.facts, run.submissions)
        assert score.plausible is not None
        assert score.accuracy is not None
        assert score.plausible[0] <= score.accuracy <= score.plausible[1]
