"""The test of selection, held to enumeration of everything that could have been chosen."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from pytest_compat.judge.uniform import SelectionTest, selection_test

CLUSTERS = ["a", "b", "c", "d"]

few = settings(max_examples=20, deadline=None)  # each example enumerates all there is


@st.composite
def designs(draw: st.DrawFn, most: int = 3) -> dict[str, tuple[list[str], int]]:
    """Up to three jobs: candidates and submissions."""
    jobs = draw(st.integers(1, most))
    subsets = st.lists(st.sampled_from(CLUSTERS), min_size=1, max_size=4, unique=True).map(sorted)
    return {f"job-{number}": (draw(subsets), draw(st.integers(1, 2))) for number in range(jobs)}


@st.composite
def samples(draw: st.DrawFn) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Candidates, and what was chosen among them, anyhow."""
    candidates, chosen = {}, {}
    for job, (names, _) in draw(designs(5)).items():
        candidates[job] = names
        chosen[job] = draw(st.lists(st.sampled_from(names), max_size=12))
    return candidates, chosen


def law(chances: Sequence[Fraction]) -> list[Fraction]:
    """Return the law of the number of successes, one draw after the other."""
    found = [Fraction(1)]
    for chance in chances:
        found = [
            (found[place] if place < len(found) else Fraction(0)) * (1 - chance)
            + (found[place - 1] if place else Fraction(0)) * chance
            for place in range(len(found) + 1)
        ]
    return found


def plain(candidates: Mapping[str, Sequence[str]], chosen: Mapping[str, Sequence[str]]) -> float | None:
    """Return the p-value by the definition: every cell of every family, one draw at a time."""
    draws = [
        (job, candidates[job], name) for job, names in chosen.items() for name in names if len(candidates[job]) > 1
    ]
    if not draws:
        return None
    clusters, positions, jobs = [], [], []
    ends = ["first", "last"] if len({len(among) for _, among, _ in draws}) > 1 else ["first"]
    for cluster in {name for _, among, _ in draws for name in among}:
        cell = [(among, name == cluster) for _, among, name in draws if cluster in among]
        clusters.append(cell)
    for end, place in product(ends, range(max(len(among) for _, among, _ in draws))):
        wide = [(among if end == "first" else among[::-1], name) for _, among, name in draws if len(among) > place]
        positions.append([(among, among[place] == name) for among, name in wide])
    for job in {job for job, _, _ in draws}:
        for cluster in candidates[job]:
            jobs.append([(among, name == cluster) for other, among, name in draws if other == job])
    worst = Fraction(1)
    for family, tails in ((clusters, 2), (positions, 2), (jobs, 1)):
        for cell in family:
            counts = law([Fraction(1, len(among)) for among, _ in cell])
            observed = sum(hit for _, hit in cell)
            tail = sum(counts[observed:])
            if tails == 2:
                tail = min(tail, sum(counts[: observed + 1]))
            worst = min(worst, tail * tails * len(family) * 3)
    return float(worst)


@few
@given(samples())
def test_is_the_smallest_corrected_tail_of_all_cells(
    sample: tuple[dict[str, list[str]], dict[str, list[str]]],
) -> None:
    found = selection_test(*sample)
    expected = plain(*sample)
    assert (found and found.p) == (expected if expected is None else pytest.approx(expected, rel=1e-10, abs=0))


@few
@given(designs())
def test_false_alarms_are_no_more_frequent_than_stated(design: dict[str, tuple[list[str], int]]) -> None:
    candidates = {job: names for job, (names, _) in design.items()}
    ways = [list(product(names, repeat=draws)) for names, draws in design.values()]
    laws: Counter[float] = Counter()
    number = 0
    for way in product(*ways):
        found = selection_test(candidates, dict(zip(design, way, strict=True)))
        laws[found.p if found else 1.0] += 1
        number += 1
    reached = 0
    for p, times in sorted(laws.items()):
        reached += times
        assert Fraction(reached, number) <= p * (1 + 1e-9)


@given(samples(), st.randoms(use_true_random=False))
def test_the_order_of_submissions_and_jobs_changes_nothing(
    sample: tuple[dict[str, list[str]], dict[str, list[str]]], rng: random.Random
) -> None:
    candidates, chosen = sample
    shuffled = {job: rng.sample(names, len(names)) for job, names in chosen.items()}
    jobs = rng.sample(sorted(chosen), len(chosen))
    assert selection_test(candidates, {job: shuffled[job] for job in jobs}) == selection_test(candidates, chosen)


def test_nothing_to_test() -> None:
    assert selection_test({}, {}) is None
    assert selection_test({"job": []}, {"job": []}) is None
    assert selection_test({"job": ["a"]}, {"job": ["a"] * 20}) is None
    assert selection_test({"job": ["a", "b"]}, {"job": []}) is None
    assert selection_test({"job": ["a", "b"]}, {}) is None


def test_a_job_with_one_candidate_adds_nothing() -> None:
    some = selection_test({"two": ["a", "b"]}, {"two": ["a"] * 9})
    assert selection_test({"two": ["a", "b"], "one": ["a"]}, {"two": ["a"] * 9, "one": ["a"] * 50}) == some


def test_a_favoured_cluster_is_named() -> None:
    names = [f"cluster-{number:02}" for number in range(48)]
    given_names = [names[(place * 7) % 48] for place in range(360)]
    given_names[:40] = ["cluster-33"] * 40
    chosen = {f"job-{number}": given_names[number::18] for number in range(18)}
    found = selection_test(dict.fromkeys(chosen, names), chosen)
    assert found is not None
    assert found.p < 1e-10
    count = given_names.count("cluster-33")
    assert found.message == f"cluster cluster-33 was chosen {count} of 360 times, expected 7.5"
    assert (found.kind, found.name, found.observed, found.draws) == ("cluster", "cluster-33", count, 360)
    assert found.expected == pytest.approx(7.5)


