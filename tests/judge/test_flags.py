"""Which levels are tested, and which are flagged."""

from __future__ import annotations

import random

import pytest
from judge_examples import level, scored, submission

from pytest_compat.judge.flags import run_tests
from pytest_compat.judge.multiple import ALARM
from pytest_compat.judge.score import LevelScore, score_level
from pytest_compat.records import Candidates

JOBS = ("x", "y", "z")


def fair(name: str = "os", seed: int = 0, times: int = 20) -> LevelScore:
    draw = random.Random(seed)
    return scored(level(name, {job: draw.choices("abc", k=times) for job in JOBS}))


def first(name: str = "os", times: int = 20) -> LevelScore:
    return scored(level(name, {job: ["a"] * times for job in JOBS}))


@pytest.mark.parametrize("seed", range(10))
def test_a_fair_choice_is_not_flagged(seed: int) -> None:
    tests = run_tests([fair("none", seed), fair("os", seed + 100)])
    assert {test.kind for test in tests} == {"score", "selection"}
    assert not [test for test in tests if test.flagged]


def test_always_the_first_is_flagged_by_both_tests() -> None:
    tests = {test.kind: test for test in run_tests([first()])}
    assert set(tests) == {"score", "selection"}
    for test in tests.values():
        assert test.flagged
        assert test.p <= test.adjusted < ALARM
    assert tests["score"].message.startswith("sampled 1.0000, expected 0.5000")


def test_the_others_are_not_flagged_with_it() -> None:
    found = run_tests([fair("none"), first("os")])
    assert {test.key.level for test in found if test.flagged and test.kind == "score"} == {"os"}
    assert not [test for test in found if test.key.level == "none" and test.flagged]


def test_more_levels_make_a_test_less_sharp() -> None:
    (alone, *_) = run_tests([first()])
    many = run_tests([first(), *(fair(f"level-{number}", number) for number in range(9))])
    (same,) = (test for test in many if (test.key, test.kind) == (alone.key, alone.kind))
    assert same.p == alone.p
    assert same.adjusted > alone.adjusted


def test_errors_are_not_tested() -> None:
    run = level(assigned={job: ["a"] * 20 for job in JOBS})
    broken = submission("x", 0, None, outcome="error", reason="lost")
    assert run_tests([score_level(run.facts, [broken, *run.submissions[1:]])]) == ()


def test_a_level_in_part_is_not_tested() -> None:
    run = level(assigned={job: ["a"] * 20 for job in JOBS})
    assert run_tests([score_level(run.facts, run.submissions[1:])]) == ()


def test_a_level_sampled_until_its_gates_were_decided_is_not_tested() -> None:
    assert run_tests([scored(level(assigned={job: ["a"] * 20 for job in JOBS}, sequential=True))]) == ()


def test_unknown_candidates_are_not_tested() -> None:
    candidates = (*(Candidates(job, ("a", "b")) for job in JOBS[1:]), Candidates("x", None, "asleep"))
    assert run_tests([scored(level(assigned={job: ["a"] * 20 for job in JOBS}, candidates=candidates))]) == ()


def test_nothing_sampled_is_not_tested() -> None:
    assert run_tests([scored(level(assigned={job: [] for job in JOBS}))]) == ()


def test_a_choice_among_others_than_the_candidates_is_flagged_by_its_score_alone() -> None:
    candidates = tuple(Candidates(job, ("b", "c")) for job in JOBS)
    (test,) = run_tests([scored(level(assigned={job: ["a"] * 20 for job in JOBS}, candidates=candidates))])
    assert (test.kind, test.flagged) == ("score", True)


def test_where_there_is_no_choice_there_is_nothing_to_flag() -> None:
    candidates = tuple(Candidates(job, ("a",)) for job in JOBS)
    (test,) = run_tests([scored(level(assigned={job: ["a"] * 20 for job in JOBS}, candidates=candidates))])
    assert (test.kind, test.p, test.flagged) == ("score", 1, False)
