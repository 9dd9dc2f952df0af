"""The order of versions, and what is in a range."""

from __future__ import annotations

from itertools import pairwise

import plain
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_compat.matching import in_range, parse_version
from pytest_compat.matching.versions import unordered_versions
from pytest_compat.model import Graph, Vertex
from pytest_compat.strategies import VERSIONS

ASCENDING = (
    *("0", "0.0.1", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2"),
    *("1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.2", "1.9", "1.10", "2", "2020.12", "2021", "2021.10.3"),
)

written = st.one_of(
    st.sampled_from(VERSIONS),
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(("", "v")),
        st.lists(st.sampled_from(("0", "1", "2", "01", "10", "2021")), min_size=1, max_size=4).map(".".join),
        st.sampled_from(("", "", "-rc1", "-rc.1", "-rc.10", "-1", "-a-b", "-01")),
        st.sampled_from(("", "", "+build.1", "+1-2")),
    ),
    st.text(alphabet="0.-+vr\u0661", max_size=6),
)


@given(written, st.none() | written, st.none() | written)
def test_a_range_holds_what_the_plain_comparison_says(text: str, low: str | None, high: str | None) -> None:
    assert in_range(text, low, high) == plain.between(text, low, high)


@pytest.mark.parametrize(("low", "high"), list(pairwise(ASCENDING)))
def test_versions_ascend(low: str, high: str) -> None:
    one, other = parse_version(low), parse_version(high)
    assert one is not None
    assert other is not None
    assert one.low < other.low


@pytest.mark.parametrize("text", ["1.2.3", "v1.2.3", "01.02.03", "1.2.3+build", "v1.2.3+a.b-c"])
def test_spellings_of_one_version_are_the_same(text: str) -> None:
    assert in_range(text, "1.2.3", "1.2.3")


@pytest.mark.parametrize(
    "text",
    [
        "develop",
        "1.2.3.4",
        "2020a",
        "",
        "v",
        "1.",
        ".1",
        "1..2",
        "V1",
        "1.2.3-",
        "1.2.3+",
        "1 ",
        "1\n",
        "-1",
        "\u0661.\u0662",
        "1_0",
    ],
)
def test_what_is_no_version_is_in_no_range(text: str) -> None:
    assert parse_version(text) is None
    assert not in_range(text, "0", None)
    assert not in_range(text, None, "9999")


@pytest.mark.parametrize("bound", ["develop", "1.2.3.4", "2020a", ""])
def test_what_is_no_version_bounds_no_range(bound: str) -> None:
    assert not in_range("1.2.3", bound, None)
    assert not in_range("1.2.3", None, bound)
    assert not in_range(bound, bound, bound)


@pytest.mark.parametrize(
    ("text", "low", "high", "inside"),
    [
        ("2021.10.3", None, "2021", True),
        ("2022", None, "2021", False),
        ("2021", "2021.0.0", None, True),
        ("2021", "2021.0.1", None, False),
        ("1.10", "1.9", None, True),
        ("1.2.99", None, "1.2", True),
        ("1.3", None, "1.2", False),
        ("1.2.3", "1.2.3", "1.2.3", True),
        ("1.2.3", "2", "1", False),
        ("0.5.3", "0.5.1", "0.5.5", True),
    ],
)
def test_bounds_are_inclusive_and_cover_what_they_abbreviate(
    text: str, low: str | None, high: str | None, inside: bool
) -> None:
    assert in_range(text, low, high) == inside


@pytest.mark.parametrize(
    ("text", "low", "high", "inside"),
    [
        ("1.2.3-rc1", "1.0.0", None, False),
        ("1.2.3-rc1", "1.0.0-a", None, True),
        ("1.2.3-rc1", "1.0.0-a", "2", False),
        ("1.2.3-rc1", "1.0.0-a", "2.0.0-a", True),
        ("1.2.3", "1.2.3-rc1", None, True),
        ("1.2.3", None, "1.2.3-rc1", False),
    ],
)
def test_a_prerelease_is_in_ranges_between_prereleases(
    text: str, low: str | None, high: str | None, inside: bool
) -> None:
    assert in_range(text, low, high) == inside


def test_numbers_are_compared_exactly() -> None:
    assert in_range("9007199254740993", "9007199254740993", None)
    assert not in_range("9007199254740992", "9007199254740993", None)


def test_endless_digits_are_no_version() -> None:
    assert parse_version("1" * 100_000) is None


def test_endless_prereleases_are_read() -> None:
    assert parse_version("1-" + "1" * 100_000) is not None


def test_versions_without_a_place_in_the_order_are_listed() -> None:
    attributes = (("gcc.version", "trunk"), ("name", "gcc"), ("version", "develop"))
    graph = Graph({"a": Vertex("s", 1, attributes), "b": Vertex("s", 1, (("version", "1.2"),))})
    assert unordered_versions(graph) == [("gcc.version", "trunk"), ("version", "develop")]
