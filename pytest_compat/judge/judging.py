"""Judging gates: against every level each speaks of; one that finds none has failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import Any

from pytest_compat.judge.compare import CHANCE, Comparison, LevelComparison
from pytest_compat.judge.flags import Test
from pytest_compat.judge.gate import EVERY, Gate
from pytest_compat.judge.gradient import judge_gradients
from pytest_compat.judge.score import LevelScore, as_fraction
from pytest_compat.judge.sequential import Sprt
from pytest_compat.records import LevelKey

MOST_NAMED = 20
"""Levels named where a gate finds none of its own."""

WHOLE = ("exact", "unmatched", "disagreements")
"""Measures that do not change with how many of a level's submissions were recorded."""


Value = Callable[[LevelScore, Sequence[Test]], Fraction | None]
"""What a measure comes to at a level, and None when there is nothing to judge."""


@dataclass(frozen=True)
class GateResult:
    """A gate, judged at one level.

    Args:
        gate: The gate.
        value: What was found; None when there was nothing to judge.
        passed: Whether that is on the right side of the limit.
        reason: Why not, empty when it is.
        experiment: The experiment judged; None when there was none.
        level: The level judged.
        note: How it was decided, where that is not plain from value and limit.
    """

    gate: Gate
    value: Fraction | None
    passed: bool
    reason: str
    experiment: str | None
    level: str
    note: str = ""


@dataclass(frozen=True)
class Evidence:
    """What gates are judged on.

    Args:
        levels: The figures of every level.
        tests: Their tests.
        comparison: The run compared with its baseline; None without a baseline.
        allow_new: Whether a level that the baseline does not have passes.
        gradients: The figures of experiments at scale.
    """

    levels: Sequence[LevelScore]
    tests: Sequence[Test]
    comparison: Comparison | None = None
    allow_new: bool = False
    gradients: Sequence[Mapping[str, Any]] = ()


def judge_gates(gates: Iterable[Gate], evidence: Evidence) -> list[GateResult]:
    """Judge every gate at every level it speaks of.

    A gate fails also when part of its level is missing: a rate over some of the submissions is not the level's.
    """
    return [result for gate in gates for result in _judge_everywhere(gate, evidence)]


def _judge_everywhere(gate: Gate, evidence: Evidence) -> Iterator[GateResult]:
    levels = [level for level in evidence.levels if gate.speaks_of(level.key)]
    lost = []
    if gate.against_baseline and evidence.comparison:
        lost = [key for key in evidence.comparison.missing if gate.speaks_of(key)]
    for level in levels:
        yield _judge(gate, level, evidence)
    at_scale = list(judge_gradients(gate, evidence.gradients))
    yield from (GateResult(gate, *found) for found in at_scale)
    if gate.measure == "flags" and gate.level.endswith(EVERY):
        yield from _judge_together(gate, evidence)
    for key in lost:
        reason = "the level was not run, and the baseline has it"
        yield GateResult(gate, None, False, reason, key.experiment, key.level)
    if not levels and not lost and not at_scale:
        ran = [f"{level.key.experiment}:{level.key.level}" for level in evidence.levels]
        ran += [f"{each['experiment']}:{level['level']}" for each in evidence.gradients for level in each["levels"]]
        ran = ran if len(ran) <= MOST_NAMED else [*ran[:MOST_NAMED], f"and {len(ran) - MOST_NAMED} more"]
        what = "no level of it was run" if gate.level.endswith(EVERY) else "the level was not run"
        levels_ = f"levels that were: {', '.join(ran)}" if ran else "no level was"
        yield GateResult(gate, None, False, f"{what} ({levels_})", None, gate.level)


def _judge_together(gate: Gate, evidence: Evidence) -> Iterator[GateResult]:
    """Judge the tests over all levels of an experiment, which are no level's own."""
    for test in evidence.tests:
        if test.key.level == EVERY and gate.speaks_of(test.key):
            value = Fraction(test.flagged)
            passed = gate.holds(value)
            yield GateResult(gate, value, passed, "" if passed else test.message, test.key.experiment, EVERY)


def _judge(gate: Gate, level: LevelScore, evidence: Evidence) -> GateResult:
    def result(value: Fraction | None, passed: bool, reason: str = "", note: str = "") -> GateResult:
        return GateResult(gate, value, passed, reason, level.key.experiment, level.key.level, note)

    tests = [test for test in evidence.tests if test.key == level.key]
    value = None if gate.against_baseline else _VALUES[gate.measure](level, tests)
    if not level.complete and gate.measure not in WHOLE:
        return result(value, False, f"incomplete: {level.submissions} of {level.expected} submissions were recorded")
    if gate.against_baseline:
        return _against_baseline(gate, level.key, evidence, result)
    if value is None:
        nothing = f"there is no {gate.measure} to judge"
        return result(None, False, _untested(level) if gate.measure == "flags" else nothing)
    if gate.measure == "accuracy" and level.facts.sequential:
        return _decided(gate, level, value, result)
    if gate.holds(value):
        return result(value, True)
    flagged = [test.message for test in tests if test.flagged] if gate.measure == "flags" else []
    return result(value, False, "; ".join([_beyond(gate, value), *flagged]))


