"""The exact law of a summed score, held to plain enumeration and plain convolution."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise, product
from math import isclose

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from pytest_compat.judge import law as module
from pytest_compat.judge.law import Law, binomial, law_of_sum

AWKWARD = [Fraction(text) for text in ("0", "1", "0.5", "0.1", "0.333", "1e-7", "0.9999999", "0.7")]
COARSE = [Fraction(text) for text in ("0", "1", "0.5", "0.25", "0.1", "0.333")]

strata = st.lists(st.lists(st.sampled_from(COARSE), max_size=4), max_size=4)
awkward = st.lists(st.lists(st.sampled_from(AWKWARD), min_size=1, max_size=4), min_size=1, max_size=3)
draws = st.integers(1, 4)

few = settings(max_examples=25, deadline=None)  # fine grids and fractions take their time


def convolved(scores: Sequence[Sequence[Fraction]], times: int) -> dict[Fraction, Fraction]:
    """Return the law by convolving one draw after the other."""
    law = {Fraction(0): Fraction(1)}
    for stratum in scores:
        options = Counter(stratum or [Fraction(0)])
        for _ in range(times):
            longer: dict[Fraction, Fraction] = {}
            for (total, chance), (score, count) in product(law.items(), options.items()):
                joint = chance * Fraction(count, options.total())
                longer[total + score] = longer.get(total + score, Fraction(0)) + joint
            law = longer
    return law


def as_dict(law: Law) -> dict[Fraction, float]:
    return {int(place) * law.step: float(law.weights[place]) for place in (law.weights > 1e-15).nonzero()[0]}


def mean(law: Law) -> float:
    return sum(float(total) * weight for total, weight in as_dict(law).items())


@given(strata, draws)
def test_is_the_convolution(scores: list[list[Fraction]], times: int) -> None:
    expected = convolved(scores, times)
    found = as_dict(law_of_sum(scores, times))
    assert found.keys() <= expected.keys()
    for total, chance in expected.items():
        assert found.get(total, 0.0) == pytest.approx(float(chance), abs=1e-12)


@given(st.lists(st.lists(st.sampled_from(COARSE), min_size=1, max_size=3), min_size=1, max_size=3))
def test_is_what_enumeration_counts(scores: list[list[Fraction]]) -> None:
    counted = Counter(sum(choice, Fraction(0)) for choice in product(*scores))
    found = as_dict(law_of_sum(scores, 1))
    assert found.keys() == counted.keys()
    for total, count in counted.items():
        assert found[total] == pytest.approx(count / counted.total(), abs=1e-12)


@few
@given(awkward, st.integers(1, 50))
def test_weights_sum_to_one_and_keep_the_mean(scores: list[list[Fraction]], times: int) -> None:
    law = law_of_sum(scores, times)
    assert (law.weights >= 0).all()
    assert isclose(float(law.weights.sum()), 1, abs_tol=1e-9)
    expected = sum((sum(stratum, Fraction(0)) / len(stratum) for stratum in scores), Fraction(0)) * times
    assert mean(law) == pytest.approx(float(expected), abs=1e-6)


@few
@given(awkward, draws, st.sampled_from([0.5, 0.95, 0.999]))
def test_a_span_leaves_no_more_than_its_tails_outside(scores: list[list[Fraction]], times: int, level: float) -> None:
    law = law_of_sum(scores, times)
    low, high = law.span(level)
    found = as_dict(law)
    assert 0 <= low <= high <= len(scores) * times
    assert sum(chance for total, chance in found.items() if total < low) <= (1 - level) / 2 + 1e-9
    assert sum(chance for total, chance in found.items() if total > high) <= (1 - level) / 2 + 1e-9


@given(strata, draws)
def test_spans_are_nested(scores: list[list[Fraction]], times: int) -> None:
    law = law_of_sum(scores, times)
    spans = [law.span(level) for level in (0.5, 0.9, 0.95, 0.999)]
    for (low, high), (lower, higher) in pairwise(spans):
        assert lower <= low <= high <= higher


@few
@given(strata, draws)
def test_a_p_value_is_twice_the_smaller_tail(scores: list[list[Fraction]], times: int) -> None:
    expected = convolved(scores, times)
    law = law_of_sum(scores, times)
    for observed in sorted(expected)[:: max(len(expected) // 10, 1)]:
        below = sum((chance for total, chance in expected.items() if total <= observed), Fraction(0))
        above = sum((chance for total, chance in expected.items() if total >= observed), Fraction(0))
        assert law.p_value(observed) == pytest.approx(float(min(2 * below, 2 * above, Fraction(1))), abs=1e-12)


@few
@given(strata, draws)
def test_small_p_values_are_no_more_frequent_than_they_say(scores: list[list[Fraction]], times: int) -> None:
    law = law_of_sum(scores, times)
    found = sorted((law.p_value(total), chance) for total, chance in convolved(scores, times).items())
    reached = Fraction(0)
    for p, chance in found:
        reached += chance
        assert float(reached) <= p + 1e-12


@few
@given(awkward, draws)
def test_what_a_p_value_doubts_lies_outside_the_span_of_that_level(scores: list[list[Fraction]], times: int) -> None:
    law = law_of_sum(scores, times)
    low, high = law.span(0.9)
    for total in (low, high):
        assert law.p_value(total) > 0.1
    assert law.p_value(low - law.step) <= 0.1 + 1e-9
    assert law.p_value(high + law.step) <= 0.1 + 1e-9


@given(strata, draws)
def test_sums_that_cannot_be_have_no_probability(scores: list[list[Fraction]], times: int) -> None:
    law = law_of_sum(scores, times)
    assert law.p_value(Fraction(-1, 10**9)) == pytest.approx(min(2 * float(law.weights[0]), 1))
    assert law.p_value(-law.step) == 0
    assert law.p_value(Fraction(10**6)) == 0


def test_a_sum_between_two_points_is_judged_by_the_nearer_ends() -> None:
    law = law_of_sum([[Fraction(0), Fraction(1)]], 4)
    assert law.p_value(Fraction(1, 2)) == law.p_value(Fraction(1)) == pytest.approx(2 * 5 / 16)
    assert law.p_value(Fraction(7, 2)) == law.p_value(Fraction(3)) == pytest.approx(2 * 5 / 16)


@pytest.mark.parametrize("score", AWKWARD, ids=str)
def test_what_is_certain_has_a_p_value_of_1(score: Fraction) -> None:
    assert law_of_sum([[score]] * 3, 20).p_value(60 * score) == pytest.approx(1)


def test_a_coarse_grid_keeps_p_values(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = [[Fraction("0.333"), Fraction("0"), Fraction("1")], [Fraction("0.777"), Fraction("0.1234567")]]
    fine = law_of_sum(scores, 100)
    monkeypatch.setattr(module, "MAX_GRID", 40_000)
    coarse = law_of_sum(scores, 100)
    assert len(coarse.weights) < len(fine.weights) / 10
    for total in (Fraction("81.2345"), Fraction(90), Fraction("98.7")):
        assert coarse.p_value(total) == pytest.approx(fine.p_value(total), rel=0.05)


@given(st.integers(0, 400), st.fractions(Fraction(1, 1000), Fraction(999, 1000), max_denominator=1000))
def test_a_binomial_law_keeps_its_digits(number: int, chance: Fraction) -> None:
    found = binomial(number, float(chance))
    assert found == pytest.approx(binom.pmf(range(number + 1), number, float(chance)), rel=1e-10, abs=1e-290)


@pytest.mark.parametrize("chance", [0.5, 1 / 48, 0.999])
def test_a_binomial_law_of_a_million_draws(chance: float) -> None:
    found = binomial(1_000_000, chance)
    assert found.sum() == pytest.approx(1, abs=1e-12)
    mode = int(found.argmax())
    assert abs(mode - 1_000_000 * chance) <= 1
    assert found[mode] == pytest.approx(binom.pmf(mode, 1_000_000, chance), rel=1e-9)


@pytest.mark.parametrize("score", AWKWARD, ids=str)
def test_what_is_certain_has_no_width(score: Fraction) -> None:
    low, high = law_of_sum([[score]], 1).span(0.999)
    assert low == pytest.approx(score, abs=1e-6)
    assert high == pytest.approx(score, abs=1e-6)


def test_certain_successes_are_exact_on_any_grid() -> None:
    scores = [[Fraction(1)]] * 7 + [[Fraction(1, 999_983)]]
    assert law_of_sum(scores, 100).span(0.999)[1] <= 7 * 100 + 1


@pytest.mark.parametrize("strata", [[], [[]], [[], []]])
def test_without_candidates_nothing_is_scored(strata: list[list[Fraction]]) -> None:
    assert law_of_sum(strata, 5).span(0.95) == (Fraction(0), Fraction(0))


def test_many_draws_are_convolved_as_few_are() -> None:
    scores = [[Fraction(0), Fraction(1)], [Fraction(0), Fraction(1, 2), Fraction(1)]]
    law = law_of_sum(scores, 2000)
    assert isclose(float(law.weights.sum()), 1, abs_tol=1e-9)
    assert mean(law) == pytest.approx(2000)
    low, high = law.span(0.95)
    deviation = (2000 * (1 / 4 + 1 / 6)) ** 0.5
    assert (float(high) - float(low)) / 2 == pytest.approx(1.96 * deviation, rel=0.02)


def test_a_coarse_grid_keeps_mean_and_width(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = [[Fraction("0.333"), Fraction("0"), Fraction("1")], [Fraction("0.777"), Fraction("0.1234567")]]
    monkeypatch.setattr(module, "MAX_GRID", 4000)
    coarse = law_of_sum(scores, 100)
    monkeypatch.undo()
    assert len(coarse.weights) < 5000
    expected = 100 * sum(float(sum(stratum) / len(stratum)) for stratum in scores)
    assert mean(coarse) == pytest.approx(expected, abs=1e-6)
    fine = law_of_sum(scores, 100)
    for mine, theirs in zip(coarse.span(0.95), fine.span(0.95), strict=True):
        assert float(mine) == pytest.approx(float(theirs), abs=0.5)
