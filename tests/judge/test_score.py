"""The figures of a level."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judge_examples import level, scored, submission

from pytest_compat.judge.score import Error, as_fraction, score_level
from pytest_compat.records import OUTCOMES, Candidates


def test_accuracy_and_assigned_accuracy_differ_by_what_was_not_assigned() -> None:
    score = scored(level())
    assert (score.score, score.accuracy, score.assigned_accuracy) == (Fraction(3, 2), Fraction(3, 8), Fraction(1, 2))


def test_every_outcome_is_counted_also_those_that_did_not_occur() -> None:
    outcomes = scored(level()).outcomes
    assert tuple(outcomes) == OUTCOMES
    assert dict(outcomes) == {"correct": 1, "compatible": 1, "incorrect": 1, "missed": 1, "rejected": 0, "error": 0}


def test_clusters_by_what_they_were_assigned() -> None:
    assert scored(level()).clusters == {"a": (1, 1), "b": (1, Fraction(1, 2)), "c": (1, 0)}


def test_exact_is_the_mean_over_jobs_of_the_mean_of_their_candidates() -> None:
    candidates = (Candidates("x", ("a", "b")), Candidates("y", ()))
    exact = scored(level(candidates=candidates)).exact
    assert exact is not None
    assert (exact.accuracy, exact.unmatched) == (Fraction(3, 8), Fraction(1, 2))


def test_exact_is_unknown_when_the_candidates_of_one_job_are() -> None:
    candidates = (Candidates("x", ("a",)), Candidates("y", None, reason="asleep"))
    score = scored(level(candidates=candidates))
    assert (score.exact, score.interval, score.plausible) == (None, None, None)
    assert score.errors == {"candidates of y: asleep": Error(0, ("y",))}


def test_an_incomplete_level_has_no_interval() -> None:
    run = level()
    score = score_level(run.facts, run.submissions[1:], missing=["a"])
    assert (score.complete, score.interval, score.missing) == (False, None, ("a",))
    assert score.exact is not None


def test_nothing_sampled_is_judged_by_what_is_exact() -> None:
    run = level(assigned={"x": [], "y": []})
    score = scored(run)
    assert (score.accuracy, score.assigned_accuracy, score.interval) == (None, None, None)
    assert score.complete
    assert score.judged == Fraction(1, 2)


def test_errors_by_reason() -> None:
    run = level(failures={"b": "on fire"})
    broken = submission("x", 0, None, outcome="error", reason="lost")
    score = score_level(run.facts, [broken, *run.submissions[1:]])
    assert score.errors == {"lost": Error(1, ("x",)), "b could not receive: on fire": Error(0)}


def test_ranges_hold_what_is_possible() -> None:
    score = scored(level(assigned={"x": ["a"] * 20, "y": ["b"] * 20}))
    assert score.interval is not None
    assert score.plausible is not None
    assert (
        0 <= score.plausible[0] <= score.interval[0] <= Fraction(1, 2) <= score.interval[1] <= score.plausible[1] <= 1
    )


@pytest.mark.parametrize("text", ["0.1", "0.333", "1e-7", "0.5", "1", "0"])
def test_a_score_is_what_was_declared(text: str) -> None:
    assert as_fraction(float(text)) == Fraction(text)


@given(st.permutations(range(4)))
def test_the_order_of_records_does_not_matter(order: list[int]) -> None:
    run = level()
    assert score_level(run.facts, [run.submissions[place] for place in order]) == scored(run)


@given(st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=12))
def test_accuracies_are_in_order(clusters: list[str | None]) -> None:
    score = scored(level(assigned={"x": clusters}))
    assert score.accuracy is not None
    assert 0 <= score.accuracy <= 1
    if score.assigned_accuracy is None:
        assert set(clusters) == {None}
    else:
        assert score.accuracy <= score.assigned_accuracy <= 1
    assert sum(score.outcomes.values()) == len(clusters)
