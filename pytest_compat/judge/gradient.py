"""Gates at the levels of experiments at scale, whose submissions are counted and not listed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from pytest_compat.judge.gate import EVERY, Gate
from pytest_compat.records import LevelKey

Gradient = Mapping[str, Any]

ROUNDING = Fraction(1, 10**9)
"""What sums of floats may differ by between releases of numpy."""

MEASURES: Mapping[str, Callable[[Gradient, Mapping[str, Any]], Fraction | None]] = {
    "accuracy": lambda gradient, level: Fraction(level["succeeded"], gradient["jobs"]),
    "assigned_accuracy": lambda _, level: Fraction(level["succeeded"], level["matched"]) if level["matched"] else None,
    "exact": lambda gradient, level: Fraction(level["expected"][gradient["sources"][0]]),
    "unmatched": lambda gradient, level: 1 - Fraction(level["matched"], gradient["jobs"]),
}
"""What measures come to: shares of the jobs that succeed, are expected to, or have no candidates."""


def judge_gradients(gate: Gate, gradients: Iterable[Gradient]) -> Iterator[tuple[Fraction | None, bool, str, str, str]]:
    """Yield a gate, judged at every level it speaks of: value, whether it holds, why not, experiment and level.

    Levels without such a measure are passed over by a gate on all levels, and fail one that names them.
    """
    for gradient in gradients:
        for level in gradient["levels"]:
            key = LevelKey(gradient["experiment"], gradient["way"], level["level"])
            if not gate.speaks_of(key):
                continue
            measured = MEASURES.get(gate.measure)
            value = measured(gradient, level) if measured else None
            if value is None and gate.level.endswith(EVERY):
                continue  # it asks of levels that have this measure, and others may
            if value is None:
                yield None, False, f"there is no {gate.measure} to judge at scale", key.experiment, key.level
            elif gate.holds(value):
                yield value, True, "", key.experiment, key.level
            else:
                side = "below" if gate.sign == ">=" else "above"
                reason = f"{float(value):.4f} is {side} {float(gate.limit or 0):g}"
                yield value, False, reason, key.experiment, key.level


def compare_gradients(
    before: Iterable[Gradient], after: Iterable[Gradient], *, allow_new: bool = False
) -> Iterator[tuple[str, Fraction | None, bool, str]]:
    """Compare experiments at scale with an earlier run of them.

    Expectations owe nothing to chance, so that one which fell at any level has fallen.

    Yields:
        Experiment, the largest fall of the expected success at any level, whether it is none, and why not.
    """
    known = {(each["experiment"], each["scale"]): each for each in before}
    for gradient in after:
        name = gradient["experiment"]
        old = known.pop((name, gradient["scale"]), None)
        if old is None:
            yield name, None, allow_new, "" if allow_new else "the baseline does not have this experiment at this scale"
            continue
        differing = [what for what in ("version", "sources", "clusters", "jobs") if old[what] != gradient[what]]
        if differing:
            yield name, None, False, f"{', '.join(differing)} differ from the baseline, so make that anew"
            continue
        source = gradient["sources"][0]
        levels = {level["level"]: level["expected"][source] for level in old["levels"]}
        fell = {
            level["level"]: Fraction(levels[level["level"]]) - Fraction(level["expected"][source])
            for level in gradient["levels"]
            if level["level"] in levels
        }
        worst = max(fell, key=fell.__getitem__)
        passed = fell[worst] <= ROUNDING and len(fell) == len(levels)
        reason = f"expected success fell by {float(fell[worst]):.4g} at {worst}"
        yield name, fell[worst], passed, "" if passed else reason
    for name, scale in known:
        yield name, None, False, f"the baseline has it at {scale} scale, and it was not run"
