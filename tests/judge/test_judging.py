"""What every measure finds, and when a gate fails for want of anything to find."""

from __future__ import annotations

from fractions import Fraction

import pytest
from judge_examples import judged, level, scored, submission

from pytest_compat.judge.compare import Baseline, compare
from pytest_compat.judge.gate import MEASURES, parse_gate
from pytest_compat.judge.judging import WHOLE
from pytest_compat.judge.score import LevelScore, score_level
from pytest_compat.judge.verdict import BASELINE_GATES, reach_verdict
from pytest_compat.records import Candidates


def broken() -> LevelScore:
    """x: a and an error; y: c and none. One job's candidates unknown, one cluster out of reach, two disagreements."""
    run = level(
        failures={"b": "on fire"},
        candidates=(Candidates("x", ("a", "b")), Candidates("y", None, "asleep")),
        differing=2,
    )
    error = submission("x", 1, None, outcome="error", reason="lost")
    return score_level(run.facts, [run.submissions[0], error, *run.submissions[2:]])


@pytest.mark.parametrize(
    ("gate", "value"),
    [
        ("accuracy>=0", Fraction(3, 8)),
        ("assigned_accuracy>=0", Fraction(1, 2)),
        ("exact>=0", Fraction(1, 2)),
        ("unmatched<=1", Fraction(0)),
        ("incorrect<=1", Fraction(1, 4)),
        ("missed<=1", Fraction(1, 4)),
        ("errors<=9", Fraction(0)),
        ("disagreements<=9", Fraction(0)),
        ("flags<=9", Fraction(0)),
    ],
)
def test_what_a_measure_finds(gate: str, value: Fraction) -> None:
    results = judged([gate], [scored(level())])
    assert [(result.value, result.passed) for result in results] == [(value, True)]


@pytest.mark.parametrize(
    ("gate", "value"),
    [
        ("accuracy>=0", Fraction(1, 4)),
        ("assigned_accuracy>=0", Fraction(1, 2)),
        ("exact>=0", None),
        ("unmatched<=1", None),
        ("errors<=9", Fraction(3)),
        ("disagreements<=9", Fraction(2)),
        ("flags<=9", None),
    ],
)
def test_what_a_measure_finds_where_much_went_wrong(gate: str, value: Fraction | None) -> None:
    (result,) = judged([gate], [broken()])
    assert (result.value, result.passed, bool(result.reason)) == (value, value is not None, value is None)


@pytest.mark.parametrize("measure", [name for name, measure in MEASURES.items() if not measure.baseline])
def test_of_a_level_in_part_only_what_is_the_levels_own_is_judged(measure: str) -> None:
    run = level()
    (result, *_) = judged([f"os:{measure}{MEASURES[measure].sign}1"], [score_level(run.facts, run.submissions[:1])])
    if measure in WHOLE:
        assert "incomplete" not in result.reason
    else:
        assert (result.passed, result.reason) == (False, "incomplete: 1 of 4 submissions were recorded")


@pytest.mark.parametrize("measure", MEASURES)
def test_a_gate_that_finds_no_level_fails(measure: str) -> None:
    for where in ("mpi", "*", "other:*"):
        (result,) = judged([f"{where}:{measure}{MEASURES[measure].sign}1"], [] if where == "*" else [scored(level())])
        assert (result.passed, result.value, result.experiment) == (False, None, None)
        assert ("no level was" if where == "*" else "levels that were: tiny:os") in result.reason


@pytest.mark.parametrize("gate", ["flipped<=9", "drop<=1", "drop<=chance"])
def test_without_a_baseline_there_is_nothing_to_compare(gate: str) -> None:
    (result,) = judged([gate], [scored(level())])
    assert (result.passed, result.value) == (False, None)
    assert "no baseline was given (--compat-baseline" in result.reason


@pytest.mark.parametrize(
    ("gate", "passed"),
    [("drop<=chance", False), ("drop<=1", True), ("drop<=0.99", False), ("flipped<=0", True)],
)
def test_a_drop_is_held_against_its_limit_or_chance(gate: str, passed: bool) -> None:
    before, after = (scored(level(assigned={"x": [cluster] * 20})) for cluster in ("a", "c"))
    comparison = compare(Baseline("before.json", "then", (before,)), [after])
    (result,) = judged([gate], [after], comparison=comparison)
    assert result.passed == passed


def test_a_small_drop_can_be_chance() -> None:
    before, after = (scored(level(assigned={"x": ["a", "a", "a", last]})) for last in ("a", "c"))
    comparison = compare(Baseline("before.json", "then", (before,)), [after])
    chance, limit = judged(["drop<=chance", "drop<=0.2"], [after], comparison=comparison)
    assert (chance.passed, chance.value) == (True, Fraction(1, 4))
    assert not limit.passed


def test_a_rise_is_no_drop() -> None:
    before, after = (scored(level(assigned={"x": [cluster] * 20})) for cluster in ("c", "a"))
    comparison = compare(Baseline("before.json", "then", (before,)), [after])
    assert all(result.passed for result in judged(["drop<=chance", "drop<=0"], [after], comparison=comparison))


def test_a_level_that_is_new_passes_where_it_may() -> None:
    after = scored(level())
    comparison = compare(Baseline("before.json", "then", ()), [after])
    for allow in (True, False):
        (result,) = judged(["os:flipped<=0"], [after], comparison=comparison, allow_new=allow)
        assert result.passed == allow
        assert bool(result.reason) != allow


def test_a_level_that_is_gone_fails_wherever_it_is_new() -> None:
    before, after = scored(level("none")), scored(level("os"))
    comparison = compare(Baseline("before.json", "then", (before,)), [after])
    results = judged(["flipped<=0"], [after], comparison=comparison, allow_new=True)
    assert [(result.level, result.passed) for result in results] == [("os", True), ("none", False)]


def test_a_baseline_alone_asks_for_flips_and_drops() -> None:
    run = scored(level())
    baseline = Baseline("before.json", "then", (run,))
    verdict = reach_verdict([run], [parse_gate("os:0.1")], baseline=baseline)
    assert [result.gate.rule for result in verdict.gates] == ["os:0.1", *(f"*:{each}" for each in BASELINE_GATES)]
    own = reach_verdict([run], [parse_gate("drop<=1")], baseline=baseline)
    assert [result.gate.rule for result in own.gates] == ["drop<=1"]


@pytest.mark.parametrize(("gate", "problems"), [(None, 3), ("errors<=3", 0), ("errors<=2", 1), ("mpi:errors<=9", 4)])
def test_errors_are_problems_unless_a_gate_has_a_budget_for_them(gate: str | None, problems: int) -> None:
    verdict = reach_verdict([broken()], [parse_gate(gate)] if gate else [])
    assert len(verdict.problems) == problems
    assert verdict.passed == (problems == 0)


def test_a_gate_given_twice_is_judged_once() -> None:
    verdict = reach_verdict([scored(level())], [parse_gate("os:0.1"), parse_gate("os:0.1")])
    assert len(verdict.gates) == 1
