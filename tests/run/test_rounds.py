"""How many rounds a level is submitted for."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_compat.declare.catalog import Experiment
from pytest_compat.judge.sequential import Sprt
from pytest_compat.records import LevelRun
from pytest_compat.run.level import LevelRunner
from pytest_compat.run.rounds import Rounds, Sampling
from pytest_compat.schedulers.reference import ReferenceScheduler

HALF = Fraction(1, 2)


def counted(rounds: Rounds, *scores: Fraction) -> int:
    """Return how many rounds of the same scores there are."""
    while rounds:
        rounds.add(scores)
    return rounds.done


@given(st.integers(0, 40))
def test_without_limits_their_number_is_fixed(iterations: int) -> None:
    for rounds in (Rounds(iterations), Rounds(iterations, [HALF]), Rounds(iterations, cap=3)):
        assert not rounds.sequential
        assert rounds.most == iterations
        assert counted(rounds, Fraction(1)) == iterations


def test_a_clear_level_ends_early() -> None:
    rounds = Rounds(5, [HALF], cap=1000)
    assert rounds.sequential
    assert rounds.most == 1000
    assert counted(rounds, *[Fraction(1)] * 10) < 50
    assert counted(Rounds(5, [HALF], cap=1000), *[Fraction(0)] * 10) < 50


def test_a_close_level_goes_on_to_the_cap() -> None:
    assert counted(Rounds(5, [HALF], cap=70), Fraction("0.49")) == 70


def test_the_last_limit_to_be_decided_ends_it() -> None:
    far, near = (counted(Rounds(5, [limit], cap=1000), *[Fraction(3, 4)] * 9) for limit in (HALF, Fraction("0.7")))
    assert far < near
    assert counted(Rounds(5, [HALF, Fraction("0.7")], cap=1000), *[Fraction(3, 4)] * 9) == near


def test_there_is_always_a_first_round() -> None:
    assert counted(Rounds(5, [Fraction(0)], cap=1000), Fraction(0)) == 1


@given(st.lists(st.lists(st.sampled_from([Fraction(0), HALF, Fraction(1)]), min_size=3, max_size=3), max_size=60))
def test_ends_with_the_round_that_decides(scores: list[list[Fraction]]) -> None:
    rounds, test = Rounds(5, [HALF], cap=1000), Sprt(HALF)
    for each in scores:
        assert bool(rounds) == (test.decision is None)
        if not rounds:
            break
        rounds.add(each)
        test.add(each)


def run(experiment: Experiment, level: str, sampling: Sampling, limits: list[Fraction]) -> LevelRun:
    scheduler = ReferenceScheduler()
    scheduler.open(experiment.clusters)
    runner = LevelRunner(experiment, scheduler, name="fake", seed=0, sampling=sampling)
    (resolved,) = experiment.levels.resolve([level])
    return runner.run(resolved, limits)


@pytest.mark.parametrize(
    ("sampling", "limits", "iterations"),
    [
        (Sampling(), [], 3),
        (Sampling(), [HALF], 3),
        (Sampling(7), [HALF], 7),
        (Sampling(0), [HALF], 0),
        (Sampling(cap=50), [], 3),
        (Sampling(cap=2), [Fraction("0.99")], 2),
    ],
)
def test_rounds_of_a_level(experiment: Experiment, sampling: Sampling, limits: list[Fraction], iterations: int) -> None:
    found = run(experiment, "os+mpi", sampling, limits)
    assert found.facts.iterations == iterations
    assert found.facts.sequential == (sampling.cap is not None and bool(limits))
    assert len(found.submissions) == 2 * iterations


def test_sequential_rounds_begin_as_fixed_ones_do(experiment: Experiment) -> None:
    few = run(experiment, "os", Sampling(cap=400), [Fraction("0.3")])
    many = run(experiment, "os", Sampling(400), [])
    assert 0 < few.facts.iterations < 400
    assert set(few.submissions) == {each for each in many.submissions if each.iteration < few.facts.iterations}
