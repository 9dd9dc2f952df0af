"""The paired test, held to all the signs there could have been."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, norm, permutation_test

from pytest_compat.judge.paired import MIN_PARTS, NEGLIGIBLE, paired_test

SIDES = ["two-sided", "less"]

quarters = st.sampled_from([Fraction(number, 4) for number in range(-4, 5)])
any_size = st.fractions(-1, 1, max_denominator=12)
sides = st.sampled_from(SIDES)


def enumerated(differences: list[Fraction], side: str) -> float:
    """Return the share of signs that give a sum at least as far out."""
    total = sum(differences)
    sums = [
        sum(sign * each for sign, each in zip(signs, differences, strict=True))
        for signs in product((1, -1), repeat=len(differences))
    ]
    hits = sum(each <= total if side == "less" else abs(each) >= abs(total) for each in sums)
    return hits / len(sums)


@given(st.lists(quarters | any_size, max_size=9), sides)
def test_is_the_share_of_signs_as_far_out(differences: list[Fraction], side: Any) -> None:
    assert paired_test(differences, alternative=side) == pytest.approx(enumerated(differences, side), rel=1e-12)


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 50))
def test_is_mcnemars_test_for_scores_of_0_and_1(better: int, worse: int, same: int) -> None:
    differences = [Fraction(1)] * better + [Fraction(-1)] * worse + [Fraction(0)] * same
    discordant = better + worse
    for side in SIDES:
        expected = binomtest(better, discordant, alternative=side).pvalue if discordant else 1.0
        assert paired_test(differences, alternative=side) == pytest.approx(expected, rel=1e-9, abs=10 * NEGLIGIBLE)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("seed", range(3))
def test_is_scipys_permutation_test(side: Any, seed: int) -> None:
    halves = numpy.random.default_rng(seed).integers(-4, 5, size=12)

    def total(sample: Any, axis: int) -> Any:
        return sample.sum(axis=axis)

    expected = permutation_test(
        (halves.astype(float),), total, permutation_type="samples", alternative=side, vectorized=True
    ).pvalue
    found = paired_test([Fraction(int(each), 2) for each in halves], alternative=side)
    assert found == pytest.approx(expected, rel=1e-9)


@settings(deadline=None)
@given(st.lists(quarters, max_size=60), st.fractions(Fraction(1, 7), 9, max_denominator=9))
def test_the_unit_of_scores_changes_nothing(differences: list[Fraction], unit: Fraction) -> None:
    assert paired_test([each * unit for each in differences]) == paired_test(differences)


@given(st.lists(quarters, max_size=60))
def test_rise_and_fall_are_alike_two_sided(differences: list[Fraction]) -> None:
    assert paired_test([-each for each in differences]) == paired_test(differences)


@settings(deadline=None)
@given(st.lists(quarters | any_size, max_size=60), sides, st.randoms(use_true_random=False))
def test_the_order_of_pairs_changes_nothing(differences: list[Fraction], side: Any, rng: Any) -> None:
    shuffled = rng.sample(differences, len(differences))
    assert paired_test(shuffled, alternative=side) == paired_test(differences, alternative=side)


@given(st.lists(quarters, min_size=1, max_size=60))
def test_the_two_one_sided_tests_share_the_observed_sum(differences: list[Fraction]) -> None:
    fall = paired_test(differences, alternative="less")
    rise = paired_test([-each for each in differences], alternative="less")
    assert fall + rise >= 1 - 1e-12
    if any(differences):
        assert paired_test(differences) == pytest.approx(min(2 * min(fall, rise), 1.0), rel=1e-9)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("differences", [[], [Fraction(0)], [Fraction(0)] * 1000])
def test_where_nothing_differs_there_is_no_evidence(differences: list[Fraction], side: Any) -> None:
    assert paired_test(differences, alternative=side) == 1.0


def test_only_a_fall_is_evidence_of_a_fall() -> None:
    assert paired_test([Fraction(-1)] * 10, alternative="less") == pytest.approx(2**-10)
    assert paired_test([Fraction(1)] * 10, alternative="less") == 1.0


def test_a_p_value_is_never_nothing() -> None:
    assert 0 < paired_test([Fraction(1)] * 5000) < 1e-30
    assert paired_test([Fraction(1)] * 100) == pytest.approx(2**-99, rel=1e-6)
    assert 0 < paired_test([Fraction(1, 2)] * 3000 + [Fraction(1)] * 3000) < 1e-30


def test_tens_of_thousands_of_pairs() -> None:
    differences = [Fraction(1)] * 20_400 + [Fraction(-1)] * 20_000
    assert paired_test(differences) == pytest.approx(binomtest(20_400, 40_400).pvalue, rel=1e-9)


def test_tens_of_thousands_of_pairs_of_many_sizes() -> None:
    sizes = [Fraction(number % 201 - 100, 100) for number in range(20_100)]
    assert paired_test(sizes) == 1.0
    shifted = [*sizes, *[Fraction(1, 2)] * 300]
    deviation = sum(float(each) ** 2 for each in shifted) ** 0.5
    # Sums are hundredths of one parity: the tail begins half way to the next.
    assert paired_test(shifted) == pytest.approx(2 * norm.sf((150 - 0.01) / deviation), rel=1e-3)


@pytest.mark.parametrize("side", SIDES)
def test_a_grid_too_fine_is_rounded_to_one_that_is_not(side: Any) -> None:
    tiny = Fraction(1, 10**30)
    exact = [Fraction(1)] * 6 + [Fraction(-1)] * 3
    blurred = [each + tiny * place for place, each in enumerate(exact)]
    assert paired_test(blurred, alternative=side) == paired_test(exact, alternative=side)


def test_rounding_drops_no_more_than_its_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    differences = [Fraction(number * number % 997 - 480, 997) for number in range(300)]
    fine = paired_test(differences)
    monkeypatch.setattr("pytest_compat.judge.paired.MAX_GRID", 1)
    coarse = paired_test(differences)
    assert fine != coarse
    assert coarse == pytest.approx(fine, abs=1 / MIN_PARTS)


@settings(deadline=None)
@given(st.lists(any_size, min_size=1, max_size=8), sides)
def test_rounded_differences_keep_the_rate_of_false_alarms(differences: list[Fraction], side: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pytest_compat.judge.paired.MAX_GRID", 1)
        patch.setattr("pytest_compat.judge.paired.MIN_PARTS", 3)
        found = sorted(
            paired_test([sign * each for sign, each in zip(signs, differences, strict=True)], alternative=side)
            for signs in product((1, -1), repeat=len(differences))
        )
    for reached, p in enumerate(found, start=1):
        if reached == len(found) or found[reached] > p:
            assert reached / len(found) <= p * (1 + 1e-9)


def test_an_unknown_alternative_is_refused() -> None:
    with pytest.raises(ValueError, match="found the alternative 'greater', expected 'two-sided' or 'less'"):
        paired_test([], alternative="greater")  # type: ignore[arg-type]
