"""A draw is uniform over keys and stable for ever."""

from __future__ import annotations

from collections import Counter

import pytest

from pytest_compat.matching import choose

NAMES = [f"cluster-{number}" for number in range(7)]


@pytest.mark.parametrize("many", [2, 3, 7])
def test_draws_are_uniform_over_keys(many: int) -> None:
    draws = 14_000
    found = Counter(choose(NAMES[:many], f"0/lammps/none/job/{number}") for number in range(draws))
    chi_square = sum((found[name] - draws / many) ** 2 / (draws / many) for name in NAMES[:many])
    assert chi_square < {2: 10.83, 3: 13.82, 7: 22.46}[many]  # p = 0.001


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("", "cluster-6"),
        ("0/lammps/none/job/0", "cluster-6"),
        ("0/lammps/none/job/1", "cluster-0"),
        ("ünïcode", "cluster-0"),
        ("\ud800", "cluster-1"),
    ],
)
def test_a_draw_never_changes(key: str, name: str) -> None:
    assert choose(NAMES, key) == name


def test_one_candidate_is_always_drawn() -> None:
    assert {choose(["only"], str(number)) for number in range(100)} == {"only"}


def test_no_candidates_no_draw() -> None:
    with pytest.raises(IndexError):
        choose([], "key")
