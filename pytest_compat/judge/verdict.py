"""The verdict of a session: worked out once; exit status, terminal and reports all say the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_compat.judge.compare import Baseline, Comparison, compare
from pytest_compat.judge.flags import Test, run_tests
from pytest_compat.judge.gate import EVERY, Gate, error_budget, parse_gate
from pytest_compat.judge.gradient import compare_gradients
from pytest_compat.judge.judging import Evidence, GateResult, judge_gates
from pytest_compat.judge.score import LevelScore
from pytest_compat.records import LevelKey

BASELINE_GATES = ("flipped<=0", "drop<=chance")
"""What a baseline asks of a level when no gate says what to ask of it."""


@dataclass(frozen=True)
class Verdict:
    """What came of a session.

    Args:
        passed: Whether everything held.
        levels: The figures of every level.
        tests: The tests of the levels.
        gates: Every gate, judged.
        problems: Why it failed, one line each; empty when it passed.
        comparison: The run compared with its baseline; None without one.
        gradients: The figures of experiments at scale.
    """

    passed: bool
    levels: tuple[LevelScore, ...]
    tests: tuple[Test, ...]
    gates: tuple[GateResult, ...]
    problems: tuple[str, ...]
    comparison: Comparison | None = None
    gradients: tuple[Mapping[str, Any], ...] = ()


def reach_verdict(
    levels: Sequence[LevelScore],
    gates: Iterable[Gate],
    problems: Iterable[str] = (),
    *,
    baseline: Baseline | None = None,
    allow_new: bool = False,
    gradients: Sequence[Mapping[str, Any]] = (),
) -> Verdict:
    """Judge a session.

    Args:
        levels: The figures of every level that was recorded.
        gates: What they have to come to.
        problems: What else went wrong: failed cases, dead workers, records that contradict one another.
        baseline: An earlier run to compare with.
        allow_new: Whether a level that the baseline does not have passes.
        gradients: The figures of experiments at scale.

    Raises:
        RecordError: The baseline cannot be compared.
    """
    asked = {gate.rule: gate for gate in gates}
    tests = run_tests(levels)
    comparison = None if baseline is None else compare(baseline, levels)
    if comparison is not None:
        keys = [*(level.key for level in levels), *comparison.missing]
        asked.update((gate.rule, gate) for gate in _for_the_baseline(asked.values(), keys))
    results = judge_gates(asked.values(), Evidence(levels, tests, comparison, allow_new=allow_new, gradients=gradients))
    if baseline is not None:
        results += [
            GateResult(parse_gate(f"{experiment}:*:drop<=0"), value, passed, reason, experiment, EVERY)
            for experiment, value, passed, reason in compare_gradients(
                baseline.gradients, gradients, allow_new=allow_new
            )
        ]
    found = list(problems)
    if not levels and not gradients and not found:
        found.append("no compatibility case was recorded")
    for level in levels:
        if not error_budget(asked.values(), level.key):
            found += _errors(level)
    found += _failing(results)
    return Verdict(not found, tuple(levels), tests, tuple(results), tuple(found), comparison, tuple(gradients))


def _for_the_baseline(gates: Collection[Gate], keys: Sequence[LevelKey]) -> list[Gate]:
    """Return BASELINE_GATES for the levels that no gate compares with the baseline."""
    if not keys:
        return []
    silent = [key for key in keys if not any(gate.against_baseline and gate.speaks_of(key) for gate in gates)]
    levels = [EVERY] if len(silent) == len(keys) else [f"{key.experiment}:{key.level}" for key in silent]
    return [parse_gate(f"{level}:{condition}") for level in levels for condition in BASELINE_GATES]


def _failing(results: Sequence[GateResult]) -> Iterator[str]:
    """Yield the gates that do not hold, a line per rule and reason; with the levels where the rule names none."""
    levels: dict[tuple[str, str], list[str]] = {}
    for result in results:
        if not result.passed:
            named = result.gate.level.endswith(EVERY) and result.experiment is not None
            where = "all levels" if result.level == EVERY else result.level
            levels.setdefault((result.gate.rule, result.reason), []).extend(
                [f"{result.experiment}:{where}"] if named else []
            )
    for (rule, reason), names in levels.items():
        yield f"gate {rule} at {', '.join(names)}: {reason}" if names else f"gate {rule}: {reason}"


def _errors(level: LevelScore) -> Iterator[str]:
    where = f"{level.key.experiment}, level {level.key.level}"
    if count := level.outcomes["error"]:
        yield f"{where}: {count} of {level.submissions} submissions are errors"
    if failed := sum(each.clusters is None for each in level.facts.candidates):
        yield f"{where}: the scheduler failed to name the candidates of {failed} jobs"
    if level.facts.failures:
        yield f"{where}: {len(level.facts.failures)} clusters could not receive their jobs"
