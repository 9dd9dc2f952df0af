"""Figures of a gradient, beside enumerations and plain sums."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise, product
from math import prod
from statistics import fmean

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from problems_made import GivenScores, Made, make, plainly
from scipy.stats import binom

from pytest_compat.idset import decode
from pytest_compat.scale.engine import Outcome, blocks
from pytest_compat.scale.figures import Gradient, figures, poisson_binomial
from pytest_compat.scale.problem import Problem
from pytest_compat.scale.run import GradientCase
from pytest_compat.scale.work import run_all

probabilities = st.one_of(st.sampled_from([0.0, 1.0, 0.5, 1e-9]), st.floats(0, 1))


@given(st.lists(probabilities, max_size=9))
def test_the_law_of_a_few_events_is_that_of_enumerating_them(chances: list[float]) -> None:
    law = [0.0] * (len(chances) + 1)
    for happened in product((0, 1), repeat=len(chances)):
        law[sum(happened)] += prod(p if event else 1 - p for p, event in zip(chances, happened, strict=True))
    found = poisson_binomial(chances).tolist()
    assert found + [0.0] * (len(law) - len(found)) == pytest.approx(law, abs=1e-14)


@pytest.mark.parametrize(("events", "chance"), [(1, 0.3), (2, 1.0), (1000, 0.5), (1023, 0.07), (25_000, 0.9)])
def test_the_law_of_equal_events_is_binomial(events: int, chance: float) -> None:
    found = poisson_binomial(numpy.full(events, chance))
    assert found == pytest.approx(binom.pmf(numpy.arange(events + 1), events, chance), abs=1e-13)


@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=300))
@settings(max_examples=30)
def test_the_law_has_the_mean_and_the_variance_that_sums_have(chances: list[float]) -> None:
    law = poisson_binomial(chances)
    happened = numpy.arange(len(law))
    assert law.sum() == pytest.approx(1)
    assert (law * happened).sum() == pytest.approx(sum(chances))
    assert (law * (happened - sum(chances)) ** 2).sum() == pytest.approx(sum(p * (1 - p) for p in chances))


def run(made: Made, seed: int = 0) -> tuple[Outcome, Gradient]:
    outcome = run_all(made.problem, blocks(made.problem), seed)
    return outcome, figures(made.problem, outcome, seed=seed, way="batch", scale="full", remarks=("odd",))


@pytest.fixture(scope="module")
def made() -> Made:
    return make(11, 300, 30, 6, picky=0.3)


def test_levels_say_what_plain_sums_say(made: Made) -> None:
    plain, (_, gradient) = plainly(made, 0), run(made)
    for number, level in enumerate(gradient.levels):
        counts = plain["candidates"][number]
        assert level.level == made.problem.levels[number]
        assert level.matched == sum(count > 0 for count in counts)
        assert level.candidates == pytest.approx(fmean(counts))
        assert level.succeeded == sum(plain["succeeded"][number])
        for place, source in enumerate("ab"):
            rates = plain["expected"][place][number]
            assert level.expected[source] == pytest.approx(fmean(rates))
            assert level.assigned is not None
            assert level.assigned[source] == pytest.approx(
                fmean(rate for rate, count in zip(rates, counts, strict=True) if count)
            )
            assert level.regret[source] == pytest.approx(fmean(plain["best"][place]) - fmean(rates))
    assert gradient.bound == pytest.approx({"a": fmean(plain["best"][0]), "b": fmean(plain["best"][1])})


def test_jobs_become_unmatched_where_they_lose_their_last_candidate(made: Made) -> None:
    plain, (_, gradient) = plainly(made, 0), run(made)
    gone = {name: decode(text, 300) for name, text in gradient.unmatched.items()}
    for job in range(300):
        counts = [row[job] for row in plain["candidates"]]
        first = next((name for name, count in zip(made.problem.levels, counts, strict=True) if not count), None)
        assert [name for name, jobs in gone.items() if job in jobs] == ([] if first is None else [first])
    assert 0 < sum(map(len, gone.values())) == 300 - gradient.levels[-1].matched
    assert gradient.names == made.problem.jobs


@pytest.mark.parametrize("seed", range(5))
def test_successes_lie_in_their_range(made: Made, seed: int) -> None:
    outcome, gradient = run(made, seed)
    for level in gradient.levels:
        assert level.range[0] <= level.succeeded <= level.range[1]
        assert level.range[1] - level.range[0] < 70
    GradientCase(gradient, outcome).check()


def test_successes_of_many_runs_are_as_likely_as_they_are_said_to_be() -> None:
    made = make(2, 40, 5, 2, picky=0.3)
    tails = [level.p for seed in range(300) for level in run(made, seed)[1].levels]
    for limit in (0.5, 0.1, 0.02):
        found = sum(p <= limit for p in tails)
        assert binom.sf(found - 1, len(tails), limit) > 0.001  # whole numbers: as likely at the most,
        assert found > limit / 3 * len(tails)  # and not much less


@pytest.mark.parametrize("chance", [0.03, 0.5, 0.9])
def test_the_range_is_what_999_of_1000_runs_have(chance: float) -> None:
    jobs = tuple(map(str, range(1000)))
    problem = Problem("p", jobs, ("k",) * 1000, ("a", "b"), (), {"s": GivenScores(numpy.full((1000, 2), chance))})
    (level,) = figures(problem, run_all(problem, blocks(problem), 0), seed=0, way="batch", scale="full").levels
    exactly = float(numpy.float32(chance))
    assert level.range == (binom.ppf(0.0005, 1000, exactly), binom.isf(0.0005, 1000, exactly))
    tails = binom.cdf(level.succeeded, 1000, exactly), binom.sf(level.succeeded - 1, 1000, exactly)
    assert level.p == pytest.approx(min(1, 2 * min(tails)))


@pytest.mark.parametrize("to", [True, False], ids=["all", "none"])
def test_successes_that_cannot_be_are_found(made: Made, to: bool) -> None:
    outcome, _ = run(made)
    succeeded = outcome.succeeded.copy()
    succeeded[3] = to
    forged = replace(outcome, succeeded=succeeded)
    gradient = figures(made.problem, forged, seed=0, way="batch", scale="full")
    assert gradient.levels[3].p < 1e-6
    with pytest.raises(AssertionError, match=rf"{made.problem.levels[3]}: {300 if to else 0} of 300 jobs succeeded"):
        GradientCase(gradient, forged).check()


def test_the_best_level_is_the_first_of_the_largest(made: Made) -> None:
    _, gradient = run(made)
    rates = {level.level: level.expected["a"] for level in gradient.levels}
    assert gradient.best == max(rates, key=rates.__getitem__)
    flat = replace(
        made.problem, steps=tuple(replace(s, jobs=s.jobs[:0], wants=s.wants[:0]) for s in made.problem.steps)
    )
    _, level = run(replace(made, problem=flat))
    assert level.best == flat.levels[0]


def test_packages_add_up(made: Made) -> None:
    outcome, gradient = run(made)
    best = made.problem.levels.index(gradient.best)
    assert [each.package for each in gradient.packages] == sorted(set(made.problem.packages))
    assert [each.jobs for each in gradient.packages] == [
        made.problem.packages.count(each.package) for each in gradient.packages
    ]
    for place, number in enumerate((0, best, len(gradient.levels) - 1)):
        level = gradient.levels[number]
        assert sum(each.jobs * each.expected[place] for each in gradient.packages) == pytest.approx(
            300 * level.expected["a"]
        )
        assert sum(each.jobs * each.matched[place] for each in gradient.packages) == pytest.approx(level.matched)
    for each in gradient.packages:
        mine = [job for job, package in enumerate(made.problem.packages) if package == each.package]
        rates = outcome.expected[0][:, mine].mean(axis=1).tolist()
        assert each.best == pytest.approx(max(rates))
        assert each.best_level == made.problem.levels[rates.index(max(rates))]


def test_nothing_matches_any_more() -> None:
    made = make(0, 20, 1, 9, picky=1)
    outcome, gradient = run(made)
    last = gradient.levels[-1]
    assert (last.matched, last.assigned, last.succeeded, last.range, last.p) == (0, None, 0, (0, 0), 1)
    assert last.expected == {"a": 0, "b": 0}
    assert last.regret == gradient.bound
    assert sum(len(decode(text, 20)) for text in gradient.unmatched.values()) == 20
    GradientCase(gradient, outcome).check()


def test_fewer_match_from_level_to_level(made: Made) -> None:
    outcome, gradient = run(made)
    assert (numpy.diff(outcome.candidates, axis=0) <= 0).all()
    assert all(one.matched >= other.matched for one, other in pairwise(gradient.levels))


def test_figures_are_plain_and_go_through_json(made: Made) -> None:
    _, gradient = run(made)
    plain = gradient.plain()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert (plain["experiment"], plain["seed"], plain["remarks"]) == ("made", 0, ["odd"])
    assert plain["levels"][0]["range"] == list(gradient.levels[0].range)
