"""Gates at the levels of experiments at scale, whose submissions are counted and not listed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from pytest_compat.judge.gate import Gate
from pytest_compat.records import LevelKey

Gradient = Mapping[str, Any]

MEASURES: Mapping[str, Callable[[Gradient, Mapping[str, Any]], Fraction | None]] = {
    "accuracy": lambda gradient, level: Fraction(level["succeeded"], gradient["jobs"]),
    "assigned_accuracy": lambda _, level: Fraction(level["succeeded"], level["matched"]) if level["matched"] else None,
    "exact": lambda gradient, level: Fraction(level["expected"][gradient["sources"][0]]),
    "unmatched": lambda gradient, level: 1 - Fraction(level["matched"], gradient["jobs"]),
}
"""What measures come to: shares of the jobs that succeed, are expected to, or have no candidates."""


def judge_gradients(gate: Gate, gradients: Iterable[Gradient]) -> Iterator[tuple[Fraction | None, bool, str, str, str]]:
    """Yield a gate, judged at every level it speaks of: value, whether it holds, why not, experiment and level."""
    for gradient in gradients:
        for level in gradient["levels"]:
            key = LevelKey(gradient["experiment"], gradient["way"], level["level"])
            if not gate.speaks_of(key):
                continue
            measured = MEASURES.get(gate.measure)
            value = measured(gradient, level) if measured else None
            if value is None:
                yield None, False, f"there is no {gate.measure} to judge at scale", key.experiment, key.level
            elif gate.holds(value):
                yield value, True, "", key.experiment, key.level
            else:
                side = "below" if gate.sign == ">=" else "above"
                reason = f"{float(value):.4f} is {side} {float(gate.limit or 0):g}"
                yield value, False, reason, key.experiment, key.level