def _decided(gate: Gate, level: LevelScore, value: Fraction, result: Callable[..., GateResult]) -> GateResult:
    """Judge a level that was submitted until its gates were decided, by the test that decided them."""
    assert gate.limit is not None
    test = Sprt(gate.limit)
    rounds = 0
    for _, each in groupby(sorted(level.recorded, key=lambda each: each.iteration), lambda each: each.iteration):
        rounds += 1
        test.add([as_fraction(submission.score) for submission in each])
        if test.decision is not None:
            break
    if test.decision is None:
        return result(value, False, f"not decided after {rounds} rounds: {float(value):.4f} is too close to the limit")
    note = f"decided after {rounds} rounds"
    if test.decision == "pass":
        return result(value, True, note=note)
    return result(value, False, f"{float(value):.4f} is below {float(gate.limit):g}, {note}", note)


def _against_baseline(gate: Gate, key: LevelKey, evidence: Evidence, result: Callable[..., GateResult]) -> GateResult:
    if evidence.comparison is None:
        return result(None, False, "no baseline was given (--compat-baseline, or --baseline of a command)")
    found = next((each for each in evidence.comparison.levels if each.key == key), None)
    if found is None:
        reason = "the baseline does not have this level; write it anew, or allow new levels (--compat-allow-new)"
        return result(None, evidence.allow_new, "" if evidence.allow_new else reason, "new")
    if found.changed:
        return result(None, False, found.changed)
    if gate.measure == "flipped":
        passed = gate.holds(Fraction(found.worse))
        return result(Fraction(found.worse), passed, "" if passed else _flipped(found))
    drop = found.drop
    if drop is None:
        return result(None, False, "there is no accuracy to compare")
    note = f"p = {found.adjusted:.3g}" if found.adjusted is not None else ""
    # What was not drawn owes nothing to chance: exact figures that fell have fallen.
    chance = drop <= 0 or (found.sampled and found.adjusted is not None and found.adjusted >= CHANCE)
    if chance if gate.limit is None else gate.holds(drop):
        return result(drop, True, note=note)
    limit = f"{float(gate.limit or 0):g}"
    if gate.limit is None and found.sampled:
        limit = "chance explains"
    cost = f"accuracy fell by {float(drop):.4f}, more than {limit}" + (f" ({note})" if note else "")
    return result(drop, False, f"{found.worse} flipped for the worse; {cost}" if found.worse else cost, note)


def _flipped(level: LevelComparison) -> str:
    """Say how many decisions flipped for the worse, and name the first."""
    first = level.flips[0]
    how = "is a candidate now" if first.now else "is no candidate any more"
    more = f", and {level.worse - 1} more" if level.worse > 1 else ""
    cluster = f"{first.cluster} (score {float(first.score):g})"
    return f"{level.worse} flipped for the worse: {cluster} {how} for {first.job}{more}"


def _beyond(gate: Gate, value: Fraction) -> str:
    assert gate.limit is not None
    found = f"{float(value):.4f}" if value.denominator > 1 else str(value)
    return f"{found} is {'below' if gate.sign == '>=' else 'above'} {float(gate.limit):g}"


def _share(outcome: str) -> Value:
    def share(level: LevelScore, _: Sequence[Test]) -> Fraction | None:
        return Fraction(level.outcomes[outcome], level.submissions) if level.submissions else None

    return share


_VALUES: Mapping[str, Value] = {
    "accuracy": lambda level, _: level.judged,
    "assigned_accuracy": lambda level, _: level.assigned_accuracy,
    "exact": lambda level, _: level.exact.accuracy if level.exact else None,
    "unmatched": lambda level, _: level.exact.unmatched if level.exact else None,
    "incorrect": _share("incorrect"),
    "missed": _share("missed"),
    "errors": lambda level, _: Fraction(level.failed),
    "disagreements": lambda level, _: Fraction(level.facts.differing),
    "flags": lambda _, tests: Fraction(sum(test.flagged for test in tests)) if tests else None,
}


def _untested(level: LevelScore) -> str:
    if level.facts.sequential:
        return "not tested: it was sampled until its gates on accuracy were decided, which no test allows for"
    return "not tested: it has errors" if level.failed else "not tested: nothing was sampled"
