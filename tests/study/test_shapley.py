"""What subsystems are worth: Shapley values by their definition and axioms, sampled ones by their rate of covering."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import combinations, permutations
from math import factorial
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_compat.study.worth import MAX_EXACT, Value, Worth, plain_worth, worth

NAMES = ("arch", "os", "mpi", "gpu", "spack")
RATES = st.fractions(0, 1, max_denominator=50)


def subsets(names: tuple[str, ...]) -> list[frozenset[str]]:
    return [frozenset(some) for size in range(len(names) + 1) for some in combinations(names, size)]


@st.composite
def games(draw: st.DrawFn) -> tuple[tuple[str, ...], dict[frozenset[str], Fraction]]:
    names = NAMES[: draw(st.integers(0, len(NAMES)))]
    return names, {some: draw(RATES) for some in subsets(names)}


def additive(weights: dict[str, Fraction]) -> Value:
    return lambda some: sum((weights[name] for name in some), Fraction(0))


def shapley(found: Worth) -> dict[str, Fraction]:
    return {share.subsystem: share.shapley for share in found.shares}


def by_definition(names: tuple[str, ...], value: Callable[[frozenset[str]], Fraction]) -> dict[str, Fraction]:
    totals = dict.fromkeys(names, Fraction(0))
    for order in permutations(names):
        for place, name in enumerate(order):
            totals[name] += value(frozenset(order[: place + 1])) - value(frozenset(order[:place]))
    return {name: total / factorial(len(names)) for name, total in totals.items()}


class TestExact:
    @given(games())
    def test_is_the_mean_over_all_orders(self, game: tuple[tuple[str, ...], dict[frozenset[str], Fraction]]) -> None:
        names, values = game
        found = worth(values.__getitem__, names)
        assert shapley(found) == by_definition(names, values.__getitem__)
        assert found.permutations is None
        assert all(share.interval is None for share in found.shares)

    @given(games())
    def test_shares_add_up_and_ends_are_as_asked(
        self, game: tuple[tuple[str, ...], dict[frozenset[str], Fraction]]
    ) -> None:
        names, values = game
        found = worth(values.__getitem__, names)
        every = frozenset(names)
        assert (found.none, found.full) == (values[frozenset()], values[every])
        assert sum(shapley(found).values(), Fraction(0)) == found.full - found.none
        for share in found.shares:
            assert share.first == values[frozenset([share.subsystem])] - found.none
            assert share.last == found.full - values[every - {share.subsystem}]

    @given(st.dictionaries(st.sampled_from(NAMES), RATES), RATES)
    def test_of_what_adds_up_it_is_what_each_adds(self, weights: dict[str, Fraction], extra: Fraction) -> None:
        assert shapley(worth(lambda some: extra + additive(weights)(some), tuple(weights))) == weights

    @given(st.lists(RATES, min_size=4, max_size=4))
    def test_equals_get_equal_shares_and_what_changes_nothing_gets_nothing(self, rates: list[Fraction]) -> None:
        found = shapley(worth(lambda some: rates[len(some - {"gpu"})], ("arch", "gpu", "os", "mpi")))
        assert found["gpu"] == 0
        assert found["arch"] == found["os"] == found["mpi"] == (rates[3] - rates[0]) / 3

    def test_each_set_is_asked_about_once(self) -> None:
        asked: list[frozenset[str]] = []

        def value(some: frozenset[str]) -> Fraction:
            asked.append(some)
            return Fraction(len(some))

        worth(value, NAMES)
        assert sorted(asked, key=sorted) == sorted(subsets(NAMES), key=sorted)

    def test_nothing_to_reveal_is_worth_nothing(self) -> None:
        found = worth(lambda _: Fraction(1, 3), ())
        assert found.shares == ()
        assert [(best.subsystems, best.accuracy) for best in found.best] == [((), Fraction(1, 3))]


class TestSampled:
    @settings(deadline=None)  # the first one imports scipy
    @given(games(), st.integers(0, 9), st.sampled_from((4, 6, 20)))
    def test_shares_add_up_all_the_same(
        self, game: tuple[tuple[str, ...], dict[frozenset[str], Fraction]], seed: int, orders: int
    ) -> None:
        names, values = game
        found = worth(values.__getitem__, names, seed=seed, permutations=orders)
        assert found.permutations == orders
        assert sum(shapley(found).values(), Fraction(0)) == found.full - found.none
        assert found.best == worth(values.__getitem__, names).best

    def test_intervals_cover_the_exact_value_about_as_often_as_they_say(self) -> None:
        draw = Random(7)
        # Subsystems that need one another, so that what each adds depends on the order.
        values = {some: Fraction(draw.randrange(10), 10) + len(some) ** 2 for some in subsets(NAMES)}
        exact = shapley(worth(values.__getitem__, NAMES))
        covered = [
            share.interval[0] <= exact[share.subsystem] <= share.interval[1]
            for seed in range(400)
            for share in worth(values.__getitem__, NAMES, seed=seed, permutations=40).shares
            if share.interval
        ]
        assert len(covered) == 2000
        # Five subsystems share the orders of a seed, so 400 draws count: the standard error is 0.011 at most.
        assert 0.92 <= sum(covered) / len(covered) <= 0.98

    def test_orders_derive_from_the_seed(self) -> None:
        def value(some: frozenset[str]) -> Fraction:
            return Fraction(len(some) ** 3 * ("os" in some))

        first, again, other = (worth(value, NAMES, seed=seed, permutations=10) for seed in (1, 1, 2))
        assert first == again
        assert first != other

    def test_an_order_and_its_reverse_cancel_what_depends_on_the_place_alone(self) -> None:
        found = worth(lambda some: Fraction(len(some) ** 2), NAMES, permutations=4)
        assert set(shapley(found).values()) == {Fraction(len(NAMES))}
        assert [share.interval for share in found.shares] == [(5.0, 5.0)] * len(NAMES)

    @pytest.mark.parametrize("orders", [-2, 0, 2, 5])
    def test_orders_come_in_pairs_and_two_pairs_are_the_least(self, orders: int) -> None:
        with pytest.raises(ValueError, match="expected an even number from 4"):
            worth(lambda _: Fraction(0), NAMES, permutations=orders)

    def test_many_subsystems_are_sampled(self) -> None:
        names = tuple(f"s{number}" for number in range(MAX_EXACT + 1))
        weights = {name: Fraction(number, 100) for number, name in enumerate(names)}
        found = worth(additive(weights), names)
        assert found.permutations == 400
        assert shapley(found) == weights
        assert not found.exhaustive
        assert plain_worth(found)["method"] == "sampled"
        assert worth(additive(weights), names[1:]).permutations is None


class TestBest:
    @given(games())
    def test_no_set_of_its_size_is_better(self, game: tuple[tuple[str, ...], dict[frozenset[str], Fraction]]) -> None:
        names, values = game
        found = worth(values.__getitem__, names)
        assert found.exhaustive
        for size, best in enumerate(found.best):
            assert values[frozenset(best.subsystems)] == best.accuracy
            assert best.accuracy == max(value for some, value in values.items() if len(some) == size)

    @given(games(), RATES)
    def test_no_smaller_set_reaches_the_target(
        self, game: tuple[tuple[str, ...], dict[frozenset[str], Fraction]], target: Fraction
    ) -> None:
        names, values = game
        sizes = [len(some) for some, value in values.items() if value >= target]
        found = worth(values.__getitem__, names).smallest(target)
        assert (found and len(found.subsystems)) == min(sizes, default=None)

    def test_of_equals_the_one_first_in_order_is_best(self) -> None:
        found = worth(lambda some: Fraction(len(some)), ("os", "arch", "mpi"))
        assert [best.subsystems for best in found.best] == [(), ("os",), ("os", "arch"), ("os", "arch", "mpi")]

    def test_beyond_what_can_be_compared_each_set_adds_what_adds_most(self) -> None:
        names = tuple(f"s{number:02}" for number in range(MAX_EXACT + 1))
        pair = {"s03", "s07"}  # together worth more than any two others, and nothing alone

        def value(some: frozenset[str]) -> Fraction:
            return Fraction(5 * (pair <= some) + 2 * ("s09" in some) + ("s01" in some), 8)

        found = worth(value, names, permutations=4)
        assert [best.subsystems for best in found.best[:3]] == [(), ("s09",), ("s01", "s09")]
        assert found.best[-1].subsystems == names
        reached = found.smallest(Fraction(5, 8))
        assert reached is not None
        assert len(reached.subsystems) > 2


def test_the_plain_form_is_that_of_the_report() -> None:
    value = {"": Fraction(1, 4), "a": Fraction(1, 2), "b": Fraction(1, 4), "ab": Fraction(1)}
    found = worth(lambda some: value["".join(sorted(some))], ("b", "a"))
    assert plain_worth(found) == {
        "method": "exact",
        "permutations": None,
        "none": 0.25,
        "full": 1.0,
        "subsystems": [
            {"subsystem": "b", "shapley": 0.25, "interval": None, "first": 0.0, "last": 0.5},
            {"subsystem": "a", "shapley": 0.5, "interval": None, "first": 0.25, "last": 0.75},
        ],
        "best": [
            {"size": 0, "subsystems": [], "accuracy": 0.25},
            {"size": 1, "subsystems": ["a"], "accuracy": 0.5},
            {"size": 2, "subsystems": ["b", "a"], "accuracy": 1.0},
        ],
        "exhaustive": True,
    }
    sampled = plain_worth(worth(lambda some: value["".join(sorted(some))], ("b", "a"), permutations=4))
    assert (sampled["method"], sampled["permutations"]) == ("sampled", 4)
    assert all(len(each["interval"]) == 2 for each in sampled["subsystems"])