def test_a_cluster_never_chosen_is_named() -> None:
    names = ["a", "b", "c", "d", "e", "f"]
    chosen = {f"job-{number}": [names[:5][(number + place) % 5] for place in range(20)] for number in range(18)}
    candidates = dict.fromkeys(chosen, names)
    found = selection_test(candidates, chosen)
    assert found is not None
    assert found.message == "cluster f was chosen 0 of 360 times, expected 60"
    assert found.p == pytest.approx(2 * 6 * 3 * (5 / 6) ** 360, rel=1e-10, abs=0)


def spread_out(size: Sequence[int], place: Sequence[int], rng: random.Random) -> SelectionTest | None:
    """Test jobs with clusters all of their own, which are given mostly the candidate at a place of theirs."""
    candidates = {f"job-{job}": [f"{job}-{number}" for number in range(width)] for job, width in enumerate(size)}
    chosen = {
        job: [names[place[index]], *(rng.choice(names) for _ in range(4))]
        for index, (job, names) in enumerate(candidates.items())
    }
    return selection_test(candidates, chosen)


def test_a_favoured_place_is_named_where_no_cluster_is_shared() -> None:
    rng = random.Random(1)
    size = [3 + job % 5 for job in range(60)]
    first = spread_out(size, [0] * 60, rng)
    last = spread_out(size, [width - 1 for width in size], rng)
    third = spread_out(size, [2] * 60, rng)
    before_last = spread_out(size, [width - 2 for width in size], rng)
    for found, subject, name in (
        (first, "the first candidate", "first"),
        (last, "the last candidate", "last"),
        (third, "candidate 3", "3"),
        (before_last, "candidate 2 from the end", "2 from the end"),
    ):
        assert found is not None
        assert (found.kind, found.name) == ("position", name)
        assert found.message.startswith(
            f"{subject} in order of name was chosen {found.observed} of 300 times, expected "
        )
        assert found.p < 1e-4


def test_a_job_that_sticks_to_a_cluster_is_named() -> None:
    rng = random.Random(2)
    names = [f"{number:02}" for number in range(48)]
    chosen = {f"job-{number:02}": rng.choices(names, k=20) for number in range(18)}
    chosen["job-04"] = ["31"] * 20
    found = selection_test(dict.fromkeys(chosen, names), chosen)
    assert found is not None
    assert found.message == "job job-04 was given cluster 31 20 of 20 times, expected 0.417"
    assert found.p == pytest.approx(3 * 18 * 48 * (1 / 48) ** 20, rel=1e-10, abs=0)


def test_equal_candidates_make_a_binomial() -> None:
    names = ["a", "b", "c"]
    chosen = {"x": ["a"] * 25 + ["b"] * 8 + ["c"] * 7, "y": ["a"] * 25 + ["b"] * 7 + ["c"] * 8}
    found = selection_test(dict.fromkeys(chosen, names), chosen)
    assert found is not None
    assert found.p == pytest.approx(2 * 3 * 3 * binom.sf(49, 80, 1 / 3), rel=1e-10, abs=0)


def test_numbers_of_submissions_may_differ() -> None:
    found = selection_test({"x": ["a", "b"], "y": ["a", "b", "c"]}, {"x": ["a"] * 39, "y": ["c"]})
    assert found is not None
    assert found.message == "cluster b was chosen 0 of 40 times, expected 19.8"
    assert found.p == pytest.approx(2 * 3 * 3 * 2 / 3 / 2**39, rel=1e-10, abs=0)


def test_tails_keep_their_digits() -> None:
    found = selection_test({"job": ["a", "b"]}, {"job": ["a"] * 300 + ["b"] * 20})
    assert found is not None
    tail = Fraction(sum(comb(320, count) for count in range(300, 321)), 2**320)
    assert found.p == pytest.approx(float(2 * 3 * tail), rel=1e-11, abs=0)


def test_a_thousand_clusters_and_many_submissions() -> None:
    rng = random.Random(3)
    names = [f"{number:04}" for number in range(1000)]
    candidates = {f"job-{number}": sorted(rng.sample(names, rng.randint(2, 1000))) for number in range(50)}
    chosen = {job: rng.choices(among, k=20) for job, among in candidates.items()}
    fair = selection_test(candidates, chosen)
    assert fair is not None
    assert fair.p > 0.001
    for job, among in candidates.items():
        chosen[job][:4] = [among[-1]] * 4
    found = selection_test(candidates, chosen)
    assert found is not None
    assert found.name == "last"
    assert found.p < 1e-100


def test_a_hundred_thousand_submissions_of_a_job() -> None:
    found = selection_test({"job": ["a", "b", "c"]}, {"job": ["a", "b", "c"] * 33_333})
    assert found is not None
    assert found.p == 1


def test_a_cluster_that_is_no_candidate_is_refused() -> None:
    with pytest.raises(ValueError, match="job was given z, which is no candidate of it"):
        selection_test({"job": ["a", "b"]}, {"job": ["a", "z"]})
    with pytest.raises(ValueError, match="other was given a, which is no candidate of it"):
        selection_test({"job": ["a", "b"]}, {"other": ["a"]})


def test_a_candidate_named_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="found a cluster twice among the candidates of job, expected each once"):
        selection_test({"job": ["a", "a"]}, {"job": ["a"]})
