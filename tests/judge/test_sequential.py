"""Wald's test, held to its likelihood ratio and, by enumeration, to the error rates it states."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import inf, log, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_compat.judge.sequential import Sprt

inner = st.fractions(Fraction(1, 20), Fraction(19, 20), max_denominator=40)
score = st.sampled_from([Fraction(number, 4) for number in range(5)]) | st.floats(0, 1)
LAMMPS = [Fraction(1)] * 5 + [Fraction(1, 2)] * 6 + [Fraction(3, 4)] * 7


def decided(test: Sprt, rounds: Sequence[Sequence[Fraction | float]]) -> str | None:
    for each in rounds:
        test.add(each)
    return test.decision


def plain(limit: Fraction, delta: Fraction, rounds: Sequence[Sequence[Fraction | float]]) -> str | None:
    """Return the decision by multiplying ratios, one score at a time; limits for which all of them are finite."""
    total = 0.0
    for scores in rounds:
        for each in scores:
            x = float(each)
            total += x * log((limit - delta) / limit) + (1 - x) * log((1 - limit + delta) / (1 - limit))
        if total >= log(100):
            return "fail"
        if total <= -log(100):
            return "pass"
    return None


def ever(limit: Fraction, delta: Fraction, strata: Sequence[Sequence[Fraction]], rounds: int) -> dict[str, float]:
    """Return the probability of each decision within some rounds, by following the law of the sum of scores.

    Args:
        limit: Of the gate.
        delta: Of the gate.
        strata: Of each job, what its candidates score.
        rounds: How many at most.
    """
    one = {Fraction(0): 1.0}
    for scores in strata:
        longer: dict[Fraction, float] = {}
        for total, chance in one.items():
            for each in scores:
                longer[total + each] = longer.get(total + each, 0.0) + chance / len(scores)
        one = longer
    rates = {"pass": 0.0, "fail": 0.0}
    open_at = {Fraction(0): 1.0}
    for number in range(1, rounds + 1):
        after: dict[Fraction, float] = {}
        for total, chance in open_at.items():
            for gained, share in one.items():
                after[total + gained] = after.get(total + gained, 0.0) + chance * share
        open_at = {}
        for total, chance in after.items():
            test = Sprt(limit, delta, alpha=0.1, beta=0.1)
            jobs = len(strata)
            # The ratio depends on the sum alone, so that one round of that sum stands for all rounds.
            mean = total / (number * jobs)
            test.add([mean] * (number * jobs))
            if test.decision:
                rates[test.decision] += chance
            else:
                open_at[total] = chance
    return rates


@given(inner, st.lists(st.lists(score, min_size=1, max_size=30), max_size=40))
def test_is_the_product_of_likelihood_ratios(limit: Fraction, rounds: list[list[Fraction | float]]) -> None:
    delta = Fraction(1, 50)
    expected = plain(limit, delta, rounds)
    assert decided(Sprt(limit, delta), rounds) == expected


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(1)]), min_size=1, max_size=3),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from([Fraction(1, 10), Fraction(1, 3)]),
)
def test_error_rates_are_no_more_than_stated(strata: list[list[Fraction]], delta: Fraction) -> None:
    mean = sum((sum(scores, Fraction(0)) / len(scores) for scores in strata), Fraction(0)) / len(strata)
    if mean > 0:
        assert ever(mean, delta, strata, 25)["fail"] <= 0.1 + 1e-12
    if mean + delta <= 1:
        assert ever(mean + delta, delta, strata, 25)["pass"] <= 0.1 + 1e-12


def test_the_error_rate_is_nearly_used_up_by_scores_of_0_and_1() -> None:
    rates = ever(Fraction(1, 2), Fraction(1, 10), [[Fraction(0), Fraction(1)]], 300)
    assert 0.07 < rates["fail"] <= 0.1


def test_a_round_counts_as_a_whole() -> None:
    zeros, ones = [0] * 26, [1] * 20
    by_itself = Sprt(Fraction("0.5"), Fraction("0.1"))
    by_itself.add(zeros)
    assert by_itself.decision == "fail"
    test = Sprt(Fraction("0.5"), Fraction("0.1"))
    test.add([*zeros, *ones])
    assert test.decision is None


def test_a_good_scheduler_passes_and_a_bad_one_fails() -> None:
    assert decided(Sprt(Fraction("0.6")), [LAMMPS] * 400) == "pass"
    assert decided(Sprt(Fraction("0.8")), [LAMMPS] * 400) == "fail"


def test_nothing_is_decided_too_soon() -> None:
    test = Sprt(Fraction("0.6"))
    assert test.decision is None
    test.add([])
    test.add([Fraction(1)] * 18)
    assert test.decision is None


def test_the_first_decision_stays() -> None:
    test = Sprt(Fraction("0.5"), Fraction("0.1"))
    test.add([1] * 100)
    assert test.decision == "pass"
    test.add([0] * 10_000)
    assert test.decision == "pass"


@pytest.mark.parametrize("delta", [Fraction("0.02"), Fraction(1)])
def test_a_limit_of_0_is_passed_before_anything_is_submitted(delta: Fraction) -> None:
    test = Sprt(Fraction(0), delta)
    assert test.decision == "pass"
    test.add([0] * 1000)
    assert test.decision == "pass"


@pytest.mark.parametrize("short", [Fraction(0), Fraction(1, 2), 0.999999])
@pytest.mark.parametrize("delta", [Fraction("0.02"), Fraction(1)])
def test_a_limit_of_1_is_failed_by_the_first_score_below(short: Fraction | float, delta: Fraction) -> None:
    test = Sprt(Fraction(1), delta)
    test.add([1] * 5 + [short] if delta < 1 else [short])
    assert test.decision == "fail"


def test_a_limit_of_1_is_passed_by_enough_ones() -> None:
    test = Sprt(Fraction(1))
    needed = -log(0.01) / -log(0.98)  # 227.9
    test.add([1] * int(needed))
    assert test.decision is None
    test.add([1])
    assert test.decision == "pass"


@pytest.mark.parametrize("limit", [Fraction("0.01"), Fraction("0.02")])
def test_a_limit_of_delta_or_less_is_passed_by_the_first_score_above_0(limit: Fraction) -> None:
    test = Sprt(limit)
    test.add([0] * 50)
    assert test.decision is None
    test.add([0] * 17 + [Fraction(1, 4)])
    assert test.decision == "pass"


def test_a_limit_of_delta_or_less_is_failed_by_enough_zeros() -> None:
    test = Sprt(Fraction("0.01"))
    needed = log(100) / -log(0.99)  # 458.2
    test.add([0] * int(needed))
    assert test.decision is None
    test.add([0])
    assert test.decision == "fail"


def test_a_limit_of_1_and_a_delta_of_1() -> None:
    assert decided(Sprt(Fraction(1), Fraction(1)), [[1]]) == "pass"
    assert decided(Sprt(Fraction(1), Fraction(1)), [[0]]) == "fail"
    # Both means are ruled out. What was to be reached was not.
    assert decided(Sprt(Fraction(1), Fraction(1)), [[0, 1]]) == "fail"
    assert decided(Sprt(Fraction(1), Fraction(1)), [[0.5]]) == "fail"


def test_rates_may_differ() -> None:
    strict = Sprt(Fraction("0.5"), Fraction("0.1"), alpha=1e-12, beta=0.1)
    strict.add([0] * 60)
    assert strict.decision is None
    lenient = Sprt(Fraction("0.5"), Fraction("0.1"), alpha=0.1, beta=1e-12)
    lenient.add([0] * 60)
    assert lenient.decision == "fail"


def test_tenths_add_up_to_what_they_are() -> None:
    test = Sprt(Fraction("0.1"), Fraction("0.1"))
    test.add([0.0] * 43)
    assert test.decision is None
    test.add([0.0])
    assert test.decision == "fail"


@pytest.mark.parametrize("value", [-0.001, 1.001, nan, inf, -inf, Fraction(-1, 10), 2])
def test_what_is_no_score_is_refused_with_its_round(value: float) -> None:
    test = Sprt(Fraction("0.5"), Fraction("0.1"))
    with pytest.raises(ValueError, match=r"found the score .*, expected a number from 0 to 1"):
        test.add([1] * 1000 + [value])
    assert test.decision is None
    test.add([0])
    assert test.decision is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"limit": Fraction(-1, 2)}, "found the limit -1/2, expected a number from 0 to 1"),
        ({"limit": Fraction(3, 2)}, "found the limit 3/2, expected a number from 0 to 1"),
        ({"limit": nan}, "found the limit nan, expected a number from 0 to 1"),
        ({"delta": Fraction(0)}, "found the delta 0, expected a number above 0 and at most 1"),
        ({"delta": Fraction(2)}, "found the delta 2, expected a number above 0 and at most 1"),
        ({"alpha": 0.0}, "found the alpha 0.0, expected a number between 0 and 1"),
        ({"alpha": nan}, "found the alpha nan, expected a number between 0 and 1"),
        ({"beta": 1.0}, "found the beta 1.0, expected a number between 0 and 1"),
    ],
)
def test_what_is_out_of_range_is_refused(arguments: dict[str, Fraction], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Sprt(**{"limit": Fraction(1, 2), **arguments})  # type: ignore[arg-type]
