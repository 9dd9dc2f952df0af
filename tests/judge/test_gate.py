"""Gates, read and judged."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judge_examples import judged, level, scored, submission

from pytest_compat.errors import DeclarationError
from pytest_compat.judge.gate import MEASURES, Gate, accuracy_limits, error_budget, parse_gate
from pytest_compat.judge.score import score_level
from pytest_compat.judge.verdict import reach_verdict
from pytest_compat.records import Candidates, LevelKey


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
    if gate.limit is None:
        assert gate.measure == "drop"
    elif MEASURES[gate.measure].unit == "rate":
        assert 0 <= gate.limit <= 1
    else:
        assert gate.limit.denominator == 1


@given(st.floats(allow_nan=True, allow_infinity=True).filter(lambda rate: not 0 <= rate <= 1))
def test_refuses_what_is_no_rate(rate: float) -> None:
    with pytest.raises(DeclarationError, match="expected a number from 0 to 1"):
        parse_gate(f"os:{rate}")


def test_reaching_the_limit_is_enough() -> None:
    run = scored(level(assigned={"x": ["a", "b", "c"] + ["c"] * 12}))
    assert run.accuracy == Fraction(1, 10)
    (passed,) = judged(["os:0.1"], [run])
    (failed,) = judged(["os:0.10000000000000000001"], [run])
    assert (passed.passed, passed.value, passed.reason) == (True, Fraction(1, 10), "")
    assert not failed.passed


def test_a_level_in_part_fails_however_good_the_part() -> None:
    run = level()
    (result,) = judged(["os:0"], [score_level(run.facts, run.submissions[:1])])
    assert not result.passed
    assert result.reason == "incomplete: 1 of 4 submissions were recorded"


def test_an_unknown_accuracy_fails() -> None:
    candidates = (Candidates("x", None, reason="asleep"),)
    (result,) = judged(["os:0"], [scored(level(assigned={"x": []}, candidates=candidates))])
    assert (result.passed, result.value, result.reason) == (False, None, "there is no accuracy to judge")


def test_a_level_that_was_not_run_fails_and_names_those_that_were() -> None:
    (result,) = judged(["mpi:0"], [scored(level())])
    assert not result.passed
    assert "levels that were: tiny:os" in result.reason


def test_every_level_of_the_name_is_judged() -> None:
    runs = [scored(level(experiment=name)) for name in ("one", "two")]
    assert [result.experiment for result in judged(["os:0"], runs)] == ["one", "two"]
    assert [result.experiment for result in judged(["two:os:0"], runs)] == ["two"]


@pytest.mark.parametrize("measure", MEASURES)
def test_every_measure_has_a_limit_on_one_side(measure: str) -> None:
    sign = MEASURES[measure].sign
    gate = parse_gate(f"os:{measure}{sign}1")
    assert (gate.level, gate.measure, gate.sign, gate.limit) == ("os", measure, sign, 1)
    other = {">=": "<=", "<=": ">="}[sign]
    with pytest.raises(DeclarationError, match=f"expected {measure}{sign}LIMIT"):
        parse_gate(f"os:{measure}{other}1")


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("limit", ["nan", "-1", "inf", "1e0", "", "chances"])
def test_every_measure_refuses_what_is_no_limit(measure: str, limit: str) -> None:
    with pytest.raises(DeclarationError):
        parse_gate(f"os:{measure}{MEASURES[measure].sign}{limit}")


@pytest.mark.parametrize("measure", [name for name, measure in MEASURES.items() if measure.unit == "count"])
def test_a_count_is_whole(measure: str) -> None:
    assert parse_gate(f"{measure}<=12").limit == 12
    with pytest.raises(DeclarationError, match="expected a whole number, 0 or more"):
        parse_gate(f"{measure}<=0.5")


@pytest.mark.parametrize("measure", [name for name in MEASURES if name != "drop"])
def test_only_a_drop_can_be_chance(measure: str) -> None:
    with pytest.raises(DeclarationError):
        parse_gate(f"{measure}{MEASURES[measure].sign}chance")
    assert parse_gate("drop<=chance").limit is None


@pytest.mark.parametrize("sign", ["=", "<", ">", "==", "=<", "=>", "<>", ">>="])
def test_other_signs_are_refused(sign: str) -> None:
    with pytest.raises(DeclarationError, match="expected errors<=LIMIT"):
        parse_gate(f"errors{sign}0")


def test_an_unknown_measure_is_refused_with_the_nearest() -> None:
    with pytest.raises(DeclarationError, match="unknown measure 'acuracy', did you mean 'accuracy'"):
        parse_gate("acuracy>=0.5")


@pytest.mark.parametrize("text", ["errors<=1", "*:errors<=1", " * : errors <= 1 ", "tiny:*:errors<=1"])
def test_a_star_and_nothing_speak_of_every_level(text: str) -> None:
    gate = parse_gate(text)
    assert gate.speaks_of(LevelKey("tiny", "any", "os+mpi"))
    assert gate.speaks_of(LevelKey("other", "any", "none")) == ("tiny" not in text)


def test_a_rate_alone_takes_a_level() -> None:
    with pytest.raises(DeclarationError, match="such as errors<=3"):
        parse_gate("0.5")


def test_a_gate_of_a_marker_speaks_of_its_experiment() -> None:
    gates = [parse_gate(text, "tiny") for text in ("os:0.5", "errors<=0", "tiny:os:0.5", "*:errors<=0")]
    assert [gate.level for gate in gates] == ["tiny:os", "tiny:*", "tiny:os", "tiny:*"]
    assert [parse_gate(gate.rule) for gate in gates] == gates


@given(st.sampled_from(sorted(MEASURES)), st.sampled_from(["", "os:", "*:", "tiny:os+mpi:"]), st.integers(0, 1))
def test_a_rule_reads_as_the_gate_it_came_from(measure: str, where: str, limit: int) -> None:
    gate = parse_gate(f"{where}{measure}{MEASURES[measure].sign}{limit}")
    assert parse_gate(gate.rule) == gate


@pytest.mark.parametrize(("text", "found"), [("os:0.5", 1), ("accuracy>=0.5", 1), ("mpi:0.5", 0), ("exact>=0.5", 0)])
def test_limits_of_a_level_are_those_on_its_accuracy(text: str, found: int) -> None:
    assert len(accuracy_limits([parse_gate(text)], LevelKey("tiny", "", "os"))) == found


def test_limits_come_sorted_and_once() -> None:
    gates = [parse_gate(text) for text in ("os:0.5", "os:0.25", "accuracy>=0.50")]
    assert accuracy_limits(gates, LevelKey("tiny", "", "os")) == (Fraction(1, 4), Fraction(1, 2))


@pytest.mark.parametrize(("text", "budgeted"), [("errors<=3", True), ("os:errors<=3", True), ("mpi:errors<=3", False)])
def test_an_error_budget_is_a_gate_on_errors(text: str, budgeted: bool) -> None:
    assert error_budget([parse_gate(text)], LevelKey("tiny", "", "os")) is budgeted


def test_a_gate_holds_at_its_limit() -> None:
    for measure, rule in MEASURES.items():
        gate = Gate("*", measure, Fraction(1), "")
        assert gate.holds(Fraction(1))
        assert gate.holds(Fraction(2)) == (rule.sign == ">=")
        assert gate.holds(Fraction(0)) == (rule.sign == "<=")


def test_a_verdict_without_problems_passes() -> None:
    verdict = reach_verdict([scored(level())], [parse_gate("os:0.1")])
    assert verdict.passed
    assert verdict.problems == ()


def test_nothing_recorded_is_a_problem() -> None:
    assert reach_verdict([], []).problems == ("no compatibility case was recorded",)


def test_each_thing_that_went_wrong_is_a_problem() -> None:
    run = level(
        failures={"b": "on fire"},
        candidates=(Candidates("x", ("a",)), Candidates("y", None, reason="asleep")),
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
