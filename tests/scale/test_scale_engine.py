"""The batch does what the reference matcher, `choose` and plain means do job by job."""

from __future__ import annotations

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from problems_made import GivenScores, Made, assert_same, make, plainly
from scipy.stats import chi2_contingency, chisquare, kstest

from pytest_compat.matching import choose
from pytest_compat.scale.engine import Batch, blocks, chances, draws, joined, run_block, scaled
from pytest_compat.scale.problem import Problem
from pytest_compat.scale.work import one_block, run_all

problems = st.builds(
    make,
    seed=st.integers(0, 2**32),
    jobs=st.integers(1, 12),
    clusters=st.sampled_from([1, 2, 7, 63, 64, 65, 130]),
    subsystems=st.integers(0, 4),
    picky=st.sampled_from([0.1, 0.5, 1]),
)


@given(made=problems, seed=st.integers(-5, 5))
@settings(max_examples=60, deadline=None)
def test_a_batch_is_what_comes_of_jobs_one_by_one(made: Made, seed: int) -> None:
    found = run_all(made.problem, blocks(made.problem), seed)
    for name, expected in plainly(made, seed).items():
        numpy.testing.assert_allclose(getattr(found, name), expected, rtol=1e-12, atol=0, err_msg=name)


@given(made=problems, size=st.integers(1, 13), seed=st.integers(-5, 5))
@settings(max_examples=60, deadline=None)
def test_blocks_of_any_size_make_the_same_arrays(made: Made, size: int, seed: int) -> None:
    assert_same(
        run_all(made.problem, blocks(made.problem, size), seed),
        one_block(made.problem, numpy.arange(len(made.problem.jobs)), seed),
    )


@given(made=problems, data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_cut_problem_is_the_first_part_of_the_whole(made: Made, data: st.DataObject) -> None:
    jobs = data.draw(st.integers(1, len(made.problem.jobs)))
    steps = data.draw(st.integers(0, len(made.problem.steps)))
    part, whole = made.problem.cut(jobs, steps), made.problem
    few, all_of_it = (run_all(each, blocks(each), 0) for each in (part, whole))
    assert part.levels[0][-4:] == "none"
    numpy.testing.assert_array_equal(few.candidates, all_of_it.candidates[: steps + 1, :jobs])
    numpy.testing.assert_array_equal(few.expected, all_of_it.expected[:, : steps + 1, :jobs])


def test_blocks_are_all_jobs_in_order() -> None:
    problem = make(0, 10, 3, 1).problem
    cut = blocks(problem, 4)
    assert [each.tolist() for each in cut] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    outcomes = [one_block(problem, jobs, 0) for jobs in cut]
    assert joined(outcomes).jobs.tolist() == list(range(10))


def test_another_seed_draws_other_clusters_and_matches_the_same() -> None:
    problem = make(0, 200, 40, 2, picky=0.3).problem
    one, other = (run_all(problem, blocks(problem), seed) for seed in (0, 1))
    numpy.testing.assert_array_equal(one.candidates, other.candidates)
    numpy.testing.assert_array_equal(one.expected, other.expected)
    several = one.candidates > 1
    assert 0.5 < (one.chosen != other.chosen)[several].mean() < 1
    assert (one.succeeded != other.succeeded).any()


def test_draws_of_success_go_by_the_first_source_alone() -> None:
    made = make(0, 50, 8, 1).problem
    never, always = GivenScores(numpy.zeros((50, 8))), GivenScores(numpy.ones((50, 8)))
    for sources, succeeded in (({"a": never, "b": always}, False), ({"b": always, "a": never}, True)):
        problem = Problem(made.name, made.jobs, made.packages, made.clusters, made.steps, sources)
        found = run_all(problem, blocks(problem), 0)
        assert (found.succeeded[found.chosen >= 0] == succeeded).all()
        assert found.best.tolist() == [[float(source is always)] * 50 for source in sources.values()]


@given(st.integers(0, 2**64 - 1), st.integers(1, 2**31 - 1))
def test_draws_are_scaled_as_whole_numbers_of_any_size_are(number: int, size: int) -> None:
    found = scaled(numpy.array([number], dtype=numpy.uint64), numpy.array([size]))
    assert found.tolist() == [number * size >> 64]


@given(seed=st.integers(), size=st.integers(1, 1000), name=st.text(min_size=1, max_size=5))
def test_draws_are_those_of_choose(seed: int, size: int, name: str) -> None:
    problem = Problem(name, (f"{name} job", "other"), ("a", "b"), ("c",), (), {})
    numbers = draws(problem, 0, numpy.array([1, 0]), seed)
    for place, job in enumerate(("other", f"{name} job")):
        assert scaled(numbers[[place]], numpy.array([size])).tolist() == [
            choose(range(size), f"{seed}/{name}/0-none/{job}/0")
        ]


@pytest.mark.parametrize(
    ("state", "output"), [(0, 0xE220A8397B1DCDAF), (1234567, 6457827717110365317), (2**64 - 1, 0xE4D971771B652C20)]
)
def test_chances_are_those_of_splitmix64(state: int, output: int) -> None:
    assert chances(numpy.array([state], dtype=numpy.uint64)).tolist() == [(output >> 11) / 2**53]


def numbers(count: int) -> numpy.ndarray:
    """Return the draws of so many jobs at one level."""
    problem = Problem("law", tuple(f"job-{job}" for job in range(count)), ("p",) * count, ("c",), (), {})
    return draws(problem, 0, numpy.arange(count), 0)


def test_chances_are_uniform() -> None:
    found = chances(numbers(40_000))
    assert found.min() >= 0
    assert found.max() < 1
    assert kstest(found, "uniform").pvalue > 0.001


@pytest.mark.parametrize("clusters", [2, 8, 100, 1000])
def test_chances_know_nothing_of_the_cluster_that_was_chosen(clusters: int) -> None:
    drawn = numbers(60_000)
    chosen = scaled(drawn, numpy.full(len(drawn), clusters))
    fifths = (chances(drawn) * 5).astype(int)
    assert chisquare(numpy.bincount(chosen, minlength=clusters)).pvalue > 0.001
    table = numpy.zeros((clusters, 5))
    numpy.add.at(table, (chosen, fifths), 1)
    assert chi2_contingency(table).pvalue > 0.001


def test_what_was_chosen_is_a_candidate_and_nothing_else_is() -> None:
    problem = make(3, 100, 70, 4).problem
    jobs = numpy.arange(100)
    batch = Batch(problem, jobs, 0)
    found = run_block(problem, jobs, batch, 0)
    again = Batch(problem, jobs, 0)
    for level in range(len(problem.levels)):
        bits, chosen = again.answer(level)
        for job, place in enumerate(chosen.tolist()):
            word = int(bits[job, place // 64]) if place >= 0 else 0
            assert (word >> place % 64 & 1 == 1) if place >= 0 else not bits[job].any()
        numpy.testing.assert_array_equal(chosen, found.chosen[level])
