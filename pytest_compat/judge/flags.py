"""Flags: what is not to be believed of a sample if the scheduler picks uniformly among its candidates.

Two tests per level, both exact. The score: does the sampled sum lie where its own law puts it? The selection: were
the candidates chosen equally often? The selection is tested over all levels as well, where a cluster that is shunned
has been due more often. All tests of a run share one false-alarm rate, by Holm's method.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from pytest_compat.judge.gate import EVERY
from pytest_compat.judge.multiple import ALARM, holm
from pytest_compat.judge.score import LevelScore
from pytest_compat.judge.uniform import selection_test
from pytest_compat.records import LevelKey

if TYPE_CHECKING:
    from pytest_compat.judge.uniform import SelectionTest


@dataclass(frozen=True)
class Test:
    """A test of one level, or of all levels of an experiment.

    Args:
        key: Which level; with the level EVERY for all of them.
        kind: `score` or `selection`.
        p: Its p-value, 0 to 1.
        adjusted: The same, adjusted for all tests of the run.
        message: What was found, and what was to be expected.
    """

    __test__ = False  # what it is called is no reason for pytest to collect it

    key: LevelKey
    kind: str
    p: float
    adjusted: float
    message: str

    @property
    def flagged(self) -> bool:
        """True when the run did not stand it."""
        return self.adjusted < ALARM


def run_tests(levels: Sequence[LevelScore]) -> tuple[Test, ...]:
    """Test every level of a run, with ALARM as the probability that a correct scheduler is flagged anywhere.

    Levels that are incomplete, have errors, or were sampled until gates were decided are not tested: their numbers of
    draws depend on what was drawn, or on what went wrong.
    """
    found: list[tuple[LevelKey, str, float, str]] = []
    testable = [level for level in levels if level.p_value is not None]
    for level in testable:
        assert level.p_value is not None
        found.append((level.key, "score", level.p_value, _score(level)))
        if selection := _selection([level]):
            found.append((level.key, "selection", selection.p, selection.message))
    for (experiment, scheduler), group in groupby(testable, key=lambda each: (each.key.experiment, each.key.scheduler)):
        together = list(group)
        if len(together) > 1 and (selection := _selection(together)):
            key = LevelKey(experiment, scheduler, EVERY)
            found.append((key, "selection", selection.p, selection.message))
    adjusted = holm([p for _, _, p, _ in found])
    return tuple(Test(*each[:3], fit, each[3]) for each, fit in zip(found, adjusted, strict=True))


def _score(level: LevelScore) -> str:
    assert level.accuracy is not None
    assert level.exact is not None
    assert level.plausible is not None
    low, high = map(float, level.plausible)
    return (
        f"sampled {float(level.accuracy):.4f}, expected {float(level.exact.accuracy):.4f}, and {low:.4f} to {high:.4f} "
        f"in 999 of 1000 samples"
    )


def _selection(levels: Sequence[LevelScore]) -> SelectionTest | None:
    candidates: dict[str, Sequence[str]] = {}
    chosen: dict[str, list[str]] = {}
    for level in levels:
        # A job at another level has other candidates: it is a stratum of its own.
        where = f" at {level.key.level}" if len(levels) > 1 else ""
        for each in level.facts.candidates:
            candidates[each.job + where] = each.clusters or ()
            chosen[each.job + where] = []
        for submission in level.recorded:
            if submission.cluster is None:
                continue
            if submission.cluster not in candidates[submission.job + where]:
                return None  # picked among others than those it named: nothing is known of their law
            chosen[submission.job + where].append(submission.cluster)
    return selection_test(candidates, chosen)
