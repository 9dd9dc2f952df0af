"""Sets of positions as text, against Python's own sets."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_compat.idset import decode, encode

SIZE = 200
POSITIONS = st.sets(st.integers(0, SIZE - 1))


@pytest.mark.parametrize(
    ("positions", "text"),
    [([], ""), ([0], "0"), ([3, 1, 2], "1-3"), ([0, 1, 2, 3, 7], "0-3,7"), ([5, 6], "5-6"), ([0, 2, 4], "0,2,4")],
)
def test_reads_as_flux_writes_it(positions: list[int], text: str) -> None:
    assert encode(positions) == text
    assert decode(text, 8) == sorted(positions)


@given(POSITIONS)
def test_what_is_written_is_read(positions: set[int]) -> None:
    assert decode(encode(positions), SIZE) == sorted(positions)


@given(POSITIONS)
def test_no_two_ranges_touch(positions: set[int]) -> None:
    parts = [[int(end) for end in part.split("-")] for part in encode(positions).split(",") if part]
    assert all(before[-1] + 1 < after[0] for before, after in pairwise(parts))
    assert sum(part[-1] - part[0] + 1 for part in parts) == len(positions)


@given(st.text(alphabet="0123456789,- ", max_size=12))
def test_any_text_is_a_rising_list_or_refused(text: str) -> None:
    try:
        found = decode(text, SIZE)
    except ValueError:
        return
    assert found == sorted(set(found))
    assert all(0 <= position < SIZE for position in found)


@pytest.mark.parametrize(
    "text",
    ["8", "0-8", "3-1", "1,1", "2,1", "0-3,3", "-1", "1-", "-", ",", "1,", " 1", "01", "1.0", "x", "٣", "9999999999"],
)
def test_what_is_no_idset_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        decode(text, 8)


def test_a_range_of_a_billion_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="expected rising positions below 8"):
        decode("0-999999999", 8)
