"""Gates, read and judged."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judge_examples import level, submission

from pytest_compat.errors import DeclarationError
from pytest_compat.judge.gate import judge_gates, parse_gate
from pytest_compat.judge.score import LevelScore, score_level
from pytest_compat.judge.verdict import reach_verdict
from pytest_compat.records import Candidates, LevelRun


def scored(run: LevelRun) -> LevelScore:
    return score_level(run.facts, run.submissions)


@pytest.mark.parametrize(
    ("text", "name", "limit"),
    [
        ("os:0.5", "os", Fraction(1, 2)),
        ("os:.5", "os", Fraction(1, 2)),
        ("os:1.", "os", Fraction(1)),
        ("os:0", "os", Fraction(0)),
        ("tiny:os+mpi:0.1", "tiny:os+mpi", Fraction(1, 10)),
        (" tiny : os : 0.25 ", "tiny:os", Fraction(1, 4)),
        ("os:os.vendor:1", "os:os.vendor", Fraction(1)),
    ],
)
def test_reads(text: str, name: str, limit: Fraction) -> None:
    gate = parse_gate(text)
    assert (gate.level, gate.limit, gate.rule) == (name, limit, text)


@given(st.text(max_size=12))
def test_reads_or_refuses_any_text(text: str) -> None:
    try:
        gate = parse_gate(text)
    except DeclarationError:
        return
    assert 0 <= gate.limit <= 1


@given(st.floats(allow_nan=True, allow_infinity=True).filter(lambda rate: not 0 <= rate <= 1))
def test_refuses_what_is_no_rate(rate: float) -> None:
    with pytest.raises(DeclarationError, match="expected a number from 0 to 1"):
        parse_gate(f"os:{rate}")


def test_reaching_the_limit_is_enough() -> None:
    run = scored(level(assigned={"x": ["a", "b", "c"] + ["c"] * 12}))
    assert run.accuracy == Fraction(1, 10)
    (passed,) = judge_gates([parse_gate("os:0.1")], [run])
    (failed,) = judge_gates([parse_gate("os:0.10000000000000000001")], [run])
    assert (passed.passed, passed.value, passed.reason) == (True, Fraction(1, 10), "")
    assert not failed.passed


def test_a_level_in_part_fails_however_good_the_part() -> None:
    run = level()
    (result,) = judge_gates([parse_gate("os:0")], [score_level(run.facts, run.submissions[:1])])
    assert not result.passed
    assert result.reason == "incomplete: 1 of 4 submissions were recorded"


def test_an_unknown_accuracy_fails() -> None:
    candidates = (Candidates("x", None, reason="asleep"),)
    (result,) = judge_gates([parse_gate("os:0")], [scored(level(assigned={"x": []}, candidates=candidates))])
    assert (result.passed, result.value, result.reason) == (False, None, "there is no accuracy to judge")


def test_a_level_that_was_not_run_fails_and_names_those_that_were() -> None:
    (result,) = judge_gates([parse_gate("mpi:0")], [scored(level())])
    assert not result.passed
    assert "levels that were: tiny:os" in result.reason


def test_every_level_of_the_name_is_judged() -> None:
    runs = [scored(level(experiment=name)) for name in ("one", "two")]
    assert [result.experiment for result in judge_gates([parse_gate("os:0")], runs)] == ["one", "two"]
    assert [result.experiment for result in judge_gates([parse_gate("two:os:0")], runs)] == ["two"]


def test_a_verdict_without_problems_passes() -> None:
    verdict = reach_verdict([scored(level())], [parse_gate("os:0.1")])
    assert verdict.passed
    assert verdict.problems == ()


def test_nothing_recorded_is_a_problem() -> None:
    assert reach_verdict([], []).problems == ("no compatibility case was recorded",)


def test_each_thing_that_went_wrong_is_a_problem() -> None:
    run = level(
        failures={"b": "on fire"},
        candidates=(Candidates("x", ("a",), (1.0,)), Candidates("y", None, reason="asleep")),
    )
    broken = submission("x", 0, None, outcome="error", reason="lost")
    score = score_level(run.facts, [broken, *run.submissions[1:]])
    verdict = reach_verdict([score], [parse_gate("os:1")], ["worker gw0 died"])
    assert not verdict.passed
    assert len(verdict.problems) == 5
    assert verdict.problems[0] == "worker gw0 died"


def test_disagreements_alone_are_no_problem() -> None:
    from pytest_compat.records import Disagreement

    assert reach_verdict([scored(level(disagreements=(Disagreement("x", "a", True, False),)))], []).passed
