"""Gates: what a level has to reach."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from pytest_compat.errors import DeclarationError
from pytest_compat.judge.score import LevelScore

_RATE = re.compile(r"[0-9]{1,20}(\.[0-9]{0,20})?|\.[0-9]{1,20}")


@dataclass(frozen=True)
class Gate:
    """An accuracy that a level has to reach.

    Args:
        level: The level as people named it, perhaps behind its experiment: `[EXPERIMENT:]LEVEL`.
        limit: 0 to 1.
        rule: The text it was given as.
    """

    level: str
    limit: Fraction
    rule: str


@dataclass(frozen=True)
class GateResult:
    """A gate, judged.

    Args:
        gate: The gate.
        value: The accuracy found; None when there was none to judge.
        passed: Whether it reached the limit.
        reason: Why not, empty when it did.
        experiment: The experiment judged; None when there was none.
        level: The level judged.
    """

    gate: Gate
    value: Fraction | None
    passed: bool
    reason: str
    experiment: str | None
    level: str


def parse_gate(text: str) -> Gate:
    """Read `[EXPERIMENT:]LEVEL:RATE`.

    Raises:
        DeclarationError: It is not that, or the rate is no number from 0 to 1.
    """
    *names, rate = (part.strip() for part in text.split(":"))
    if not len(names) >= 1 or not all(names):
        raise DeclarationError(f"found {text!r}, expected [EXPERIMENT:]LEVEL:RATE, such as io.archspec+os:0.2")
    if not _RATE.fullmatch(rate) or Fraction(rate) > 1:
        raise DeclarationError(f"found the rate {rate!r} in {text!r}, expected a number from 0 to 1")
    return Gate(":".join(names), Fraction(rate), text)


def judge_gates(gates: Iterable[Gate], levels: Sequence[LevelScore]) -> list[GateResult]:
    """Judge every gate against every level it speaks of; a gate that finds none has failed.

    A gate fails also when part of its level is missing: a rate over some of the submissions is not the level's.
    """
    results = []
    for gate in gates:
        meant = [level for level in levels if _speaks_of(gate, level)]
        results += [_judge(gate, level) for level in meant]
        if not meant:
            ran = ", ".join(f"{level.key.experiment}:{level.key.level}" for level in levels) or "none"
            results.append(
                GateResult(gate, None, False, f"the level was not run (levels that were: {ran})", None, gate.level)
            )
    return results


def _speaks_of(gate: Gate, level: LevelScore) -> bool:
    """Tell whether a gate names this level, with or without its experiment, its subsystems in any order."""
    subsystems = sorted(level.key.level.split("+"))
    # Both readings: an experiment may be called what a subsystem is, as in `os:os.vendor:0.5`.
    names = {gate.level, gate.level.removeprefix(f"{level.key.experiment}:")}
    return any(sorted(name.split("+")) == subsystems for name in names)


def _judge(gate: Gate, level: LevelScore) -> GateResult:
    value = level.judged
    if not level.complete:
        reason = f"incomplete: {level.submissions} of {level.expected} submissions were recorded"
        passed = False
    elif value is None:
        reason, passed = "there is no accuracy to judge", False
    else:
        passed = value >= gate.limit
        reason = "" if passed else f"{float(value):.4f} is below {float(gate.limit):g}"
    return GateResult(gate, value, passed, reason, level.key.experiment, level.key.level)
