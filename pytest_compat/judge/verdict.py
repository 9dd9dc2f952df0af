"""The verdict of a session: worked out once; exit status, terminal and report all say the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pytest_compat.judge.gate import Gate, GateResult, judge_gates
from pytest_compat.judge.score import LevelScore


@dataclass(frozen=True)
class Verdict:
    """What came of a session.

    Args:
        passed: Whether everything held.
        levels: The figures of every level.
        gates: Every gate, judged.
        problems: Why it failed, one line each; empty when it passed.
    """

    passed: bool
    levels: tuple[LevelScore, ...]
    gates: tuple[GateResult, ...]
    problems: tuple[str, ...]


def reach_verdict(levels: Sequence[LevelScore], gates: Iterable[Gate], problems: Iterable[str] = ()) -> Verdict:
    """Judge a session.

    Args:
        levels: The figures of every level that was recorded.
        gates: What they have to reach.
        problems: What else went wrong: failed cases, dead workers, records that contradict one another.
    """
    results = judge_gates(gates, levels)
    found = list(problems)
    if not levels and not found:
        found.append("no compatibility case was recorded")
    for level in levels:
        where = f"{level.key.experiment}, level {level.key.level}"
        if count := level.outcomes["error"]:
            found.append(f"{where}: {count} of {level.submissions} submissions are errors")
        if any(each.clusters is None for each in level.facts.candidates):
            failed = sum(each.clusters is None for each in level.facts.candidates)
            found.append(f"{where}: the scheduler failed to name the candidates of {failed} jobs")
        if level.facts.failures:
            found.append(f"{where}: {len(level.facts.failures)} clusters could not receive their jobs")
    found += [f"gate {result.gate.rule}: {result.reason}" for result in results if not result.passed]
    return Verdict(not found, tuple(levels), tuple(results), tuple(found))
