"""Clusters of randomly chosen software: drawn one by one, each for itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

pandas = pytest.importorskip("pandas")

from pytest_compat.builds.environments import FREQUENCY, UNIFORM, draw_environments, occurring  # noqa: E402
from pytest_compat.errors import DeclarationError  # noqa: E402

COUNTS = {"zlib": {"1.2.8": 1, "1.2.11": 6, "develop": 3}, "cmake": {"3.20": 4}, "perl": {"5.34": 1, "5.26": 1}}

counts = st.dictionaries(
    st.text("abc", min_size=1, max_size=3),
    st.dictionaries(st.text("0123.", min_size=1, max_size=3), st.integers(1, 9), min_size=1, max_size=5),
    min_size=1,
    max_size=4,
)


@given(counts=counts, clusters=st.integers(1, 40), more=st.integers(1, 40), seed=st.integers(), by=st.booleans())
def test_a_cluster_is_the_same_however_many_there_are_and_whatever_other_subsystems(
    counts: dict[str, dict[str, int]], clusters: int, more: int, seed: int, by: bool
) -> None:
    how = FREQUENCY if by else UNIFORM
    few = draw_environments(counts, clusters, seed, how)
    many = draw_environments(counts, clusters + more, seed, how)
    assert many.codes[:, :clusters].tolist() == few.codes.tolist()
    assert many.names[:clusters] == few.names
    name = few.subsystems[0]
    assert draw_environments({name: counts[name]}, clusters, seed, how).codes[0].tolist() == few.codes[0].tolist()
    assert all(few.installed(0)[name] in counts[name] for name in counts)


def test_a_known_draw_stays_the_same() -> None:
    drawn = draw_environments(COUNTS, 8, 0)
    assert drawn.subsystems == ("cmake", "perl", "zlib")
    assert drawn.codes.tolist() == [[0] * 8, [1, 0, 1, 0, 0, 0, 1, 0], [2, 2, 0, 1, 0, 1, 1, 1]]


@pytest.mark.parametrize(("by", "expected"), [(UNIFORM, [1, 1, 1]), (FREQUENCY, [6, 1, 3])])
def test_versions_are_as_common_as_asked_for(by: str, expected: list[int]) -> None:
    codes = draw_environments(COUNTS, 20_000, 0, by).codes[2]
    found = [(codes == code).sum() for code in range(3)]
    assert chisquare(found, [20_000 * each / sum(expected) for each in expected]).pvalue > 0.001


def test_seeds_and_subsystems_are_drawn_apart() -> None:
    first, second = (draw_environments(COUNTS, 1000, seed).codes for seed in (0, 1))
    assert 400 < (first[1] == second[1]).sum() < 600
    twins = draw_environments({"a": {"1": 1, "2": 1}, "b": {"1": 1, "2": 1}}, 1000, 0).codes
    assert 400 < (twins[0] == twins[1]).sum() < 600


def test_faux_clusters_have_what_the_codes_say() -> None:
    drawn = draw_environments(COUNTS, 5, 0)
    for number, cluster in enumerate(drawn.clusters()):
        assert cluster.name == drawn.names[number]
        found = {
            name: dict(graph.vertices[f"{name}1"].attributes)["version"] for name, graph in cluster.subsystems.items()
        }
        assert found == drawn.installed(number)
        assert cluster.containment.vertices["1"].type == "node"


def test_versions_that_occur_are_counted() -> None:
    frame = pandas.DataFrame({"dep_names": [["a", "b"], ["a"], []], "dep_versions": [["1", "2"], ["1"], []]})
    assert occurring(frame) == {"a": {"1": 2}, "b": {"2": 1}}


@pytest.mark.parametrize(
    ("counts", "clusters", "by", "problem"),
    [
        ({}, 1, UNIFORM, "found no dependencies"),
        ({"a": {}}, 1, UNIFORM, "found no version of 'a'"),
        (COUNTS, 0, UNIFORM, "found 0 clusters"),
        (COUNTS, 1, "often", "found 'often', expected uniform or frequency"),
    ],
)
def test_what_cannot_be_drawn_is_told(counts: dict[str, dict[str, int]], clusters: int, by: str, problem: str) -> None:
    with pytest.raises(DeclarationError, match=problem):
        draw_environments(counts, clusters, 0, by)
