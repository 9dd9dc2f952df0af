"""Who submits at a level whose jobs are drawn, held to drawing a pair step by step."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_compat.declare.catalog import load_experiment
from pytest_compat.errors import DeclarationError
from pytest_compat.model import CLUSTER_FIRST, EACH, JOB_FIRST, Level
from pytest_compat.run.draws import draw, drawn_jobs
from pytest_compat.run.rounds import Sampling
from pytest_compat.run.world import RunOptions, Worlds
from pytest_compat.schedulers import SchedulerOptions

suiting = st.dictionaries(st.sampled_from("uvwxyz"), st.frozensets(st.sampled_from("abcde")), max_size=6)


def pairs_by_cluster(candidates: dict[str, frozenset[str]]) -> dict[tuple[str, str], Fraction]:
    """Draw a cluster that suits any job, then one of the jobs it suits."""
    suits: dict[str, list[str]] = {}
    for job, clusters in candidates.items():
        for cluster in clusters:
            suits.setdefault(cluster, []).append(job)
    return {(job, cluster): Fraction(1, len(suits) * len(jobs)) for cluster, jobs in suits.items() for job in jobs}


def pairs_by_job(candidates: dict[str, frozenset[str]]) -> dict[tuple[str, str], Fraction]:
    """Draw a job that any cluster suits, then one of these clusters."""
    jobs = [job for job, clusters in candidates.items() if clusters]
    return {
        (job, cluster): Fraction(1, len(jobs) * len(candidates[job])) for job in jobs for cluster in candidates[job]
    }


def pairs(shares: dict[str, Fraction], candidates: dict[str, frozenset[str]]) -> dict[tuple[str, str], Fraction]:
    """Draw a job with its share, then one of its candidates, as a run does."""
    return {
        (job, cluster): share / len(candidates[job]) for job, share in shares.items() for cluster in candidates[job]
    }


@given(suiting)
def test_job_first_is_a_job_that_has_candidates_and_one_of_them(candidates: dict[str, frozenset[str]]) -> None:
    shares = drawn_jobs(Level("x", draw=JOB_FIRST), candidates)
    assert shares is not None
    assert pairs(shares, candidates) == pairs_by_job(candidates)


@given(suiting)
def test_cluster_first_is_a_cluster_and_one_of_the_jobs_it_suits(candidates: dict[str, frozenset[str]]) -> None:
    try:
        shares = drawn_jobs(Level("x", draw=CLUSTER_FIRST), candidates)
    except DeclarationError:
        assume(False)
        raise
    assert shares is not None
    assert pairs(shares, candidates) == pairs_by_cluster(candidates)


@given(suiting)
def test_cluster_first_is_refused_where_uniform_selection_cannot_stand_for_it(
    candidates: dict[str, frozenset[str]],
) -> None:
    suits = Counter(cluster for clusters in candidates.values() for cluster in clusters)
    alike = all(len({suits[cluster] for cluster in clusters}) <= 1 for clusters in candidates.values())
    if alike:
        assert drawn_jobs(Level("x", draw=CLUSTER_FIRST), candidates) is not None
    else:
        with pytest.raises(DeclarationError, match="level x draws the cluster first"):
            drawn_jobs(Level("x", draw=CLUSTER_FIRST), candidates)


def test_where_every_job_submits_nothing_is_drawn() -> None:
    assert drawn_jobs(Level("x", draw=EACH), {"v": frozenset("a")}) is None


@pytest.mark.parametrize("order", [JOB_FIRST, CLUSTER_FIRST])
def test_where_nothing_matches_nothing_can_be_drawn(order: str) -> None:
    assert drawn_jobs(Level("x", draw=order), {"v": frozenset(), "w": frozenset()}) == {}


def test_draws_come_as_often_as_their_shares_say() -> None:
    shares = {"v": Fraction(1, 2), "w": Fraction(1, 3), "x": Fraction(1, 6)}
    counts = Counter(draw(shares, f"0/draw/{number}") for number in range(6000))
    # Six standard deviations of the widest of them are 232.
    assert all(abs(counts[job] - 6000 * share) < 240 for job, share in shares.items())


def test_the_same_key_draws_the_same_job() -> None:
    shares = {"v": Fraction(1, 2), "w": Fraction(1, 2)}
    assert [draw(shares, str(key)) for key in range(50)] == [draw(dict(shares), str(key)) for key in range(50)]


def test_a_draw_shares_its_key_with_no_submission(tmp_path: Path) -> None:
    """Whatever a job is called: else the job that is drawn would decide what is selected for it."""
    path = tmp_path / "experiment.yaml"
    path.write_text(
        "experiment: tiny\nclusters: {subsystems: {os: {name: [a, b]}}}\n"
        "jobs: {jobs: {draw: {requires: {os: {name: a}}}, other: {requires: {os: {name: b}}}}}\n"
        "levels: [{drawn: {reveals: [], draw: job}}]\niterations: 200\n"
    )
    experiment = load_experiment(path)
    worlds = Worlds(RunOptions(SchedulerOptions("reference")))
    run = worlds.level(experiment, experiment.levels.resolve(["drawn"])[0])
    given = Counter(each.cluster for each in run.submissions if each.job == "draw")
    assert min(given["a"], given["b"]) > 25


def test_sampling_until_gates_are_decided_ends_where_nothing_can_be_drawn(tmp_path: Path) -> None:
    path = tmp_path / "experiment.yaml"
    path.write_text(
        "experiment: tiny\nclusters: {subsystems: {os: {name: [a, b]}}}\n"
        "jobs: {jobs: {x: {requires: {os: {name: c}}}}}\nlevels: [{drawn: {reveals: [os], draw: job}}]\n"
    )
    experiment = load_experiment(path)
    worlds = Worlds(RunOptions(SchedulerOptions("reference"), sampling=Sampling(cap=50)))
    run = worlds.level(experiment, experiment.levels.resolve(["drawn"])[0], [Fraction(1, 2)])
    assert (run.submissions, run.facts.expected, run.facts.sequential) == ((), 0, False)
