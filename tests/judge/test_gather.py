"""Putting the records of cases together."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judge_examples import level, submission

from pytest_compat.errors import RecordError
from pytest_compat.judge.gather import Gatherer, case_record
from pytest_compat.records import Disagreement, LevelFacts, LevelRun, plain


def cases(*runs: LevelRun) -> list[dict[str, Any]]:
    """Return the records of all cases, the first of each level with facts, as they come out of a pipe."""
    records = [
        case_record(run, cluster, with_facts=number == 0)
        for run in runs
        for number, cluster in enumerate(run.facts.clusters)
    ]
    return list(json.loads(json.dumps(records)))


def gathered(records: list[dict[str, Any]]) -> Gatherer:
    gatherer = Gatherer()
    for record in records:
        gatherer.add(record)
    return gatherer


RECORDS = cases(level("none", position=0), level("os", position=1), level("os", experiment="other"))


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
    assert [key.level for key in gatherer.without_facts()] == ["os"]


@pytest.mark.parametrize("changes", [{"cluster": "b"}, {"score": 0.0}, {"outcome": "error"}])
def test_a_contradiction_is_refused(changes: dict[str, Any]) -> None:
    gatherer = gathered(cases(level()))
    other = LevelRun(level().facts, (replace(submission("x", 0, "a"), **changes),))
    with pytest.raises(RecordError, match="tiny, level os: submission 0 of x was recorded as"):
        gatherer.add(case_record(other, None, with_facts=False))


def test_levels_come_in_the_order_they_were_asked_for() -> None:
    gatherer = gathered(cases(level("os", position=1), level("none", position=0), level("a", experiment="first")))
    assert [(score.key.experiment, score.key.level) for score in gatherer.scores()] == [
        ("first", "a"),
        ("tiny", "none"),
        ("tiny", "os"),
    ]


def test_facts_survive_the_way_through_a_pipe() -> None:
    facts = level(
        disagreements=(Disagreement("x", "a", True, False),),
        failures={"b": "on fire"},
        seconds={"match": 0.1},
        published=({"source": "others", "accuracy": 0.25},),
    ).facts
    assert LevelFacts.from_plain(json.loads(json.dumps(plain(facts)))) == facts


def test_nothing_gathered_is_nothing() -> None:
    assert not Gatherer()
    assert gathered(RECORDS)
