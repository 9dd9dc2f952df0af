"""Rows of words are sets of clusters."""

from __future__ import annotations

import numpy
from hypothesis import given
from hypothesis import strategies as st

from pytest_compat.scale.bits import counted, nth, packed, unpacked, words


@st.composite
def some_sets(draw: st.DrawFn, least: int = 0) -> tuple[list[set[int]], int]:
    """Return sets of places, and how many places there are: around the ends of words, too."""
    size = draw(st.integers(1, 200))
    places = st.sets(st.integers(0, size - 1), min_size=min(least, size))
    return draw(st.lists(places, min_size=1, max_size=6)), size


def bits_of(sets: list[set[int]], size: int) -> numpy.ndarray:
    return packed([[place in each for place in range(size)] for each in sets])


@given(some_sets())
def test_sets_come_back_as_they_went_in(made: tuple[list[set[int]], int]) -> None:
    sets, size = made
    bits = bits_of(sets, size)
    assert bits.shape == (len(sets), words(size))
    assert [set(numpy.flatnonzero(row).tolist()) for row in unpacked(bits, size)] == sets


@given(some_sets())
def test_sets_are_counted(made: tuple[list[set[int]], int]) -> None:
    assert counted(bits_of(*made)).tolist() == [len(each) for each in made[0]]


@given(some_sets(), st.data())
def test_words_intersect_as_sets_do(made: tuple[list[set[int]], int], data: st.DataObject) -> None:
    sets, size = made
    other = data.draw(st.sets(st.integers(0, size - 1)))
    both = bits_of(sets, size) & bits_of([other], size)
    assert [set(numpy.flatnonzero(row).tolist()) for row in unpacked(both, size)] == [each & other for each in sets]


@given(some_sets(least=1), st.data())
def test_members_are_found_by_their_place_in_order(made: tuple[list[set[int]], int], data: st.DataObject) -> None:
    sets, size = made
    which = [data.draw(st.integers(0, len(each) - 1)) for each in sets]
    found = nth(bits_of(sets, size), numpy.array(which)).tolist()
    assert found == [sorted(each)[place] for each, place in zip(sets, which, strict=True)]


def test_the_first_and_last_of_full_sets() -> None:
    for size in (1, 63, 64, 65, 128, 129):
        full = bits_of([set(range(size))] * 2, size)
        assert nth(full, numpy.array([0, size - 1])).tolist() == [0, size - 1]
