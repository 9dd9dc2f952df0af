"""Two runs compared: flips, drops, and what cannot be compared."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judge_examples import SCORES, design, level, scored

from pytest_compat.errors import RecordError
from pytest_compat.judge.compare import Baseline, Comparison, LevelComparison, compare
from pytest_compat.judge.score import LevelScore, score_level
from pytest_compat.records import Candidates

CLUSTERS = tuple(SCORES)
ASSIGNED = st.lists(st.sampled_from([*CLUSTERS, None]), min_size=4, max_size=4)


def against(before: list[LevelScore], after: list[LevelScore]) -> Comparison:
    return compare(Baseline("before.json", "then", tuple(before)), after)


def one(before: LevelScore, after: LevelScore) -> LevelComparison:
    (found,) = against([before], [after]).levels
    return found


def named(**candidates: tuple[str, ...] | None) -> LevelScore:
    """Return a level with these candidates by job."""
    made = tuple(Candidates(job, clusters, "" if clusters else "asleep") for job, clusters in candidates.items())
    return scored(level(assigned={job: ["a"] for job in candidates}, candidates=made))


def test_candidates_gained_and_lost_are_flips_those_for_the_worse_first() -> None:
    found = one(named(x=("a", "c"), y=("b",)), named(x=("b",), y=("b", "c")))
    assert [(flip.job, flip.cluster, flip.now, flip.score, flip.worse) for flip in found.flips] == [
        ("x", "a", False, 1, True),
        ("y", "c", True, 0, True),
        ("x", "b", True, Fraction(1, 2), False),
        ("x", "c", False, 0, False),
    ]
    assert found.worse == 2


@given(st.sets(st.sampled_from(CLUSTERS), min_size=1), st.sets(st.sampled_from(CLUSTERS), min_size=1))
def test_flips_are_what_differs(before: set[str], after: set[str]) -> None:
    found = one(named(x=tuple(sorted(before))), named(x=tuple(sorted(after))))
    assert {flip.cluster for flip in found.flips} == before ^ after
    mean = sum(SCORES[cluster] for cluster in before) / len(before)
    lost = [SCORES[cluster] for cluster in before - after]
    gained = [SCORES[cluster] for cluster in after - before]
    assert found.worse == sum(score > 0 and score >= mean for score in lost) + sum(
        score == 0 or score < mean for score in gained
    )


@pytest.mark.parametrize(("before", "after"), [(None, ("a",)), (("a",), None)])
def test_candidates_that_are_not_known_do_not_flip(
    before: tuple[str, ...] | None, after: tuple[str, ...] | None
) -> None:
    assert one(named(x=before), named(x=after)).flips == ()


@given(ASSIGNED, ASSIGNED)
def test_submissions_are_compared_one_by_one(before: list[str | None], after: list[str | None]) -> None:
    found = one(scored(level(assigned={"x": before})), scored(level(assigned={"x": after})))
    scores = [(SCORES.get(old or "", 0), SCORES.get(new or "", 0)) for old, new in zip(before, after, strict=True)]
    assert found.lost == sum(new < old for old, new in scores)
    assert found.won == sum(new > old for old, new in scores)
    assert found.drop == sum(Fraction(old) - Fraction(new) for old, new in scores) / 4
    assert found.p is not None
    assert 0 < found.p <= 1
    assert found.adjusted == found.p


@given(ASSIGNED)
def test_nothing_drops_from_a_run_to_itself(assigned: list[str | None]) -> None:
    run = scored(level(assigned={"x": assigned}))
    found = one(run, run)
    assert (found.drop, found.flips, found.lost, found.won, found.p) == (0, (), 0, 0, 1)


def test_a_large_drop_is_no_chance_and_a_rise_is() -> None:
    good, bad = (scored(level(assigned={"x": [cluster] * 20})) for cluster in ("a", "c"))
    fell, rose = one(good, bad), one(bad, good)
    assert fell.p == pytest.approx(2**-20)
    assert rose.p == 1


def test_levels_share_one_false_alarm_rate() -> None:
    names = ("none", "os", "os+mpi")
    before = [scored(level(name, {"x": ["a"] * 6})) for name in names]
    after = [scored(level(name, {"x": ["c"] * 6})) for name in names]
    for found in against(before, after).levels:
        assert found.p == pytest.approx(2**-6)
        assert found.adjusted == pytest.approx(3 * 2**-6)


def test_where_nothing_was_sampled_jobs_are_compared() -> None:
    def exact(*candidates: str) -> LevelScore:
        made = tuple(Candidates(job, candidates) for job in "xyz")
        return scored(level(assigned={job: [] for job in "xyz"}, candidates=made))

    found = one(exact("a"), exact("a", "c"))
    assert (found.before, found.after, found.drop) == (1, Fraction(1, 2), Fraction(1, 2))
    assert (found.lost, found.won) == (0, 0)
    assert found.p == pytest.approx(2**-3)


def test_levels_of_one_run_alone_are_missing_or_new() -> None:
    none, os, both = (scored(level(name)) for name in ("none", "os", "os+mpi"))
    found = against([none, os], [os, both])
    assert [each.key for each in found.levels] == [os.key]
    assert (found.missing, found.new) == ((none.key,), (both.key,))


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "version": (
        {"design": design(["x", "y"], version="ba9876543210")},
        "the experiment was edited (version 0123456789ab",
    ),
    "reveals": ({"reveals": ("mpi",)}, "the level revealed os before and mpi now"),
}


@pytest.mark.parametrize(("facts", "changed"), CHANGES.values(), ids=CHANGES.keys())
def test_what_was_edited_is_not_compared(facts: dict[str, Any], changed: str) -> None:
    assert one(scored(level()), scored(level(**facts))).changed.startswith(changed)


def test_an_incomplete_baseline_is_not_compared() -> None:
    run = level()
    part = score_level(run.facts, run.submissions[1:])
    assert one(part, scored(run)).changed == "the baseline is incomplete: it has 3 of 4 submissions"


def test_another_scheduler_is_compared_where_there_is_one_of_each() -> None:
    found = against([scored(level(scheduler="rainbow"))], [scored(level(scheduler="mine"))])
    assert [each.key.scheduler for each in found.levels] == ["mine"]
    assert (found.missing, found.new) == ((), ())


def test_the_same_scheduler_is_compared_where_there_are_several() -> None:
    both = [scored(level(scheduler=name)) for name in ("mine", "rainbow")]
    assert [each.key.scheduler for each in against(both, both).levels] == ["mine", "rainbow"]
    assert against(both, both[:1]).missing == (both[1].key,)


def test_a_scheduler_that_is_none_of_several_cannot_be_compared() -> None:
    before = [scored(level(scheduler=name)) for name in ("mine", "rainbow")]
    with pytest.raises(RecordError, match="measured with other here and with mine, rainbow there"):
        against(before, [scored(level(scheduler="other"))])


def test_clusters_that_one_run_does_not_know_do_not_flip() -> None:
    less = design(["x"], clusters=("a", "b"), truth={"x": {"a": Fraction(1)}})
    run = level(assigned={"x": ["a"]})
    after = replace(run.facts, design=less, candidates=(Candidates("x", ("a", "b")),))
    assert one(scored(run), score_level(after, run.submissions)).flips == ()
