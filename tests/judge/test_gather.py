"""Putting the records of cases together."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judge_examples import design, level, submission

from pytest_compat.errors import RecordError
from pytest_compat.judge.gather import Gatherer, case_record
from pytest_compat.records import Candidates, Design, Disagreement, LevelFacts, LevelRun


def cases(*runs: LevelRun) -> list[dict[str, Any]]:
    """Return the records of all cases, the first of each level with facts, as they come out of a pipe."""
    records = [
        case_record(run, cluster, with_facts=number == 0)
        for run in runs
        for number, cluster in enumerate(run.facts.design.clusters)
    ]
    return list(json.loads(json.dumps(records)))


def gathered(records: list[dict[str, Any]]) -> Gatherer:
    gatherer = Gatherer()
    for record in records:
        gatherer.add(record)
    return gatherer


RECORDS = cases(level("none"), level("os"), level("os", experiment="other"))


@given(st.permutations(RECORDS), st.lists(st.sampled_from(RECORDS)))
def test_neither_order_nor_repetition_matters(records: list[dict[str, Any]], more: list[dict[str, Any]]) -> None:
    expected = gathered(RECORDS)
    found = gathered([*records, *more])
    assert found.scores() == expected.scores()
    assert found.submissions() == expected.submissions()


def test_all_cases_make_the_whole_level() -> None:
    run = level()
    (score,) = gathered(cases(run)).scores()
    assert score.complete
    assert score.facts == run.facts
    assert score.missing == ()


def test_one_case_of_the_whole_level_is_enough() -> None:
    (score,) = gathered([case_record(level(), None, with_facts=True)]).scores()
    assert score.complete
    assert score.missing == ()


def test_a_case_that_did_not_arrive_is_missing() -> None:
    (score,) = gathered(cases(level())[:2]).scores()
    assert (score.complete, score.missing) == (False, ("c",))


def test_submissions_without_facts_are_told_apart() -> None:
    gatherer = gathered(cases(level())[1:])
    assert gatherer.scores() == []
    assert gatherer.lost() == ["tiny, level os: what holds for the level was lost with a worker"]


@pytest.mark.parametrize("changes", [{"cluster": "b"}, {"score": 0.0}, {"outcome": "error"}])
def test_a_contradiction_is_refused(changes: dict[str, Any]) -> None:
    gatherer = gathered(cases(level()))
    other = LevelRun(level().facts, (replace(submission("x", 0, "a"), **changes),))
    with pytest.raises(RecordError, match="tiny, level os: submission 0 of x was recorded as"):
        gatherer.add(case_record(other, None, with_facts=False))


@given(st.permutations(["none", "os", "os+mpi", "mpi"]))
def test_levels_come_as_the_experiment_publishes_them_and_then_by_what_they_reveal(names: list[str]) -> None:
    gatherer = gathered(cases(*(level(name) for name in names), level("mpi", experiment="first")))
    assert [(score.key.experiment, score.key.level) for score in gatherer.scores()] == [
        ("first", "mpi"),
        ("tiny", "none"),
        ("tiny", "os"),
        ("tiny", "os+mpi"),
        ("tiny", "mpi"),
    ]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"seed": 1}, "seed 0 and with 1"),
        ({"iterations": 3}, "iterations 2 and with 3"),
        ({"reveals": ("os", "mpi")}, "revealed subsystems"),
        (
            {"design": design(["x", "y"], version="ba9876543210")},
            "experiment version 0123456789ab and with ba9876543210",
        ),
        ({"design": design(["x", "y"], truth={})}, "two designs of one version"),
        ({"candidates": (Candidates("x", ("a",)), Candidates("y", ("a", "b", "c")))}, "the candidates of x"),
    ],
)
def test_accounts_of_a_level_that_differ_are_refused(changes: dict[str, Any], what: str) -> None:
    gatherer = gathered(cases(level()))
    with pytest.raises(RecordError, match=f"tiny, level os: .*{what}"):
        gatherer.add(case_record(level(**changes), "a", with_facts=True))


def test_seconds_may_differ() -> None:
    gatherer = gathered(cases(level()))
    gatherer.add(case_record(level(seconds={"match": 1.0}), "a", with_facts=True))
    assert [score.complete for score in gatherer.scores()] == [True]


def test_joining_tells_whether_the_other_has_anything_new() -> None:
    whole, part = gathered(cases(level())), gathered(cases(level())[:2])
    assert not whole.joined(part)[1]
    both, new = part.joined(whole)
    assert new
    assert both.scores() == whole.scores()
    assert not gathered([case_record(level(), None, with_facts=True)]).joined(whole)[1]


def test_joining_leaves_both_as_they_were() -> None:
    one, other = gathered(cases(level("none"))), gathered(cases(level("os")))
    before = one.scores(), other.scores()
    one.joined(other)
    assert (one.scores(), other.scores()) == before


def test_gates_of_markers_are_kept_once() -> None:
    gatherer = gathered([case_record(level(), None, with_facts=True, gates=["a", "b"], source="here.yaml")] * 2)
    assert gatherer.gates == ("a", "b")
    assert gatherer.sources == {"tiny": "here.yaml"}


def test_facts_survive_the_way_through_a_pipe() -> None:
    facts = level(
        disagreements=(Disagreement("x", "a", True, False),),
        failures={"b": "on fire"},
        seconds={"match": 0.1},
        timings={"match": {"count": 2, "median": 0.05, "p99": 0.06}},
        published=({"source": "others", "accuracy": 0.25},),
        candidates=(Candidates("x", ("a", "c")), Candidates("y", None, "asleep")),
        sequential=True,
    ).facts
    assert LevelFacts.from_plain(json.loads(json.dumps(facts.plain()))) == facts


@given(st.fractions(0, 1, max_denominator=64).filter(bool))
def test_a_declared_score_survives_the_way_through_a_pipe(score: Fraction) -> None:
    declared = Fraction(repr(float(score)))
    made = design(["x"], truth={"x": {"a": declared, "c": declared}})
    assert Design.from_plain(json.loads(json.dumps(made.plain()))) == made


def test_nothing_gathered_is_nothing() -> None:
    assert not Gatherer()
    assert gathered(RECORDS)
