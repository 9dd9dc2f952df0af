"""Levels whose jobs are drawn, reasons, lost time, and the figures of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judge_examples import design, drawn_level, level, reasoned, scored, submission

from pytest_compat.judge.compare import Baseline, compare
from pytest_compat.judge.law import law_of_draws
from pytest_compat.judge.score import score_level
from pytest_compat.records import Candidates, LevelRun, Times

HALF, THIRD = Fraction(1, 2), Fraction(1, 3)
SCORES = [Fraction(text) for text in ("0", "1", "0.5", "0.25")]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 3), st.lists(st.sampled_from(SCORES), max_size=3)), min_size=1, max_size=3),
    st.integers(1, 3),
)
def test_the_law_of_draws_is_what_enumeration_counts(strata: Sequence[tuple[int, list[Fraction]]], draws: int) -> None:
    whole = sum(part for part, _ in strata)
    one = [
        (score, Fraction(part, whole * len(scores or [0])))
        for part, scores in strata
        for score in scores or [Fraction(0)]
    ]
    expected: dict[Fraction, Fraction] = {}
    for path in product(one, repeat=draws):
        total = sum((score for score, _ in path), Fraction(0))
        chance = Fraction(1)
        for _, share in path:
            chance *= share
        expected[total] = expected.get(total, Fraction(0)) + chance
    law = law_of_draws([(Fraction(part, whole), scores) for part, scores in strata], draws)
    found = {place * law.step: float(weight) for place, weight in enumerate(law.weights)}
    for total, chance in expected.items():
        assert found[total] == pytest.approx(float(chance), abs=1e-12)
    assert sum(found.values()) == pytest.approx(1)


def drawn(*assigned: tuple[str, str | None], **facts: object) -> LevelRun:
    """Return a level at which x has the candidates a and b, y has c, and z none."""
    candidates = (Candidates("x", ("a", "b")), Candidates("y", ("c",)), Candidates("z", ()))
    facts.setdefault("candidates", candidates)
    return drawn_level({"x": Fraction(3, 4), "y": Fraction(1, 4)}, assigned, jobs=("x", "y", "z"), **facts)


def test_exact_figures_weigh_jobs_as_they_are_drawn() -> None:
    exact = scored(reasoned(drawn())).exact
    assert exact is not None
    assert (exact.accuracy, exact.unmatched) == (Fraction(9, 16), 0)
    assert exact.outcomes == {"correct": Fraction(3, 8), "compatible": Fraction(3, 8), "incorrect": Fraction(1, 4)}
    assert exact.reasons == {"an idle gpu": Fraction(3, 8), "os abi issue": Fraction(1, 4)}


def test_so_many_submissions_are_expected_of_all_jobs_together() -> None:
    score = scored(drawn(("x", "a"), ("x", "b"), ("y", "c")))
    assert (score.expected, score.submissions, score.complete, score.accuracy) == (3, 3, True, HALF)
    assert score.interval is not None
    assert score.p_value == pytest.approx(1.0)


def test_where_nothing_can_be_drawn_everything_is_unmatched() -> None:
    run = drawn_level({}, [], jobs=("x",), candidates=(Candidates("x", ()),))
    score = scored(run)
    assert score.exact is not None
    assert (score.expected, score.complete, score.exact.accuracy, score.exact.unmatched) == (0, True, 0, 1)
    assert (score.interval, score.judged) == (None, 0)


@given(st.lists(st.sampled_from(["a", "b", "c", None]), max_size=6))
def test_outcomes_and_what_is_unmatched_add_up(clusters: list[str | None]) -> None:
    candidates = tuple(
        Candidates(job, tuple(sorted({each for each in clusters[: number + 2] if each})))
        for number, job in enumerate("xy")
    )
    exact = scored(reasoned(level(candidates=candidates))).exact
    assert exact is not None
    assert sum(exact.outcomes.values()) + exact.unmatched == 1
    assert exact.accuracy == exact.outcomes["correct"] + exact.outcomes["compatible"] / 2
    assert sum(exact.reasons.values()) == exact.outcomes["compatible"] + exact.outcomes["incorrect"]


def test_reasons_are_counted_and_errors_are_none() -> None:
    run = reasoned(level(assigned={"x": ["b", "c", "c"], "y": ["a", None, "b"]}))
    broken = submission("x", 0, "b", outcome="error", score=0.0, reason="on fire")
    score = score_level(run.facts, [broken, *run.submissions[1:]])
    assert score.reasons == {"os abi issue": 2, "an idle gpu": 1}
    assert list(score.errors) == ["on fire"]


TIMES = Times("measured", "lab", {"x": {"a": 2.0, "b": 3.0}, "y": {"a": 1.0}})


def test_regret_is_the_time_beyond_the_best_over_what_runs() -> None:
    run = level(assigned={"x": ["b", "c"], "y": ["a", "b"]}, design=design(("x", "y"), times=TIMES))
    regret = scored(run).regret
    assert regret is not None
    assert (regret.seconds, regret.ran) == (0.5, 2)  # 1 of x on b and 0 of y on a; the others do not run
    assert regret.exact_ran == HALF  # two of three run for x, one of three for y
    assert regret.exact == pytest.approx(1 / 3)


def test_without_times_nothing_is_said_of_regret() -> None:
    assert scored(level()).regret is None


def test_where_nothing_runs_no_time_is_lost() -> None:
    run = level(assigned={"x": ["c"]}, candidates=(Candidates("x", ("c",)),), design=design(("x",), times=TIMES))
    regret = scored(run).regret
    assert regret is not None
    assert (regret.seconds, regret.ran, regret.exact, regret.exact_ran) == (None, 0, None, 0)


def published(**figures: object) -> LevelRun:
    facts = {"source": "others", "points": 6, "of": 12, "reasons": {"os abi issue": 4}, **figures}
    return reasoned(level(published=(facts,)))


def test_figures_of_others_have_the_probability_of_being_so_far_off() -> None:
    (figure,) = scored(published()).published
    assert figure.p == pytest.approx(1.0)  # both jobs have a, b and c, so that 6 of 12 is what is to be expected
    assert figure.reasons["os abi issue"].p == pytest.approx(1.0)
    (far,) = scored(published(points=12)).published
    assert far.p == pytest.approx(2 / 3**12)
    (none,) = scored(published(reasons={"os abi issue": 0})).published
    assert none.reasons["os abi issue"].p == pytest.approx(2 * (2 / 3) ** 12)


def test_figures_of_others_out_of_another_number_of_submissions_are_shown_without_a_probability() -> None:
    (figure,) = scored(published(of=7)).published
    assert (figure.p, figure.reasons["os abi issue"].p) == (None, None)


def test_figures_of_others_where_jobs_are_drawn_may_be_out_of_any_number() -> None:
    facts = {"source": "others", "points": 7, "of": 7, "reasons": {}}
    (figure,) = scored(drawn(("y", "c"), published=(facts,))).published
    assert figure.p == pytest.approx(2 * (3 / 8) ** 7)


def test_draws_of_another_seed_are_compared_by_their_exact_figures() -> None:
    before, same, other = (scored(drawn(("x", "a"), ("y", "c"), seed=seed)) for seed in (1, 1, 2))
    baseline = Baseline("here", "now", (before,))
    assert [each.sampled for each in compare(baseline, [same]).levels] == [True]
    assert [each.sampled for each in compare(baseline, [other]).levels] == [False]


def test_other_chances_are_another_level() -> None:
    before = scored(drawn(("x", "a")))
    after = score_level(replace(before.facts, drawn={"x": HALF, "y": HALF}), before.recorded)
    (found,) = compare(Baseline("here", "now", (before,)), [after]).levels
    assert "drew them otherwise" in found.changed
