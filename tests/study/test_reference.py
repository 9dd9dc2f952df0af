"""An experiment by the reference matcher: candidates, scores, exact accuracies."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_compat.declare.catalog import Experiment, find_experiment, load_experiment
from pytest_compat.declare.jobsets import build_jobs
from pytest_compat.declare.levels import Levels
from pytest_compat.declare.pools import build_clusters
from pytest_compat.declare.rules import Rule
from pytest_compat.matching import Index
from pytest_compat.model import Cluster, Jobspec, Level
from pytest_compat.strategies import VALUES, jobspecs, pools
from pytest_compat.study.reference import Study
from pytest_compat.study.worth import worth
from pytest_compat.truth import GroundTruth

RULES = (
    Rule("1", frozenset()),
    Rule("0.5", frozenset({"gpu"})),
    Rule("0.25", cluster={"os.full": "rocky8"}),
)


def experiment(clusters: Iterable[Cluster], jobs: Iterable[Jobspec]) -> Experiment:
    levels = Levels(tuple(VALUES))
    return Experiment(
        name="drawn",
        path=Path("experiment.yaml"),
        clusters=tuple(clusters),
        jobs=tuple(jobs),
        levels=levels,
        truth=RULES,
        iterations=1,
    )


def plain_accuracy(experiment: Experiment, reveals: Iterable[str]) -> Fraction:
    index, truth = Index(experiment.clusters), GroundTruth(experiment.clusters, experiment.truth)
    total = Fraction(0)
    for job in experiment.jobs:
        candidates = index.candidates(Level("", tuple(reveals)).show(job))
        scores = truth.scores(job)
        if candidates:
            total += sum((scores[name] for name in candidates), Fraction(0)) / len(candidates)
    return total / len(experiment.jobs)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(pools(), st.lists(jobspecs(), min_size=1, max_size=3), st.booleans())
def test_accuracy_is_the_mean_over_jobs_of_the_mean_score(
    clusters: tuple[Cluster, ...], jobs: list[Jobspec], twice: bool
) -> None:
    drawn = experiment(clusters, jobs * 2 if twice else jobs)
    study = Study(drawn)
    for size in range(len(VALUES) + 1):
        for reveals in combinations(VALUES, size):
            assert study.accuracy(reveals) == plain_accuracy(drawn, reveals)
            assert study.accuracy(reversed(reveals)) == study.accuracy(reveals)


@pytest.fixture(scope="module")
def lammps() -> Study:
    return Study(load_experiment(find_experiment("lammps", Path(__file__).parent)))


@pytest.mark.parametrize(
    ("reveals", "fraction"),
    [
        ([], "23/864"),
        (["os"], "23/216"),
        (["os:os.full"], "23/216"),
        (["io.archspec", "os", "mpi"], "23/36"),
        (["io.archspec", "os", "mpi", "hardware"], "1"),
    ],
)
def test_exact_accuracy_of_lammps(lammps: Study, reveals: list[str], fraction: str) -> None:
    assert lammps.accuracy(reveals) == Fraction(fraction)


def test_what_the_metadata_of_lammps_is_worth(lammps: Study) -> None:
    found = worth(lammps.accuracy, lammps.experiment.levels.order)
    assert {share.subsystem: round(float(share.shapley), 3) for share in found.shares} == {
        "io.archspec": 0.202,
        "os": 0.343,
        "mpi": 0.291,
        "hardware": 0.138,
    }
    assert sum(share.shapley for share in found.shares) == 1 - Fraction(23, 864)
    assert [best.subsystems for best in found.best[1:3]] == [("os",), ("os", "mpi")]


def test_scores_leave_out_what_scores_nothing(lammps: Study) -> None:
    by_name = {job.name: job for job in lammps.experiment.jobs}
    assert lammps.scores(by_name["mpich-ubuntu-20.04-amd64"]) == {
        "amd64-ubuntu20.04-mpich-cpu": 1,
        "amd64-ubuntu20.04-mpich-gpu": Fraction(1, 2),
    }


def test_candidates_are_those_of_what_the_level_shows(lammps: Study) -> None:
    job = lammps.experiment.jobs[0]
    assert len(lammps.candidates(job, Level("none"))) == 48
    names = lammps.candidates(job, Level("os+mpi", ("os", "mpi")))
    assert list(names) == [f"{arch}-rocky8-intel-mpi-{gpu}" for arch in ("amd64", "arm64") for gpu in ("cpu", "gpu")]


def test_what_was_matched_is_not_matched_again(lammps: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    study, asked = Study(lammps.experiment), []
    candidates = study.index.candidates
    monkeypatch.setattr(study.index, "candidates", lambda job: asked.append(job.groups) or candidates(job))
    for reveals in ([], ["os"], ["mpi"], ["os"], []):
        study.accuracy(reveals)
    assert len(asked) == 1 + 4 + 3  # nothing, one per operating system, one per MPI


def test_a_job_without_candidates_scores_nothing() -> None:
    clusters = build_clusters({"clusters": {"red": {"subsystems": {"os": {"os.full": "rocky8"}}}}}, Path())
    (job,) = build_jobs({"jobs": {"one": {"requires": {"os": {"os.full": "rocky9"}}}}})
    study = Study(experiment(clusters, [job]))
    assert study.candidates(job, Level("os", ("os",))) == ()
    assert study.accuracy(["os"]) == 0
    assert study.accuracy([]) == Fraction(1, 4)
